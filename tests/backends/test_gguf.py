"""A checkpoint as a GGUF file: written by us, judged by the readers of others."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from byzer_nb.backends.byzer_tiny import WEIGHTS
from byzer_nb.backends.checkpoint import Checkpoint
from byzer_nb.backends.gguf import write_gguf
from byzer_nb.errors import UnsupportedError


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> gguf.GGUFReader:
    """byzer-tiny as a file, opened by the reader of llama.cpp's own authors."""
    return gguf.GGUFReader(write_gguf(Checkpoint(WEIGHTS), tmp_path_factory.mktemp("gguf") / "byzer-tiny.gguf"))


def setting(reader: gguf.GGUFReader, name: str) -> object:
    """One of the settings in the file."""
    field = reader.get_field(name)
    assert field is not None
    return field.contents()


def test_it_says_what_the_config_says(reader: gguf.GGUFReader) -> None:
    config = Checkpoint(WEIGHTS).config
    assert setting(reader, "general.architecture") == "llama"
    assert setting(reader, "llama.block_count") == config["num_hidden_layers"]
    assert setting(reader, "llama.context_length") == config["max_position_embeddings"]
    assert setting(reader, "llama.attention.head_count") == config["num_attention_heads"]
    assert setting(reader, "llama.attention.layer_norm_rms_epsilon") == pytest.approx(config["rms_norm_eps"])


def test_it_carries_the_tokenizer_and_the_chat_template(reader: gguf.GGUFReader) -> None:
    rules = json.loads((WEIGHTS / "tokenizer.json").read_text(encoding="utf-8"))
    tokens, kinds = setting(reader, "tokenizer.ggml.tokens"), setting(reader, "tokenizer.ggml.token_type")
    assert isinstance(tokens, list)
    assert isinstance(kinds, list)
    assert {token: number for number, token in enumerate(tokens)} == rules["model"]["vocab"]
    assert [tokens[number] for number, kind in enumerate(kinds) if kind == gguf.TokenType.CONTROL] == [
        added["content"] for added in rules["added_tokens"]
    ]
    assert tokens[setting(reader, "tokenizer.ggml.eos_token_id")] == "<|end|>"  # type: ignore[index]  # a number
    assert setting(reader, "tokenizer.chat_template") == (WEIGHTS / "chat_template.jinja").read_text(encoding="utf-8")


def test_the_weights_are_the_same_numbers(reader: gguf.GGUFReader) -> None:
    stored = Checkpoint(WEIGHTS).tensors()
    read = {tensor.name: tensor for tensor in reader.tensors}
    assert len(read) == len(stored)
    for name, other in (("blk.2.ffn_down.weight", "model.layers.2.mlp.down_proj.weight"),
                        ("blk.0.attn_v.weight", "model.layers.0.self_attn.v_proj.weight"),
                        ("token_embd.weight", "model.embed_tokens.weight")):  # fmt: skip
        assert read[name].tensor_type == gguf.GGMLQuantizationType.F16
        np.testing.assert_allclose(read[name].data, stored[other], rtol=1e-3, atol=1e-7)
    np.testing.assert_array_equal(read["output_norm.weight"].data, stored["model.norm.weight"])


def test_rotated_rows_stand_side_by_side(reader: gguf.GGUFReader) -> None:
    rows = Checkpoint(WEIGHTS).tensors()["model.layers.0.self_attn.q_proj.weight"]
    read = {tensor.name: tensor.data for tensor in reader.tensors}["blk.0.attn_q.weight"]
    half = Checkpoint(WEIGHTS).config["head_dim"] // 2
    np.testing.assert_allclose(read[0], rows[0], rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(read[1], rows[half], rtol=1e-3, atol=1e-7)


def test_full_precision_loses_nothing(tmp_path: Path, model_folder: Callable[..., Path]) -> None:
    folder = model_folder(dtype="float32")
    reader = gguf.GGUFReader(write_gguf(Checkpoint(folder), tmp_path / "m.gguf", precision="f32"))
    read = {tensor.name: tensor.data for tensor in reader.tensors}
    np.testing.assert_array_equal(
        read["blk.1.ffn_up.weight"], Checkpoint(folder).tensors()["model.layers.1.mlp.up_proj.weight"]
    )


def test_another_kind_of_tokenizer_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(WEIGHTS, folder)
    rules = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    rules["model"]["type"] = "Unigram"
    (folder / "tokenizer.json").write_text(json.dumps(rules), encoding="utf-8")
    with pytest.raises(UnsupportedError, match="not a byte-level BPE"):
        write_gguf(Checkpoint(folder), tmp_path / "m.gguf")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_unknown_tensor_is_named(tmp_path: Path, model_folder: Callable[..., Path]) -> None:
    folder = model_folder(dtype="float32")
    tensors = load_file(folder / "model.safetensors")
    save_file(tensors | {"model.layers.0.self_attn.q_proj.bias": np.zeros(64)}, folder / "model.safetensors")
    with pytest.raises(UnsupportedError, match=r"no name for the tensor 'model\.layers\.0\.self_attn\.q_proj\.bias'"):
        write_gguf(Checkpoint(folder), tmp_path / "m.gguf")


def convert(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, as somebody types it."""
    command = [sys.executable, "-m", "byzer_nb.backends.gguf", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_command_converts_the_model_in_the_box(tmp_path: Path) -> None:
    done = convert("byzer-tiny", str(tmp_path / "tiny.gguf"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{tmp_path / 'tiny.gguf'}: 10.")


@pytest.mark.parametrize(
    ("model", "file", "said"),
    [("/not/there", "x.gguf", "There is no model at '/not/there'"), ("byzer-tiny", "no/x.gguf", "cannot be written")],
)
def test_the_command_says_in_two_lines_what_is_wrong(tmp_path: Path, model: str, file: str, said: str) -> None:
    done = convert(model, str(tmp_path / file))
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr

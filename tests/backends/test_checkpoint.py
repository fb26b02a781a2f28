"""A folder of weights: what is read, and what is said when something is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from byzer_nb.backends.checkpoint import Checkpoint
from byzer_nb.backends.numpy_engine import NumpyEngine
from byzer_nb.errors import BadInputError, UnsupportedError
from byzer_nb.types import DeploySpec
from tests.tiny_models import write_safetensors


def deploy(folder: Path | str) -> NumpyEngine:
    return NumpyEngine.from_spec(DeploySpec(name="m", engine="numpy", model_path=str(folder)))


def test_a_folder_that_does_not_exist_is_named() -> None:
    with pytest.raises(BadInputError, match=r"/no/such/folder.*does not exist") as refused:
        deploy("/no/such/folder")
    assert "config.json" in refused.value.hint


def test_no_path_at_all_is_refused() -> None:
    with pytest.raises(BadInputError, match="needs a path"):
        deploy("")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_the_missing_file_is_named(model_folder: Callable[..., Path], name: str) -> None:
    folder = model_folder()
    (folder / name).unlink()
    with pytest.raises(BadInputError, match=f"does not look like a model: '{name}' is missing"):
        deploy(folder)


def test_a_weight_file_cut_short_is_refused_by_name(model_folder: Callable[..., Path]) -> None:
    folder = model_folder()
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(BadInputError, match=r"model\.safetensors.*cannot be read"):
        deploy(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_a_broken_file_is_refused_by_name(model_folder: Callable[..., Path], name: str) -> None:
    folder = model_folder()
    (folder / name).write_text("{", encoding="utf-8")
    with pytest.raises(BadInputError, match=name):
        deploy(folder)


def test_bfloat16_weights_are_widened_without_loss(model_folder: Callable[..., Path]) -> None:
    folder = model_folder()
    exact = np.array([[1.0, -2.5], [3.140625, 2.0**100]], dtype=np.float32)  # each fits into bfloat16
    write_safetensors(folder / "model.safetensors", {"w": exact}, dtype="bfloat16")
    widened = Checkpoint(folder).tensors()["w"]
    assert widened.dtype == np.float32
    assert widened.tolist() == exact.tolist()


def test_weights_in_several_files_are_read_by_their_index(model_folder: Callable[..., Path]) -> None:
    folder = model_folder()
    whole = Checkpoint(folder).tensors()
    names = sorted(whole)
    for part, chosen in enumerate((names[::2], names[1::2])):
        write_safetensors(folder / f"part-{part}.safetensors", {name: whole[name] for name in chosen})
    places = {name: f"part-{place % 2}.safetensors" for place, name in enumerate(names)}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}), encoding="utf-8")
    (folder / "model.safetensors").unlink()
    parts = Checkpoint(folder).tensors()
    assert sorted(parts) == names
    assert all(np.array_equal(parts[name], whole[name]) for name in names)


def test_a_missing_tensor_is_named(model_folder: Callable[..., Path]) -> None:
    folder = model_folder()
    tensors = Checkpoint(folder).tensors()
    del tensors["model.norm.weight"]
    write_safetensors(folder / "model.safetensors", tensors)
    with pytest.raises(BadInputError, match=r"model\.norm\.weight"):
        deploy(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_type": "qwen2"}, "'qwen2'"),
        ({"rope_parameters": {"rope_type": "llama3", "rope_theta": 1e4}}, "'llama3'"),
        ({"hidden_act": "gelu"}, "'gelu'"),
    ],
)
def test_a_model_that_needs_other_arithmetic_is_sent_to_transformers(
    model_folder: Callable[..., Path], change: dict[str, object], said: str
) -> None:
    folder = model_folder()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change), encoding="utf-8")
    with pytest.raises(UnsupportedError, match=said) as refused:
        deploy(folder)
    assert "transformers" in refused.value.hint


def test_a_configuration_without_its_numbers_is_refused(model_folder: Callable[..., Path]) -> None:
    folder = model_folder()
    (folder / "config.json").write_text('{"model_type": "llama"}', encoding="utf-8")
    with pytest.raises(BadInputError, match="lacks 'num_attention_heads'"):
        deploy(folder)


def test_tensors_that_nobody_knows_are_refused(model_folder: Callable[..., Path]) -> None:
    folder = model_folder()
    tensors = Checkpoint(folder).tensors()
    tensors["model.layers.0.self_attn.q_proj.bias"] = np.zeros(64, dtype=np.float32)
    write_safetensors(folder / "model.safetensors", tensors)
    with pytest.raises(UnsupportedError, match=r"q_proj\.bias"):
        deploy(folder)

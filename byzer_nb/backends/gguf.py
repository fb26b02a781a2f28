"""A Llama's folder as one GGUF file, which llama.cpp reads: `python -m byzer_nb.backends.gguf byzer-tiny FILE`.

The file: a header, settings by name, the names, shapes and places of the tensors, and then their numbers. Everything
is little-endian; https://github.com/ggml-org/ggml/blob/master/docs/gguf.md has the whole description.
"""

from __future__ import annotations

import argparse
import json
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from byzer_nb.backends.byzer_tiny import WEIGHTS
from byzer_nb.backends.checkpoint import Checkpoint, Tensor
from byzer_nb.backends.numpy_llama import LlamaShape
from byzer_nb.errors import ByzerError, UnsupportedError

Precision = Literal["f32", "f16"]

VERSION = 3
ALIGNMENT = 32
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9  # kinds of values in the settings
NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5  # kinds of tokens
STORED = {"f32": (0, "<f4"), "f16": (1, "<f2")}  # a kind of tensor, and how numpy calls it
NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
NAMES_IN_LAYER = {
    "input_layernorm.weight": "attn_norm.weight",
    "self_attn.q_proj.weight": "attn_q.weight",
    "self_attn.k_proj.weight": "attn_k.weight",
    "self_attn.v_proj.weight": "attn_v.weight",
    "self_attn.o_proj.weight": "attn_output.weight",
    "post_attention_layernorm.weight": "ffn_norm.weight",
    "mlp.gate_proj.weight": "ffn_gate.weight",
    "mlp.up_proj.weight": "ffn_up.weight",
    "mlp.down_proj.weight": "ffn_down.weight",
}
IN_LAYER = re.compile(r"model\.layers\.(\d+)\.(.+)")


def write_gguf(checkpoint: Checkpoint, path: Path, *, precision: Precision = "f16") -> Path:
    """Write the checkpoint as one GGUF file with its tokenizer and chat template; the path again."""
    shape = LlamaShape.from_config(checkpoint.config)
    settings = _settings(checkpoint, shape, precision)
    tensors = list(_tensors(checkpoint, shape, precision))
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", VERSION, len(tensors), len(settings)))
        for name, (kind, value) in settings.items():
            file.write(_text(name) + struct.pack("<I", kind) + _value(kind, value))
        offset = 0
        for name, kind, numbers in tensors:
            sizes = numbers.shape[::-1]  # the fastest running one first
            file.write(_text(name) + struct.pack(f"<I{len(sizes)}QIQ", len(sizes), *sizes, kind, offset))
            offset += _aligned(numbers.nbytes)
        file.write(bytes(_aligned(file.tell()) - file.tell()))
        for _, _, numbers in tensors:
            file.write(numbers.tobytes() + bytes(_aligned(numbers.nbytes) - numbers.nbytes))
    part.replace(path)  # whoever looks for the file finds it whole or not at all
    return path


def _settings(checkpoint: Checkpoint, shape: LlamaShape, precision: Precision) -> dict[str, tuple[int, Any]]:
    """What the file says of the model and its tokenizer: a kind and a value for each name."""
    config = checkpoint.config
    tokens, kinds, merges = _vocabulary(checkpoint, int(config["vocab_size"]))
    settings: dict[str, tuple[int, Any]] = {
        "general.architecture": (STRING, "llama"),
        "general.name": (STRING, checkpoint.name),
        "general.alignment": (UINT32, ALIGNMENT),
        "general.file_type": (UINT32, STORED[precision][0]),
        "llama.block_count": (UINT32, shape.layers),
        "llama.context_length": (UINT32, shape.context_length),
        "llama.embedding_length": (UINT32, config["hidden_size"]),
        "llama.feed_forward_length": (UINT32, config["intermediate_size"]),
        "llama.attention.head_count": (UINT32, shape.heads),
        "llama.attention.head_count_kv": (UINT32, shape.kv_heads),
        "llama.attention.key_length": (UINT32, shape.head_size),
        "llama.attention.value_length": (UINT32, shape.head_size),
        "llama.attention.layer_norm_rms_epsilon": (FLOAT32, shape.norm_epsilon),
        "llama.rope.dimension_count": (UINT32, shape.head_size),
        "llama.rope.freq_base": (FLOAT32, shape.rope_theta),
        "llama.vocab_size": (UINT32, len(tokens)),
        "tokenizer.ggml.model": (STRING, "gpt2"),
        "tokenizer.ggml.pre": (STRING, "gpt-2"),
        "tokenizer.ggml.tokens": (ARRAY, (STRING, tokens)),
        "tokenizer.ggml.token_type": (ARRAY, (INT32, kinds)),
        "tokenizer.ggml.merges": (ARRAY, (STRING, merges)),
        "tokenizer.ggml.add_bos_token": (BOOL, False),
        "tokenizer.ggml.add_eos_token": (BOOL, False),
    }
    special = checkpoint.special_tokens()
    for name, key in (("bos_token", "bos"), ("eos_token", "eos"), ("unk_token", "unknown"), ("pad_token", "padding")):
        if special.get(name) in tokens:
            settings[f"tokenizer.ggml.{key}_token_id"] = (UINT32, tokens.index(special[name]))
    template = checkpoint.chat_template()
    if template:
        settings["tokenizer.chat_template"] = (STRING, template)
    return settings


def _vocabulary(checkpoint: Checkpoint, size: int) -> tuple[list[str], list[int], list[str]]:
    """The tokens by number, what kind each is, and the merges in their order."""
    rules = json.loads(checkpoint.file("tokenizer.json").read_text(encoding="utf-8"))
    model = rules["model"]
    if model.get("type") != "BPE" or (rules.get("decoder") or {}).get("type") != "ByteLevel":
        raise UnsupportedError(
            f"The tokenizer of {checkpoint.name!r} is not a byte-level BPE, and no other kind is written here.",
            hint="llama.cpp brings a converter for other tokenizers.",
        )
    tokens, kinds = [f"[unused {number}]" for number in range(size)], [UNUSED] * size
    for token, number in model["vocab"].items():
        tokens[number], kinds[number] = token, NORMAL
    for added in rules["added_tokens"]:
        tokens[added["id"]] = added["content"]
        kinds[added["id"]] = CONTROL if added["special"] else USER_DEFINED
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    return tokens, kinds, merges


def _tensors(
    checkpoint: Checkpoint, shape: LlamaShape, precision: Precision
) -> Iterator[tuple[str, int, npt.NDArray[Any]]]:
    """The tensors under llama.cpp's names, with their kind; vectors stay exact, for they weigh nothing."""
    for name, tensor in _told_apart(checkpoint.tensors(), shape).items():
        kind, stored = STORED["f32" if tensor.ndim == 1 else precision]
        yield name, kind, np.ascontiguousarray(tensor, dtype=stored)


def _told_apart(tensors: Mapping[str, Tensor], shape: LlamaShape) -> dict[str, Tensor]:
    renamed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name == "lm_head.weight" and shape.has_tied_head:
            continue
        if found := IN_LAYER.fullmatch(name):
            number, inner = found.groups()
            if inner not in NAMES_IN_LAYER:
                raise UnsupportedError(f"GGUF has no name for the tensor {name!r} of a Llama.")
            heads = {"self_attn.q_proj.weight": shape.heads, "self_attn.k_proj.weight": shape.kv_heads}.get(inner)
            renamed[f"blk.{number}.{NAMES_IN_LAYER[inner]}"] = _interleaved(tensor, heads) if heads else tensor
        elif name in NAMES:
            renamed[NAMES[name]] = tensor
        else:
            raise UnsupportedError(f"GGUF has no name for the tensor {name!r} of a Llama.")
    return renamed


def _interleaved(rows: Tensor, heads: int) -> Tensor:
    """llama.cpp turns neighbouring numbers of a head together; Hugging Face one of each half."""
    return rows.reshape(heads, 2, -1, rows.shape[-1]).swapaxes(1, 2).reshape(rows.shape)


def _value(kind: int, value: Any) -> bytes:  # Any: what the kind says
    if kind == STRING:
        return _text(value)
    if kind == ARRAY:
        inner, values = value
        return struct.pack("<IQ", inner, len(values)) + b"".join(_value(inner, each) for each in values)
    return struct.pack({UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}[kind], value)


def _text(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def main() -> None:
    """Convert the folder or the bundled model named on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m byzer_nb.backends.gguf",
        description="Write a Llama's folder as one GGUF file for llama.cpp.",
        epilog="Example: python -m byzer_nb.backends.gguf byzer-tiny byzer-tiny-f16.gguf",
    )
    parser.add_argument("model", help="A folder with config.json, safetensors and tokenizer.json, or: byzer-tiny")
    parser.add_argument("file", type=Path, help="The file to write.")
    parser.add_argument("--precision", choices=list(STORED), default="f16", help="How matrices are stored.")
    args = parser.parse_args()
    try:
        written = write_gguf(
            Checkpoint(WEIGHTS if args.model == "byzer-tiny" else args.model), args.file, precision=args.precision
        )
    except ByzerError as refused:
        parser.exit(2, f"{refused}\n{refused.hint}\n")
    except OSError as refused:
        parser.exit(2, f"{str(args.file)!r} cannot be written: {refused.strerror}\n")
    print(f"{written}: {written.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

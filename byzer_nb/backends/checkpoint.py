"""A model's folder as Hugging Face lays it out, read without torch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from byzer_nb.errors import BadInputError, MissingModelError, UnsupportedError

Tensor = npt.NDArray[np.float32]

_NUMPY_KINDS = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
_SPECIAL_TOKENS = ("bos_token", "eos_token", "unk_token", "pad_token")


class Checkpoint:
    """The configuration, weights, tokenizer settings and chat template of one folder, each read when asked for."""

    def __init__(self, model_path: str | Path) -> None:
        self.folder = Path(model_path).expanduser()
        if not str(model_path):
            raise BadInputError("This model needs a path.", hint="Write: load(name, engine, path='/the/folder')")
        if not self.folder.is_dir():
            raise MissingModelError(
                f"There is no model at {str(self.folder)!r}: the folder does not exist.",
                hint="path is a folder with config.json, weights and a tokenizer.",
            )
        self.config = self._json("config.json")
        # Any: the configuration is the model's own; what is read from it is checked where it is read.
        self.generation: dict[str, Any] = self._json("generation_config.json", is_needed=False)
        self._tokenizer_config: dict[str, Any] = self._json("tokenizer_config.json", is_needed=False)

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.folder.resolve().name

    @property
    def architectures(self) -> tuple[str, ...]:
        """The names of the model's classes, as its configuration gives them."""
        return tuple(self.config.get("architectures") or ())

    @property
    def context_length(self) -> int:
        """The longest prompt and answer together, in tokens; 0 when the configuration does not say."""
        text_config = self.config.get("text_config") or {}  # models that also see keep it one level down
        return int(self.config.get("max_position_embeddings") or text_config.get("max_position_embeddings") or 0)

    def file(self, name: str) -> Path:
        """A file that must be there."""
        path = self.folder / name
        if not path.is_file():
            raise MissingModelError(
                f"{str(self.folder)!r} does not look like a model: {name!r} is missing.",
                hint="path is a folder with config.json, weights and a tokenizer.",
            )
        return path

    def special_tokens(self) -> dict[str, str]:
        """The texts of the special tokens by name, as chat templates use them."""
        found = {name: self._tokenizer_config.get(name) for name in _SPECIAL_TOKENS}
        return {
            name: token["content"] if isinstance(token, dict) else str(token) for name, token in found.items() if token
        }

    def end_ids(self) -> frozenset[int]:
        """The tokens with which the model ends an answer."""
        ids: set[int] = set()
        for source in (self.config, self.generation):
            value = source.get("eos_token_id")
            ids.update(value if isinstance(value, list) else [] if value is None else [value])
        return frozenset(ids)

    def chat_template(self) -> str | None:
        """The source of the chat template, if the model has one."""
        return self._template("default", self.folder / "chat_template.jinja")

    def tool_template(self) -> str | None:
        """The source of another chat template for talks with tools, if the model has one."""
        return self._template("tool_use", self.folder / "additional_chat_templates" / "tool_use.jinja")

    def _template(self, name: str, path: Path) -> str | None:
        if path.is_file():
            return path.read_text(encoding="utf-8")
        template = self._tokenizer_config.get("chat_template")
        if isinstance(template, list):  # several by name
            return next((entry["template"] for entry in template if entry["name"] == name), None)
        return template if name == "default" else None

    def tensors(self) -> dict[str, Tensor]:
        """Every weight by name, widened to float32."""
        return {name: tensor for path in self._weight_files() for name, tensor in _read(path)}

    def _weight_files(self) -> list[Path]:
        index = self._json("model.safetensors.index.json", is_needed=False)
        if index:
            return [self.file(name) for name in sorted(set(index["weight_map"].values()))]
        return [self.file("model.safetensors")]

    def _json(self, name: str, *, is_needed: bool = True) -> dict[str, Any]:
        if not is_needed and not (self.folder / name).is_file():
            return {}
        path = self.file(name)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as broken:
            raise BadInputError(f"{str(path)!r} is not valid JSON: {broken}") from broken
        if not isinstance(content, dict):
            raise BadInputError(f"{str(path)!r} must hold a JSON object.")
        return content


def _read(path: Path) -> Iterator[tuple[str, Tensor]]:
    from safetensors import SafetensorError, deserialize

    try:
        entries = deserialize(path.read_bytes())  # type: ignore[no-untyped-call]
    except SafetensorError as broken:
        raise BadInputError(
            f"{str(path)!r} cannot be read as safetensors: {broken}",
            hint="Was the file cut short, or is it a Git LFS pointer?",
        ) from broken
    for name, entry in entries:
        yield name, _widened(entry["data"], entry["dtype"], path=path).reshape(entry["shape"])


def _widened(data: bytes, kind: str, *, path: Path) -> Tensor:
    if kind == "BF16":
        # numpy has no bfloat16; it is the upper half of a float32, so shifting it up widens it without loss.
        return (np.frombuffer(data, dtype="<u2").astype("<u4") << 16).view("<f4")
    if kind not in _NUMPY_KINDS:
        raise UnsupportedError(
            f"{str(path)!r} holds weights of the kind {kind!r}, which numpy cannot run.",
            hint="Deploy it with the 'transformers' engine.",
        )
    return np.frombuffer(data, dtype=_NUMPY_KINDS[kind]).astype(np.float32)

"""Tiny models on disk, and engines on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from byzer_nb.backends.numpy_engine import NumpyEngine
from byzer_nb.backends.transformers_engine import TransformersEngine
from byzer_nb.types import DeploySpec
from tests.tiny_models import write_tiny_llama


@pytest.fixture(scope="session")
def tiny_llama_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama with grouped attention, a tied head and weights in bfloat16."""
    return write_tiny_llama(tmp_path_factory.mktemp("models") / "tiny-llama", dtype="bfloat16")


@pytest.fixture(scope="session")
def numpy_engine(tiny_llama_dir: Path) -> NumpyEngine:
    """The tiny Llama on numpy."""
    return NumpyEngine.from_spec(DeploySpec(name="tiny", engine="numpy", model_path=str(tiny_llama_dir)))


@pytest.fixture(scope="session")
def transformers_engine(tiny_llama_dir: Path) -> TransformersEngine:
    """The tiny Llama on torch."""
    spec = DeploySpec(name="tiny", engine="transformers", model_path=str(tiny_llama_dir))
    return TransformersEngine.from_spec(spec)


@pytest.fixture
def model_folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes a tiny Llama of one's own into a new folder; takes the arguments of `write_tiny_llama`."""

    def write(**features: object) -> Path:
        return write_tiny_llama(tmp_path / "model", **features)  # type: ignore[arg-type]  # passed on as they are

    return write

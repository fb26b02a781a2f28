"""The forward pass in numpy against the one of transformers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from byzer_nb.backends.blas_threads import one_blas_thread
from byzer_nb.backends.checkpoint import Checkpoint
from byzer_nb.backends.numpy_llama import NumpyLlama

IDS = [int(number) for number in np.random.default_rng(3).integers(5, 370, 150)]

VARIANTS: list[dict[str, Any]] = [
    {"kv_heads": 4},
    {"kv_heads": 1},
    {"is_tied": False},
    {"rope_theta": 500_000.0},
    {"dtype": "bfloat16", "layers": 3},
]


def numpy_model(folder: Path) -> NumpyLlama:
    checkpoint = Checkpoint(folder)
    return NumpyLlama(checkpoint.config, checkpoint.tensors())


def logits_of_transformers(folder: Path, ids: Sequence[int]) -> npt.NDArray[np.float32]:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    with torch.inference_mode():
        logits: npt.NDArray[np.float32] = model(torch.tensor([list(ids)])).logits[0].numpy()
    return logits


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_the_logits_are_those_of_transformers(model_folder: Callable[..., Path], variant: dict[str, Any]) -> None:
    folder = model_folder(**variant)
    expected = logits_of_transformers(folder, IDS)
    text = numpy_model(folder).start()
    np.testing.assert_allclose(text.read(IDS[:100]), expected[99], atol=1e-3)
    for place in range(100, len(IDS)):
        np.testing.assert_allclose(text.read(IDS[place : place + 1]), expected[place], atol=1e-3)


def test_pieces_of_any_size_say_the_same_as_the_whole(tiny_llama_dir: Path) -> None:
    model = numpy_model(tiny_llama_dir)
    whole = model.start().read(IDS)
    for size in (1, 7, 64):
        text = model.start()
        for start in range(0, len(IDS), size):
            logits = text.read(IDS[start : start + size])
        np.testing.assert_allclose(logits, whole, atol=1e-4)


def test_the_memory_of_a_text_grows_with_it(tiny_llama_dir: Path) -> None:
    model = numpy_model(tiny_llama_dir)
    ids = (IDS * 4)[:500]
    text = model.start()
    for token in ids:
        logits = text.read([token])
    np.testing.assert_allclose(logits, model.start().read(ids), atol=1e-3)


def test_texts_do_not_know_of_each_other(tiny_llama_dir: Path) -> None:
    model = numpy_model(tiny_llama_dir)
    alone = model.start().read(IDS[:50])
    first, second = model.start(), model.start()
    for token in IDS[:49]:
        first.read([token])
        second.read([token + 1])
    np.testing.assert_allclose(first.read([IDS[49]]), alone, atol=1e-4)


def test_the_threads_of_the_matrix_library_are_given_back() -> None:
    from byzer_nb.backends.blas_threads import _openblas

    library = _openblas()
    if library is None:
        pytest.skip("this numpy does not bring OpenBLAS")
    count, set_count = library
    before = count()
    set_count(2)
    try:
        with one_blas_thread():
            assert count() == 1
            with one_blas_thread():
                assert count() == 1
            assert count() == 1
        assert count() == 2
    finally:
        set_count(before)

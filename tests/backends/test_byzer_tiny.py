"""The model in the box, on its own weights."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from byzer_nb.backends.byzer_tiny import WEIGHTS, ByzerTiny
from byzer_nb.engines import build
from byzer_nb.types import DeploySpec
from tests.backends.speaking import deltas_of, question, text_of


@pytest.fixture(scope="module")
def byzer_tiny() -> ByzerTiny:
    engine = build(DeploySpec(name="byzer-tiny", engine="byzer-tiny"))
    assert isinstance(engine, ByzerTiny)
    return engine


def test_it_needs_nothing_but_its_name(byzer_tiny: ByzerTiny) -> None:
    card = byzer_tiny.describe()
    assert (card.model, card.engine, card.is_local) == ("byzer-tiny", "byzer-tiny", True)
    assert card.context_length >= 512


def test_its_weights_are_small_enough_for_a_package() -> None:
    assert (WEIGHTS / "model.safetensors").stat().st_size <= 12 * 2**20


async def test_it_answers_in_pieces_and_stops_by_itself(byzer_tiny: ByzerTiny) -> None:
    deltas = await deltas_of(byzer_tiny, question("Repeat: blue whale"))
    assert len(deltas) > 1
    assert deltas[-1].finish_reason == "stop"
    assert deltas[-1].usage is not None


async def test_it_says_the_same_on_transformers(byzer_tiny: ByzerTiny) -> None:
    on_torch = build(DeploySpec(name="m", engine="transformers", model_path=str(WEIGHTS)))
    for prompt in ("Hello!", "Repeat: 3 apples and a fox", "Tell me a story about a robot.", "你好"):
        request = question(prompt, max_tokens=120)
        assert await text_of(byzer_tiny, request) == "".join([delta.text async for delta in on_torch.chat(request)])
    await on_torch.close()


async def test_streams_that_run_together_share_the_model_fairly(byzer_tiny: ByzerTiny) -> None:
    read = [0] * 8
    when_the_first_was_done: list[int] = []

    async def follow(place: int) -> None:
        request = question("Tell me a long story about a brave robot.", max_tokens=60)
        async for delta in byzer_tiny.chat(request):
            read[place] += bool(delta.text)
        if not when_the_first_was_done:
            when_the_first_was_done.extend(read)

    await asyncio.gather(*map(follow, range(8)))
    assert max(read) - min(when_the_first_was_done) <= 3


async def test_a_folder_may_take_the_place_of_the_bundled_weights(tiny_llama_dir: Path) -> None:
    spec = DeploySpec(name="mine", engine="byzer-tiny", model_path=str(tiny_llama_dir))
    assert build(spec).describe().model == "tiny-llama"

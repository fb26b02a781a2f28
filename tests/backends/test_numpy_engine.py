"""Llama weights on numpy, as a user deploys them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from byzer_nb.backends.numpy_engine import NumpyEngine
from byzer_nb.backends.transformers_engine import TransformersEngine
from byzer_nb.engines import build
from byzer_nb.errors import BadInputError
from byzer_nb.types import DeploySpec, Tokenizes
from tests.backends.speaking import deltas_of, question, text_of
from tests.tiny_models import CHAT_TEMPLATE

PROMPTS = ["hello", "where does the blue whale live?", "一只猫坐在窗前", "12345 " * 20]


@pytest.mark.parametrize("prompt", PROMPTS)
async def test_the_same_weights_say_the_same_as_on_transformers(
    numpy_engine: NumpyEngine, transformers_engine: TransformersEngine, prompt: str
) -> None:
    request = question(prompt, max_tokens=200, extra={"ignore_eos": True})
    on_numpy = await deltas_of(numpy_engine, request)
    on_torch = await deltas_of(transformers_engine, request)
    assert on_numpy[-1].usage is not None
    assert on_numpy[-1].usage.output_tokens == 200
    assert [delta.text for delta in on_numpy] == [delta.text for delta in on_torch]


async def test_penalties_and_seeds_mean_the_same_on_both(
    numpy_engine: NumpyEngine, transformers_engine: TransformersEngine
) -> None:
    request = question(
        max_tokens=60, temperature=0.8, top_p=0.9, top_k=40, seed=11, repetition_penalty=1.2, frequency_penalty=0.3
    )
    assert await text_of(numpy_engine, request) == await text_of(transformers_engine, request)


async def test_a_seed_repeats_an_answer_and_another_one_changes_it(numpy_engine: NumpyEngine) -> None:
    wish: dict[str, Any] = {"max_tokens": 40, "temperature": 1.0}
    first = await text_of(numpy_engine, question(**wish, seed=5))
    assert await text_of(numpy_engine, question(**wish, seed=5)) == first
    assert await text_of(numpy_engine, question(**wish, seed=6)) != first


@pytest.mark.contract("CHAT-12")
def test_the_tokens_and_the_template_can_be_seen(numpy_engine: NumpyEngine) -> None:
    assert isinstance(numpy_engine, Tokenizes)
    ids = numpy_engine.tokenize("the cat<|end|>")
    assert ids[-1] == 4, "a special token that is written out is one token"
    assert numpy_engine.tokenize("") == ()
    assert numpy_engine.apply_template(question("hi").messages) == "<|user|>hi<|end|><|assistant|>"


def test_the_card_says_what_the_model_is(numpy_engine: NumpyEngine) -> None:
    card = numpy_engine.describe()
    assert (card.model, card.engine, card.is_local) == ("tiny-llama", "numpy", True)
    assert card.context_length == 512
    assert card.architectures == ("LlamaForCausalLM",)
    able = card.capabilities
    assert able.chat
    assert able.stream
    assert able.continues
    assert able.tokenizer
    assert able.chat_template
    assert not able.images
    assert "seed" in able.options


def test_settings_may_be_text_and_shorten_the_context(tiny_llama_dir: Path) -> None:
    spec = DeploySpec(name="m", engine="numpy", model_path=str(tiny_llama_dir), settings={"max_model_len": "128"})
    assert build(spec).describe().context_length == 128


def test_a_setting_that_is_no_number_is_refused_by_name(tiny_llama_dir: Path) -> None:
    spec = DeploySpec(name="m", engine="numpy", model_path=str(tiny_llama_dir), settings={"max_model_len": "long"})
    with pytest.raises(BadInputError, match="max_model_len must be a number of at least 1, not 'long'"):
        build(spec)


def test_unknown_settings_are_named_in_one_warning(tiny_llama_dir: Path) -> None:
    spec = DeploySpec(
        name="m", engine="numpy", model_path=str(tiny_llama_dir), settings={"max_model_length": 1, "speed": 9}
    )
    with pytest.warns(UserWarning, match=r"max_model_length, speed.*Did you mean 'max_model_len'") as warned:
        build(spec)
    assert len(warned) == 1


async def test_every_end_token_of_the_configuration_ends_an_answer(model_folder: Callable[..., Path]) -> None:
    folder = model_folder(ends=("<|end|>", "<|user|>"), chat_template=CHAT_TEMPLATE)
    engine = NumpyEngine.from_spec(DeploySpec(name="m", engine="numpy", model_path=str(folder)))
    for number in range(6):
        text = await text_of(engine, question(f"number {number}", max_tokens=100))
        assert "<|" not in text
    await engine.close()


def test_the_numpy_engine_runs_where_there_is_no_torch(tiny_llama_dir: Path) -> None:
    program = f"""
import sys
sys.modules.update(torch=None, transformers=None)
import asyncio
from byzer_nb.engines import build
from byzer_nb.types import ChatOptions, ChatRequest, DeploySpec, Message
engine = build(DeploySpec(name="m", engine="numpy", model_path={str(tiny_llama_dir)!r}))
request = ChatRequest(messages=(Message(role="user", content="hi"),), options=ChatOptions(max_tokens=3))
async def main():
    print([delta.finish_reason async for delta in engine.chat(request)][-1])
    await engine.close()
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.strip() in ("length", "stop")

"""Texts that a local model goes on with as they stand, and tokens turned back into texts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tokenizers import Tokenizer as Rules
from tokenizers.processors import TemplateProcessing

from byzer_nb.backends.local_engine import LocalEngine
from byzer_nb.backends.tokenizer import opening_of
from byzer_nb.engines import build
from byzer_nb.errors import BadInputError, PromptTooLongError
from byzer_nb.types import ChatOptions, ChatRequest, DeploySpec, Engine, Message, TextPart, ToolSpec
from tests.backends.speaking import deltas_of, speaking_engine

BEGIN = "<|system|>"  # it serves as the mark that a text begins with


def raw(text: str, *, max_tokens: int = 4) -> ChatRequest:
    options = ChatOptions(max_tokens=max_tokens)
    return ChatRequest(messages=(Message(role="user", content=text),), options=options, is_raw=True)


async def tokens_read(engine: LocalEngine | Engine, text: str) -> int:
    """How many tokens the model read for a raw text."""
    usage = (await deltas_of(engine, raw(text)))[-1].usage
    assert usage is not None
    return usage.input_tokens


@pytest.fixture(params=["numpy", "transformers"])
async def marking(request: pytest.FixtureRequest, model_folder: Callable[..., Path]) -> AsyncIterator[Engine]:
    """A local engine whose tokenizer marks where a text begins and where it ends, as those of many models do."""
    folder = model_folder()
    rules = Rules.from_file(str(folder / "tokenizer.json"))
    marks = [(mark, rules.token_to_id(mark)) for mark in (BEGIN, "<|end|>")]
    rules.post_processor = TemplateProcessing(single=f"{BEGIN} $A <|end|>", special_tokens=marks)
    rules.save(str(folder / "tokenizer.json"))
    engine = build(DeploySpec(name="m", engine=request.param, model_path=str(folder)))
    yield engine
    await engine.close()


async def test_raw_text_is_read_without_a_template(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, "and sat")
    deltas = await deltas_of(engine, raw("the cat ran"))
    assert "".join(delta.text for delta in deltas) == "and sat"
    assert deltas[-1].usage is not None
    assert deltas[-1].usage.input_tokens == len(engine.tokenize("the cat ran"))
    await engine.close()


async def test_raw_text_gets_the_mark_that_the_model_knows_beginnings_by(marking: LocalEngine) -> None:
    plain = len(marking.tokenize("the cat"))
    assert await tokens_read(marking, "the cat") == plain + 1
    assert await tokens_read(marking, BEGIN + "the cat") == plain + 1, "one that is written out stands there once"
    assert await tokens_read(marking, "") == 1


async def test_turns_get_no_mark_beside_those_of_the_template(marking: LocalEngine) -> None:
    request = ChatRequest(messages=(Message(role="user", content="the cat"),), options=ChatOptions(max_tokens=4))
    usage = (await deltas_of(marking, request))[-1].usage
    assert usage is not None
    assert usage.input_tokens == len(marking.tokenize(marking.apply_template(request.messages)))


@pytest.mark.parametrize(
    ("plain", "marked", "opening"),
    [([5, 6], [5, 6], []), ([5, 6], [1, 5, 6], [1]), ([5, 6], [1, 2, 5, 6, 3], [1, 2]), ([5, 6], [7, 8], [])],
)
def test_only_what_stands_before_a_text_opens_it(plain: list[int], marked: list[int], opening: list[int]) -> None:
    assert opening_of(plain, marked) == opening


@pytest.mark.parametrize("engine", ["numpy", "transformers"])
async def test_tokens_become_the_text_with_its_special_tokens(tiny_llama_dir: Path, engine: str) -> None:
    model = build(DeploySpec(name="m", engine=engine, model_path=str(tiny_llama_dir)))
    assert isinstance(model, LocalEngine)
    for text in ("", "the cat", "<|user|>一只猫 🦊<|end|>", " two  blanks "):
        assert model.detokenize(model.tokenize(text)) == text
    with pytest.raises(BadInputError, match="no token 384"):
        model.detokenize((5, 384))
    await model.close()


async def test_raw_text_is_one_message_with_words_alone(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, "yes")
    turn = Message(role="user", content="a")
    for request in (
        ChatRequest(messages=(turn, turn), is_raw=True),
        ChatRequest(messages=(Message(role="user", content=(TextPart(text="a"),)),), is_raw=True),
        ChatRequest(messages=(turn,), tools=(ToolSpec(name="now"),), is_raw=True),
    ):
        with pytest.raises((BadInputError, NotImplementedError)):
            await deltas_of(engine, request)
    await engine.close()


async def test_too_long_a_text_is_refused_with_its_need(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, "yes")
    length = len(engine.tokenize("1 " * 600))
    with pytest.raises(PromptTooLongError, match=f"{length} tokens.*takes 512"):
        await deltas_of(engine, raw("1 " * 600))
    await engine.close()

"""Prompt functions that stream."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Generator

import pytest

from byzer_nb import Client, ScriptedEngine, prompt
from byzer_nb._sync import run
from byzer_nb.client import LocalTransport
from byzer_nb.errors import RateLimitedError, UnsupportedError
from byzer_nb.types import Capabilities

TEXT = "a few words that come one by one"


@prompt()
def speak(text: str) -> Generator[str, None, None]:
    """{{ text }}"""


@prompt()
def speak_async(text: str) -> AsyncGenerator[str, None]:
    """{{ text }}"""


@prompt()
async def speak_awaited(text: str) -> AsyncGenerator[str, None]:
    """{{ text }}{{ more }}"""
    return {"more": "!"}  # type: ignore[return-value]


@prompt()
def answer(text: str) -> str:
    """{{ text }}"""


@pytest.mark.contract("PROMPT-10")
def test_the_pieces_are_strings_that_join_to_the_answer(echo: Client) -> None:
    pieces = list(speak.with_llm(echo).run(TEXT))
    assert len(pieces) > 3
    assert {type(piece) for piece in pieces} == {str}
    assert "".join(pieces) == answer.with_llm(echo).run(TEXT) == TEXT
    assert "".join(speak.with_llm(echo)(TEXT)) == TEXT


@pytest.mark.contract("PROMPT-03", "PROMPT-10")
def test_without_a_model_it_gives_the_text(echo: Client) -> None:
    assert speak(TEXT) == TEXT
    assert speak.with_llm(echo).prompt(TEXT) == TEXT


@pytest.mark.contract("PROMPT-10")
def test_a_model_that_cannot_stream_says_so_on_the_first_piece(models: LocalTransport) -> None:
    run(models.add("slow", ScriptedEngine(capabilities=Capabilities(stream=False))))
    pieces = speak.with_llm(Client(models, model="slow")).run(TEXT)
    with pytest.raises(UnsupportedError, match="'slow' does not support stream chat"):
        next(pieces)


def test_a_wrong_argument_is_told_at_the_call_and_not_at_the_first_piece(echo: Client) -> None:
    with pytest.raises(TypeError, match=r"speak\(\) missing"):
        speak.with_llm(echo).run()  # type: ignore[call-arg]


def test_the_first_pieces_come_before_the_last_are_there(models: LocalTransport) -> None:
    run(models.add("slow", ScriptedEngine("one two three four five six", token_delay=0.05)))
    started = time.monotonic()
    pieces = speak.with_llm(Client(models, model="slow"))(TEXT)
    assert next(pieces).strip() == "one"
    assert time.monotonic() - started < 0.25
    assert len(list(pieces)) == 5


def test_leaving_early_stops_the_model(models: LocalTransport) -> None:
    engine = ScriptedEngine("word " * 1000, token_delay=0.005)
    run(models.add("long", engine))
    for piece in speak.with_llm(Client(models, model="long"))(TEXT):
        assert piece
        break
    assert engine.running == 0


def test_pieces_before_an_error_are_seen(models: LocalTransport) -> None:
    run(models.add("failing", ScriptedEngine([["a", "b", "c", RateLimitedError("slow down")]])))
    seen: list[str] = []
    with pytest.raises(RateLimitedError, match="slow down"):
        seen.extend(speak.with_llm(Client(models, model="failing"))(TEXT))
    assert seen == ["a", "b", "c"]


def test_two_streams_at_once_do_not_mix(models: LocalTransport) -> None:
    run(models.add("echo", ScriptedEngine(token_delay=0.001)))
    asking = speak.with_llm(Client(models, model="echo"))
    one, two = asking("a b c d"), asking("e f g h")
    pairs = list(zip(one, two, strict=True))
    assert ("".join(pair[0] for pair in pairs), "".join(pair[1] for pair in pairs)) == ("a b c d", "e f g h")


async def test_an_async_generator_gives_the_same_pieces(echo: Client) -> None:
    pieces = list(speak.with_llm(echo)(TEXT))
    for stream in (
        speak_async.with_llm(echo)(TEXT),
        speak_async.with_llm(echo).aio(TEXT),
        speak.with_llm(echo).aio(TEXT),
    ):
        assert [piece async for piece in stream] == pieces


async def test_an_async_function_that_streams_is_awaited_for_its_body(echo: Client) -> None:
    stream: AsyncGenerator[str, None] = speak_awaited.with_llm(echo).aio("x")
    assert "".join([piece async for piece in stream]) == "x!"
    assert await speak_awaited("x") == "x!"  # type: ignore[misc]


async def test_leaving_an_async_stream_early_stops_the_model(models: LocalTransport) -> None:
    engine = ScriptedEngine("word " * 1000, token_delay=0.005)
    await models.add("long", engine)
    stream = speak_async.with_llm(Client(models, model="long"))(TEXT)
    await anext(stream)
    await stream.aclose()
    assert engine.running == 0


@pytest.mark.contract("PROMPT-16")
def test_an_extractor_gets_the_whole_answer_also_of_a_function_that_streams(echo: Client) -> None:
    assert speak.with_llm(echo).with_extractor(len)(TEXT) == len(TEXT)

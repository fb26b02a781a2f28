"""The fake that users test their own code with."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import Any

import pytest

from byzer_nb.engines import build
from byzer_nb.errors import BadInputError, RateLimitedError, UnsupportedError
from byzer_nb.providers.scripted import ScriptedEngine
from byzer_nb.types import (
    AnswerSchema,
    Capabilities,
    ChatRequest,
    DeploySpec,
    EmbedRequest,
    Message,
    Reply,
    ToolCall,
    ToolSpec,
)
from tests.providers.asking import answered, asked, said


async def test_answers_come_in_the_order_of_the_script() -> None:
    engine = ScriptedEngine(["one", "two"])
    assert [await said(engine, asked()), await said(engine, asked())] == ["one", "two"]


async def test_script_that_ran_out_says_so() -> None:
    engine = ScriptedEngine(["one"])
    await said(engine, asked())
    with pytest.raises(BadInputError, match="The script has 1 answers, and this is call 2"):
        await said(engine, asked())


async def test_one_text_answers_every_call() -> None:
    engine = ScriptedEngine("always")
    assert [await said(engine, asked()), await said(engine, asked())] == ["always", "always"]


async def test_function_answers_from_the_request() -> None:
    engine = ScriptedEngine(lambda request: request.messages[-1].text.upper())
    assert await said(engine, asked("shout")) == "SHOUT"


async def test_without_a_script_the_last_words_of_the_user_come_back() -> None:
    turns = (Message(role="user", content="first"), Message(role="assistant", content="begun"))
    assert await said(ScriptedEngine(), ChatRequest(messages=turns)) == "first"


async def test_text_is_streamed_in_small_pieces_and_nothing_is_lost() -> None:
    text = "  A somewhat longer sentence,\n\n with gaps — and 没有空格的中文句子 \t"
    deltas = await answered(ScriptedEngine(text), asked())
    assert len([delta for delta in deltas if delta.text]) > 10
    assert "".join(delta.text for delta in deltas) == text


async def test_given_pieces_are_streamed_as_they_are() -> None:
    deltas = await answered(ScriptedEngine([["a", "bc", " d"]]), asked())
    assert [delta.text for delta in deltas] == ["a", "bc", " d", ""]


@pytest.mark.contract("STRUCT-03")
@pytest.mark.parametrize("stream", [True, False])
async def test_reply_may_call_tools(stream: bool) -> None:
    calls = (ToolCall(name="now", id="1"), ToolCall(name="weather", id="2", arguments={"city": "北京"}))
    engine = ScriptedEngine([Reply(text="Let me look.", tool_calls=calls), "It is cold."])
    question = Message(role="user", content="How warm is it?")
    tools = (ToolSpec(name="now"), ToolSpec(name="weather"))
    deltas = await answered(engine, ChatRequest(messages=(question,), tools=tools, tool_choice="now", stream=stream))
    assert "".join(delta.text for delta in deltas) == "Let me look."
    assert [delta.tool_calls for delta in deltas if delta.tool_calls] == [calls]
    assert deltas[-1].finish_reason == "tool_calls"
    turn = Message(role="assistant", content="Let me look.", tool_calls=calls)
    results = [Message(role="tool", content="3", tool_call_id=call.id) for call in calls]
    again = ChatRequest(messages=(question, turn, *results), tools=tools, stream=stream)
    assert await said(engine, again) == "It is cold."
    assert engine.records[1].messages[1].tool_calls == calls


@pytest.mark.contract("STRUCT-03", "STRUCT-07")
async def test_fake_without_tools_and_schemas_refuses_them() -> None:
    engine = ScriptedEngine("yes", capabilities=Capabilities())
    question = (Message(role="user", content="?"),)
    with pytest.raises(UnsupportedError, match="takes no tools"):
        await said(engine, ChatRequest(messages=question, tools=(ToolSpec(name="now"),)))
    with pytest.raises(UnsupportedError, match="cannot be held to a schema"):
        await said(engine, ChatRequest(messages=question, schema=AnswerSchema(schema={"type": "object"})))
    assert engine.records == []


async def test_reply_brings_its_reasoning_and_its_reason() -> None:
    engine = ScriptedEngine([Reply(text="42", reasoning="Six times seven.", finish_reason="length")] * 2)
    for stream in (True, False):
        deltas = await answered(engine, asked(stream=stream))
        assert "".join(delta.reasoning for delta in deltas) == "Six times seven."
        assert "".join(delta.text for delta in deltas) == "42"
        assert deltas[-1].finish_reason == "length"


@pytest.mark.parametrize("stream", [True, False])
async def test_exception_is_raised_in_the_place_of_an_answer(stream: bool) -> None:
    with pytest.raises(RateLimitedError, match="too fast"):
        await answered(ScriptedEngine([RateLimitedError("too fast")]), asked(stream=stream))


async def test_exception_among_the_pieces_comes_after_those_before_it() -> None:
    words = []
    deltas = ScriptedEngine([["one", " two", ConnectionError("gone"), " never"]]).chat(asked())
    words.append((await anext(deltas)).text)
    words.append((await anext(deltas)).text)
    with pytest.raises(ConnectionError, match="gone"):
        await anext(deltas)
    assert words == ["one", " two"]


async def test_requests_are_remembered() -> None:
    engine = ScriptedEngine("fine")
    request = asked("hi", temperature=0.5)
    await said(engine, request)
    assert engine.records == [request]
    await engine.embed(EmbedRequest(texts=("a",)))
    assert engine.embedded == [EmbedRequest(texts=("a",))]


async def test_delays_are_kept() -> None:
    engine = ScriptedEngine([["a", "b", "c"]] * 2, delay=0.1, token_delay=0.05)
    for stream in (True, False):
        started = time.perf_counter()
        await answered(engine, asked(stream=stream))
        assert 0.24 <= time.perf_counter() - started < 1


async def test_answer_that_was_left_is_seen_to_stop() -> None:
    engine = ScriptedEngine("many words " * 20, token_delay=0.01)
    async with aclosing(engine.chat(asked())) as deltas:
        await anext(deltas)
        assert engine.running == 1
    assert engine.running == 0
    waiting = asyncio.create_task(answered(engine, asked()))
    await asyncio.sleep(0.02)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert engine.running == 0


@pytest.mark.contract("EMB-01")
async def test_vectors_depend_on_the_text_alone() -> None:
    first = await ScriptedEngine().embed(EmbedRequest(texts=("fox", "dog"), dimensions=40))
    second = await ScriptedEngine().embed(EmbedRequest(texts=("dog", "fox"), dimensions=40))
    assert first.vectors == second.vectors[::-1]
    assert [len(vector) for vector in first.vectors] == [40, 40]
    assert sum(number**2 for number in first.vectors[0]) == pytest.approx(1)


async def test_capabilities_can_be_taken_away() -> None:
    engine = ScriptedEngine(capabilities=Capabilities(chat=False))
    with pytest.raises(UnsupportedError):
        await answered(engine, asked())
    with pytest.raises(UnsupportedError):
        await engine.embed(EmbedRequest(texts=("a",)))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({}, "hi"), ({"reply": "fixed"}, "fixed"), ({"reply": "x", "delay": "0", "model": "fake"}, "x")],
)
async def test_spec_describes_a_scripted_model(settings: dict[str, Any], expected: str) -> None:
    engine = build(DeploySpec(name="chat", engine="saas/scripted", settings=settings))
    assert await said(engine, asked("hi")) == expected
    assert engine.describe().model == settings.get("model", "scripted")


async def test_closing_is_remembered() -> None:
    engine = ScriptedEngine()
    await engine.close()
    await engine.close()
    assert engine.is_closed

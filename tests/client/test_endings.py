"""How a call ends: in time, too late, with an error, or early."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from byzer_nb import AsyncClient, ScriptedEngine
from byzer_nb.client import LocalTransport
from byzer_nb.errors import (
    CallTimeoutError,
    RateLimitedError,
)
from byzer_nb.types import (
    ChatOptions,
    Delta,
)
from tests.client.engines import Steps, answering

# -- time ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_takes_too_long_is_ended_down_to_the_engine(models: LocalTransport, stream: bool) -> None:
    engine = Steps([Delta(text="x")] * 1000, pause=0.02)
    client = answering(models, engine)
    options = ChatOptions(timeout=0.2)
    started = time.monotonic()
    with pytest.raises(CallTimeoutError, match=r"'echo' did not finish within 0\.2 s") as late:
        list(client.stream("x", options=options)) if stream else client.chat("x", options=options)
    assert time.monotonic() - started < 1.2
    assert engine.was_stopped
    assert late.value.model == "echo"
    assert isinstance(late.value, TimeoutError)


def test_a_timeout_of_the_engine_is_not_taken_for_ours(models: LocalTransport) -> None:
    client = answering(models, ScriptedEngine([TimeoutError("the socket")]))
    with pytest.raises(TimeoutError, match="the socket") as raised:
        client.chat("x", options=ChatOptions(timeout=5))
    assert not isinstance(raised.value, CallTimeoutError)


def test_an_answer_in_time_is_whole(models: LocalTransport) -> None:
    assert (
        answering(models, ScriptedEngine(token_delay=0.001)).chat("a b c", options=ChatOptions(timeout=5)).text
        == "a b c"
    )


# -- errors and endings -------------------------------------------------------------------------------------------


@pytest.mark.contract("CHAT-06")
def test_pieces_that_came_before_an_error_are_seen(models: LocalTransport) -> None:
    client = answering(models, ScriptedEngine([["a", "b", "c", RateLimitedError("slow down")]]))
    seen: list[str] = []
    with pytest.raises(RateLimitedError, match="slow down"):
        seen.extend(piece.text for piece in client.stream("x"))
    assert seen == ["a", "b", "c"]


@pytest.mark.contract("CHAT-06")
def test_a_slow_reader_gets_every_piece(models: LocalTransport) -> None:
    pieces = [f"{number} " for number in range(500)]
    seen: list[str] = []
    for piece in answering(models, ScriptedEngine([pieces])).stream("x"):
        time.sleep(0.0002)
        seen.append(piece.text)
    assert "".join(seen) == "".join(pieces)


def test_leaving_a_stream_early_stops_the_engine(models: LocalTransport) -> None:
    engine = ScriptedEngine("many words " * 1000, token_delay=0.001)
    for piece in answering(models, engine).stream("x"):
        assert piece
        break
    deadline = time.monotonic() + 2
    while engine.running and time.monotonic() < deadline:
        time.sleep(0.01)
    assert engine.running == 0


async def test_leaving_an_async_stream_early_stops_the_engine(models: LocalTransport) -> None:
    engine = ScriptedEngine("many words " * 1000, token_delay=0.001)
    await models.add("echo", engine)
    stream = AsyncClient(models, model="echo").stream("x")
    await anext(stream)
    await stream.aclose()
    assert engine.running == 0


async def test_a_cancelled_call_stops_the_engine(models: LocalTransport) -> None:
    engine = ScriptedEngine("late", delay=60)
    await models.add("echo", engine)
    call = asyncio.create_task(AsyncClient(models, model="echo").chat("x"))
    await asyncio.sleep(0.05)
    assert engine.running == 1
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert engine.running == 0


def test_calls_at_the_same_time_do_not_mix(models: LocalTransport) -> None:
    client = answering(models, ScriptedEngine(token_delay=0.0005))

    def ask(number: int) -> tuple[str, str]:
        text = f"this is number {number}"
        if number % 2:
            return text, client.chat(text).text
        return text, "".join(piece.text for piece in client.stream(text))

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(200)))
    assert [one for one, other in answers if one != other] == []

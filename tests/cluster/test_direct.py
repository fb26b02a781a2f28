"""The way of a request over sockets: leases, streams, breaks, slow readers, routers that begin anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import aiohttp
import pytest

from byzer_nb.cluster.direct import Direct
from byzer_nb.errors import ModelCallError, RateLimitedError, UnreachableError, UnsupportedError
from byzer_nb.providers.scripted import ScriptedEngine
from byzer_nb.types import Delta, EmbedRequest
from tests.client.engines import Steps
from tests.cluster.rig import TOKEN, Rig, asked, rig
from tests.providers.failing import assert_no_key

PIECES = [f"piece {number} " for number in range(500)]


async def text_of(client: Direct, text: str = "hi", *, stream: bool = True) -> str:
    async with aclosing(client.chat(asked(text, stream=stream))) as deltas:
        return "".join([delta.text async for delta in deltas])


async def collect(client: Direct, got: list[str]) -> None:
    """Put the pieces of a stream where they can be seen after it broke."""
    async for delta in client.chat(asked()):
        got.append(delta.text)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something is so, which other tasks bring about."""
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come about within 5 s")


@pytest.mark.parametrize("stream", [True, False])
async def test_the_answer_is_the_engines_own(stream: bool) -> None:
    async with rig(ScriptedEngine) as (stage, client):
        request = asked("one two three", stream=stream)
        deltas = [delta async for delta in client.chat(request)]
        [engine] = stage.engines
        assert isinstance(engine, ScriptedEngine)
        assert engine.records == [request]
        assert "".join(delta.text for delta in deltas) == "one two three"
        assert deltas[-1].finish_reason == "stop"
        assert deltas[-1].usage is not None
        await until(lambda: stage.running() == [0])


@pytest.mark.contract("CHAT-06")
async def test_a_slow_reader_loses_nothing() -> None:
    async with rig(lambda: ScriptedEngine([PIECES])) as (_, client):
        text = ""
        async for delta in client.chat(asked()):
            text += delta.text
            await asyncio.sleep(0.0005)
        assert text == "".join(PIECES)


async def test_a_reader_who_is_far_behind_holds_the_engine_back() -> None:
    engine = Steps([Delta(text="x" * 10_000)] * 20_000)
    async with rig(lambda: engine) as (_, client):
        async with aclosing(client.chat(asked())) as deltas:
            await anext(deltas)
            await asyncio.sleep(0.5)
            held_at = engine.sent
            await asyncio.sleep(0.2)
            assert engine.sent == held_at < 20_000
        await until(lambda: engine.was_stopped)


@pytest.mark.contract("CHAT-06")
async def test_an_error_in_the_middle_comes_after_the_pieces_before_it() -> None:
    script = [["a ", "b ", "c ", RateLimitedError("too fast", hint="slower", status=429)]]
    async with rig(lambda: ScriptedEngine(script)) as (stage, client):
        got: list[str] = []
        with pytest.raises(RateLimitedError, match="too fast") as failed:
            await collect(client, got)
        assert got == ["a ", "b ", "c "]
        assert (failed.value.hint, failed.value.status) == ("slower", 429)
        await until(lambda: stage.running() == [0])


async def test_a_strangers_error_is_told_as_a_failed_call() -> None:
    async with rig(lambda: ScriptedEngine([ZeroDivisionError("division by zero")])) as (_, client):
        with pytest.raises(ModelCallError, match="ZeroDivisionError: division by zero"):
            await text_of(client)


@pytest.mark.contract("CHAT-06")
async def test_a_stream_that_is_left_early_stops_the_engine_and_gives_its_slot_back() -> None:
    engine = Steps([Delta(text="x")] * 1000, pause=0.01)
    async with rig(lambda: engine) as (stage, client):
        async with aclosing(client.chat(asked())) as deltas:
            await anext(deltas)
            assert stage.running() == [1]
        await until(lambda: engine.was_stopped and stage.running() == [0])


async def test_a_client_that_vanishes_gives_everything_back() -> None:
    engine = Steps([Delta(text="x")] * 1000, pause=0.01)
    async with rig(lambda: engine, slots=2) as (stage, client):
        reading = [asyncio.create_task(text_of(client)) for _ in range(3)]
        await until(lambda: stage.running() == [2] and stage.book.stat().waiting == 1)
        await client.close()
        await until(lambda: stage.running() == [0] and stage.book.stat().waiting == 0)
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)


async def test_a_stream_that_nobody_reads_ends_and_frees_the_engine() -> None:
    engine = Steps([Delta(text="x" * 10_000)] * 20_000)
    async with rig(lambda: engine, stall_seconds=0.3) as (_, client), aclosing(client.chat(asked())) as deltas:
        await anext(deltas)
        await until(lambda: engine.was_stopped)
        with pytest.raises(UnreachableError, match="Worker 0 of 'chat' ended"):
            _ = [delta async for delta in deltas]


async def test_cancelling_while_waiting_for_a_slot_leaves_the_queue() -> None:
    async with rig(lambda: ScriptedEngine(token_delay=0.2)) as (stage, client):
        running = asyncio.create_task(text_of(client, "one two"))
        await until(lambda: stage.running() == [1])
        waiting = asyncio.create_task(text_of(client))
        await until(lambda: stage.book.stat().waiting == 1)
        waiting.cancel()
        await until(lambda: stage.book.stat().waiting == 0)
        assert await running == "one two"
        await until(lambda: stage.running() == [0])


async def test_a_hundred_requests_share_four_slots_and_none_is_lost() -> None:
    async with rig(ScriptedEngine, workers=2, slots=2) as (stage, client):
        texts = [f"request {number}" for number in range(100)]
        assert await asyncio.gather(*[text_of(client, text) for text in texts]) == texts
        assert [each.total for each in stage.book.stat().workers] == [50, 50]
        await until(lambda: stage.running() == [0, 0])


async def test_a_worker_that_is_gone_is_passed_over() -> None:
    async with rig(ScriptedEngine, workers=2) as (stage, client):
        await stage.faces[0].close()  # as when its process was killed and the router does not know it yet
        waiting = asyncio.create_task(text_of(client, "still here"))
        await asyncio.sleep(0.02)
        stage.book.worker_down(0)
        assert await waiting == "still here"


async def test_a_worker_that_dies_in_the_middle_is_named() -> None:
    async with rig(lambda: ScriptedEngine([PIECES], token_delay=0.05)) as (stage, client):
        got: list[str] = []
        asyncio.get_running_loop().call_later(0.2, lambda: asyncio.ensure_future(stage.faces[0].close()))
        with pytest.raises(UnreachableError, match="Worker 0 of 'chat' ended in the middle") as died:
            await collect(client, got)
        assert got == PIECES[: len(got)] != []
        assert died.value.retryable


async def test_a_router_that_begins_anew_takes_over_what_runs() -> None:
    async with rig(lambda: ScriptedEngine(token_delay=0.05)) as (stage, client):
        first = asyncio.create_task(text_of(client, "one two three four five six seven eight"))
        await until(lambda: stage.running() == [1])
        await stage.restart_router()
        assert stage.running() == [1]
        second = asyncio.create_task(text_of(client, "next"))
        await until(lambda: stage.book.stat().waiting == 1)  # its slot is taken by the first
        assert await asyncio.gather(first, second) == ["one two three four five six seven eight", "next"]
        assert stage.asked_for_door == 1
        await until(lambda: stage.running() == [0])


async def test_without_the_token_nobody_comes_in() -> None:
    async with rig(ScriptedEngine) as (stage, _), aiohttp.ClientSession() as stranger:
        assert stage.door is not None
        for url in (f"{stage.door.address}/leases", f"{stage.addresses[0]}/stream", f"{stage.addresses[0]}/nothing"):
            async with stranger.post(url, data=b"") as refused:
                assert refused.status == 401
            async with stranger.get(url, headers={"Authorization": "Bearer wrong"}) as refused:
                assert refused.status == 401


async def test_vectors_come_back_and_a_missing_service_is_named() -> None:
    async with rig(ScriptedEngine) as (stage, client):
        [engine] = stage.engines
        assert isinstance(engine, ScriptedEngine)
        request = EmbedRequest(texts=("a", "b"))
        assert await client.embed(request) == await engine.embed(request)
        with pytest.raises(UnsupportedError, match="'chat' does not support tokenizer service"):
            await client.tokenize("x")


async def test_the_token_is_in_no_repr() -> None:
    async with rig(ScriptedEngine) as (stage, client):
        assert await text_of(client) == "hi"
        assert isinstance(stage, Rig)
        assert "a-token-of-this-test" not in f"{client!r}{stage.door!r}{stage.faces[0]!r}{stage.router!r}"


@pytest.mark.parametrize("gone", ["worker", "router"])
async def test_error_of_one_who_is_gone_does_not_show_the_token(gone: str) -> None:
    async with rig(ScriptedEngine) as (stage, client):
        assert stage.router is not None
        await (stage.faces[0] if gone == "worker" else stage.router).close()
        with pytest.raises(UnreachableError) as caught:
            await text_of(client)
        assert_no_key(caught.value, key=TOKEN.reveal())


async def test_call_that_is_given_up_does_not_show_the_token() -> None:
    async with rig(lambda: ScriptedEngine(token_delay=5)) as (_, client):
        with pytest.raises(TimeoutError) as caught:
            await asyncio.wait_for(text_of(client, stream=False), 0.2)
        assert_no_key(caught.value, key=TOKEN.reveal())

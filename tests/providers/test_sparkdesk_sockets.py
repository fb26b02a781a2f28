"""The sockets of `saas/sparkdesk`: opened, watched, cancelled, closed and tried again."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from base64 import b64encode
from contextlib import aclosing
from hashlib import sha1

import pytest
from aiohttp.http import WS_KEY

from byzer_nb.engines import build
from byzer_nb.errors import (
    CallTimeoutError,
    ModelCallError,
    UnreachableError,
)
from byzer_nb.types import DeploySpec
from tests.providers.asking import answered, asked, said
from tests.providers.failing import assert_no_key
from tests.providers.making import Make
from tests.standins.sparkdesk import SparkDeskStandIn
from tests.standins.vendor import Act

pytestmark = pytest.mark.contract("SAAS-26")


async def test_each_request_has_a_socket_of_its_own(spark: SparkDeskStandIn, make_spark: Make) -> None:
    spark.always = Act(rate=100)
    engine = make_spark()
    questions = [f"{number} one two three" for number in range(10)]
    replies = await asyncio.gather(
        *[said(engine, asked(words, stream=number % 2 == 0)) for number, words in enumerate(questions)]
    )
    assert replies == questions
    assert spark.handshakes == 10
    assert len(spark.peers) == 10
    assert not spark.aborted


async def test_whole_answer_is_followed_by_a_good_bye(spark: SparkDeskStandIn, make_spark: Make, stream: bool) -> None:
    spark.always = Act(keep_open=True)
    started = time.perf_counter()
    assert await said(make_spark(), asked("hi", stream=stream)) == "hi"
    assert time.perf_counter() - started < 1
    for _ in range(100):
        if not spark.busy:
            break
        await asyncio.sleep(0.01)
    assert spark.said_goodbye == 1


@pytest.mark.parametrize("moment", ["handshake", "first word", "words"])
async def test_cancelling_closes_the_socket(
    spark: SparkDeskStandIn, make_spark: Make, moment: str, stream: bool
) -> None:
    spark.always = {
        "handshake": Act(delay=30),
        "first word": Act(first_token_delay=30),
        "words": Act(reply=["word"] * 1000, rate=50),
    }[moment]
    asking = asyncio.create_task(answered(make_spark(), asked(stream=stream)))
    await asyncio.sleep(0.2)
    assert spark.busy == 1
    started = time.perf_counter()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    for _ in range(100):
        if not spark.busy:
            break
        await asyncio.sleep(0.01)
    assert not spark.busy
    assert spark.aborted == 1
    assert time.perf_counter() - started < 1


async def test_server_that_stops_reading_is_silent(make_spark: Make, stream: bool) -> None:
    writers = []

    async def greet_and_read_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        nonce = re.search(r"sec-websocket-key: (\S+)", head, re.IGNORECASE)
        assert nonce is not None
        accept = b64encode(sha1(nonce[1].encode() + WS_KEY, usedforsecurity=False).digest()).decode()
        writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        await writer.drain()
        writer.transport.pause_reading()  # type: ignore[attr-defined] # it is one that reads
        writers.append(writer)

    server = await asyncio.start_server(greet_and_read_nothing, "127.0.0.1", 0)
    engine = make_spark(gpt_url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v3.1/chat", timeout=0.3)
    started = time.perf_counter()
    with pytest.raises(CallTimeoutError, match="was silent for too long"):
        await answered(engine, asked("x" * 15_000_000, stream=stream))
    assert time.perf_counter() - started < 3
    for writer in writers:
        writer.transport.abort()
    server.close()
    await server.wait_closed()


async def test_leaving_early_does_not_wait_for_a_server_that_talks_on(
    spark: SparkDeskStandIn, make_spark: Make
) -> None:
    spark.always = Act(reply=["word"] * 1000, rate=200)
    async with aclosing(make_spark().chat(asked())) as deltas:
        await anext(deltas)
        started = time.perf_counter()
    assert time.perf_counter() - started < 0.5


async def test_pings_do_not_count_as_words(spark: SparkDeskStandIn, make_spark: Make) -> None:
    spark.always = Act(reply=["a", "b", "c"], comments=True)
    assert await said(make_spark(), asked()) == "abc"
    spark.always = Act(reply=["one", " two"], stall_at=1, comments=True)
    started = time.perf_counter()
    with pytest.raises(CallTimeoutError, match="silent for too long"):
        await answered(make_spark(idle_timeout=0.3), asked())
    assert time.perf_counter() - started < 2


async def test_silence_of_thirty_seconds_is_the_usual_limit(spark: SparkDeskStandIn, make_spark: Make) -> None:
    spark.always = Act(delay=60)
    for settings in ({"timeout": 0.3}, {"first_token_timeout": 0.3}):
        started = time.perf_counter()
        with pytest.raises(CallTimeoutError):
            await answered(make_spark(**settings), asked())
        assert 0.25 < time.perf_counter() - started < 2


@pytest.mark.parametrize(
    "act", [Act(delay=60), Act(first_token_delay=60), Act(reply=["word"] * 1000, rate=50), Act(status=503)]
)
async def test_option_timeout_limits_the_whole_call_with_all_its_tries(
    spark: SparkDeskStandIn, make_spark: Make, act: Act, stream: bool
) -> None:
    spark.always = act
    started = time.perf_counter()
    with pytest.raises(ModelCallError) as failed:
        await answered(make_spark(max_retries=10), asked(stream=stream, timeout=0.4))
    assert time.perf_counter() - started < 1.5
    assert_no_key(failed.value)


@pytest.mark.parametrize("act", [Act(hang_up=True), Act(status=503), Act(reply=["a", "b"], reset_at=0)])
async def test_trouble_before_the_first_word_is_tried_again(
    spark: SparkDeskStandIn, make_spark: Make, act: Act, stream: bool
) -> None:
    spark.next(act)
    assert await said(make_spark(max_retries=1), asked("back again", stream=stream)) == "back again"
    assert len(spark.requests) == 2


async def test_whole_answer_that_broke_is_asked_for_again(spark: SparkDeskStandIn, make_spark: Make) -> None:
    spark.next(Act(reply=["one", " two"], reset_at=1), Act(reply=["one", " two"], end_at=1))
    assert await said(make_spark(max_retries=2), asked("now whole", stream=False)) == "now whole"
    assert len(spark.requests) == 3


@pytest.mark.parametrize("moment", ["handshake", "first word", "words"])
async def test_closing_from_another_thread_wakes_the_reader(
    spark: SparkDeskStandIn, make_spark: Make, moment: str, stream: bool
) -> None:
    spark.always = {
        "handshake": Act(delay=30),
        "first word": Act(first_token_delay=30),
        "words": Act(reply=["word"] * 1000, rate=50),
    }[moment]
    engine = make_spark()
    asking = asyncio.create_task(answered(engine, asked(stream=stream)))
    await asyncio.sleep(0.2)
    closing = threading.Thread(target=lambda: asyncio.run(engine.close()))
    closing.start()
    with pytest.raises(ModelCallError, match="was closed"):
        await asyncio.wait_for(asking, 2)
    await asyncio.to_thread(closing.join)


def test_one_engine_serves_many_loops(spark: SparkDeskStandIn) -> None:
    keys = {"appid": spark.appid, "api_key": spark.api_key, "api_secret": spark.api_secret}
    engine = build(DeploySpec(name="chat", engine="saas/sparkdesk", settings={**keys, "gpt_url": spark.socket_url}))
    for words in ("first", "second"):
        assert asyncio.run(said(engine, asked(words))) == words
    asyncio.run(engine.close())
    for _ in range(100):
        if not spark.connections:
            break
        time.sleep(0.01)
    assert not spark.connections


async def test_nobody_there_is_told(make_spark: Make, stream: bool) -> None:
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:1"):
        await answered(make_spark(gpt_url="ws://127.0.0.1:1/v3.5/chat"), asked(stream=stream))


async def test_certificate_is_checked_unless_told_otherwise(make_spark: Make, tls_port: int) -> None:
    url = f"wss://127.0.0.1:{tls_port}/v3.5/chat"
    with pytest.raises(UnreachableError, match="certificate"):
        await answered(make_spark(gpt_url=url), asked())
    with pytest.raises(ModelCallError) as failed:  # it lets us in, and speaks something else
        await answered(make_spark(gpt_url=url, https_verify="false"), asked())
    assert "certificate" not in str(failed.value)

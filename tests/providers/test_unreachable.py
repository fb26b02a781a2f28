"""Providers that are not there, fall silent or are busy: the right error, in time, or another try."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from byzer_nb.errors import CallTimeoutError, ModelCallError, RateLimitedError, UnreachableError
from tests.providers.asking import answered, asked
from tests.providers.conftest import MakeEngine
from tests.providers.failing import assert_no_key, failure, words_and_error
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import KEY, Act

pytestmark = pytest.mark.contract("SAAS-04")


async def test_nobody_listening_is_told_soon(make_engine: MakeEngine, stream: bool) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        error = await failure(make_engine, stream=stream, base_url=f"http://127.0.0.1:{port}/v1")
    assert isinstance(error, UnreachableError)
    assert f"127.0.0.1:{port}" in str(error)
    assert "base_url" in error.hint


@pytest.mark.parametrize("host", ["no-such-host.invalid", f"{'a' * 64}.example"])
async def test_unknown_host_is_named(make_engine: MakeEngine, host: str) -> None:
    error = await failure(make_engine, stream=True, within=10, base_url=f"http://{host}/v1")
    assert isinstance(error, UnreachableError)
    assert host in str(error)


async def test_silent_proxy_is_named_without_its_password(make_engine: MakeEngine, stream: bool) -> None:
    proxy = f"http://me:{KEY}@127.0.0.1:1"
    error = await failure(make_engine, stream=stream, base_url="http://api.example.com", proxies=proxy)
    assert isinstance(error, UnreachableError)
    assert "proxy" in str(error)
    assert "proxies" in error.hint


async def test_proxy_that_refuses_is_named(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, stream: bool
) -> None:
    proxy = f"http://me:{KEY}@127.0.0.1:{openai_standin.port}"  # the stand-in knows no CONNECT
    error = await failure(make_engine, stream=stream, base_url="https://api.example.com", proxies=proxy)
    assert isinstance(error, UnreachableError)
    assert "proxies" in error.hint


async def test_unknown_certificate_is_refused_unless_told_otherwise(make_engine: MakeEngine, tls_port: int) -> None:
    url = f"https://127.0.0.1:{tls_port}"
    error = await failure(make_engine, stream=False, base_url=url, max_retries=5)
    assert isinstance(error, UnreachableError)
    assert "certificate" in str(error)
    assert "https_verify" in error.hint
    (delta,) = await answered(make_engine(base_url=url, https_verify="false"), asked(stream=False))
    assert delta.text == "over TLS"


async def test_silence_before_the_answer_ends_in_time(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, stream: bool
) -> None:
    openai_standin.always = Act(delay=60)
    error = await failure(make_engine, stream=stream, timeout="0.2", within=1.5)
    assert isinstance(error, CallTimeoutError)
    assert isinstance(error, TimeoutError)
    assert "timeout" in error.hint
    assert "was silent for too long" in str(error)


async def test_server_that_stops_reading_a_large_request_is_silent(make_engine: MakeEngine, stream: bool) -> None:
    writers = []

    async def read_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined] # it is one that reads
        writers.append(writer)

    server = await asyncio.start_server(read_nothing, "127.0.0.1", 0)
    engine = make_engine(base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=0.2)
    started = time.perf_counter()
    with pytest.raises(CallTimeoutError, match="was silent for too long"):
        await answered(engine, asked("x" * 15_000_000, stream=stream))
    assert time.perf_counter() - started < 3
    for writer in writers:
        writer.transport.abort()
    server.close()
    await server.wait_closed()


async def test_server_that_reads_a_large_request_slowly_is_not_silent(make_engine: MakeEngine) -> None:
    answer = b'{"choices": [{"message": {"content": "read"}}]}'

    async def read_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        left = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        while left > 0:
            left -= len(await reader.readexactly(min(left, 2_000_000)))
            await asyncio.sleep(0.08)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer))
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(read_slowly, "127.0.0.1", 0, limit=2_000_000)
    engine = make_engine(base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=0.7)
    (delta,) = await answered(engine, asked("x" * 40_000_000, stream=False))
    assert delta.text == "read"  # after more time than a server has that reads nothing
    server.close()
    await server.wait_closed()


async def test_silence_between_headers_and_first_token_ends_in_time(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    openai_standin.always = Act(first_token_delay=60)
    assert isinstance(await failure(make_engine, stream=True, timeout=0.2, within=1.5), CallTimeoutError)


async def test_silence_in_the_middle_ends_in_time_and_what_came_is_kept(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    openai_standin.always = Act(reply=["one", " two", " three"], stall_at=2)
    started = time.perf_counter()
    words, error = await words_and_error(make_engine(timeout=0.3, max_retries=5))
    assert words == ["one", " two"]
    assert isinstance(error, CallTimeoutError)
    assert time.perf_counter() - started < 2
    assert len(openai_standin.requests) == 1


async def test_slow_stream_that_never_falls_silent_is_not_cut(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    openai_standin.always = Act(reply=["word"] * 12, rate=20)
    deltas = await answered(make_engine(timeout=0.3), asked())
    assert len(deltas) == 13


async def test_slow_reader_is_not_taken_for_a_silent_server(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    openai_standin.always = Act(reply=["word"] * 20)
    count = 0
    async for _ in make_engine(timeout=0.1).chat(asked()):
        count += 1
        if count < 4:
            await asyncio.sleep(0.15)
    assert count == 21


async def test_server_of_another_protocol_is_asked_once(make_engine: MakeEngine, stream: bool) -> None:
    visits = []

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(writer)
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    error = await failure(make_engine, stream=stream, base_url=url, max_retries=5)
    assert "is not HTTP" in str(error)
    assert "base_url" in error.hint
    assert len(visits) == 1
    server.close()
    await server.wait_closed()


async def test_proxy_of_the_environment_that_is_none_is_told_without_its_login(
    make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://me:{KEY}@proxy:99999")
    error = await failure(make_engine, stream=stream, base_url="http://vendor.example/v1", max_retries=5)
    assert "no address" in str(error)
    assert "HTTP_PROXY" in error.hint


@pytest.mark.parametrize("act", [Act(delay=60), Act(reply=["word"] * 1000, rate=50), Act(status=503), Act(status=429)])
async def test_option_timeout_limits_the_whole_call_with_all_its_tries(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, act: Act, stream: bool
) -> None:
    openai_standin.always = act
    started = time.perf_counter()
    with pytest.raises(ModelCallError) as caught:
        await answered(make_engine(max_retries=10), asked(stream=stream, timeout=0.4))
    assert time.perf_counter() - started < 1.5
    assert_no_key(caught.value)


async def test_server_that_hangs_up_is_tried_again_at_once(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, stream: bool
) -> None:
    openai_standin.next(Act(hang_up=True))
    started = time.perf_counter()
    deltas = await answered(make_engine(max_retries=1), asked("back again", stream=stream))
    assert "".join(delta.text for delta in deltas) == "back again"
    assert time.perf_counter() - started < 0.4


async def test_server_that_always_hangs_up_is_unreachable(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, stream: bool
) -> None:
    openai_standin.always = Act(hang_up=True)
    error = await failure(make_engine, stream=stream, max_retries=1)
    assert isinstance(error, UnreachableError)
    assert str(error).endswith(" Tried 2 times.")
    assert len(openai_standin.requests) == 2


async def test_trouble_of_the_server_is_waited_out(openai_standin: OpenAIStandIn, make_engine: MakeEngine) -> None:
    openai_standin.next(Act(status=503), Act(error={"message": "again", "code": 503}))
    deltas = await answered(make_engine(max_retries=10), asked("at last", stream=False))
    assert deltas[0].text == "at last"
    assert len(openai_standin.requests) == 3


async def test_wish_of_the_provider_is_waited_for(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, stream: bool
) -> None:
    openai_standin.next(Act(status=429, headers={"Retry-After": "0.6"}))
    started = time.perf_counter()
    await answered(make_engine(max_retries=1), asked(stream=stream))
    assert 0.6 <= time.perf_counter() - started < 1.5


async def test_wish_that_is_too_long_is_handed_to_the_caller(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, stream: bool
) -> None:
    openai_standin.always = Act(status=429, headers={"Retry-After": "3600"})
    error = await failure(make_engine, stream=stream, max_retries=5)
    assert isinstance(error, RateLimitedError)
    assert error.retry_after == 3600
    assert len(openai_standin.requests) == 1

"""Requests over connections of our own: what is kept, what breaks, who is waited for, on either kind of loop."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import zlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop
from yarl import URL

from byzer_nb._http.failures import (
    BadRequestError,
    BrokenError,
    HttpError,
    LateError,
    NoHttpError,
    NotConnectedError,
    ProxyError,
    SilentError,
    UnknownHostError,
)
from byzer_nb._http.line import Limits
from tests.core.staged import chunked, listening, request_on, session, sized, stage, until_hung_up, whole

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    return request.param


def test_request_arrives_as_it_was_written(run: Run) -> None:
    async def scene() -> None:
        async with stage(sized(b"yes")) as stands, session(headers={"Authorization": "Bearer k", "A": "b"}) as asker:
            assert await whole(asker, stands.url, body=b"{}", headers={"a": "c", "D": "e"}) == (200, b"yes")
        line, headers, body = stands.heard[0]
        assert (line, body) == ("POST /v1/chat?x=1 HTTP/1.1", b"{}")
        assert headers["host"] == f"127.0.0.1:{stands.port}"
        assert (headers["authorization"], headers["a"], headers["d"]) == ("bearer k", "c", "e")

    run(scene())


def test_connection_is_kept_after_whole_answers_of_any_form(run: Run) -> None:
    async def scene() -> None:
        waits = b"HTTP/1.1 100 Continue\r\n\r\n"
        answers = sized(b"one"), chunked(b"tw", b"o"), sized(b"", status="204 No Content"), waits + sized(b"four")
        async with stage(*answers) as stands, session() as asker:
            told = [await whole(asker, stands.url) for _ in range(4)]
        assert told == [(200, b"one"), (200, b"two"), (204, b""), (200, b"four")]
        assert stands.connections == 1

    run(scene())


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        sized(b"hi") + b"more than was asked for",
    ],
    ids=["said so", "old", "talks on"],
)
def test_connection_is_not_kept_where_it_would_mix_answers_up(run: Run, answer: bytes) -> None:
    async def scene() -> None:
        async with stage(answer) as stands, session() as asker:
            assert [await whole(asker, stands.url) for _ in range(2)] == [(200, b"hi"), (200, b"hi")]
        assert stands.connections == 2

    run(scene())


def test_answer_of_no_announced_length_ends_with_the_connection(run: Run) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writer.drain()

    async def scene() -> None:
        async with stage(b"HTTP/1.1 200 OK\r\n\r\nall of it", then=hang_up) as stands, session() as asker:
            assert await whole(asker, stands.url) == (200, b"all of it")

    run(scene())


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", chunked(b"half")[:-5]],
    ids=["nothing", "half a head", "half a body", "no last chunk"],
)
def test_half_an_answer_is_an_error(run: Run, answer: bytes) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writer.drain()

    async def scene() -> None:
        async with stage(answer, then=hang_up) as stands, session() as asker:
            with pytest.raises(BrokenError):
                await whole(asker, stands.url)

    run(scene())


@pytest.mark.parametrize("answer", [b"220 ready for mail\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: few\r\n\r\n"])
def test_what_is_no_http_is_told_as_such(run: Run, answer: bytes) -> None:
    async def scene() -> None:
        async with stage(answer) as stands, session() as asker:
            with pytest.raises(NoHttpError):
                await whole(asker, stands.url)
            await until_hung_up(stands)

    run(scene())


def test_packed_bodies_are_unpacked_and_bombs_come_in_pieces(run: Run) -> None:
    text = b"words " * 2000
    raw = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(text),
        "deflate": zlib.compress(text),
        "Deflate": raw.compress(text) + raw.flush(),
        "identity": text,
    }
    bomb = gzip.compress(bytes(64 << 20))

    async def scene() -> None:
        for name, body in packed.items():
            async with stage(sized(body, f"Content-Encoding: {name}")) as stands, session() as asker:
                assert await whole(asker, stands.url) == (200, text)
        async with stage(sized(bomb, "Content-Encoding: gzip")) as stands, session() as asker:
            answer = await asker.request("POST", stands.url)
            sizes = []
            while chunk := await answer.chunk():
                sizes.append(len(chunk))
            answer.close()
            assert sum(sizes) == 64 << 20
            assert max(sizes) <= 16 << 20
        async with stage(sized(b"??", "Content-Encoding: br")) as stands, session() as asker:
            with pytest.raises(NoHttpError):
                await whole(asker, stands.url)

    run(scene())


def test_silence_is_noticed_before_the_answer_and_within_it(run: Run) -> None:
    async def say_no_more(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def scene() -> None:
        for begun in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"):
            async with stage(begun, then=say_no_more) as stands, session() as asker:
                with pytest.raises(SilentError):
                    await whole(asker, stands.url, limits=Limits(silence=0.1))
                await until_hung_up(stands)

    run(scene())


def test_deadline_ends_also_an_answer_that_never_falls_silent(run: Run) -> None:
    async def talk_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"5\r\nagain\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    async def scene() -> None:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        async with stage(head, then=talk_on) as stands, session() as asker:
            deadline = asyncio.get_running_loop().time() + 0.3
            with pytest.raises(LateError):
                await whole(asker, stands.url, limits=Limits(silence=5, deadline=deadline))
            await until_hung_up(stands)

    run(scene())


def test_reader_that_takes_his_time_holds_the_server_back(run: Run) -> None:
    written = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        for _ in range(64):
            writer.write(bytes(1 << 20))
            await writer.drain()
            written += 1

    async def scene() -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 << 20)
        async with stage(head, then=flood) as stands, session() as asker:
            answer = await asker.request("POST", stands.url)
            await asyncio.sleep(0.3)
            assert written < 32  # the rest is not in our memory
            assert len(await answer.read()) == 64 << 20
            answer.close()

    run(scene())


def test_closing_an_answer_early_hangs_up(run: Run) -> None:
    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def scene() -> None:
        async with stage(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", then=wait) as stands, session() as asker:
            answer = await asker.request("POST", stands.url)
            assert await answer.chunk() == b"half"
            answer.close()
            await until_hung_up(stands)
            with pytest.raises(BrokenError):
                await answer.chunk()

    run(scene())


def test_whoever_reads_is_told_when_the_session_is_closed(run: Run) -> None:
    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def scene() -> None:
        async with stage(b"", then=wait) as stands, session() as asker:
            asking = asyncio.create_task(whole(asker, stands.url))
            await asyncio.sleep(0.1)
            assert stands.heard
            await asker.close()
            with pytest.raises(BrokenError):
                await asyncio.wait_for(asking, 1)

    run(scene())


def test_large_body_is_sent_whole_and_no_further_than_it_is_wanted(run: Run) -> None:
    body = bytes(range(256)) * (20 << 12)

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sized(b"too much", status="413 Content Too Large"))
        await writer.drain()

    async def scene() -> None:
        async with stage(sized(b"thanks")) as stands, session() as asker:
            assert await whole(asker, stands.url, body=body) == (200, b"thanks")
            assert stands.heard[0][2] == body
            assert await whole(asker, stands.url, body=body) == (200, b"thanks")
            assert stands.connections == 1
        async with listening(refuse) as port, session() as asker:
            url = URL(f"http://127.0.0.1:{port}/")
            assert await asyncio.wait_for(whole(asker, url, body=body * 4), 4) == (413, b"too much")

    run(scene())


def test_redirects_are_followed_only_when_asked_for(run: Run) -> None:
    async def scene() -> None:
        moved = sized(b"", "Location: /there", status="302 Found")
        async with stage(moved, sized(b"found"), moved) as stands, session() as asker:
            answer = await asker.request("GET", stands.url, follows=True)
            assert (answer.status, await answer.read()) == (200, b"found")
            answer.close()
            assert (await whole(asker, stands.url))[0] == 302
        assert [line for line, _, _ in stands.heard][1] == "GET /there HTTP/1.1"

    run(scene())


def test_places_where_nobody_answers_have_errors_of_their_own(run: Run) -> None:
    async def failing(kind: type[HttpError], address: str, **wishes: Any) -> HttpError:
        async with session(**wishes) as asker:
            with pytest.raises(kind) as failed:
                await whole(asker, URL(address))
        return failed.value

    async def scene() -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
            refused = await failing(NotConnectedError, nobody)
            assert "onnect" in str(refused)
            await failing(ProxyError, "http://api.example.com", proxy=nobody)
        await failing(UnknownHostError, "http://no-such-host.invalid")
        await failing(BadRequestError, "ftp://127.0.0.1/")
        async with stage(sized(b"no", status="403 Forbidden")) as stands:
            proxy = f"http://me:secret@127.0.0.1:{stands.port}"
            denied = await failing(ProxyError, "https://api.example.com", proxy=proxy)
            assert isinstance(denied, ProxyError)
            assert denied.status == 403
            assert stands.heard[0][0] == "CONNECT api.example.com:443 HTTP/1.1"
            assert stands.heard[0][1]["proxy-authorization"].startswith("basic ")

    run(scene())


def test_header_with_a_line_break_never_leaves(run: Run) -> None:
    async def scene() -> None:
        async with stage(sized(b"")) as stands, session() as asker:
            with pytest.raises(BadRequestError):
                await whole(asker, stands.url, headers={"X": "a\r\nEvil: b"})
        assert stands.heard == []

    run(scene())


def test_proxy_leads_to_an_encrypted_server(run: Run, tls_files: tuple[Path, Path]) -> None:
    certificate, key = tls_files

    async def scene() -> None:
        inside = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        inside.load_cert_chain(certificate, key)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await request_on(reader)
            writer.write(sized(b"over TLS"))

        async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            there, to_there = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

            async def pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
                while data := await source.read(65536):
                    sink.write(data)

            await asyncio.gather(pour(reader, to_there), pour(there, writer), return_exceptions=True)
            to_there.close()
            writer.close()

        async with listening(serve, ssl=inside) as port, listening(lead) as way:
            trusting = ssl.create_default_context(cafile=str(certificate))
            async with session(proxy=f"http://127.0.0.1:{way}", tls=trusting) as asker:
                assert await whole(asker, URL(f"https://localhost:{port}/")) == (200, b"over TLS")
            async with session(tls=True) as asker:
                with pytest.raises(ssl.SSLError):
                    await whole(asker, URL(f"https://localhost:{port}/"))

    run(scene())

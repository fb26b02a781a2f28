"""A server that says what a test wants, whether it is HTTP or not, and ways to ask it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from yarl import URL

from byzer_nb._http.session import HttpSession

Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Stage:
    """A server that says what a test wants, and what it heard."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.connections = 0
        self.hung_up = asyncio.Event()
        self.serving: set[Any] = set()  # the tasks
        self.port = 0

    @property
    def url(self) -> URL:
        return URL(f"http://127.0.0.1:{self.port}/v1/chat?x=1")


async def request_on(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    return head[0], headers, await reader.readexactly(int(headers.get("content-length", 0)))


@asynccontextmanager
async def stage(*answers: bytes, then: Speak | None = None) -> AsyncIterator[Stage]:
    """Gives each request the next of the answers, the last one again and again; `then` goes on with the connection."""
    stands = Stage()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stands.connections += 1
        stands.serving.add(asyncio.current_task())
        try:
            while True:
                stands.heard.append(await request_on(reader))
                writer.write(answers[min(len(stands.heard), len(answers)) - 1])
                if then is not None:
                    await then(reader, writer)
                    writer.close()
                    break
        except (asyncio.IncompleteReadError, ConnectionError, RuntimeError):  # the last is uvloop's
            pass
        stands.hung_up.set()

    async with listening(serve) as stands.port:
        try:
            yield stands
        finally:
            for each in stands.serving:
                each.cancel()
            await asyncio.gather(*stands.serving, return_exceptions=True)


@asynccontextmanager
async def listening(serve: Speak, **wishes: Any) -> AsyncIterator[int]:
    """The port of a server that speaks like that, closed at the end and all its sockets with it."""
    writers: list[asyncio.StreamWriter] = []

    async def remembered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await serve(reader, writer)

    server = await asyncio.start_server(remembered, "127.0.0.1", 0, **wishes)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.02)  # a transport lets go of its socket in the next rounds of the loop


@asynccontextmanager
async def session(**wishes: Any) -> AsyncIterator[HttpSession]:
    opened = HttpSession(**wishes)
    try:
        yield opened
    finally:
        await opened.close()


def sized(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = "".join(f"{line}\r\n" for line in headers)
    return f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


def chunked(*chunks: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in chunks) + b"0\r\n\r\n"


async def whole(asker: HttpSession, url: URL, **wishes: Any) -> tuple[int, bytes]:
    answer = await asker.request("POST", url, **wishes)
    try:
        return answer.status, await answer.read()
    finally:
        answer.close()


async def until_hung_up(stands: Stage) -> None:
    await asyncio.wait_for(stands.hung_up.wait(), 2)

"""A request as a server has it, and the way to answer it: as a whole, or line by line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus
from typing import Protocol

BACKLOG = 64 * 1024  # bytes that may wait for a slow reader before whoever answers is held back
TEXT = b"text/plain; charset=utf-8"
OCTETS = b"application/octet-stream"

_CHUNKED = b"Transfer-Encoding: chunked\r\n"
_END = b"0\r\n\r\n"


class Outlet(Protocol):
    """Where an answer goes out."""

    loop: asyncio.AbstractEventLoop
    room: asyncio.Future[None] | None  # to be waited for while the reader is far behind

    def write(self, data: bytes) -> None:
        """Send it, if there is anybody."""


class Asked:
    """One request. A handler answers it once; what it raises before is told with status 500."""

    __slots__ = ("_outlet", "body", "headers", "is_last", "path")

    def __init__(self, path: str, headers: dict[bytes, bytes], body: bytes, *, is_last: bool, outlet: Outlet) -> None:
        self.path = path
        self.headers = headers  # by their names in small letters
        self.body = body
        self.is_last = is_last  # on its connection
        self._outlet = outlet

    def answer(self, body: bytes, *, status: int = 200, media_type: bytes = OCTETS) -> None:
        """The whole answer at once."""
        self._outlet.write(whole(status, media_type, body, is_last=self.is_last))

    async def stream(self, lines: AsyncGenerator[bytes, None], *, media_type: bytes = OCTETS) -> None:
        """The answer line by line. Lines that come together travel together, the first of them with the head."""
        outlet = self._outlet
        chunks = _Chunks(outlet, _head(200, media_type, _CHUNKED, is_last=self.is_last))
        try:
            async with aclosing(lines):
                async for line in lines:
                    if outlet.room is not None:
                        await outlet.room
                    if not chunks.put(line):
                        chunks.send()
                        await asyncio.sleep(0)  # others get their turn, also beside one who never waits
            if outlet.room is not None:
                await outlet.room
            chunks.send(_END)
        except BaseException:
            chunks.break_off()
            raise


class _Chunks:
    """Lines on their way out: those that come before the loop goes round make one chunk."""

    def __init__(self, outlet: Outlet, head: bytes) -> None:
        self._outlet = outlet
        self._head = head
        self._lines: list[bytes] = []
        self._size = 0
        self._sending: asyncio.Handle | None = outlet.loop.call_soon(self.send)

    def put(self, line: bytes) -> bool:
        """Take a line; false when it is time to send."""
        self._lines.append(line)
        self._size += len(line)
        if self._sending is None:
            self._sending = self._outlet.loop.call_soon(self.send)
        return self._size < BACKLOG

    def send(self, end: bytes = b"") -> None:
        """Send all that is here."""
        self._stay()
        data, head = b"".join(self._lines), self._head
        self._lines.clear()
        self._size, self._head = 0, b""
        if data:  # a chunk of nothing would be the end
            self._outlet.write(b"%b%x\r\n%b\r\n%b" % (head, len(data), data, end))
        elif head or end:
            self._outlet.write(head + end)

    def break_off(self) -> None:
        """End without an end. Nothing is sent of an answer that has not begun, so that another can be given."""
        if self._head:
            self._stay()
        else:
            self.send()

    def _stay(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None


def whole(status: int, media_type: bytes, body: bytes, *, is_last: bool) -> bytes:
    """A whole answer as bytes."""
    return _head(status, media_type, b"Content-Length: %d\r\n" % len(body), is_last=is_last) + body


def _head(status: int, media_type: bytes, length: bytes, *, is_last: bool) -> bytes:
    last = b"Connection: close\r\n" if is_last else b""
    reason = HTTPStatus(status).phrase.encode()
    return b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\n%b%b\r\n" % (status, reason, media_type, length, last)

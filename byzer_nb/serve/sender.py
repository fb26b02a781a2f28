"""Lines to a reader, as fast as he takes them; lines that come together travel together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

BACKLOG = 64 * 1024  # bytes that may wait for a slow reader before the engine is held back


class Sender:
    """Sends in a task of its own, so that an engine is not held up by the socket until the backlog is full."""

    def __init__(self, write: Callable[[bytes], Awaitable[None]], *, stall_seconds: float) -> None:
        self._write = write
        self._stall_seconds = stall_seconds
        self._lines: list[bytes] = []
        self._size = 0
        self._news = asyncio.Event()
        self._waiter: asyncio.Future[None] | None = None
        self._broken: Exception | None = None
        self._sending: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._sending = asyncio.create_task(self._send())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)

    def put(self, line: bytes) -> bool:
        """Take a line; false when one should wait for `sent`, because the reader is far behind or gone."""
        self._lines.append(line)
        self._size += len(line)
        self._news.set()
        return self._size < BACKLOG and self._broken is None

    async def sent(self) -> None:
        """Wait until everything is sent that is here; raises what broke the sending."""
        while self._size and self._broken is None:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._broken is not None:
            raise self._broken

    async def _send(self) -> None:
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                lines, self._lines = self._lines, []
                data = b"".join(lines)
                async with asyncio.timeout(self._stall_seconds or None):  # a stream that nobody reads holds a slot
                    await self._write(data)
                self._size -= len(data)
                self._wake()
        except Exception as broken:
            self._broken = broken
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

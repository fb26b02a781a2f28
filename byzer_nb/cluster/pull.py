"""Streams for clients that reach a worker over Ray alone: they fetch what has come since they last asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from byzer_nb.cluster.wire import error_to_line
from byzer_nb.errors import ModelCallError

WINDOW_SECONDS = 0.025  # pieces that come within this time travel together
BACKLOG = 4 * 1024 * 1024  # bytes that may wait for a client before the engine is held back


class PullStreams:
    """Answers that are under way. One that nobody asks for during `stall_seconds` is ended."""

    def __init__(self, *, stall_seconds: float) -> None:
        self._stall_seconds = stall_seconds
        self._streams: dict[str, _Stream] = {}

    def open(self, name: str, lines: AsyncGenerator[bytes, None]) -> None:
        """Begin to fetch an answer, under a name for `pull`."""
        self._streams[name] = _Stream(lines)
        self._watch(name)

    async def pull(self, name: str) -> tuple[bytes, bool]:
        """What has come since the last time, and whether that was all; waits until there is something."""
        stream = self._streams.get(name)
        if stream is None:
            return error_to_line(ModelCallError("The answer was not fetched for too long, and was ended.")), True
        stream.is_asked_for = True
        data, is_over = await stream.take()
        if is_over:
            self._streams.pop(name, None)
        return data, is_over

    async def cancel(self, name: str) -> None:
        """Nobody wants the rest."""
        stream = self._streams.pop(name, None)
        if stream is not None:
            await stream.cancel()

    def _watch(self, name: str) -> None:
        if self._stall_seconds:
            asyncio.get_running_loop().call_later(self._stall_seconds, self._look, name)

    def _look(self, name: str) -> None:
        stream = self._streams.get(name)
        if stream is None:
            return
        if stream.is_asked_for or stream.is_waited_for:
            stream.is_asked_for = False
            self._watch(name)
        else:
            del self._streams[name]
            stream.ending.cancel()


class _Stream:
    """One answer: what has come of it and was not fetched yet."""

    def __init__(self, lines: AsyncGenerator[bytes, None]) -> None:
        self.is_asked_for = True
        self.is_waited_for = False
        self._lines: list[bytes] = []
        self._size = 0
        self._is_first = True
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self.ending = asyncio.create_task(self._fill(lines))

    async def _fill(self, lines: AsyncGenerator[bytes, None]) -> None:
        try:
            async with aclosing(lines):
                async for line in lines:
                    self._lines.append(line)
                    self._size += len(line)
                    self._news.set()
                    if self._size >= BACKLOG:
                        self._room.clear()
                        await self._room.wait()
        finally:
            self._news.set()

    async def take(self) -> tuple[bytes, bool]:
        self.is_waited_for = True
        try:
            await self._news.wait()
            if not self._is_first and not self.ending.done():  # the first piece goes at once
                await asyncio.wait([self.ending], timeout=WINDOW_SECONDS)
        finally:
            self.is_waited_for = False
        self._is_first = False
        is_over = self.ending.done()
        lines, self._lines, self._size = self._lines, [], 0
        self._room.set()
        if not is_over:
            self._news.clear()
        return b"".join(lines), is_over

    async def cancel(self) -> None:
        self.ending.cancel()
        await asyncio.gather(self.ending, return_exceptions=True)

"""A response that is made in the background, and whoever watches it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import Any


class Run:
    """Work that goes on without its caller. What it says is kept, so that one may also listen from the beginning."""

    def __init__(self, *, has_events: bool) -> None:
        self.has_events = has_events
        self.is_over = False
        self._events: list[bytes] = []
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def size(self) -> int:
        """The bytes of what it said."""
        return sum(map(len, self._events))

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin. The work is cancelled with the loop at the latest."""
        self._task = asyncio.create_task(work)
        self._task.add_done_callback(self._ended)

    def say(self, event: bytes) -> None:
        """The next event; without listeners to come it is not kept."""
        if self.has_events:
            self._events.append(event)
            self._tell()

    async def listen(self, start: int) -> AsyncGenerator[bytes, None]:
        """Every event from a number on, to the last one."""
        while True:
            while start < len(self._events):
                yield self._events[start]
                start += 1
            if self.is_over:
                return
            await self._news.wait()

    def cancel(self) -> None:
        """Stop the work, if it still goes on."""
        if self._task is not None:
            self._task.cancel()

    async def over(self) -> None:
        """Wait for the end."""
        while not self.is_over:
            await self._news.wait()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.is_over = True
        self._tell()
        if not task.cancelled():
            task.result()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

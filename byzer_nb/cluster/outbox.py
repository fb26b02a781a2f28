"""Words that go out together when they are said together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import msgspec

from byzer_nb.cluster.lease_words import written


class Outbox:
    """Takes words from ordinary code and sends all that are there, one batch after the other."""

    def __init__(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        self._send = send
        self._words: list[msgspec.Struct] = []
        self._sending: asyncio.Task[None] | None = None

    def say(self, word: msgspec.Struct) -> None:
        """Send this word soon. On a broken connection it is lost; whoever listens there notices the break."""
        self._words.append(word)
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all())

    async def _send_all(self) -> None:
        with contextlib.suppress(OSError, RuntimeError):  # broken, or closing
            while self._words:
                words, self._words = self._words, []
                await self._send(written(words))
        self._sending = None

    def close(self) -> None:
        """Say no more."""
        if self._sending is not None:
            self._sending.cancel()

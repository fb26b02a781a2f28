"""Work to be done on the loop, and a stream that can be watched."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator


class Watched:
    """A stream that counts what was taken from it and knows whether it was closed."""

    def __init__(self, count: int, *, pause: float | None = None) -> None:
        self.count = count
        self.pause = pause
        self.sent = 0
        self.is_closed = threading.Event()

    async def items(self) -> AsyncGenerator[int, None]:
        try:
            for number in range(self.count):
                if self.pause is not None:
                    await asyncio.sleep(self.pause)
                self.sent += 1
                yield number
        finally:
            self.is_closed.set()


async def answer() -> int:
    await asyncio.sleep(0)
    return 42

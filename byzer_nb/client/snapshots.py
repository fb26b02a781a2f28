"""An answer while it grows, looked at a few times a second instead of at every token."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from byzer_nb.client.gather import Gathering
from byzer_nb.types import Delta, Reply


async def snapshots(deltas: AsyncIterator[Delta], gathering: Gathering, *, every: float) -> AsyncGenerator[Reply, None]:
    """What there is so far: at once for the first piece, then at most once in `every` seconds, and last the whole.

    Tokens go into `gathering` as they come, so a caller who stops early asks it for what there was.
    """
    news = asyncio.Event()

    async def read() -> None:
        try:
            async for delta in deltas:
                gathering.add(delta)
                if delta.text or delta.reasoning:
                    news.set()
        finally:
            news.set()

    reading = asyncio.create_task(read())
    try:
        while True:
            await news.wait()
            if reading.done():
                break
            news.clear()
            yield gathering.reply()
            await asyncio.wait({reading}, timeout=every)
        await reading
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    yield gathering.reply()

"""Several answers at once: their pieces in the order in which they come, or all of them when they are there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

T = TypeVar("T")

MOST_WAITING = 64  # pieces that nobody has taken yet


async def together(works: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """What all of them come to, in order. The first failure ends the others."""
    if len(works) == 1:
        return [await works[0]]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


async def merged(streams: Sequence[AsyncGenerator[T, None]]) -> AsyncGenerator[tuple[int, T], None]:
    """Every piece with the number of its stream. The first failure ends all, and so does leaving early."""
    news: asyncio.Queue[tuple[int, T] | None] = asyncio.Queue(MOST_WAITING)

    async def drain(number: int, stream: AsyncGenerator[T, None]) -> None:
        async with aclosing(stream):
            async for piece in stream:
                await news.put((number, piece))

    async def drain_all() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for number, stream in enumerate(streams):
                    group.create_task(drain(number, stream))
        finally:
            await news.put(None)

    draining = asyncio.create_task(drain_all())
    try:
        while (piece := await news.get()) is not None:
            yield piece
        try:
            await draining
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
    finally:
        draining.cancel()
        while not draining.done():  # it may be waiting for room
            while not news.empty():
                news.get_nowait()
            await asyncio.wait([draining], timeout=0.05)

"""Async work from ordinary code: one background loop, also inside a notebook's running loop.

The loop of a notebook is never patched. An interrupt (Ctrl-C, the stop button) cancels the work itself, down to the
socket, and then reaches the caller.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

T = TypeVar("T")

CLEAN_UP_SECONDS = 5.0  # a hung server cannot hang the caller for longer than this
READ_AHEAD = 1024  # items of a stream that may wait for a slow reader before the sender is held back

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_thread: threading.Thread | None = None


def background_loop() -> asyncio.AbstractEventLoop:
    """The one loop behind every sync call; its daemon thread starts on first use."""
    global _loop, _thread
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            _thread = threading.Thread(target=_loop.run_forever, name="byzer_nb-loop", daemon=True)
            _thread.start()
        return _loop


def close_background_loop() -> None:
    """Cancel what still runs and stop the loop and its thread; the next sync call starts a new one."""
    global _loop, _thread
    with _lock:
        loop, _loop = _loop, None
        thread, _thread = _thread, None
    if loop is None or thread is None:
        return
    asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result(CLEAN_UP_SECONDS)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(CLEAN_UP_SECONDS)
    loop.close()


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
    await asyncio.get_running_loop().shutdown_default_executor()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Finish a coroutine from ordinary code and return its result."""
    loop = background_loop()
    if threading.current_thread() is _thread:
        work.close()
        raise RuntimeError("A sync call was made from inside the background loop; await its async form instead.")
    finished = threading.Event()
    future = asyncio.run_coroutine_threadsafe(_signalled(work, finished), loop)
    try:
        return future.result()
    except KeyboardInterrupt:
        future.cancel()
        finished.wait(CLEAN_UP_SECONDS)
        raise


async def _signalled(work: Coroutine[Any, Any, T], finished: threading.Event) -> T:
    try:
        return await work
    finally:
        finished.set()


def iterate(stream: AsyncIterator[T]) -> Iterator[T]:
    """The items of an async iterator, from ordinary code; leaving early closes it down to its source."""
    pump = _Pump(stream)
    filling = asyncio.run_coroutine_threadsafe(pump.fill(), background_loop())
    try:
        yield from pump.drain()
    finally:
        if not pump.is_done.is_set():
            filling.cancel()
            pump.is_done.wait(CLEAN_UP_SECONDS)


class _Pump(Generic[T]):
    """Moves items from the loop to a reader's thread, several at a time: a hop between threads costs more than a token."""

    def __init__(self, stream: AsyncIterator[T]) -> None:
        self.is_done = threading.Event()
        self._stream = stream
        self._waiting: SimpleQueue[T | _End] = SimpleQueue()
        self._room = asyncio.Event()
        self._is_held = False

    async def fill(self) -> None:
        """Put every item where the reader finds it; wait when he is far behind."""
        error: Exception | None = None
        try:
            async for item in self._stream:
                self._waiting.put(item)
                if self._waiting.qsize() >= READ_AHEAD:
                    await self._wait_for_room()
        except Exception as failure:  # raised again in the reader's own thread
            error = failure
        finally:
            close = getattr(self._stream, "aclose", None)
            try:
                if close is not None:
                    await close()
            finally:
                self.is_done.set()
                self._waiting.put(_End(error))

    async def _wait_for_room(self) -> None:
        self._room.clear()
        self._is_held = True
        # Looked at once more: the reader may have emptied the queue before he could see that we are held.
        if self._waiting.qsize() >= READ_AHEAD // 2:
            await self._room.wait()
        self._is_held = False

    def drain(self) -> Iterator[T]:
        """Every item in order, then the sender's error if there was one."""
        while True:
            item = self._waiting.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            if self._is_held and self._waiting.qsize() < READ_AHEAD // 2:
                background_loop().call_soon_threadsafe(self._room.set)
            yield item


class _End:
    """The last thing in the queue: the stream is over, well or badly."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error

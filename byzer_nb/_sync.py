"""Async work from ordinary code: one background loop, also inside a notebook's running loop.

The loop of a notebook is never patched. An interrupt (Ctrl-C, the stop button) cancels the work itself, down to the
socket, and then reaches the caller. An error of ours arrives without the frames of the loop, which say nothing to the
caller; they are in the debug log.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import os
import threading
from collections.abc import AsyncIterator, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from byzer_nb.errors import ByzerError, LoopError

T = TypeVar("T")

log = logging.getLogger(__name__)

CLEAN_UP_SECONDS = 5.0  # a hung server cannot hang the caller for longer than this
EXIT_SECONDS = 1.0  # and the end of the process not for longer than this
READ_AHEAD = 1024  # items of a stream that may wait for a slow reader before the sender is held back
LOOK_UP_SECONDS = 0.1  # a signal does not wake every thread that waits, so a waiting one looks up now and then

_lock = threading.Lock()
_background: Background | None = None
_left_behind: list[Background] = []  # of a parent process or of a dead thread; collecting a loop that ran would warn


class Background:
    """A loop in a daemon thread, with the pool for what blocks."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.pool = ThreadPoolExecutor(thread_name_prefix="byzer_nb-pool")
        self.loop.set_default_executor(self.pool)
        self.thread = threading.Thread(target=self.loop.run_forever, name="byzer_nb-loop", daemon=True)
        self.thread.start()

    def close(self, seconds: float) -> None:
        """Cancel what runs and end the threads; what does not end in time is left to the end of the process."""
        cancelling = asyncio.run_coroutine_threadsafe(_cancel_all(seconds), self.loop)
        with contextlib.suppress(TimeoutError):
            cancelling.result(seconds)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(seconds)
        # From a thread, because only so can the wait for a job that goes on and on have an end.
        emptying = threading.Thread(target=self.pool.shutdown, kwargs={"cancel_futures": True}, daemon=True)
        emptying.start()
        emptying.join(seconds)
        if not self.thread.is_alive():
            self.loop.close()


async def _cancel_all(seconds: float) -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=seconds * 0.8)
    await asyncio.get_running_loop().shutdown_asyncgens()


def background_loop() -> asyncio.AbstractEventLoop:
    """The one loop behind every sync call; its daemon thread starts on first use."""
    with _lock:
        return _running().loop


def _running() -> Background:
    """The background that is alive in this process; call it with the lock held."""
    global _background
    if _background is not None and not _background.thread.is_alive():  # a fork took the loop without its thread
        _left_behind.append(_background)
        _background = None
    if _background is None:
        _background = Background()
    return _background


def close_background_loop(seconds: float = CLEAN_UP_SECONDS) -> None:
    """Cancel what still runs and stop the loop and its thread; the next sync call starts a new one."""
    global _background
    with _lock:
        background = _background
        if background is None or not background.thread.is_alive():
            return
        if background.thread is threading.current_thread():
            raise LoopError("The background loop cannot close itself.", hint="Close it from another thread.")
        _background = None
    background.close(seconds)


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it


# Without this a stream that was never read to its end would be waited for when its variable dies with the process.
atexit.register(close_background_loop, EXIT_SECONDS)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Finish a coroutine from ordinary code and return its result."""
    __tracebackhide__ = True  # IPython and pytest leave such a frame out
    call = _Call(work)
    try:
        call.start()
        call.wait()
        return call.result()
    finally:
        call.give_up()


def iterate(stream: AsyncIterator[T]) -> Generator[T, None, None]:
    """The items of an async iterator, from ordinary code; leaving early closes it down to its source."""
    __tracebackhide__ = True
    pump = _Pump(stream)
    call = _Call(pump.fill())
    try:
        call.start()
        yield from pump.drain(call)
    finally:
        call.give_up()


class _Call(Generic[T]):
    """A coroutine on the loop, seen from the thread that waits for it."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._work = work
        self._background: Background | None = None
        self._task: asyncio.Task[None] | None = None
        self._has_begun = False
        self._is_unwanted = False
        self._is_over = False
        self._over = threading.Lock()
        self._over.acquire()
        self._value: T | None = None
        self._error: BaseException | None = None

    def start(self) -> None:
        """Hand the work to the loop, with the caller's context variables."""
        with _lock:  # so that the loop cannot be closed between here and the hand-over
            background = _running()
            if background.thread is threading.current_thread():
                raise LoopError(
                    "A sync call was made from inside the background loop, where it would wait for itself.",
                    hint="Await its async form instead, such as f.aio(...) or AsyncClient.",
                )
            self._background = background
            background.loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._do())

    async def _do(self) -> None:
        self._has_begun = True
        try:
            if self._is_unwanted:
                self._work.close()
                raise asyncio.CancelledError
            self._value = await self._work
        except BaseException as error:  # SystemExit too: it belongs to the caller, and would end the loop here
            self._error = error
        finally:
            self._is_over = True
            self._over.release()

    def wait(self) -> None:
        """Return when the work is over."""
        while not self._over.acquire(timeout=LOOK_UP_SECONDS):
            self.check_loop()

    def check_loop(self) -> None:
        """Raise if nobody is left who could finish the work."""
        if not self._is_over and self._background is not None and not self._background.thread.is_alive():
            raise LoopError("The background loop ended before the call was over.")

    def result(self) -> T:
        """What the work came to, or its error."""
        __tracebackhide__ = True
        error, self._error = self._error, None  # not kept: the error knows this frame, and would keep it alive
        if error is not None:
            try:
                raise _as_seen_by_caller(error)
            finally:
                del error
        return self._value  # type: ignore[return-value]  # without an error there is a value

    def is_over(self) -> bool:
        """Whether the work has ended."""
        return self._is_over

    def give_up(self) -> None:
        """Cancel the work unless it is over, and give it some seconds to clean up."""
        background = self._background
        if background is None:
            self._work.close()
        if background is None or self._is_over or not background.thread.is_alive():
            return
        with contextlib.suppress(RuntimeError):  # the loop has just been closed, and with it the work
            background.loop.call_soon_threadsafe(self._cancel)
        # A forgotten stream can be collected in the loop's own thread, which would wait for itself.
        if background.thread is not threading.current_thread():
            self._over.acquire(timeout=CLEAN_UP_SECONDS)

    def _cancel(self) -> None:
        if self._has_begun and self._task is not None:
            self._task.cancel()
        else:
            self._is_unwanted = True


def _as_seen_by_caller(error: BaseException) -> BaseException:
    if isinstance(error, asyncio.CancelledError):
        closed = LoopError("The call was cancelled before it was over.", hint="Was the background loop closed?")
        closed.__cause__ = error
        error = closed
    if isinstance(error, ByzerError):
        log.debug("%s in the loop", type(error).__name__, exc_info=error)
        error.__context__ = None
        _drop_frames(error)
    return error


def _drop_frames(error: BaseException) -> None:
    """Take the traceback from an error and from all that caused it."""
    bare: list[BaseException] = []
    inner: BaseException | None = error
    while inner is not None and inner not in bare:
        inner.__traceback__ = None
        bare.append(inner)
        inner = inner.__cause__ or inner.__context__


class _Pump(Generic[T]):
    """Moves items from the loop to a reader's thread, ahead of him: a hop between threads costs more than a token."""

    def __init__(self, stream: AsyncIterator[T]) -> None:
        self._stream = stream
        self._waiting: SimpleQueue[T | _End] = SimpleQueue()
        self._room = asyncio.Event()
        self._is_held = False
        self._loop: asyncio.AbstractEventLoop | None = None

    async def fill(self) -> None:
        """Put every item where the reader finds it; wait when he is far behind."""
        self._loop = asyncio.get_running_loop()
        put, count = self._waiting.put, self._waiting.qsize
        try:
            try:
                async for item in self._stream:
                    put(item)
                    if count() >= READ_AHEAD:
                        await self._wait_for_room()
            finally:
                close = getattr(self._stream, "aclose", None)
                if close is not None:
                    await close()
        except BaseException as error:  # raised again in the reader's own thread
            put(_End(error))
        else:
            put(_End(None))

    async def _wait_for_room(self) -> None:
        self._room.clear()
        self._is_held = True
        # Looked at once more: the reader may have emptied the queue before he could see that we are held.
        if self._waiting.qsize() >= READ_AHEAD // 2:
            await self._room.wait()
        self._is_held = False

    def drain(self, call: _Call[None]) -> Generator[T, None, None]:
        """Every item in order, then the sender's error if there was one."""
        __tracebackhide__ = True
        while True:
            try:
                item = self._waiting.get(timeout=LOOK_UP_SECONDS)
            except Empty:
                call.check_loop()
                if call.is_over() and self._waiting.empty():  # it was cancelled before it began
                    raise LoopError("The stream was cancelled before it began.") from None
                continue
            if isinstance(item, _End):
                if item.error is not None:
                    raise _as_seen_by_caller(item.error)
                return
            if self._is_held and self._loop is not None and self._waiting.qsize() < READ_AHEAD // 2:
                self._is_held = False
                with contextlib.suppress(RuntimeError):  # the loop has just been closed; the queue says the rest
                    self._loop.call_soon_threadsafe(self._room.set)
            yield item


class _End:
    """The last thing in the queue: the stream is over, well or badly."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error

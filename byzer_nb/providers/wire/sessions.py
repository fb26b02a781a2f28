"""HTTP sessions, one for each event loop that calls; each is closed with its loop, if not before."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import CancelledError
from typing import Generic, Protocol, TypeVar

LAST_MOMENT_SECONDS = 0.2  # how long the end of the process waits for connections to close


class Session(Protocol):
    """What is opened for a loop."""

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        ...

    async def close(self) -> None:
        """Close every connection, without waiting for anything."""
        ...


S = TypeVar("S", bound=Session)


class Sessions(Generic[S]):
    """Makes a session on the first call in a loop, and gives the same one to all later calls there."""

    def __init__(self, make: Callable[[], S]) -> None:
        self.is_closed = False
        self._make = make
        self._kept: dict[asyncio.AbstractEventLoop, _Kept[S]] = {}
        weakref.finalize(self, _let_go, self._kept)

    async def here(self) -> S:
        """The session of the running loop."""
        loop = asyncio.get_running_loop()
        kept = self._kept.get(loop)
        if kept is None or kept.session.closed:
            for other in [other for other in list(self._kept) if other.is_closed()]:  # other threads come here too
                self._kept.pop(other, None)
            kept = self._kept[loop] = _Kept(self._make())
            await kept.open()
        return kept.session

    async def close(self) -> None:
        """Close every session, each in its own loop; a second time does nothing."""
        self.is_closed = True
        here = asyncio.get_running_loop()
        while self._kept:
            loop, kept = self._kept.popitem()
            if loop is here:
                await kept.close()
            elif loop.is_running():
                closing = asyncio.run_coroutine_threadsafe(kept.close(), loop)
                # A loop that stands still, perhaps because it waits for this very call, closes it when it goes on.
                await asyncio.wait([asyncio.wrap_future(closing)], timeout=LAST_MOMENT_SECONDS)
            else:
                kept.close_now()


class _Kept(Generic[S]):
    """A session, and a generator whose end closes it: a loop that ends closes its generators while it still can."""

    def __init__(self, session: S) -> None:
        self.session = session
        self._keeper = _keep(session)

    async def open(self) -> None:
        await anext(self._keeper)

    async def close(self) -> None:
        await self._keeper.aclose()

    def close_now(self) -> None:
        """Close without a running loop; a session whose loop stands still has nothing to wait for."""
        closing = self.session.close()
        with contextlib.suppress(StopIteration):
            closing.send(None)
        closing.close()


async def _keep(session: Session) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await session.close()


def _let_go(kept_sessions: dict[asyncio.AbstractEventLoop, _Kept[S]]) -> None:
    """Close what was forgotten; runs when its owner is collected, and at the end of the process."""
    while kept_sessions:
        loop, kept = kept_sessions.popitem()
        if not loop.is_running():
            kept.close_now()
            continue
        closing = asyncio.run_coroutine_threadsafe(kept.close(), loop)
        with contextlib.suppress(RuntimeError):
            if asyncio.get_running_loop() is loop:
                continue  # waiting here would stop the loop that is to do it
        with contextlib.suppress(TimeoutError, RuntimeError, CancelledError):  # nobody is left who could be told
            closing.result(LAST_MOMENT_SECONDS)

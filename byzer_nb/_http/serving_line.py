"""One connection to a server, which answers one request after the other."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable
from typing import cast

from byzer_nb._http.asked import BACKLOG, TEXT, Asked, whole
from byzer_nb._http.hearing import Handler, Hearing, RefusedError, Terms

LINGER_SECONDS = 10.0  # that a client has to read a refusal while it still sends

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

log = logging.getLogger(__name__)


class ServingLine(asyncio.Protocol):
    """A client on the line; `on_begin` and `on_end` hear of it."""

    def __init__(
        self,
        terms: Terms,
        loop: asyncio.AbstractEventLoop,
        *,
        on_begin: Callable[[ServingLine], None],
        on_end: Callable[[ServingLine], None],
    ) -> None:
        self.loop = loop
        self.task: asyncio.Task[None] | None = None  # answers what is under way
        self.room: asyncio.Future[None] | None = None
        self._terms = terms
        self._on_begin = on_begin
        self._on_end = on_end
        self._hearing = Hearing(terms, self)
        self._asked: deque[tuple[Handler, Asked]] = deque()
        self._last_word = b""
        self._has_begun = False  # the answer
        self._is_held = False  # nothing is read, because a request waits already
        self._is_deaf = False  # nothing is heard any more
        self._owes_continue = False
        self._was_heard = True
        self._written = 0
        self._stalling: asyncio.TimerHandle | None = None

    # -- the loop's side ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own is none by its class
        self._transport.set_write_buffer_limits(high=BACKLOG)
        # A machine that is gone says nothing, and would keep its engine busy.
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._look_later()
        self._on_begin(self)

    def data_received(self, data: bytes) -> None:
        """Something came."""
        self._was_heard = True
        if self._is_deaf:
            return
        try:
            self._hearing.feed(data)
        except RefusedError as refused:  # told when what is under way has its answer
            self._is_deaf = True
            self._last_word = whole(refused.status, TEXT, f"{refused}\n".encode(), is_last=True)
            self._go_on()

    def eof_received(self) -> None:
        """The client hangs up."""
        if self.task is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over, and with it what is done for it."""
        self._on_end(self)
        self._looking.cancel()
        if self._stalling is not None:
            self._stalling.cancel()
        if self.task is not None:
            self.task.cancel()

    def pause_writing(self) -> None:
        """The client is far behind."""
        self.room = self.loop.create_future()
        self._wait_for_reader()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._stalling is not None:
            self._stalling.cancel()
        if self.room is not None and not self.room.done():
            self.room.set_result(None)
        self.room = None

    def _wait_for_reader(self) -> None:
        if self._terms.stall_seconds:
            self._stalling = self.loop.call_later(self._terms.stall_seconds, self._look_at_reader, self._taken())

    def _look_at_reader(self, taken_before: int) -> None:
        if self._taken() == taken_before:
            self._transport.abort()
        else:
            self._wait_for_reader()

    def _taken(self) -> int:
        return self._written - self._transport.get_write_buffer_size()

    def _look_later(self) -> None:
        self._was_heard = False
        self._looking = self.loop.call_later(self._terms.idle_seconds, self._look)

    def _look(self) -> None:
        """An idle connection ends, also one with half a request."""
        if self.task is None and not self._was_heard:
            self._transport.abort()
        else:
            self._look_later()

    # -- one request after the other ------------------------------------------------------------------------------

    def take(self, handle: Handler, asked: Asked) -> None:
        """Answer it, or let it wait for the one before."""
        self._owes_continue = False
        self._asked.append((handle, asked))
        self._go_on()
        if self._asked and not self._is_held:
            self._is_held = True
            self._transport.pause_reading()

    def bid(self) -> None:
        """Say that the body may come."""
        self._owes_continue = True
        self._go_on()

    def _go_on(self) -> None:
        if self.task is not None:
            return
        if self._asked:
            self._has_begun = False
            self.task = self.loop.create_task(self._serve(*self._asked.popleft()))
        elif self._last_word:
            self.write(self._last_word)
            self._leave()
        elif self._owes_continue:
            self._owes_continue = False
            self.write(_CONTINUE)
        if self._is_held and not self._asked:
            self._is_held = False
            if not self._transport.is_closing():
                self._transport.resume_reading()

    async def _serve(self, handle: Handler, asked: Asked) -> None:
        try:
            await self._answer(handle, asked)
            if self.room is not None:
                await self.room
        except BaseException:
            self._transport.abort()
            raise
        self.task = None
        self._was_heard = True
        if asked.is_last:
            self._leave()
        elif not self._transport.is_closing():
            self._go_on()

    async def _answer(self, handle: Handler, asked: Asked) -> None:
        try:
            await handle(asked)
            if not self._has_begun:
                raise RuntimeError(f"{asked.path} gave no answer")
        except Exception as failed:  # whatever it is, the client and the log are told
            name = type(failed).__name__
            log.error("A request to %s failed: %s", asked.path, name, exc_info=log.isEnabledFor(logging.DEBUG))
            if self._has_begun:
                asked.is_last = True  # an answer without its end says it
            else:
                asked.answer(f"The server failed: {name}.\n".encode(), status=500, media_type=TEXT)

    def write(self, data: bytes) -> None:
        """Send it, if there is anybody."""
        self._has_begun = True
        if not self._transport.is_closing():
            self._written += len(data)
            self._transport.write(data)

    # -- the end --------------------------------------------------------------------------------------------------

    def say_goodbye(self) -> None:
        """Hear nothing more, and take up nothing of what was asked."""
        self._is_deaf = True
        self._asked.clear()
        if self.task is None:
            self._transport.close()

    def hang_up(self) -> None:
        """At once."""
        self._transport.abort()

    def _leave(self) -> None:
        """Hang up when all is sent. To close on one who still speaks would take from him what he was told."""
        self._is_deaf = True
        if not self._transport.is_closing():
            self._transport.write_eof()
            self._looking.cancel()
            self._looking = self.loop.call_later(LINGER_SECONDS, self._transport.abort)

"""One connection to a server, for one exchange after the other."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import httptools

from byzer_nb._http.failures import BrokenError, HttpError, LateError, NoHttpError, SilentError

MOST_UNREAD = 256 * 1024  # bytes that may wait for a reader before the server is held back
PIECE = 64 * 1024  # of a large body
SMALL_BODY = 256 * 1024  # goes out in one write, whoever reads it


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for a connection to be made, for a server to leave a request unread, and for it to be silent after that.

    The deadline is a time of the loop.
    """

    connect: float = 10.0
    unread: float | None = None
    silence: float | None = None
    deadline: float | None = None


class Line(asyncio.Protocol):
    """A kept-alive connection. Closing it in the middle of an exchange is how a server learns that nobody listens."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, on_end: Callable[[Line], None]) -> None:
        self._loop = loop
        self._on_end = on_end
        self._transport: asyncio.Transport | None = None
        self._parser = _parser(self)
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self._due: float | None = None
        self._is_lost = False
        self._must_wait_to_write = False
        self.idle_since = 0.0
        self._begin_anew(Limits())

    def _begin_anew(self, limits: Limits) -> None:
        self.limits = limits
        self.silence = limits.silence
        self.status = 0
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.is_begun = False  # the answer: its head is here
        self.is_whole = False
        self.is_spoilt = False  # for another exchange
        self.failure: HttpError | None = None
        self._chunks: list[bytes] = []
        self._unread = 0
        self._is_held_back = False

    # -- an exchange ----------------------------------------------------------------------------------------------

    async def exchange(self, head: bytes, body: bytes, limits: Limits) -> None:
        """Send a request, and wait for the head of its answer."""
        if self._is_gone:
            raise BrokenError
        assert self._transport is not None
        self._begin_anew(limits)
        if len(body) <= SMALL_BODY:
            self._transport.write(head + body)
        else:
            self.silence = limits.unread
            self._transport.write(head)
            await self._send(body)
            self.silence = limits.silence
        while not self.is_begun:
            if self.failure is not None:
                raise self.failure
            await self.wait()

    async def _send(self, body: bytes) -> None:
        """A large body, as fast as it is taken. A server that answers before it has all wants no more of it."""
        assert self._transport is not None
        rest = memoryview(body)
        while rest:
            while self._must_wait_to_write and not self.is_begun and self.failure is None:
                await self.wait()
            if self.is_begun or self.failure is not None or self._is_gone:
                self.is_spoilt = True
                return
            self._transport.write(rest[:PIECE])
            rest = rest[PIECE:]

    async def tunnel(self, head: bytes, limits: Limits) -> None:
        """Have a proxy lead the connection on to somewhere else; an error when it does not."""
        await self.exchange(head, b"", limits)
        if not 200 <= self.status < 300:
            raise BrokenError
        self.is_whole = True

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Go on encrypted."""
        assert self._transport is not None
        encrypted = await self._loop.start_tls(self._transport, self, context, server_hostname=host)
        if encrypted is None:  # it was closed meanwhile
            raise BrokenError
        self._transport = encrypted
        self._parser = _parser(self)

    @property
    def is_late(self) -> bool:
        """Whether the answer should have been whole by now."""
        return self.limits.deadline is not None and self._loop.time() > self.limits.deadline

    @property
    def has_unread(self) -> bool:
        """Whether something of the body waits to be taken."""
        return bool(self._unread)

    def take(self) -> bytes:
        """What has come of the body since the last time."""
        if not self._unread:
            return b""
        chunks, self._chunks, self._unread = self._chunks, [], 0
        if self._is_held_back:
            self._is_held_back = False
            if self._transport is not None and not self._is_gone:
                self._transport.resume_reading()
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def wait(self) -> None:
        """Until something happens; one reader at a time."""
        waiter = self._waiter = self._loop.create_future()
        if self.silence is not None or self.limits.deadline is not None:
            self._watch()
        try:
            await waiter
        finally:
            self._waiter = None

    def _watch(self) -> None:
        """See to it that the wait has an end. The timer is kept from wait to wait, which spares most of them one."""
        due = self.limits.deadline
        if self.silence is not None:
            silent_until = self._loop.time() + self.silence
            due = silent_until if due is None else min(due, silent_until)
        assert due is not None
        self._due = due
        if self._timer is None or due < self._timer_due:
            self._set_timer(due)

    def _set_timer(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = due
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done() or self._due is None:
            return
        now = self._loop.time()
        if now + 0.001 < self._due:
            self._set_timer(self._due)
        elif self.limits.deadline is not None and now + 0.001 >= self.limits.deadline:
            self.fail(LateError())
        else:
            self.fail(SilentError())

    def fail(self, failure: HttpError) -> None:
        """End the exchange; whoever waits for it is told."""
        if self.failure is None and not self.is_whole:
            self.failure = failure
        self.is_spoilt = True
        self._wake()

    def close(self) -> None:
        """Hang up at once."""
        self.fail(BrokenError())
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()

    @property
    def can_go_on(self) -> bool:
        """Whether another exchange may follow on this connection."""
        return self.is_whole and not self.is_spoilt and not self._is_gone

    @property
    def _is_gone(self) -> bool:
        """Whether the connection is over, also where that was not told yet: uvloop raises on what is asked of one."""
        return self._is_lost or self._transport is None or self._transport.is_closing()

    # -- asyncio's side -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's looks like one and is none

    def data_received(self, data: bytes) -> None:
        """Something came."""
        if self.is_whole:  # words that nobody asked for
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.fail(NoHttpError())
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over, which is also how an answer of no announced length ends."""
        self._is_lost = True
        if self.is_begun and not self.is_whole and exc is None and not self._has_announced_end():
            self.is_whole = True
        self.fail(BrokenError())
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._on_end(self)

    def pause_writing(self) -> None:
        """The server does not read as fast as we write."""
        self._must_wait_to_write = True

    def resume_writing(self) -> None:
        """It has caught up."""
        self._must_wait_to_write = False
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _has_announced_end(self) -> bool:
        return any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in self.headers)

    # -- the parser's side ----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """An answer begins; a second one is one too many."""
        if self.is_whole:
            self.is_spoilt = True

    def on_status(self, reason: bytes) -> None:
        """The words in the status line."""
        if not self.is_whole:
            self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        if not self.is_whole:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is here."""
        if not self.is_whole:
            self.status = self._parser.get_status_code()
            self.is_begun = self.status >= 200

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        if self.is_whole:
            return
        self._chunks.append(data)
        self._unread += len(data)
        if self._unread > MOST_UNREAD and not self._is_held_back and self._transport is not None:
            self._is_held_back = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """The answer is here, or a word before it, such as that a body may come."""
        if self.is_begun:
            self.is_whole = True
            if not self._parser.should_keep_alive():
                self.is_spoilt = True
        else:
            self.headers.clear()
            self.reason = b""


def _parser(line: Line) -> httptools.HttpResponseParser:
    parser = httptools.HttpResponseParser(line)
    # What servers in the field do, and every other client bears with.
    parser.set_dangerous_leniencies(
        lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
    )
    return parser

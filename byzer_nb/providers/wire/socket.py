"""WebSockets to a provider: one for each request, time limits, retries, and nothing but our own errors."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import aiohttp
from yarl import URL

from byzer_nb.errors import ModelCallError
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.call import Signature
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.http import Lost, Patience, Route, headers_of, proxy_of
from byzer_nb.providers.wire.incoming import LAST_WORDS_SECONDS, MOST_EVENT_BYTES
from byzer_nb.providers.wire.retry import retrying
from byzer_nb.providers.wire.sessions import Sessions

T = TypeVar("T")

# Proves who asks, for the address of a socket.
SignAddress = Callable[[URL], Signature]


class Sockets:
    """Requests to one provider, from any loop; each has a socket of its own, and closing that ends its work."""

    def __init__(self, route: Route, *, called: Called, sign: SignAddress) -> None:
        self.called = called
        self._route = route
        self._sign = sign
        self._sessions = Sessions(partial(new_session, route))
        self._open: set[OpenSocket] = set()  # from any loop; each takes itself out

    async def ask(self, message: str, *, read: Callable[[OpenSocket], Awaitable[T]], limit: float | None = None) -> T:
        """What `read` makes of the whole answer to a message; its own error, if retryable, is tried again too."""
        socket, answer = await self.stream(message, begin=read, limit=limit)
        await socket.close()
        return answer

    async def stream(
        self, message: str, *, begin: Callable[[OpenSocket], Awaitable[T]], limit: float | None = None
    ) -> tuple[OpenSocket, T]:
        """A socket and what `begin` read from it; from then on nothing is tried again. Close the socket."""
        limit = limit or self._route.patience.total
        deadline = None if limit is None else asyncio.get_running_loop().time() + limit

        async def attempt() -> tuple[OpenSocket, T]:
            opened = await self._opened(deadline=deadline, limit=limit)
            if isinstance(opened, Lost):
                raise opened.failure from opened.cause
            try:
                await opened.say(message)
                return opened, await begin(opened)
            except BaseException:
                await opened.close()
                raise

        return await retrying(attempt, backoff=self._route.backoff, deadline=deadline)

    async def _opened(self, *, deadline: float | None, limit: float | None) -> OpenSocket | Lost:
        """A socket, or why there is none: what is signed stands in this frame, so no error of ours may start here."""
        session = await self._session()
        proof = self._sign(self._route.base_url)
        url = self._route.base_url.update_query({name: value.reveal() for name, value in proof.query.items()})
        try:
            async with asyncio.timeout_at(deadline):
                socket = await session.ws_connect(url, max_msg_size=MOST_EVENT_BYTES)
        except asyncio.CancelledError as unwanted:
            return Lost(failure=failures.bare(unwanted))
        except aiohttp.WSServerHandshakeError as refused:
            return Lost(failure=self._refusal(refused))
        except (aiohttp.ClientError, OSError, UnicodeError) as original:
            if self._sessions.is_closed:  # it was we who broke the connection
                return Lost(failure=failures.closed(self.called))
            failure = failures.from_exception(original, self.called, seconds=limit)
            return Lost(failure=failure, cause=failures.cause_of(original))
        opened = OpenSocket(
            socket, called=self.called, route=self._route, deadline=deadline, limit=limit, among=self._open
        )
        if self._sessions.is_closed:  # by another thread, which did not see this socket yet
            opened.give_up()
        return opened

    async def _session(self) -> aiohttp.ClientSession:
        if self._sessions.is_closed:
            raise failures.closed(self.called)
        return await self._sessions.here()

    def _refusal(self, refused: aiohttp.WSServerHandshakeError) -> ModelCallError:
        if refused.status < 300:
            return failures.unreadable(b"", self.called)
        # The HTTP library throws away what such an answer says.
        return self._route.refusal(refused.status, b"", refused.headers or {}, self.called)

    async def close(self) -> None:
        """Let go of whoever reads, and close the connections; a second time does nothing."""
        self._sessions.is_closed = True
        for socket in list(self._open):
            socket.give_up()  # a session that is closed under its reader would never wake it
        await self._sessions.close()


class OpenSocket:
    """A socket on which an answer arrives, message by message. Closing it early ends the provider's work."""

    __slots__ = (
        "_among",
        "_called",
        "_closing",
        "_deadline",
        "_idle",
        "_is_given_up",
        "_limit",
        "_loop",
        "_silence",
        "_socket",
    )

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        *,
        called: Called,
        route: Route,
        deadline: float | None,
        limit: float | None,
        among: set[OpenSocket],
    ) -> None:
        self._socket = socket
        self._called = called
        self._silence = route.patience.first_token  # that is borne before the next message
        self._idle = route.patience.idle
        self._deadline = deadline
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._closing: asyncio.Task[None] | None = None
        self._is_given_up = False
        self._among = among
        among.add(self)

    async def say(self, message: str) -> None:
        """Send a message."""
        try:
            async with asyncio.timeout_at(self._patient_until()):
                await self._socket.send_str(message)
        except TimeoutError as late:
            failure = self._too_late(late)
        except (aiohttp.ClientError, OSError):
            failure = self._lost()
        else:
            return
        raise failure

    async def next(self) -> str:
        """The next message; nothing once the provider has closed the socket."""
        try:
            async with asyncio.timeout_at(self._patient_until()):  # keep-alives say nothing
                message = await self._socket.receive()
        except TimeoutError as late:
            failure = self._too_late(late)
        else:
            self._silence = self._idle
            match message.type:
                case aiohttp.WSMsgType.TEXT:
                    return str(message.data)
                case aiohttp.WSMsgType.BINARY:
                    return bytes(message.data).decode("utf-8", "replace")
                case aiohttp.WSMsgType.ERROR if self._socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
                    failure = failures.too_large(self._called, MOST_EVENT_BYTES)
                case aiohttp.WSMsgType.CLOSE if not self._is_given_up:
                    return ""
                case _:
                    failure = self._lost()
        raise failure

    async def close(self) -> None:
        """Say good-bye and close the connection, without much waiting for the other side."""
        self._among.discard(self)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self._socket.close()

    def give_up(self) -> None:
        """End the answer because its engine was closed, from any thread: whoever reads it gets an error at once."""
        self._is_given_up = True
        with contextlib.suppress(RuntimeError):  # a loop that has ended has no reader left
            self._loop.call_soon_threadsafe(self._start_closing)

    def _start_closing(self) -> None:
        self._closing = self._loop.create_task(self.close())

    def _patient_until(self) -> float:
        silence = self._loop.time() + self._silence
        return silence if self._deadline is None else min(silence, self._deadline)

    def _too_late(self, late: TimeoutError) -> ModelCallError:
        if self._deadline is not None and self._loop.time() >= self._deadline:
            return failures.from_exception(late, self._called, seconds=self._limit)
        return failures.was_silent(self._called)

    def _lost(self) -> ModelCallError:
        return failures.closed(self._called) if self._is_given_up else failures.broken(self._called)


def new_session(route: Route) -> aiohttp.ClientSession:
    """A session whose sockets are those of the route, keys and all."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=0,  # how many calls run at once is decided by who deploys, not here
            ttl_dns_cache=300,
            local_addr=(route.local_address, 0) if route.local_address else None,
            ssl=route.verify,
        ),
        headers=headers_of(route),
        timeout=_timeouts(route.patience),
        cookie_jar=aiohttp.DummyCookieJar(),
        proxy=proxy_of(route) or None,
    )


def _timeouts(patience: Patience) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=None, sock_connect=patience.connect, sock_read=patience.first_token, ceil_threshold=3600
    )

"""HTTP to a provider: one pooled session a loop, time limits, retries, and nothing but our own errors."""

from __future__ import annotations

import asyncio
import contextlib
import io
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from byzer_nb.errors import ByzerError
from byzer_nb.providers import failures
from byzer_nb.providers.failures import Called
from byzer_nb.providers.retry import Backoff, retrying
from byzer_nb.providers.sessions import Sessions
from byzer_nb.providers.sse import Event, EventSplitter
from byzer_nb.types import Secret

T = TypeVar("T")

KEEP_ALIVE_SECONDS = 30.0
LARGE_BODY = 1 << 20  # aiohttp wants bigger ones as a file, so that the loop breathes while they are sent
LAST_WORDS_SECONDS = 0.05  # how long the end of a finished stream is waited for, so that its connection can be kept
GOODBYE_SECONDS = 2.0  # how long the count of tokens is waited for once every word is here
LOOP_BACK = frozenset({"localhost", "127.0.0.1", "::1"})
FAILED_BODY_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """Seconds that a provider may be silent: before a connection, before the answer begins, and in the middle of it."""

    connect: float = 10.0
    first_byte: float = 600.0
    idle: float = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """Where a provider is and how to get there. `verify` says whether to trust any certificate, or brings its own."""

    base_url: URL
    headers: Mapping[str, Secret] = field(default_factory=dict)
    proxy: str = field(default="", repr=False)
    local_address: str = ""
    verify: bool | ssl.SSLContext = True
    patience: Patience = field(default_factory=Patience)
    backoff: Backoff = field(default_factory=Backoff)


class Wire:
    """Calls to one provider, from any loop."""

    def __init__(self, route: Route, *, called: Called) -> None:
        self.called = called
        self._route = route
        self._sessions = Sessions(partial(_new_session, route))
        self._arriving: set[Incoming] = set()  # from any loop; each takes itself out
        self._urls: dict[str, URL] = {}
        self._timeout = aiohttp.ClientTimeout(
            sock_connect=route.patience.connect, sock_read=route.patience.first_byte, ceil_threshold=3600
        )

    async def post(
        self, path: str, body: bytes, *, read: Callable[[bytes, Mapping[str, str]], T], limit: float | None = None
    ) -> T:
        """What `read` makes of the whole answer and its headers; its own error, if retryable, is tried again too."""
        deadline = _deadline(limit)

        async def attempt() -> T:
            answer = await self._send(path, body, deadline=deadline, limit=limit)
            try:
                return read(await answer.rest(), answer.headers)
            finally:
                answer.close()

        return await retrying(attempt, backoff=self._route.backoff, deadline=deadline)

    async def stream(self, path: str, body: bytes, *, limit: float | None = None) -> Incoming:
        """An answer whose first bytes are here; from then on nothing is tried again. Close it."""
        deadline = _deadline(limit)

        async def attempt() -> Incoming:
            answer = await self._send(path, body, deadline=deadline, limit=limit)
            try:
                await answer.begin(idle=self._route.patience.idle)
            except BaseException:
                answer.close()
                raise
            return answer

        return await retrying(attempt, backoff=self._route.backoff, deadline=deadline)

    async def _send(self, path: str, body: bytes, *, deadline: float | None, limit: float | None) -> Incoming:
        session = await self._session()
        timeout = self._timeout
        if deadline is not None:
            left = max(deadline - asyncio.get_running_loop().time(), 0.001)
            timeout = aiohttp.ClientTimeout(
                total=left, sock_connect=timeout.sock_connect, sock_read=timeout.sock_read, ceil_threshold=3600
            )
        try:
            response = await session.post(
                self.url(path),
                data=body if len(body) < LARGE_BODY else io.BytesIO(body),
                timeout=timeout,
                allow_redirects=False,  # a redirect would take the key, or lose the body
            )
        except (aiohttp.ClientError, OSError, UnicodeError) as original:
            failure: ByzerError = failures.from_exception(original, self.called, seconds=limit)
            cause = failures.cause_of(original)
            if self._sessions.is_closed:  # it was we who broke the connection
                failure, cause = failures.closed(self.called), None
        else:
            answer = Incoming(response, called=self.called, limit=limit, among=self._arriving)
            if self._sessions.is_closed:  # by another thread, which did not see this answer yet
                answer.give_up()
            if response.status < 300:
                return answer
            raise await answer.refusal()
        raise failure from cause  # outside the handler: the original would be its context, headers and all

    async def _session(self) -> aiohttp.ClientSession:
        if self._sessions.is_closed:
            raise failures.closed(self.called)
        return await self._sessions.here()

    def url(self, path: str) -> URL:
        """The address of a path: one with a slash in front starts at the host, any other at the base URL."""
        url = self._urls.get(path)
        if url is None:
            base = self._route.base_url
            joined = base.with_path(path) if path.startswith("/") else base / path
            url = self._urls[path] = joined.with_query(base.query)
        return url

    async def close(self) -> None:
        """Let go of whoever reads an answer, and close the connections; a second time does nothing."""
        self._sessions.is_closed = True
        for answer in list(self._arriving):
            answer.give_up()  # a session that is closed under its reader would never wake it
        await self._sessions.close()


class Incoming:
    """An answer that is arriving: read it whole, or event by event. Closing it early closes the connection."""

    __slots__ = ("_among", "_begun", "_called", "_idle", "_is_given_up", "_limit", "_loop", "_response", "_splitter")

    def __init__(
        self, response: aiohttp.ClientResponse, *, called: Called, limit: float | None, among: set[Incoming]
    ) -> None:
        self._response = response
        self._loop = asyncio.get_running_loop()
        self._is_given_up = False
        self._among = among
        among.add(self)
        self._called = called
        self._limit = limit
        self._splitter = EventSplitter()
        self._begun = b""
        self._idle = GOODBYE_SECONDS

    @property
    def headers(self) -> Mapping[str, str]:
        """The answer's HTTP headers."""
        return self._response.headers

    @property
    def is_json(self) -> bool:
        """True when the server sent one JSON document although events were asked for."""
        return self._response.content_type == "application/json"

    async def begin(self, *, idle: float) -> None:
        """Wait for the first bytes; from then on nothing may take longer than `idle`."""
        self._begun = await self._read()
        self._idle = idle
        self._wait_at_most(idle)

    def expect_end(self) -> None:
        """The answer is whole: what else may come is not worth much waiting."""
        self._wait_at_most(min(self._idle, GOODBYE_SECONDS))

    def _wait_at_most(self, seconds: float) -> None:
        connection = self._response.connection
        if connection is not None and connection.protocol is not None and not self._response.content.is_eof():
            connection.protocol.read_timeout = seconds
            connection.protocol.start_timeout()

    async def next_events(self) -> list[Event]:
        """The events of the next packet; none once the answer is over."""
        while True:
            chunk, self._begun = self._begun or await self._read(), b""
            events = self._splitter.feed(chunk) if chunk else self._splitter.finish()
            if events or not chunk:
                return events

    async def rest(self) -> bytes:
        """Everything that is still to come."""
        chunks = [self._begun]
        while chunk := await self._read():
            chunks.append(chunk)
        self._begun = b""
        return b"".join(chunks)

    async def refusal(self) -> ByzerError:
        """The error that this answer stands for."""
        body = b""
        try:
            while len(body) < FAILED_BODY_BYTES and (chunk := await self._read()):
                body += chunk
        except ByzerError:
            body = b""  # the status alone says enough
        finally:
            self.close()
        return failures.from_status(self._response.status, body, self.headers, self._called)

    async def end(self) -> None:
        """Read past a last event, briefly, so that the connection can serve the next call."""
        if self._response.content.at_eof():
            return
        with contextlib.suppress(ByzerError, TimeoutError):  # the answer is whole; only the connection is at stake
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                while await self._read():
                    pass

    def close(self) -> None:
        """Let the connection go: back to the pool after a whole answer, shut otherwise."""
        self._among.discard(self)
        self._response.close()

    def give_up(self) -> None:
        """End the answer because its engine was closed, from any thread: whoever reads it gets an error at once."""
        self._is_given_up = True
        with contextlib.suppress(RuntimeError):  # a loop that has ended has no reader left
            self._loop.call_soon_threadsafe(self._response.close)

    async def _read(self) -> bytes:
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as original:
            failure = failures.from_exception(original, self._called, seconds=self._limit)
            cause = failures.cause_of(original)
        if self._is_given_up:
            failure, cause = failures.closed(self._called), None
        raise failure from cause


def _new_session(route: Route) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=0,  # how many calls run at once is decided by who deploys, not here
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            ttl_dns_cache=300,
            local_addr=(route.local_address, 0) if route.local_address else None,
            ssl=route.verify,
        ),
        headers={
            "Content-Type": "application/json",
            "User-Agent": "byzer_nb",
            **{name: value.reveal() for name, value in route.headers.items()},
        },
        cookie_jar=aiohttp.DummyCookieJar(),
        proxy=route.proxy or _proxy_of_environment(route.base_url),
    )


def _deadline(limit: float | None) -> float | None:
    return None if limit is None else asyncio.get_running_loop().time() + limit


def _proxy_of_environment(url: URL) -> str | None:
    """The proxy that HTTP_PROXY and its kin name for this host; asked once a session, for it is slow."""
    host = url.host or ""
    if host in LOOP_BACK or proxy_bypass(host):
        return None
    proxy = getproxies().get(url.scheme, "")
    return proxy if proxy.startswith("http") else None

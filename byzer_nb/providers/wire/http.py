"""HTTP to a provider: one pooled session a loop, time limits, retries, and nothing but our own errors."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar
from urllib.request import getproxies, proxy_bypass

from yarl import URL

from byzer_nb._http.failures import HttpError
from byzer_nb._http.line import Limits
from byzer_nb._http.session import HttpSession
from byzer_nb.errors import CallTimeoutError, ModelCallError
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.call import Call, Signature
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.incoming import Incoming
from byzer_nb.providers.wire.retry import Backoff, retrying
from byzer_nb.providers.wire.sessions import Sessions
from byzer_nb.types import Secret

T = TypeVar("T")

KEEP_ALIVE_SECONDS = 30.0
LOOP_BACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """Seconds that a provider may be silent: before a connection, before the first word, and in the middle of it.

    `total` is the limit of a whole call that brings none of its own.
    """

    connect: float = 10.0
    first_token: float = 600.0
    idle: float = 120.0
    total: float | None = None

    @property
    def whole_silence(self) -> float:
        """Until the answer begins: nothing else limits how long a server may leave a request unread."""
        return self.connect + self.first_token


# Proves who asks; it may ask the provider for a token, over the wire that it is given.
Sign = Callable[["Wire", Call, URL], Awaitable[Signature]]
# The error behind an answer that is not a success: status, body, headers, who was asked.
Refusal = Callable[[int, bytes, Mapping[str, str], Called], ModelCallError]


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """Where a provider is and how to get there. `verify` says whether to trust any certificate, or brings its own."""

    base_url: URL
    headers: Mapping[str, Secret] = field(default_factory=dict)
    sign: Sign | None = None
    refusal: Refusal = failures.from_status
    proxy: str = field(default="", repr=False)
    local_address: str = ""
    verify: bool | ssl.SSLContext = True
    patience: Patience = field(default_factory=Patience)
    backoff: Backoff = field(default_factory=Backoff)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """A call without an answer: our error, or that nobody wants it any more; and what may be shown as its cause."""

    failure: ModelCallError | asyncio.CancelledError
    cause: BaseException | None = None


class Wire:
    """Calls to one provider, from any loop."""

    def __init__(self, route: Route, *, called: Called) -> None:
        self.called = called
        self._route = route
        self._sessions = Sessions(partial(new_session, route))
        self._keyless_sessions = Sessions(partial(new_session, replace(route, headers={})))
        self._arriving: set[Incoming] = set()  # from any loop; each takes itself out
        self._urls: dict[str, URL] = {}

    async def ask(
        self,
        call: Call,
        *,
        read: Callable[[bytes, Mapping[str, str]], T],
        limit: float | None = None,
    ) -> T:
        """What `read` makes of the whole answer and its headers; its own error, if retryable, is tried again too."""
        limit = limit or self._route.patience.total
        deadline = _deadline(limit)

        async def attempt() -> T:
            answer = await self._send(call, deadline=deadline, limit=limit)
            try:
                return read(await answer.rest(), answer.headers)
            except ModelCallError as told:
                failure = failures.bare(told)
            finally:
                answer.close()
            raise failure

        return await retrying(attempt, backoff=call.backoff or self._route.backoff, deadline=deadline)

    async def stream(
        self, call: Call, *, begin: Callable[[Incoming], Awaitable[T]], limit: float | None = None
    ) -> tuple[Incoming, T]:
        """An answer and what `begin` read of it; from then on nothing is tried again. Close the answer."""
        limit = limit or self._route.patience.total
        deadline = _deadline(limit)

        async def attempt() -> tuple[Incoming, T]:
            answer = await self._send(call, deadline=deadline, limit=limit)
            try:
                async with asyncio.timeout(self._route.patience.first_token):
                    begun = await begin(answer)
                answer.wait_at_most(self._route.patience.idle)
            except TimeoutError as late:
                answer.close()
                if isinstance(late, CallTimeoutError):
                    raise
            except BaseException:
                answer.close()
                raise
            else:
                return answer, begun
            raise failures.was_silent(self.called)  # outside the handler: its frames hold the request

        return await retrying(attempt, backoff=call.backoff or self._route.backoff, deadline=deadline)

    async def _send(self, call: Call, *, deadline: float | None, limit: float | None) -> Incoming:
        answer = await self._requested(call, deadline=deadline, limit=limit)
        if isinstance(answer, Lost):
            raise answer.failure from answer.cause
        if answer.status < 300:
            return answer
        raise self._route.refusal(answer.status, await answer.complaint(), answer.headers, self.called)

    async def _requested(self, call: Call, *, deadline: float | None, limit: float | None) -> Incoming | Lost:
        """The answer, or why there is none: what is signed stands in this frame, so no error of ours may start here."""
        session = await self._session(is_signed=call.is_signed)
        url, headers = self.url(call.path), call.headers
        if call.query:
            url = url.update_query(call.query)
        patience = self._route.patience
        try:
            if call.is_signed and self._route.sign is not None:
                async with asyncio.timeout_at(deadline):
                    proof = await self._route.sign(self, call, url)
                headers = {**headers, **{name: value.reveal() for name, value in proof.headers.items()}}
                if proof.query:
                    url = url.update_query({name: value.reveal() for name, value in proof.query.items()})
            response = await session.request(
                call.method,
                url,
                body=call.remade() if call.remade else call.body,
                headers=headers,
                limits=Limits(
                    connect=patience.connect,
                    unread=patience.whole_silence,
                    silence=patience.first_token,
                    deadline=deadline,
                ),
                # A redirect would take the key, or lose the body.
                follows=call.method == "GET" and not call.is_signed,
            )
        except asyncio.CancelledError as unwanted:
            return Lost(failure=failures.bare(unwanted))
        except ModelCallError:  # the signer's, who asks too; some of ours are errors of the system as well
            raise
        except (HttpError, OSError, UnicodeError) as original:
            if self._sessions.is_closed:  # it was we who broke the connection
                return Lost(failure=failures.closed(self.called))
            failure = failures.from_exception(original, self.called, seconds=limit)
            return Lost(failure=failure, cause=failures.cause_of(original))
        answer = Incoming(response, called=self.called, limit=limit, split=call.split, among=self._arriving)
        if self._sessions.is_closed:  # by another thread, which did not see this answer yet
            answer.give_up()
        return answer

    async def _session(self, *, is_signed: bool) -> HttpSession:
        if self._sessions.is_closed:
            raise failures.closed(self.called)
        return await (self._sessions if is_signed else self._keyless_sessions).here()

    def url(self, path: str) -> URL:
        """The address of a path, as `Call` says."""
        if "://" in path:  # named by the provider, and another one each time
            return URL(path)
        url = self._urls.get(path)
        if url is None:
            base = self._route.base_url
            joined = base.with_path(path) if path.startswith("/") else _joined(base, path)
            url = self._urls[path] = joined.with_query(base.query)
        return url

    async def close(self) -> None:
        """Let go of whoever reads an answer, and close the connections; a second time does nothing."""
        self._sessions.is_closed = True
        for answer in list(self._arriving):
            answer.give_up()  # a session that is closed under its reader would never wake it
        await self._sessions.close()
        await self._keyless_sessions.close()


def new_session(route: Route) -> HttpSession:
    """A session whose connections and requests are those of the route, keys and all."""
    return HttpSession(
        headers=headers_of(route),
        tls=route.verify,
        proxy=proxy_of(route),
        local_address=route.local_address,
        keep_alive_seconds=KEEP_ALIVE_SECONDS,
    )


def headers_of(route: Route) -> dict[str, str]:
    """What stands in the head of every request there, keys and all."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "byzer_nb",
        **{name: value.reveal() for name, value in route.headers.items()},
    }


def proxy_of(route: Route) -> str:
    """What the requests of a route go through, or nothing; asked once a session, for it is slow."""
    return route.proxy or _proxy_of_environment(route.base_url)


def _joined(base: URL, path: str) -> URL:
    """A path below the base URL; it may hold a colon, or be empty, which is the base URL itself."""
    return base.with_path(f"{base.raw_path.rstrip('/')}/{path}", encoded=True) if path else base


def _deadline(limit: float | None) -> float | None:
    return None if limit is None else asyncio.get_running_loop().time() + limit


def _proxy_of_environment(url: URL) -> str:
    """The proxy that HTTP_PROXY and its kin name for this host."""
    host = url.host or ""
    if host in LOOP_BACK or proxy_bypass(host):
        return ""
    scheme = {"ws": "http", "wss": "https"}.get(url.scheme, url.scheme)
    proxy = getproxies().get(scheme, "")
    return proxy if proxy.startswith("http") else ""

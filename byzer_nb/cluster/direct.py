"""Requests to a deployed model over plain sockets: a lease from its router, then the bytes straight from a worker."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
from yarl import URL

from byzer_nb._http.answer import Answer
from byzer_nb._http.failures import HttpError, NotConnectedError, SlowConnectError
from byzer_nb._http.line import Limits
from byzer_nb._http.session import HttpSession
from byzer_nb.cluster import wire
from byzer_nb.cluster.engine_face import LEASE_HEADER
from byzer_nb.cluster.lease_line import BrokenLineError, LeaseLine
from byzer_nb.cluster.lease_words import Grant
from byzer_nb.cluster.way import Spent, Way
from byzer_nb.errors import ModelCallError, UnreachableError
from byzer_nb.providers.wire.failures import bare  # an error with its frames would show the token
from byzer_nb.providers.wire.sessions import Sessions
from byzer_nb.types import ModelCard, Secret

T = TypeVar("T")

CONNECT_SECONDS = 3.0
TRIES = 4  # for a worker that died before it took the request, or a router that begins anew
PAUSE_SECONDS = 0.01  # before the second try, and twice as much each time
MOST_URLS = 256  # that are remembered
LIMITS = Limits(connect=CONNECT_SECONDS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Door:
    """Where a model's router listens, on which node, what opens it, and the card of the model behind."""

    address: str
    node: str
    token: Secret
    card: ModelCard


class Direct(Way):
    """The way to one model from this process, for any loop. `find_door` asks the cluster where the router is now."""

    def __init__(self, name: str, door: Door, *, find_door: Callable[[], Awaitable[Door]]) -> None:
        super().__init__(name)
        self._door = door
        self._find_door = find_door
        self._sessions = Sessions(HttpSession)  # to the workers
        self._router_sessions = Sessions(_router_session)
        self._urls: dict[str, URL] = {}
        self._lines: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[LeaseLine]] = (
            weakref.WeakKeyDictionary()
        )

    async def describe(self, *, tries: int = TRIES) -> ModelCard:
        """The card of the model; the open line to its router says that it is still the same one."""
        await self._with_line(tries, _nothing)
        return self._door.card

    async def close(self) -> None:
        """Give back what is held and close the connections."""
        line = self._lines.pop(asyncio.get_running_loop(), None)
        if line is not None and line.done() and not line.cancelled() and line.exception() is None:
            await line.result().close()
        await self._sessions.close()
        await self._router_sessions.close()

    # -- a request ------------------------------------------------------------------------------------------------

    async def _chunks(
        self, kind: str, path: str, body: bytes, *, spent: Spent
    ) -> AsyncGenerator[tuple[bytes, int], None]:
        async with self._answer(kind, path, body, spent=spent) as (response, grant):
            try:
                if response.status != 200:
                    raise self._refused(response.status, (await response.read()).decode(errors="replace"))
                while chunk := await response.chunk():
                    yield chunk, grant.worker
            except (HttpError, OSError) as broken:
                raise self._died(grant) from bare(broken)

    async def _whole(self, kind: str, path: str, body: bytes) -> bytes:
        async with self._answer(kind, path, body, spent=Spent()) as (response, grant):
            try:
                answer = await response.read()
            except (HttpError, OSError) as broken:
                raise self._died(grant) from bare(broken)
            if answer.startswith(wire.ERROR):
                raise wire.error_from_bytes(answer)
            if response.status != 200:
                raise self._refused(response.status, answer.decode(errors="replace"))
            return answer

    @asynccontextmanager
    async def _answer(self, kind: str, path: str, body: bytes, *, spent: Spent) -> AsyncIterator[tuple[Answer, Grant]]:
        """A response that has begun to arrive; leaving early closes its connection."""
        response, grant = await self._send(kind, path, body)
        try:
            yield response, grant
        finally:
            response.close()  # it was read to its end, or nobody wants the rest
            self._free(grant.lease, tokens=spent.tokens)

    async def _send(self, kind: str, path: str, body: bytes) -> tuple[Answer, Grant]:
        session = await self._sessions.here()
        for attempt in range(1, TRIES + 1):
            grant = await self._ask(kind)
            try:
                response = await session.request(
                    "POST",
                    self._url(grant.address + path),
                    body=body,
                    headers={**self._key(), LEASE_HEADER: str(grant.lease)},
                    limits=LIMITS,
                )
            except BaseException as broken:
                self._free(grant.lease)
                if not isinstance(broken, HttpError | OSError):
                    raise bare(broken) from None
                # A worker that never took the request may be followed by any other. One that died with it, before it
                # said anything, is followed once: the request itself may be what kills.
                if attempt == TRIES or not (attempt == 1 or isinstance(broken, NotConnectedError | SlowConnectError)):
                    raise self._died(grant) from bare(broken)
                await asyncio.sleep(PAUSE_SECONDS * 2**attempt)
            else:
                return response, grant
        raise AssertionError("unreachable")

    def _refused(self, status: int, told: str) -> ModelCallError:
        return ModelCallError(
            f"A worker of {self._name!r} refused the request: HTTP {status}, {told.strip()[:200]}",
            hint="A request of more than 256 MB is too large; send pictures and sound in smaller pieces.",
            model=self._name,
            status=status,
        )

    def _died(self, grant: Grant) -> UnreachableError:
        return UnreachableError(
            f"Worker {grant.worker} of {self._name!r} ended in the middle of a request.",
            hint="It is started again by itself; ask once more. Its log says why it ended.",
            model=self._name,
            retryable=True,
        )

    # -- leases ---------------------------------------------------------------------------------------------------

    async def _ask(self, kind: str) -> Grant:
        return await self._with_line(TRIES, lambda line: line.ask(kind))

    async def _with_line(self, tries: int, work: Callable[[LeaseLine], Awaitable[T]]) -> T:
        """Do something with the open line; a router that went away is looked for again."""
        for attempt in range(1, tries + 1):
            try:
                return await work(await self._line())
            except (aiohttp.ClientError, BrokenLineError, OSError) as broken:
                if attempt == tries:
                    raise UnreachableError(
                        f"The router of {self._name!r} does not answer.",
                        hint="Is the cluster still running? Look with: byzerllm stat --model " + self._name,
                        model=self._name,
                        retryable=True,
                    ) from bare(broken)
        raise AssertionError("unreachable")

    def _free(self, lease: int, *, tokens: int = 0) -> None:
        line = self._lines.get(asyncio.get_running_loop())
        if line is not None and line.done() and not line.cancelled() and line.exception() is None:
            line.result().free(lease, tokens=tokens)

    async def _line(self) -> LeaseLine:
        """The open line of this loop; all who ask while it is opened wait for the same one."""
        loop = asyncio.get_running_loop()
        known = self._lines.get(loop)
        if known is None or (known.done() and not _is_open(known)):
            known = self._lines[loop] = asyncio.create_task(self._open(known))
        return await asyncio.shield(known)

    async def _open(self, before: asyncio.Task[LeaseLine] | None) -> LeaseLine:
        held: set[int] = set()
        if before is not None:  # the router began anew, perhaps elsewhere
            if not before.cancelled() and before.exception() is None:
                held = before.result().held
            self._door = await self._find_door()
        session = await self._router_sessions.here()
        return await LeaseLine.open(session, self._door.address, headers=self._key(), held=held)

    def _key(self) -> dict[str, str]:
        # Not a header of the session: the model may be deployed anew, with another token.
        return {"Authorization": f"Bearer {self._door.token.reveal()}"}

    def _url(self, address: str) -> URL:
        url = self._urls.get(address)
        if url is None:
            if len(self._urls) >= MOST_URLS:  # workers that began anew listen elsewhere
                self._urls.clear()
            url = self._urls[address] = URL(address)
        return url


def _router_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS), cookie_jar=aiohttp.DummyCookieJar()
    )


async def _nothing(line: LeaseLine) -> None:
    """All that is wanted is that it is open."""


def _is_open(line: asyncio.Task[LeaseLine]) -> bool:
    return not line.cancelled() and line.exception() is None and line.result().is_open

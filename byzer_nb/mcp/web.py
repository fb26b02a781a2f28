"""A server behind an address: each message is a POST, and the answer a document or a stream of events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping

from yarl import URL

from byzer_nb.errors import CallTimeoutError, McpError, ModelCallError, RefusedError
from byzer_nb.mcp.bookmark import LONGEST_PAUSE, Bookmark
from byzer_nb.mcp.messages import SESSIONLESS, Answer, Hear, Message, as_bytes, messages_in, quoted
from byzer_nb.mcp.mirrored import in_header
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.call import Call
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.http import Patience, Route, Wire
from byzer_nb.providers.wire.incoming import Incoming
from byzer_nb.providers.wire.retry import Backoff
from byzer_nb.types import Secret

A_DAY = 86400.0  # each request has its own limit, and a server may be silent while it listens
GOODBYE_SECONDS = 2.0
EVENTS = "text/event-stream"
BOTH = f"application/json, {EVENTS}"

_HINTS = {
    failures.REFUSED_CONNECTION: "Is the server running there? Look at its address.",
    failures.UNKNOWN_HOST: "Look at its address, and at the network.",
    failures.BAD_CERTIFICATE: "Look at its address; a CA bundle of yours can be named by SSL_CERT_FILE.",
    failures.CLOSED: "",
}
_PLACE = "Is it the address of its endpoint, such as https://host/mcp ? The older kind, with /sse, is not spoken here."


class Server(Called):
    """Who is asked, for errors."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"The MCP server at {self.address}"


class Web:
    """One endpoint, and the session there."""

    def __init__(self, address: URL, headers: Mapping[str, Secret], *, called: Server) -> None:
        self._called = called
        self._version = ""
        self._session = ""
        self._hear: Hear = lambda message: None
        self._lose: Callable[[McpError], None] = lambda failure: None
        route = Route(
            base_url=address,
            headers=headers,
            patience=Patience(first_token=A_DAY, idle=A_DAY),
            backoff=Backoff(retries=0),  # a tool may do something, and twice is not once
        )
        self._wire = Wire(route, called=called)

    @property
    def cancels_by_hanging_up(self) -> bool:
        """True in the revision that has no sessions."""
        return self._version == SESSIONLESS

    async def open(self, hear: Hear, lose: Callable[[McpError], None]) -> None:
        """Nothing is sent yet."""
        self._hear, self._lose = hear, lose

    def agree(self, version: str) -> None:
        """From now on each message says so."""
        self._version = version

    async def ask(self, message: Message, answer: Answer, headers: Mapping[str, str]) -> None:
        """Send a request, and read until its answer is there; a server may hang up and be asked for the rest."""
        bookmark = Bookmark()
        call = self._post(message, headers, bookmark)
        while True:
            try:
                async with _Ours(self), await self._arriving(call) as incoming:
                    if message["method"] == "initialize":
                        self._session = incoming.headers.get("Mcp-Session-Id", "")
                    await self._read_until(answer, incoming)
            except McpError as broken:
                if broken.reason != "unreachable" or not bookmark.place:
                    raise
            if answer.done():
                return
            if not bookmark.place or self._version == SESSIONLESS:
                raise McpError(f"{self._called} ended the stream before it answered.", reason="protocol")
            await asyncio.sleep(bookmark.pause)
            call = self._get(bookmark)

    async def tell(self, message: Message) -> None:
        """Send what has no answer."""
        async with _Ours(self), await self._arriving(self._post(message, {}, Bookmark())) as incoming:
            await incoming.end()

    async def listen(self) -> None:
        """Read the stream of what the server says unasked, as long as it offers one."""
        bookmark = Bookmark()
        failures_in_a_row = 0
        while True:
            try:
                async with _Ours(self), await self._arriving(self._get(bookmark)) as incoming:
                    failures_in_a_row = 0
                    await self._read_until(None, incoming)
            except McpError as ended:
                if ended.reason != "unreachable":
                    raise
                failures_in_a_row += 1
            await asyncio.sleep(min(bookmark.pause * 2**failures_in_a_row, LONGEST_PAUSE))

    async def close(self) -> None:
        """End the session, and close the connections."""
        if self._session:
            with contextlib.suppress(McpError, TimeoutError):  # servers need not allow that
                async with asyncio.timeout(GOODBYE_SECONDS), _Ours(self):
                    call = Call(path="", method="DELETE", headers=self._headers(accept=BOTH))
                    await self._wire.ask(call, read=lambda body, headers: None)
            self._session = ""
        await self._wire.close()

    def _post(self, message: Message, headers: Mapping[str, str], bookmark: Bookmark) -> Call:
        more = dict(headers)
        if self._version == SESSIONLESS and "method" in message:
            more["Mcp-Method"] = message["method"]
            if "name" in message.get("params", {}):
                more["Mcp-Name"] = in_header(message["params"]["name"])
        headers = {**self._headers(accept=BOTH), **more}
        return Call(path="", body=as_bytes(message), headers=headers, split=bookmark.opened)

    def _get(self, bookmark: Bookmark) -> Call:
        headers = self._headers(accept=EVENTS)
        if bookmark.place:
            headers["Last-Event-ID"] = bookmark.place
        return Call(path="", method="GET", headers=headers, split=bookmark.opened)

    async def _arriving(self, call: Call) -> _Open:
        incoming, _ = await self._wire.stream(call, begin=_at_once)
        return _Open(incoming)

    async def _read_until(self, answer: Answer | None, incoming: Incoming) -> None:
        """Hear all of it, or up to the answer."""
        if incoming.kind != EVENTS:
            self._read(await incoming.rest())
            return
        while (answer is None or not answer.done()) and (events := await incoming.next_events()):
            for event in events:
                self._read(event.data)
        if answer is not None and answer.done():
            await incoming.end()

    def _headers(self, *, accept: str) -> dict[str, str]:
        headers = {"Accept": accept}
        if self._version:
            headers["MCP-Protocol-Version"] = self._version
        if self._session:
            headers["Mcp-Session-Id"] = self._session
        return headers

    def _read(self, data: bytes) -> None:
        if not data.strip():
            return
        try:
            messages = messages_in(data)
        except (ValueError, RecursionError):
            shown = "a web page" if data.lstrip().startswith(b"<") else self._called.mask.apply(quoted(data))
            raise McpError(
                f"{self._called} answered with something that is no message: {shown}.", reason="protocol", hint=_PLACE
            ) from None
        for message in messages:
            self._hear(message)

    def as_ours(self, failure: ModelCallError) -> McpError:
        """What went wrong on the way, in the words of a server of tools."""
        status = failure.status or 0
        reason, hint = "unreachable", _HINTS.get(failure.code, failure.hint)
        if status == 404 and self._session:
            reason, hint = "session", "Ask again; a new session is begun."
            lost = McpError(f"{self._called} has forgotten the session.", reason=reason, hint=hint)
            self._session = ""
            self._lose(lost)
            return lost
        if failure.code.startswith("-32"):  # an answer of the protocol, though with the status of a failure
            reason, hint = "answer", ""
        elif isinstance(failure, RefusedError):
            reason, hint = "refused", "Give a key with McpServer(..., key=...), or with headers=."
        elif isinstance(failure, CallTimeoutError):
            reason = "time"
        elif 300 <= status < 400:
            reason, hint = "http", "Give the new address; keys are not sent after a redirect."
        elif status >= 400:
            reason, hint = "http", _PLACE if status in (400, 404, 405, 406, 415) else ""
        return McpError(failure.message, reason=reason, hint=hint)


class _Ours:
    """Turns the errors of the wire into those of a server of tools."""

    def __init__(self, web: Web) -> None:
        self._web = web

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ModelCallError):
            raise self._web.as_ours(error) from None


class _Open:
    """An answer that is closed when it was read, or is wanted no more."""

    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming

    async def __aenter__(self) -> Incoming:
        return self._incoming

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._incoming.close()


async def _at_once(incoming: Incoming) -> None:
    """Nothing is read before the answer is handed over."""

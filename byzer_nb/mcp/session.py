"""A conversation with one server: requests and their answers, what is agreed on at the start, its list of tools."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Coroutine, Mapping
from copy import copy
from importlib.metadata import version
from typing import Any, TypeVar

from byzer_nb.errors import McpError
from byzer_nb.mcp.content import value_of, words_of
from byzer_nb.mcp.listed import McpTool
from byzer_nb.mcp.messages import HANDSHAKES, METHOD_NOT_FOUND, SESSIONLESS, Answer, Carrier, Message
from byzer_nb.mcp.mirrored import headers_of, mirrored_in
from byzer_nb.types.masking import Mask

T = TypeVar("T")

log = logging.getLogger(__name__)

MOST_PAGES = 1000
ERRAND_SECONDS = 5.0  # a message that has no answer is not worth more
FAREWELL_SECONDS = 0.5  # that the last of them have, when the session is closed
INITIALIZED = "notifications/initialized"
META = "io.modelcontextprotocol/"


class Session:
    """Speaks to a server that `called` names in errors, whose own words are masked. It lives in one loop."""

    def __init__(self, carrier: Carrier, *, called: str, mask: Mask, seconds: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.failure: McpError | None = None
        self.version = ""
        self._carrier = carrier
        self._called = called
        self._mask = mask
        self._seconds = seconds
        self._count = 0
        self._waiting: dict[int, Answer] = {}
        self._errands: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Task[None] | None = None
        self._meta: dict[str, Any] = {}  # what each request says of itself, in a revision without sessions
        self._able: dict[str, Any] = {}
        self._tools: tuple[McpTool, ...] | None = None
        self._changes = 0
        self._expires: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether another one is needed."""
        return self.failure is not None

    async def open(self) -> None:
        """Start or reach the server and agree on a revision."""
        try:
            await self._carrier.open(self._hear, self._lose)
            await self._shake_hands()
        except BaseException:
            await self.close()
            raise
        # Before the newest revision some servers tell of changes although they do not promise it.
        if not self._meta or _part(self._able, "tools").get("listChanged"):
            self._listening = self.loop.create_task(self._listen())

    async def close(self) -> None:
        """Take leave; a second time does nothing."""
        if self._listening is not None:
            self._listening.cancel()
        if self._errands:
            await asyncio.wait(self._errands, timeout=FAREWELL_SECONDS)
        for errand in self._errands:
            errand.cancel()
        self._lose(McpError(f"{self._called} was closed.", reason="closed"))
        await self._carrier.close()

    async def tools(self) -> tuple[McpTool, ...]:
        """All tools, from every page; asked for again only when the server said that they have changed."""
        if self._tools is not None and (self._expires is None or self.loop.time() < self._expires):
            return self._tools
        if "tools" not in self._able:
            return ()
        changes = self._changes
        found: list[McpTool] = []
        cursor: dict[str, Any] = {}
        for _ in range(MOST_PAGES):
            page = await self._request("tools/list", cursor)
            found += self._listed(page)
            if not page.get("nextCursor") or page["nextCursor"] == cursor.get("cursor"):
                break
            cursor = {"cursor": page["nextCursor"]}
        else:
            raise self._broken(f"lists its tools on more than {MOST_PAGES} pages")
        if changes == self._changes:  # else they have changed while they were listed
            self._tools = tuple(found)
            is_told = not self._meta or _part(self._able, "tools").get("listChanged")
            self._expires = None if is_told else self.loop.time() + _milliseconds(page.get("ttlMs")) / 1000
        return tuple(found)

    async def call(self, tool: McpTool, arguments: Mapping[str, Any]) -> Any:  # Any: JSON in, and what it gave out
        """What a tool gives back; McpError with its words where that is an error."""
        wanted = {"name": tool.name, "arguments": dict(arguments)}
        result = await self._request("tools/call", wanted, headers=headers_of(tool.mirrored, arguments))
        if result.get("isError"):
            words = words_of(result) or "the tool failed and said nothing"
            raise McpError(self._mask.apply(words), reason="tool")
        return value_of(result)

    # -- the start ------------------------------------------------------------------------------------------------

    async def _shake_hands(self) -> None:
        myself = {"name": "byzer_nb", "version": version("byzer_nb")}
        wanted = {"protocolVersion": HANDSHAKES[-1], "capabilities": {}, "clientInfo": myself}
        try:
            said = await self._request("initialize", wanted)
        except McpError as refused:
            if refused.reason not in ("answer", "http") or not await self._do_without(myself):
                raise
            return
        chosen = said.get("protocolVersion")
        if chosen not in HANDSHAKES:
            raise self._other_version(chosen)
        self.version = str(chosen)
        self._able = _part(said, "capabilities")
        self._carrier.agree(self.version)
        await self._within(self._carrier.tell({"jsonrpc": "2.0", "method": INITIALIZED}), INITIALIZED)

    async def _do_without(self, myself: dict[str, str]) -> bool:
        """Whether the server speaks the revision that has no handshake.

        It comes second: older servers may be silent when they are asked for it, and newer ones refuse a handshake.
        """
        self._meta = {
            f"{META}protocolVersion": SESSIONLESS,
            f"{META}clientInfo": myself,
            f"{META}clientCapabilities": {},
        }
        self._carrier.agree(SESSIONLESS)
        try:
            found = await self._request("server/discover")
        except McpError as unknown:
            if unknown.reason not in ("answer", "http"):
                raise
            self._meta = {}
            self._carrier.agree("")
            return False
        offered = found.get("supportedVersions")
        if not isinstance(offered, list) or SESSIONLESS not in offered:
            raise self._other_version(offered)
        self.version = SESSIONLESS
        self._able = _part(found, "capabilities")
        return True

    def _other_version(self, offered: object) -> McpError:
        known = ", ".join((*HANDSHAKES, SESSIONLESS))
        return McpError(
            f"{self._called} speaks the revision {offered!r} of the protocol, which is not known here.",
            reason="version",
            hint=f"Known are {known}. Is there another version of the server, or of byzer_nb?",
        )

    # -- requests -------------------------------------------------------------------------------------------------

    async def _request(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        has_limit: bool = True,
    ) -> Message:
        if self.failure is not None:
            raise copy(self.failure)
        self._count += 1
        number = self._count
        given = {**(params or {}), **({"_meta": self._meta} if self._meta else {})}
        message = {"jsonrpc": "2.0", "id": number, "method": method, **({"params": given} if given else {})}
        answer = self._waiting[number] = self.loop.create_future()
        try:
            said = await self._within(self._answered(message, answer, headers or {}), method, has_limit=has_limit)
        except McpError as late:
            if late.reason == "time":
                self._cancel(number, method, "it took too long")
            raise
        except asyncio.CancelledError:
            self._cancel(number, method, "nobody waits for it any more")
            raise
        finally:
            self._waiting.pop(number, None)
        if isinstance(said, McpError):
            raise copy(said)  # several calls may wait, and each has a traceback of its own
        return self._result(said, method)

    async def _answered(self, message: Message, answer: Answer, headers: Mapping[str, str]) -> Message | McpError:
        await self._carrier.ask(message, answer, headers)
        return await answer

    async def _within(self, work: Awaitable[T], method: str, *, has_limit: bool = True) -> T:
        try:
            async with asyncio.timeout(self._seconds if has_limit else None):
                return await work
        except TimeoutError:
            raise McpError(
                f"{self._called} gave no answer to {method} in {self._seconds:g} s.",
                reason="time",
                hint="Give it longer with McpServer(..., timeout=...).",
            ) from None

    def _result(self, said: Message, method: str) -> Message:
        if "error" in said:
            error = said["error"] if isinstance(said["error"], dict) else {"message": said["error"]}
            words = self._mask.apply(str(error.get("message") or "no reason given"))
            offered = _part(error, "data").get("supported")
            if offered and method == "initialize" and SESSIONLESS not in offered:
                raise self._other_version(offered)
            code = f" ({error['code']})" if "code" in error else ""
            raise McpError(f"{self._called} refused {method}: {words}{code}", reason="answer")
        result = said.get("result")
        if not isinstance(result, dict):
            raise self._broken(f"answered {method} with no result")
        if result.get("resultType") == "input_required":
            raise McpError(
                f"{self._called} wants something of the user before it goes on, which is not possible here.",
                reason="answer",
                hint="Use a tool that needs no more than its arguments.",
            )
        return result

    def _cancel(self, number: int, method: str, reason: str) -> None:
        # A handshake may not be cancelled, says the protocol: it ends with the connection.
        if self.is_over or method == "initialize" or self._carrier.cancels_by_hanging_up:
            return
        self._send(
            {
                "jsonrpc": "2.0",
                "method": "notifications/cancelled",
                "params": {"requestId": number, "reason": reason, **({"_meta": self._meta} if self._meta else {})},
            }
        )

    def _send(self, message: Message) -> None:
        errand = self.loop.create_task(self._told(message))
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    async def _told(self, message: Message) -> None:
        with contextlib.suppress(McpError, TimeoutError):  # whether it arrived changes nothing here
            async with asyncio.timeout(ERRAND_SECONDS):
                await self._carrier.tell(message)

    # -- what the server says -------------------------------------------------------------------------------------

    def _hear(self, message: Message) -> None:
        method, number = message.get("method"), message.get("id")
        if method is None:
            answer = self._waiting.get(number) if isinstance(number, int) else None
            if number is None and len(self._waiting) == 1:  # it could not even read the number of the request
                [answer] = self._waiting.values()
            if answer is not None and not answer.done():
                answer.set_result(message)
        elif number is None:
            if method == "notifications/tools/list_changed":
                self._tools = None
                self._changes += 1
        elif method == "ping":
            self._send({"jsonrpc": "2.0", "id": number, "result": {}})
        else:  # nothing was promised that a server could ask for
            error = {"code": METHOD_NOT_FOUND, "message": f"This client does not know {method!s:.100}."}
            self._send({"jsonrpc": "2.0", "id": number, "error": error})

    def _lose(self, failure: McpError) -> None:
        self.failure = self.failure or failure
        for answer in list(self._waiting.values()):
            if not answer.done():
                answer.set_result(failure)

    async def _listen(self) -> None:
        """Hear of changes. Without that the list stays as it is, so nothing that fails here is told."""
        work: Coroutine[Any, Any, Any] = self._carrier.listen()
        if self._meta:
            work.close()
            wish = {"notifications": {"toolsListChanged": True}}
            work = self._request("subscriptions/listen", wish, has_limit=False)
        try:
            await work
        except McpError as silent:
            log.debug("%s tells of no changes: %s", self._called, silent)

    def _listed(self, page: Message) -> list[McpTool]:
        tools = page.get("tools")
        if not isinstance(tools, list) or not all(isinstance(each, dict) and each.get("name") for each in tools):
            raise self._broken("lists its tools in a form that is not that of the protocol")
        found = []
        for each in tools:
            schema = _part(each, "inputSchema")
            try:
                mirrored = mirrored_in(schema) if self._meta else {}
            except ValueError as wrong:  # the protocol wants such a tool left out, and the others kept
                log.warning("%s has a tool %r that cannot be used: %s.", self._called, each["name"], wrong)
                continue
            about = each.get("description") or each.get("title") or _part(each, "annotations").get("title") or ""
            name = str(each["name"])
            found.append(McpTool(name=name, shown=name, description=str(about), parameters=schema, mirrored=mirrored))
        return found

    def _broken(self, what: str) -> McpError:
        return McpError(f"{self._called} {what}.", reason="protocol", hint="Is it an MCP server?")


def _part(message: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object inside another; an empty one where there is none."""
    found = message.get(name)
    return found if isinstance(found, dict) else {}


def _milliseconds(given: object) -> float:
    return float(given) if isinstance(given, int | float) and given > 0 else 0.0

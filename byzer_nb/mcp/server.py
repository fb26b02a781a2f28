"""An MCP server as a user holds it: the tools of another program, for models to call."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import re
import weakref
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import replace
from html import escape
from types import TracebackType
from typing import Any, Self, TypeVar

from byzer_nb._display import Displayed
from byzer_nb._lang import say
from byzer_nb._sync import background_loop, run
from byzer_nb.errors import BadInputError, ByzerError, McpError
from byzer_nb.mcp.environment import environment
from byzer_nb.mcp.listed import McpTool, McpTools
from byzer_nb.mcp.messages import Carrier
from byzer_nb.mcp.place import Place, read_place
from byzer_nb.mcp.session import Session
from byzer_nb.types import Secret
from byzer_nb.types.masking import Mask

T = TypeVar("T")

SECONDS = 60.0  # for the start, for each list and for each call
EXIT_SECONDS = 1.0  # that all servers together have when the process ends

_NOT_PLAIN = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME = 64  # what models take as the name of a tool

_open: weakref.WeakSet[McpServer] = weakref.WeakSet()


class McpServer(Displayed):
    """A server of the Model Context Protocol, wherever tools are taken: `ask(..., tools=[weather, McpServer(...)])`.

    It starts when it is first needed and stays open, so that the next call is quick. It ends with `close()`, with the
    `with` block it is used in, or with the process; after `close()` it starts again when it is needed. One that has
    died is started again by the next call.

    Args:
        command: what starts it, as a line or as a list of words; or its address, `https://host/mcp`.
        env: variables for a server that is started here. Of ours it gets `PATH`, `HOME`, the language and their like
            alone, so that no key of this process reaches it.
        headers: for a server with an address; they show themselves nowhere.
        key: short for the header `Authorization: Bearer ...`.
        only: the names of the tools that are used; the others are left alone.
        prefix: stands before the names of its tools, where two servers have the same.
        timeout: seconds for its start, for a list and for each call.
    """

    def __init__(
        self,
        command: str | Sequence[str],
        *,
        env: Mapping[str, str | Secret] | None = None,
        headers: Mapping[str, str | Secret] | None = None,
        key: str | Secret = "",
        only: Collection[str] = (),
        prefix: str = "",
        timeout: float = SECONDS,
    ) -> None:
        if timeout <= 0:
            raise BadInputError(f"timeout is a number of seconds above 0, not {timeout!r}.")
        place = read_place(command, env=env, headers=headers, key=key)
        del command, env, headers, key  # a verbose traceback of what is wrong with one of them would show them all
        if isinstance(place, ByzerError):
            raise place
        self._place = place
        self._only = frozenset([only] if isinstance(only, str) else only)
        self._prefix = prefix
        self._seconds = timeout
        self._known: McpTools | None = None
        self._kept: list[Session] = []  # at most one; a list, because it outlives this object by a moment
        self._starting: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None
        weakref.finalize(self, _let_go, self._kept).atexit = False  # _close_all does that, and waits for it

    def tools(self) -> McpTools:
        """Its tools, asked for anew when it said that they have changed."""
        return run(self._tools())

    async def async_tools(self) -> McpTools:
        """Its tools, asked for anew when it said that they have changed."""
        return await _in_background(self._tools())

    def call(self, name: str, arguments: Mapping[str, Any] | None = None) -> Any:  # Any: whatever the tool gives
        """What a tool gives back: text, JSON, a `Picture`, a `Sound`, or a list of several; McpError where it fails."""
        return run(self._call(name, arguments or {}))

    async def async_call(self, name: str, arguments: Mapping[str, Any] | None = None) -> Any:
        """What a tool gives back: text, JSON, a `Picture`, a `Sound`, or a list of several; McpError where it fails."""
        return await _in_background(self._call(name, arguments or {}))

    def close(self) -> None:
        """End it; a second time does nothing."""
        run(self._close())

    async def async_close(self) -> None:
        """End it; a second time does nothing."""
        await _in_background(self._close())

    def __enter__(self) -> Self:
        run(self._session())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        await _in_background(self._session())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.async_close()

    def __repr__(self) -> str:
        return f"McpServer({self._place.shown!r}, {self._state()})"

    def _html(self) -> str:
        head = f"<code>{escape(self._place.shown)}</code>: {escape(self._state())}"
        return head + (self._known._html() if self._known else "")

    def _state(self) -> str:
        is_open = any(not session.is_over for session in self._kept)
        count = "" if self._known is None else say(en=f"{len(self._known)} tools, ", zh=f"{len(self._known)} 个工具, ")
        return count + (say(en="open", zh="已打开") if is_open else say(en="not open", zh="未打开"))

    # -- on the background loop, where every server lives: calls come from any loop and any thread ------------------

    async def _tools(self) -> McpTools:
        listed = await self._with_session(lambda session: session.tools())
        known = {tool.name for tool in listed}
        if self._known is None and (missing := sorted(self._only - known)):
            raise BadInputError(
                f"{self._place.called} has no tool {missing[0]!r}.",
                hint=f"It has: {', '.join(sorted(known)) or 'none'}.",
            )
        wanted = [tool for tool in listed if not self._only or tool.name in self._only]
        self._known = McpTools(replace(tool, shown=self._shown(tool.name)) for tool in wanted)
        return self._known

    def _shown(self, name: str) -> str:
        return _NOT_PLAIN.sub("_", f"{self._prefix}{name}")[:_LONGEST_NAME]

    async def _call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        tools = await self._tools()
        tool = next((each for each in tools if name in (each.shown, each.name)), None)
        if tool is None:
            names = ", ".join(each.shown for each in tools)
            raise BadInputError(f"{self._place.called} has no tool {name!r}.", hint=f"It has: {names or 'none'}.")
        found: McpTool = tool
        return await self._with_session(lambda session: session.call(found, arguments))

    async def _with_session(self, work: Callable[[Session], Awaitable[T]]) -> T:
        try:
            return await work(await self._session())
        except McpError as forgotten:
            if forgotten.reason != "session":
                raise
        return await work(await self._session())

    async def _session(self) -> Session:
        """The open session, or a new one; who comes while one begins waits for that."""
        loop = asyncio.get_running_loop()
        if self._starting is None or self._starting[0] is not loop:
            self._starting = loop, asyncio.Lock()
        async with self._starting[1]:
            while self._kept and (self._kept[0].is_over or self._kept[0].loop is not loop):
                old = self._kept.pop()
                if old.loop is loop:
                    await old.close()
            if not self._kept:
                session = _new_session(self._place, self._seconds)
                await session.open()
                self._kept.append(session)
                _open.add(self)
            return self._kept[0]

    async def _close(self) -> None:
        _open.discard(self)
        while self._kept:
            session = self._kept.pop()
            if session.loop is asyncio.get_running_loop():
                await session.close()


def _new_session(place: Place, seconds: float) -> Session:
    mask = Mask(place.secrets)
    carrier: Carrier
    if place.address is None:
        from byzer_nb.mcp.pipes import Pipes

        carrier = Pipes(place.command, environment(place.environment), called=place.called, mask=mask)
    else:
        from byzer_nb.mcp.web import Server, Web

        called = Server(provider="mcp", alias=place.host, model="", address=place.host, mask=mask)
        carrier = Web(place.address, place.headers, called=called)
    return Session(carrier, called=place.called, mask=mask, seconds=seconds)


async def _in_background(work: Coroutine[Any, Any, T]) -> T:
    """Do it on the background loop, whichever loop this one is; cancelling this cancels that."""
    loop = background_loop()
    if loop is asyncio.get_running_loop():
        return await work
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))


def _let_go(kept: list[Session]) -> None:
    """End a server that was forgotten."""
    while kept:
        session = kept.pop()
        if session.loop.is_running():
            asyncio.run_coroutine_threadsafe(session.close(), session.loop)


def _close_all() -> None:
    """End every server with the process, each in the usual way if that is quick enough."""
    closing = [
        asyncio.run_coroutine_threadsafe(session.close(), session.loop)
        for server in list(_open)
        for session in server._kept
        if session.loop.is_running()
    ]
    for each in closing:
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):
            each.result(EXIT_SECONDS)


# Registered after the end of the background loop, so that it comes before that.
atexit.register(_close_all)

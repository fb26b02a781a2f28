"""What every stand-in for a vendor shares: how a call is acted, paced, cut, broken and watched.

A vendor's stand-in says which paths it has, who may ask, and how its protocol writes an answer:

    class ClaudeStandIn(VendorStandIn):
        def add_routes(self, router):  router.add_post("/v1/messages", self.answering(self.messages))
        def unauthorised(self, request, body):  ...  an answer for a wrong key, or None
        def failure(self, act):  ...  the vendor's error body for act.status and act.message
        async def messages(self, request, body, act):  ...  self.whole(...) or await self.play(...)

A test then says how it shall go:

    with ClaudeStandIn() as claude:
        claude.always = Act(reply="hello")                 # every call, until told otherwise
        claude.next(Act(status=429, headers={"Retry-After": "1"}), Act(reply="now it works"))
        ...  base_url=claude.url, api_key=claude.key
        assert claude.requests[-1].body["messages"][-1]["content"] == "hi"

Without an act it echoes the last words. It counts answers that the caller left early in `aborted`, and says with
`busy` how many it is working on.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from aiohttp import web

from tests.standins.server import ServerThread

KEY = "sk-canary-4f9d2b7e61a05c38-do-not-leak"

RAW = web.RequestKey("raw", bytes)  # the body of a request as it came, for vendors that sign it

Body = dict[str, Any]
Said = str | Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Act:
    """How one call is answered. Numbers with `_at` count pieces of text from 0."""

    reply: Said | Callable[[Body], Said] | None = None  # None echoes
    reasoning: Sequence[str] = ()
    # Calls of tools, each a name with arguments, or with the text that stands in their place; of those that the request
    # does not offer none is made.
    tool_calls: Sequence[tuple[str, Body | str]] = ()
    finish_reason: str | None = "stop"
    usage: bool = True

    delay: float = 0.0  # before the status line
    first_token_delay: float = 0.0  # after the headers, before the first event
    rate: float = 0.0  # pieces per second; 0 sends as fast as it can

    status: int = 200
    message: str = "The server had an error"  # the words of an error that the stand-in writes itself
    error: Body | str | None = None  # the error object; with status 200 it comes in the place of an answer
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None  # this body instead of any answer
    raw_type: str = "application/json"
    refuses: Mapping[str, Body] = field(default_factory=dict)  # parameter -> error object of the 400 that names it

    stall_at: int | None = None  # says no more, and keeps the connection open
    reset_at: int | None = None  # the connection is torn down; past the last piece, after finish_reason
    end_at: int | None = None  # the stream ends politely, without finish_reason and [DONE]
    malformed_at: int | None = None  # an event that is not JSON
    error_at: int | None = None  # an event with the error object
    hang_up: bool = False  # closes the connection before any answer
    has_done: bool = True  # sends [DONE]
    keep_open: bool = False  # does not end the response after [DONE]
    cut_every: int = 0  # writes so many bytes at a time
    cuts: Sequence[int] | None = None  # writes what stands between these places at a time; none writes all at once
    comments: bool = False  # a keep-alive comment before every event
    line_end: str = "\n"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    target: str  # the request line's own form; absolute when we were asked as a proxy
    headers: Mapping[str, str]
    body: Body
    raw: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Called:
    """A call of a tool as a model writes it."""

    id: str
    name: str
    text: str  # the arguments

    @property
    def pieces(self) -> list[str]:
        """The arguments as a stream brings them."""
        return [self.text[start : start + 3] for start in range(0, len(self.text), 3)]

    @property
    def arguments(self) -> Any:
        """The arguments, for protocols that send them as JSON; what is none is sent as text."""
        try:
            return json.loads(self.text or "{}")
        except ValueError:
            return self.text


Answer = Callable[[web.Request, Body, Act], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, kw_only=True)
class Frames:
    """A streamed answer as the vendor writes it, event by event and ready to be sent."""

    head: Sequence[bytes] = ()  # before the first word
    pieces: Sequence[bytes] = ()
    end: Sequence[bytes] = ()  # with the reason
    tail: Sequence[bytes] = ()  # after it: usage, good-byes
    error: bytes = b""  # what act.error_at sends
    malformed: bytes = b'data: {"id": "chatcmpl-\n\n'  # what act.malformed_at sends


class VendorStandIn(ServerThread):
    """A vendor's server; `always` is the act of every call, `next` queues acts for single ones."""

    version = "/v1"  # the path of the base URL
    stream_type = "text/event-stream"

    def __init__(self, *, key: str = KEY) -> None:
        super().__init__()
        self.key = key
        self.always = Act()
        self.requests: list[Seen] = []
        self.aborted = 0
        self.busy = 0
        self.peers: set[object] = set()  # one for each connection that ever brought a request
        self.count = 0
        self._acts: deque[Act] = deque()

    # -- for tests ------------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The base URL, with the version."""
        return f"{self.origin}{self.version}"

    def next(self, *acts: Act) -> None:
        """Answer the next calls like this, one act a call."""
        self._acts.extend(acts)

    # -- for a vendor to write ------------------------------------------------------------------------------------

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Every path of the protocol, each with `self.answering(...)`."""
        raise NotImplementedError

    def unauthorised(self, request: web.Request, body: Body) -> web.Response | None:
        """The vendor's answer to a wrong key; None for a right one."""
        raise NotImplementedError

    def failure(self, act: Act) -> web.Response:
        """The vendor's answer for the status, or for the error in the place of an answer, of an act."""
        raise NotImplementedError

    # -- shared ---------------------------------------------------------------------------------------------------

    def application(self) -> web.Application:
        app = web.Application(client_max_size=64 * 2**20)
        self.add_routes(app.router)
        return app

    def answering(
        self, answer: Answer, *, authorise: bool = True
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A handler that plays the next act, and answers with `answer` where the act says nothing else."""

        async def handle(request: web.Request) -> web.StreamResponse:
            request[RAW] = raw = await request.read()
            body = json.loads(raw) if raw and "json" in request.content_type else {}
            self.requests.append(
                Seen(
                    method=request.method,
                    path=request.path,
                    target=request.raw_path if "://" in request.raw_path else str(request.rel_url),
                    headers=dict(request.headers),
                    body=body,
                    raw=raw,
                )
            )
            self.peers.add(request.transport.get_extra_info("peername") if request.transport else None)
            self.count += 1
            act = self._acts.popleft() if self._acts else self.always
            self.busy += 1
            try:
                return await self._acted(request, body, act, answer, authorise=authorise)
            except (asyncio.CancelledError, ConnectionError):
                self.aborted += 1
                raise
            finally:
                self.busy -= 1

        return handle

    async def _acted(
        self, request: web.Request, body: Body, act: Act, answer: Answer, *, authorise: bool
    ) -> web.StreamResponse:
        if act.hang_up:
            tear_down(request)
            return web.Response()
        await asyncio.sleep(act.delay)
        if authorise and (refusal := self.unauthorised(request, body)):
            return refusal
        for name, error in act.refuses.items():
            if name in body:
                return self.json({"error": error}, act, status=400)
        if act.raw is not None:
            return web.Response(body=act.raw, status=act.status, headers={"Content-Type": act.raw_type, **act.headers})
        if act.status != 200 or (act.error is not None and act.error_at is None):
            return self.failure(act)
        return await answer(request, body, act)

    def json(self, body: Any, act: Act, *, status: int | None = None) -> web.Response:
        """A JSON document with the usual headers."""
        headers = {"x-request-id": f"req_{self.count}", **act.headers}
        return web.json_response(body, status=act.status if status is None else status, headers=headers)

    async def thinking(self, act: Act, pieces: Sequence[str]) -> None:
        """The time that a whole answer takes at the rate of the act."""
        if act.rate:
            await asyncio.sleep(len(pieces) / act.rate)

    async def play(self, request: web.Request, act: Act, frames: Frames) -> web.StreamResponse:
        """The streamed answer, with all that the act wants to go wrong."""
        response = web.StreamResponse(
            headers={"Content-Type": self.stream_type, "x-request-id": f"req_{self.count}", **act.headers}
        )
        await response.prepare(request)
        await asyncio.sleep(act.first_token_delay)
        if act.cut_every or act.cuts is not None:
            whole = b"".join([_dressed(step, act) async for step in steps(act, frames) if isinstance(step, bytes)])
            places = act.cuts if act.cuts is not None else range(0, len(whole), act.cut_every)
            borders = sorted({0, len(whole), *(place % (len(whole) + 1) for place in places)})
            for start, end in pairwise(borders):
                await response.write(whole[start:end])
                await asyncio.sleep(0.0005 if act.cuts else 0)
        else:
            async for step in steps(act, frames):
                if step is None:
                    await asyncio.sleep(3600)
                elif isinstance(step, float):
                    await asyncio.sleep(step)
                elif step == RESET:
                    tear_down(request)
                    return response
                else:
                    await response.write(_dressed(step, act))
        if act.keep_open:
            await asyncio.sleep(3600)
        await response.write_eof()
        return response


RESET = b"\0reset"


async def steps(act: Act, frames: Frames) -> AsyncIterator[bytes | float | None]:
    """What is sent and when: bytes of an event, a pause, None for an endless one, or RESET."""
    for frame in frames.head:
        yield frame
    for position, piece in enumerate([*frames.pieces, None]):
        match position:
            case act.stall_at:
                yield None
            case act.reset_at:
                yield RESET
            case act.end_at:
                return
            case act.malformed_at:
                yield frames.malformed
            case act.error_at:
                yield frames.error
        if piece is not None:
            if act.rate:
                yield 1 / act.rate
            yield piece
    if act.finish_reason is not None:
        for frame in frames.end:
            yield frame
    if act.reset_at is not None and act.reset_at > len(frames.pieces):
        yield 0.01
        yield RESET
    for frame in frames.tail:
        yield frame


def sse(data: Any, *, name: str = "") -> bytes:
    """A server-sent event with that JSON, or that text, as its data."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {text}\n\n".encode()


def _dressed(event: bytes, act: Act) -> bytes:
    """The event with the line ends and the comments of the act; only for events that are text."""
    if act.comments:
        event = b": keep-alive\n\n" + event
    return event.replace(b"\n", act.line_end.encode()) if act.line_end != "\n" else event


def spoken(act: Act, body: Body, *, echo: str) -> list[str]:
    """The pieces of the answer: those of the act, or the last words of the caller."""
    said = act.reply(body) if callable(act.reply) else act.reply
    if said is None:
        said = echo
    return tokens(said) if isinstance(said, str) else list(said)


def called(act: Act, offered: set[str], *, number: int | str) -> list[Called]:
    """The calls of the act that a model could make which was offered these tools."""
    return [
        Called(
            id=f"call_{number}_{place}",
            name=name,
            text=given if isinstance(given, str) else json.dumps(given, ensure_ascii=False),
        )
        for place, (name, given) in enumerate(act.tool_calls)
        if name in offered
    ]


def is_object_schema(schema: Any) -> bool:
    """True for what every vendor wants as the schema of a tool's arguments."""
    return isinstance(schema, dict) and schema.get("type") == "object" and isinstance(schema.get("properties"), dict)


def within(
    pieces: list[str], reason: str | None, *, stop: str | Sequence[str] | None = None, most: int | None = None
) -> tuple[list[str], str | None]:
    """The pieces cut at a stop string or a number of tokens, and why they end, in OpenAI's words."""
    text = "".join(pieces)
    stops = [stop] if isinstance(stop, str) else stop or []
    ends = [text.find(each) for each in stops if each in text]
    if ends:
        pieces, reason = tokens(text[: min(ends)]), "stop"
    if most and len(pieces) > most:
        pieces, reason = pieces[:most], "length"
    return pieces, reason


def tokens(text: str) -> list[str]:
    """The text in pieces: nearly words."""
    return re.findall(r"\s*\S{1,8}|\s+", text)


def counted(*texts: object) -> int:
    """How many tokens these texts are."""
    return sum(len(tokens(str(text))) for text in texts)


def tear_down(request: web.Request) -> None:
    """Reset the connection without a word."""
    transport = request.transport
    assert transport is not None
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() sends RST
    transport.abort()

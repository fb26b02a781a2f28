"""OpenAI, played in process: chat (whole and streamed), embeddings and models, as its public reference describes them.

    with OpenAIStandIn() as openai:
        openai.always = Act(reply="hello")                 # every call, until told otherwise
        openai.next(Act(status=429, headers={"Retry-After": "1"}), Act(reply="now it works"))
        ...  base_url=openai.url, api_key=openai.key
        assert openai.requests[-1].body["messages"][-1]["content"] == "hi"

Without an act it echoes the last message. It counts answers that the caller left early in `aborted`, and says with
`busy` how many it is working on.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from tests.standins.server import ServerThread

KEY = "sk-canary-4f9d2b7e61a05c38-do-not-leak"

Body = dict[str, Any]
Said = str | Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Act:
    """How one call is answered. Numbers with `_at` count pieces of text from 0."""

    reply: Said | Callable[[Body], Said] | None = None  # None echoes
    reasoning: Sequence[str] = ()
    finish_reason: str | None = "stop"
    usage: bool = True

    delay: float = 0.0  # before the status line
    first_token_delay: float = 0.0  # after the headers, before the first event
    rate: float = 0.0  # pieces per second; 0 sends as fast as it can

    status: int = 200
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


class OpenAIStandIn(ServerThread):
    """The server; `always` is the act of every call, `next` queues acts for single ones."""

    def __init__(self, *, key: str = KEY, models: Sequence[str] = ("gpt-4o", "text-embedding-3-small")) -> None:
        super().__init__()
        self.key = key
        self.models = list(models)
        self.always = Act()
        self.requests: list[Seen] = []
        self.aborted = 0
        self.busy = 0
        self.peers: set[object] = set()  # one for each connection that ever brought a request
        self._acts: deque[Act] = deque()
        self._count = 0

    @property
    def url(self) -> str:
        """The base URL, with the version."""
        return f"{self.origin}/v1"

    def next(self, *acts: Act) -> None:
        """Answer the next calls like this, one act a call."""
        self._acts.extend(acts)

    def application(self) -> web.Application:
        """OpenAI's routes, under any prefix that ends a base URL."""
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/{base:.*}chat/completions", self._chat)
        app.router.add_post("/{base:.*}embeddings", self._embeddings)
        app.router.add_get("/{base:.*}models", self._list_models)
        return app

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        return await self._watched(request, self._answer_chat)

    async def _embeddings(self, request: web.Request) -> web.StreamResponse:
        return await self._watched(request, self._answer_embeddings)

    async def _list_models(self, request: web.Request) -> web.StreamResponse:
        if refusal := self._unauthorised(request):
            return refusal
        data = [{"id": name, "object": "model", "created": 1, "owned_by": "stand-in"} for name in self.models]
        return web.json_response({"object": "list", "data": data})

    async def _watched(
        self, request: web.Request, answer: Callable[[web.Request, Body, Act], Any]
    ) -> web.StreamResponse:
        body = json.loads(await request.read())
        self.requests.append(
            Seen(
                method=request.method,
                path=request.path,
                target=request.raw_path if "://" in request.raw_path else str(request.rel_url),
                headers=dict(request.headers),
                body=body,
            )
        )
        self.peers.add(request.transport.get_extra_info("peername") if request.transport else None)
        self._count += 1
        act = self._acts.popleft() if self._acts else self.always
        self.busy += 1
        try:
            return await self._acted(request, body, act, answer)
        except (asyncio.CancelledError, ConnectionError):
            self.aborted += 1
            raise
        finally:
            self.busy -= 1

    async def _acted(
        self, request: web.Request, body: Body, act: Act, answer: Callable[[web.Request, Body, Act], Any]
    ) -> web.StreamResponse:
        if act.hang_up:
            _tear_down(request)
            return web.Response()
        await asyncio.sleep(act.delay)
        if refusal := self._unauthorised(request):
            return refusal
        for name, error in act.refuses.items():
            if name in body:
                return self._json({"error": error}, replace(act, status=400))
        if act.raw is not None:
            return web.Response(body=act.raw, status=act.status, headers={"Content-Type": act.raw_type, **act.headers})
        if act.status != 200 or (act.error is not None and act.error_at is None):
            return self._json({"error": act.error or _error("The server had an error", "server_error")}, act)
        response: web.StreamResponse = await answer(request, body, act)
        return response

    def _unauthorised(self, request: web.Request) -> web.Response | None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if given == self.key:
            return None
        shown = f"{given[:8]}{'*' * max(0, len(given) - 12)}{given[-4:]}"
        message = f"Incorrect API key provided: {shown}. You can find your API key in your account settings."
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}
        return self._json({"error": error}, Act(status=401))

    def _json(self, body: Body, act: Act) -> web.Response:
        headers = {"x-request-id": f"req_{self._count}", **act.headers}
        return web.json_response(body, status=act.status, headers=headers)

    async def _answer_embeddings(self, request: web.Request, body: Body, act: Act) -> web.Response:
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        data = [
            {"object": "embedding", "index": index, "embedding": embedding(text, body.get("dimensions", 8))}
            for index, text in enumerate(texts)
        ]
        spent = sum(len(tokens(text)) for text in texts)
        # The reference promises an index, not an order.
        return self._json(
            {
                "object": "list",
                "data": data[::-1],
                "model": body["model"],
                "usage": {"prompt_tokens": spent, "total_tokens": spent},
            },
            act,
        )

    async def _answer_chat(self, request: web.Request, body: Body, act: Act) -> web.StreamResponse:
        pieces, finish_reason = _within(_pieces(act, body), act.finish_reason, body)
        head = {"id": f"chatcmpl-{self._count}", "created": 1_700_000_000, "model": body["model"]}
        written = sum(len(tokens(str(turn.get("content")))) for turn in body["messages"])
        usage = {
            "prompt_tokens": written,
            "completion_tokens": len(pieces),
            "total_tokens": written + len(pieces),
        }
        if body.get("stream"):
            return await self._stream(request, body, act, pieces, finish_reason, head, usage)
        if act.rate:
            await asyncio.sleep(len(pieces) / act.rate)
        message: Body = {"role": "assistant", "content": "".join(pieces)}
        if act.reasoning:
            message["reasoning_content"] = "".join(act.reasoning)
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}
        answer = {**head, "object": "chat.completion", "choices": [choice]}
        return self._json(answer | ({"usage": usage} if act.usage else {}), act)

    async def _stream(
        self,
        request: web.Request,
        body: Body,
        act: Act,
        pieces: list[str],
        finish_reason: str | None,
        head: Body,
        usage: Body,
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "x-request-id": f"req_{self._count}", **act.headers}
        )
        await response.prepare(request)
        await asyncio.sleep(act.first_token_delay)
        wants_usage = act.usage and (body.get("stream_options") or {}).get("include_usage")
        chunk = {**head, "object": "chat.completion.chunk", **({"usage": None} if wants_usage else {})}
        frames = _frames(act, chunk, pieces, finish_reason, usage if wants_usage else None)
        if act.cut_every:
            whole = b"".join([_frame(frame, act) async for frame in frames if isinstance(frame, str)])
            for start in range(0, len(whole), act.cut_every):
                await response.write(whole[start : start + act.cut_every])
                await asyncio.sleep(0)
        else:
            async for frame in frames:
                if frame is None:
                    await asyncio.sleep(3600)
                elif isinstance(frame, float):
                    await asyncio.sleep(frame)
                elif frame == RESET:
                    _tear_down(request)
                    return response
                else:
                    await response.write(_frame(frame, act))
        if act.keep_open:
            await asyncio.sleep(3600)
        await response.write_eof()
        return response


RESET = "\0reset"


async def _frames(
    act: Act, chunk: Body, pieces: list[str], finish_reason: str | None, usage: Body | None
) -> AsyncIterator[str | float | None]:
    """The data of each event; a number is a pause, None an endless one."""

    def of(delta: Body, reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return json.dumps({**chunk, "choices": [choice]}, ensure_ascii=False)

    yield of({"role": "assistant", "content": ""})
    for thought in act.reasoning:
        yield of({"reasoning_content": thought})
    for position, piece in enumerate([*pieces, None]):
        match position:
            case act.stall_at:
                yield None
            case act.reset_at:
                yield RESET
            case act.end_at:
                return
            case act.malformed_at:
                yield '{"id": "chatcmpl-'
            case act.error_at:
                yield json.dumps({"error": act.error or _error("The server had an error", "server_error")})
        if piece is not None:
            if act.rate:
                yield 1 / act.rate
            yield of({"content": piece})
    if finish_reason is not None:
        yield of({}, finish_reason)
    if act.reset_at is not None and act.reset_at > len(pieces):
        yield 0.01
        yield RESET
    if usage is not None:
        yield json.dumps({**chunk, "choices": [], "usage": usage})
    if act.has_done:
        yield "[DONE]"


def _frame(data: str, act: Act) -> bytes:
    end = act.line_end
    comment = f": keep-alive{end}{end}" if act.comments else ""
    return f"{comment}data: {data}{end}{end}".encode()


def _pieces(act: Act, body: Body) -> list[str]:
    said = act.reply(body) if callable(act.reply) else act.reply
    if said is None:
        content = body["messages"][-1]["content"]
        said = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
    return tokens(said) if isinstance(said, str) else list(said)


def _within(pieces: list[str], reason: str | None, body: Body) -> tuple[list[str], str | None]:
    stops = body.get("stop") or []
    text = "".join(pieces)
    ends = [text.find(stop) for stop in ([stops] if isinstance(stops, str) else stops) if stop in text]
    if ends:
        pieces, reason = tokens(text[: min(ends)]), "stop"
    most = body.get("max_completion_tokens") or body.get("max_tokens")
    if most and len(pieces) > most:
        pieces, reason = pieces[:most], "length"
    return pieces, reason


def tokens(text: str) -> list[str]:
    """The text in pieces: nearly words."""
    return re.findall(r"\s*\S{1,8}|\s+", text)


def embedding(text: str, dimensions: int) -> list[float]:
    """A vector that depends on the text alone."""
    digest = hashlib.sha256(text.encode()).digest()
    return [digest[place % 32] / 255 for place in range(dimensions)]


def _error(message: str, kind: str) -> Body:
    return {"message": message, "type": kind, "param": None, "code": None}


def _tear_down(request: web.Request) -> None:
    transport = request.transport
    assert transport is not None
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() sends RST
    transport.abort()

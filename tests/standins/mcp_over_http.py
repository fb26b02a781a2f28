"""The server of tools behind an address, written from the pages of the protocol on Streamable HTTP."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import uuid4

from aiohttp import web

from tests.standins.mcp import REVISIONS, SESSIONLESS, Message, Protocol
from tests.standins.server import ServerThread

HEADER_MISMATCH = -32020
Queue = asyncio.Queue[Message]


class McpStandIn(ServerThread):
    """The endpoint `/mcp`. It answers in events, or in one document; with a key only if that comes along."""

    def __init__(
        self,
        *,
        key: str = "",
        events: bool = True,
        revisions: tuple[str, ...] = REVISIONS,
        listens: bool = True,
        hangs_up: bool = False,
    ) -> None:
        super().__init__()
        self.key = key
        self.events = events
        self.protocol = Protocol(revisions=revisions)
        self.sessions: dict[str, str] = {}  # the revision of each
        self.ended: list[str] = []
        self.hung_up: list[object] = []
        self.headers: list[Mapping[str, str]] = []
        self.broken = ""  # what is answered in the place of messages
        self._listens = listens
        self._hangs_up = hangs_up
        self._left: dict[str, tuple[Queue, object]] = {}  # streams that were hung up, by the id of their last event
        self._ears: list[Queue] = []

    @property
    def url(self) -> str:
        """The address of the endpoint."""
        return f"{self.origin}/mcp"

    @property
    def listeners(self) -> int:
        """How many streams for what is said unasked are open."""
        return len(self._ears)

    def application(self) -> web.Application:
        """POST, GET and DELETE of one path, and a redirect to it."""
        app = web.Application()
        app.router.add_post("/mcp", self._post)
        app.router.add_get("/mcp", self._get)
        app.router.add_delete("/mcp", self._delete)
        app.router.add_post("/moved", self._moved)
        return app

    def grow(self) -> None:
        """One tool more, told to all who listen."""
        self.protocol.grow(None)
        for ear in self._ears:
            self._loop.call_soon_threadsafe(
                ear.put_nowait, {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
            )

    def forget(self) -> None:
        """Forget every session."""
        self.sessions.clear()

    async def _moved(self, request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect("/mcp")

    async def _post(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(request.headers)
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return web.Response(status=401, text=f"the key {request.headers.get('Authorization')} is wrong")
        if self.broken:
            return web.Response(body=self.broken.encode(), content_type="application/json")
        if not {"application/json", "text/event-stream"} <= set(request.headers["Accept"].split(", ")):
            return web.Response(status=406)
        message = await request.json()
        wrong = self._wrong(message, request.headers)
        if wrong is not None:
            return wrong
        if "method" not in message or "id" not in message:
            self.protocol.hear(message, _nobody)
            return web.Response(status=202)
        return await self._answer(request, message)

    def _wrong(self, message: Message, headers: Mapping[str, str]) -> web.Response | None:
        """Why a message is not taken, by its headers."""
        if SESSIONLESS in self.protocol.revisions:
            return self._mismatch(message, headers)
        if message.get("method") == "initialize":
            return None
        session = headers.get("Mcp-Session-Id")
        if session is None:
            return web.Response(status=400, text="no session")
        if session not in self.sessions:
            return web.Response(status=404)
        revision = self.sessions[session]
        is_told = headers.get("MCP-Protocol-Version") == revision
        return None if is_told else web.Response(status=400, text="another revision")

    def _mismatch(self, message: Message, headers: Mapping[str, str]) -> web.Response | None:
        if message.get("method") == "initialize":
            return None
        params = message.get("params", {})
        expected = {"MCP-Protocol-Version": SESSIONLESS, "Mcp-Method": message["method"]}
        if "name" in params:
            expected["Mcp-Name"] = params["name"]
        if params.get("name") == "route":
            expected["Mcp-Param-Region"] = params["arguments"]["region"]
        for name, value in expected.items():
            if _decoded(headers.get(name, "")) != value:
                error = {"code": HEADER_MISMATCH, "message": f"Header mismatch: {name}"}
                return web.json_response({"jsonrpc": "2.0", "id": message.get("id"), "error": error}, status=400)
        return None

    async def _answer(self, request: web.Request, message: Message) -> web.StreamResponse:
        said: Queue = asyncio.Queue()
        self.protocol.hear(message, lambda each: self._loop.call_soon_threadsafe(said.put_nowait, each))
        headers = {}
        if message["method"] == "initialize" and SESSIONLESS not in self.protocol.revisions:
            headers["Mcp-Session-Id"] = session = uuid4().hex
            first = await said.get()
            self.sessions[session] = first["result"]["protocolVersion"]
            said.put_nowait(first)
        if self._hangs_up and message["method"] == "tools/call":
            place = f"{message['id']}/1"
            self._left[place] = said, message["id"]
            return web.Response(text=f"id: {place}\nretry: 20\ndata:\n\n", content_type="text/event-stream")
        try:
            if self.events or message["method"] == "subscriptions/listen":
                return await _stream(request, _until(said, message["id"]), headers)
            *_, last = [each async for each in _until(said, message["id"])]
            status = 400 if SESSIONLESS in self.protocol.revisions and "error" in last else 200
            return web.json_response(last, headers=headers, status=status)
        except (asyncio.CancelledError, ConnectionError):
            self.hung_up.append(message["id"])
            if SESSIONLESS in self.protocol.revisions and message["id"] in self.protocol.cancelled:
                self.protocol.cancelled[message["id"]].set()
            raise

    async def _get(self, request: web.Request) -> web.StreamResponse:
        if not self._listens or request.headers.get("Mcp-Session-Id") not in self.sessions:
            return web.Response(status=405)
        if place := request.headers.get("Last-Event-ID"):
            return await _stream(request, _until(*self._left.pop(place)), {})
        ear: Queue = asyncio.Queue()
        self._ears.append(ear)
        try:
            return await _stream(request, _until(ear, None), {})
        finally:
            self._ears.remove(ear)

    async def _delete(self, request: web.Request) -> web.Response:
        session = request.headers.get("Mcp-Session-Id", "")
        self.ended.append(session)
        return web.Response(status=200 if self.sessions.pop(session, None) else 404)


async def _until(said: Queue, number: object) -> AsyncIterator[Message]:
    """What is said, up to the answer of that number."""
    while True:
        message = await said.get()
        yield message
        if number is not None and message.get("id") == number and "method" not in message:
            return


async def _stream(
    request: web.Request, messages: AsyncIterator[Message], headers: Mapping[str, str]
) -> web.StreamResponse:
    response = web.StreamResponse(headers={**headers, "Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b": hello\n\nid: 1\ndata:\n\n")  # a comment, and an event that only primes
    async for message in messages:
        await response.write(f"event: message\ndata: {json.dumps(message)}\n\n".encode())
    return response


def _decoded(value: str) -> str:
    if value.startswith("=?base64?") and value.endswith("?="):
        return base64.b64decode(value.removeprefix("=?base64?").removesuffix("?=")).decode()
    return value


def _nobody(message: Any) -> None:
    """Nothing is said after a notification."""

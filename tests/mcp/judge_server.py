"""A server made with the protocol's own SDK, to judge our client: over pipes, or over HTTP on a port that it prints.

    python judge_server.py pipes | http | documents | sessionless

`sessionless` refuses the handshake, as servers do that speak the newest revision alone.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from mcp.server.mcpserver import Audio, Context, Image, MCPServer
from pydantic import BaseModel

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
server = MCPServer("judge", instructions="Add and draw.")
slow_calls: list[str] = []


class Weather(BaseModel):
    city: str
    degrees: float


@server.tool()
def add(a: int, b: int) -> int:
    """The sum of two numbers."""
    return a + b


@server.tool()
def forecast(city: str) -> Weather:
    """The weather of a city."""
    return Weather(city=city, degrees=3.5)


@server.tool()
def names() -> list[str]:
    """Some names."""
    return ["Ada", "Bob"]


@server.tool()
def dot() -> Image:
    """Draws a dot."""
    return Image(data=PNG, format="png")


@server.tool(structured_output=False)
def both() -> list[Any]:
    """Words, a picture and a sound."""
    return ["A dot and a hum:", Image(data=PNG, format="png"), Audio(data=b"RIFF", format="wav")]


@server.tool()
def fail() -> str:
    """Always fails."""
    raise ValueError("no paper")


@server.tool()
async def slow(seconds: float, ctx: Context) -> str:  # type: ignore[type-arg]
    """Takes its time."""
    slow_calls.append("begun")
    await ctx.report_progress(1, 2)
    try:
        await asyncio.sleep(seconds)
    except BaseException:
        slow_calls.append("cancelled")
        raise
    return "at last"


@server.tool()
def diary() -> list[str]:
    """What became of slow calls."""
    return slow_calls


@server.tool()
async def grow(ctx: Context) -> str:  # type: ignore[type-arg]
    """Adds a tool."""

    def grown() -> str:
        """It was not there before."""
        return "new"

    server.add_tool(grown)
    await ctx.session.send_tool_list_changed()
    await ctx.notify_tools_changed()
    return "grown"


@server.tool()
async def elicit(ctx: Context) -> str:  # type: ignore[type-arg]
    """Asks the user for a city."""
    answer = await ctx.elicit("Where?", schema=Weather)
    return answer.action


@server.tool()
def revision(ctx: Context) -> str:  # type: ignore[type-arg]
    """The revision that is spoken."""
    return str(ctx.protocol_version)


@server.tool()
def environment() -> str:
    """The environment of the server."""
    return json.dumps(dict(os.environ))


Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]


def without_handshake(app: App) -> App:
    """The same server for those alone who begin without a handshake."""

    async def refusing(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await app(scope, receive, send)
            return
        parts = [await receive()]
        while parts[-1].get("more_body"):
            parts.append(await receive())
        message = json.loads(b"".join(part["body"] for part in parts))
        if message["method"] == "initialize":
            data = {"supported": ["2026-07-28"], "requested": message["params"]["protocolVersion"]}
            error = {"code": -32022, "message": "Unsupported protocol version", "data": data}
            body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": error}).encode()
            kind = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 400, "headers": kind})
            await send({"type": "http.response.body", "body": body})
            return

        async def again() -> Any:
            return parts.pop(0) if parts else await receive()

        await app(scope, again, send)

    return refusing


def main(way: str) -> None:
    if way == "pipes":
        server.run("stdio")
        return
    import uvicorn

    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    app: App = server.streamable_http_app(json_response=way == "documents")
    app = without_handshake(app) if way == "sessionless" else app
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])


if __name__ == "__main__":
    main(sys.argv[1])

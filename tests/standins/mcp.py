"""A server of tools, written from the pages of the Model Context Protocol; run as a program it speaks over its pipes.

It knows nothing of byzer_nb and imports nothing but Python's own modules, so that it starts at once.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

Message = dict[str, Any]
Say = Callable[[Message], None]

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
REVISIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
SESSIONLESS = "2026-07-28"
META = "io.modelcontextprotocol/"


def tool(name: str, about: str, **parameters: Any) -> Message:
    """A tool as a list has it."""
    schema = {"type": "object", "properties": parameters, "required": list(parameters)}
    return {"name": name, "description": about, "inputSchema": schema}


TEXT = {"type": "string"}
TOOLS = [
    tool("add", "The sum of two numbers.\nNothing more.", a={"type": "integer"}, b={"type": "integer"}),
    tool("say", "Repeats a text.", text=TEXT),
    tool("picture", "Draws a dot."),
    tool("several", "Everything that a result may hold."),
    tool("fail", "Always fails."),
    tool("slow", "Takes as long as it is told to.", seconds={"type": "number"}),
    tool("meet", "Comes back when another call of it is there."),
    tool("environment", "The environment of the server."),
    tool("process", "The number of its process."),
    tool("die", "Ends the server.", code={"type": "integer"}),
    tool("grow", "Adds a tool to the list."),
    tool("diary", "What the server has heard."),
    tool("ask_back", "Asks the client for something.", method=TEXT),
    tool("admin/look.up", "Has a name that models do not take."),
]
# Of the newest revision: arguments that a gateway reads, and a tool whose marks are wrong.
MARKED = [
    tool("route", "Goes to a region.", region={"type": "string", "x-mcp-header": "Region"}, text=TEXT),
    tool("astray", "Cannot be called.", speed={"type": "number", "x-mcp-header": "Speed"}),
]
SEVERAL = [
    {"type": "text", "text": "Here it is."},
    {"type": "image", "data": PNG, "mimeType": "image/png"},
    {"type": "audio", "data": "UklGRg==", "mimeType": "audio/wav"},
    {"type": "resource", "resource": {"uri": "file:///notes.txt", "mimeType": "text/plain", "text": "A note."}},
    {"type": "resource", "resource": {"uri": "file:///dot.png", "mimeType": "image/png", "blob": PNG}},
    {"type": "resource", "resource": {"uri": "file:///all.zip", "mimeType": "application/zip", "blob": "UEsDBA=="}},
    {"type": "resource_link", "uri": "https://example.com/a", "name": "a", "description": "the whole of it"},
    {"type": "hologram", "depth": 3},
]


class Protocol:
    """What the server makes of each message; `say` sends one. Slow calls have threads of their own."""

    def __init__(self, *, revisions: tuple[str, ...] = REVISIONS, page: int = 5, can_change: bool = True) -> None:
        self.revisions = revisions
        self.heard: list[Message] = []
        self.meeting = threading.Barrier(2, timeout=20)
        self.cancelled: dict[object, threading.Event] = {}
        self.tools = [*TOOLS, *(MARKED if SESSIONLESS in revisions else ())]
        self.subscribers: dict[object, Say] = {}
        self._page = page
        self._can_change = can_change
        self._asked_back: dict[object, threading.Event] = {}
        self._answers: dict[object, Message] = {}

    def hear(self, message: Message, say: Say) -> None:
        """Take one message, and answer it now or later."""
        self.heard.append(message)
        method, number = message.get("method"), message.get("id")
        params = message.get("params", {})
        if method is None:
            self._answers[number] = message
            self._asked_back[number].set()
        elif method == "notifications/cancelled":
            self.cancelled.setdefault(params["requestId"], threading.Event()).set()
        elif number is None:
            pass
        elif method == "subscriptions/listen":
            self.subscribers[number] = say
            say({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": _of(number)})
        elif method == "tools/call":
            self.cancelled.setdefault(number, threading.Event())
            threading.Thread(target=self._call, args=(number, params, say), daemon=True).start()
        else:
            say({"jsonrpc": "2.0", "id": number, **self._answer(method, params)})

    def _answer(self, method: str, params: Message) -> Message:
        able = {"tools": {"listChanged": True} if self._can_change else {}}
        if method == "initialize" and self.revisions != (SESSIONLESS,):
            wanted = params["protocolVersion"]
            chosen = wanted if wanted in self.revisions else self.revisions[-1]
            about = {"name": "stand-in", "version": "1"}
            return {"result": {"protocolVersion": chosen, "capabilities": able, "serverInfo": about}}
        if SESSIONLESS in self.revisions:
            if params.get("_meta", {}).get(f"{META}protocolVersion") != SESSIONLESS:
                data = {"supported": [SESSIONLESS], "requested": params.get("protocolVersion")}
                return {"error": {"code": -32022, "message": "Unsupported protocol version", "data": data}}
            if method == "server/discover":
                return {"result": {**self._whole(), "supportedVersions": [SESSIONLESS], "capabilities": able}}
        if method == "tools/list":
            start = int(params.get("cursor", 0))
            end = start + self._page
            more = {"nextCursor": str(end)} if end < len(self.tools) else {}
            return {"result": {**self._whole(), "tools": self.tools[start:end], **more}}
        return {"error": {"code": -32601, "message": f"Method not found: {method}"}}

    def _whole(self) -> Message:
        return {"resultType": "complete"} if SESSIONLESS in self.revisions else {}

    def _call(self, number: object, params: Message, say: Say) -> None:
        name, given = params["name"], params.get("arguments", {})
        if name not in [each["name"] for each in self.tools]:
            say({"jsonrpc": "2.0", "id": number, "error": {"code": -32602, "message": f"Unknown tool: {name}"}})
            return
        result = self._result(number, name, given, say)
        if result is not None and not self.cancelled[number].is_set():
            say({"jsonrpc": "2.0", "id": number, "result": {**self._whole(), **result}})

    def _result(self, number: object, name: str, given: Message, say: Say) -> Message | None:
        match name:
            case "add":
                return text_and_value({"sum": given["a"] + given["b"]})
            case "say":
                return text(given["text"])
            case "picture":
                return {"content": [SEVERAL[1]]}
            case "several":
                return {"content": SEVERAL}
            case "fail":
                missing = os.environ.get("TOKEN", "paper")  # some servers quote the key that they were given
                return {**text(f"It did not work: no {missing}."), "isError": True}
            case "slow":
                say({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 0.5}})
                self.cancelled[number].wait(given["seconds"])
                return text("at last")
            case "meet":
                return text(str(self.meeting.wait()))
            case "environment":
                return text_and_value(dict(os.environ))
            case "process":
                return text(str(os.getpid()))
            case "die":
                print("The boiler has burst.", file=sys.stderr, flush=True)
                os._exit(given["code"])
            case "diary":
                return text_and_value(list(self.heard))
            case "grow":
                self.grow(say)
                return text("grown")
            case "ask_back":
                return text_and_value(self._asked(given["method"], say))
            case _:
                return text(f"{name} was called")

    def grow(self, say: Say | None) -> None:
        """One tool more, told to whoever wants to know: by a subscription, or just so."""
        self.tools.append(tool(f"new_{len(self.tools)}", "It was not there before."))
        changed = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
        for number, subscriber in self.subscribers.items():
            subscriber({**changed, "params": _of(number)})
        if say is not None and SESSIONLESS not in self.revisions:
            say(changed)

    def _asked(self, method: str, say: Say) -> Message:
        number = f"back-{len(self._asked_back)}"
        asked = self._asked_back[number] = threading.Event()
        say({"jsonrpc": "2.0", "id": number, "method": method, "params": {}})
        asked.wait(20)
        return self._answers.get(number, {})


def _of(number: object) -> Message:
    """What says to which subscription a message belongs."""
    return {"_meta": {f"{META}subscriptionId": number}}


def text(words: str) -> Message:
    """A result of words alone."""
    return {"content": [{"type": "text", "text": words}]}


def text_and_value(value: Any) -> Message:
    """A result that is a value, and the same in words for older clients."""
    return {**text(json.dumps(value)), "structuredContent": value}


def main(behaviour: str) -> None:
    """Speak over standard input and output, well or in one of several bad ways."""
    writing = threading.Lock()

    def say(message: Message) -> None:
        with writing:
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()

    def hear(line: str) -> None:
        protocol.hear(json.loads(line), say)

    protocol = Protocol()
    match behaviour:
        case "greets":
            print("Welcome to the stand-in!", flush=True)
        case "complains":
            print("\n".join(f"line {number}" for number in range(100_000)), file=sys.stderr, flush=True)
        case "dies":
            print("No boiler here.", file=sys.stderr, flush=True)
            sys.exit(3)
        case "quotes":
            print(f"key {os.environ['TOKEN']} is wrong", file=sys.stderr, flush=True)
            sys.exit(4)
        case "babbles":
            print('{"jsonrpc": "2.0", oops', flush=True)
        case "silent":
            hear = print_nothing
        case "future":
            protocol.revisions = ("2099-01-01",)
        case "sessionless":
            protocol = Protocol(revisions=(SESSIONLESS,))
        case "stubborn":
            import signal

            signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for line in sys.stdin:
        hear(line)
    if behaviour == "stubborn":
        time.sleep(60)


def print_nothing(line: str) -> None:
    """Read and say nothing."""


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")

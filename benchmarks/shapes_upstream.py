"""A server that writes dirty JSON in OpenAI's words, and clean JSON when it is asked for the same again.

A request names its case in its text: `dirty-17` is the seventeenth reply of the corpus, `clean-17` the value that it
means. What follows another hyphen tells rounds apart. Its models know no tools and refuse them, but for those whose
names begin with `tools-`: they write the same words as a tool's arguments. `POST /calls` says how often each model has
answered since it was last asked that.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that the file runs by its path

from benchmarks.shapes_corpus import CASES
from benchmarks.upstream import COMMON, USAGE, Answer, serve, streamed, whole

_REFUSED = json.dumps({"error": {"message": "tools are not supported", "type": "invalid_request_error"}}).encode()
REFUSAL: Answer = [
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(_REFUSED)
    + _REFUSED
]

_CASE = re.compile(r"(dirty|clean)-(\d+)-\d+")


class Writer:
    """Answers requests and counts them."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()
        self._calls: Counter[str] = Counter()

    def answer(self, request_line: bytes, body: bytes) -> Answer:
        """The bytes of an answer."""
        if b"/calls " in request_line:
            calls, self._calls = self._calls, Counter()
            return whole(calls)
        request = json.loads(body)
        model, tools = request["model"], request.get("tools")
        if tools and not model.startswith("tools-"):
            return REFUSAL
        self._calls[model] += 1
        words = self._words(model, body.decode())
        tool = tools[0]["function"]["name"] if tools else ""
        return _streamed(words, tool) if request.get("stream") else _whole(words, tool)

    def _words(self, model: str, text: str) -> str:
        named = _CASE.search(text)
        if named is None:
            raise ValueError(f"The request names no case: {text!r}")
        case = CASES[int(named[2])]
        is_first = (model, named[0]) not in self._seen
        self._seen.add((model, named[0]))
        return case.answer if is_first and named[1] == "dirty" else case.value


def _whole(words: str, tool: str) -> Answer:
    message = {"role": "assistant", **_said(words, tool)}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if tool else "stop"}
    return whole({**COMMON, "object": "chat.completion", "choices": [choice], "usage": USAGE})


def _streamed(words: str, tool: str) -> Answer:
    deltas: list[tuple[dict[str, Any], str | None]] = [
        ({"role": "assistant", **_said(words, tool)}, None),
        ({}, "tool_calls" if tool else "stop"),
    ]
    events = [{"choices": [{"index": 0, "delta": delta, "finish_reason": end}]} for delta, end in deltas]
    events.append({"choices": [], "usage": USAGE})
    told = [json.dumps({**COMMON, "object": "chat.completion.chunk", **event}).encode() for event in events]
    return streamed([b"data: %s\n\n" % event for event in [*told, b"[DONE]"]])


def _said(words: str, tool: str) -> dict[str, Any]:
    if not tool:
        return {"content": words}
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": tool, "arguments": words}}
    return {"content": None, "tool_calls": [call]}


if __name__ == "__main__":
    asyncio.run(serve(Writer().answer))

"""An answer in Anthropic's words: a message, or the events that it comes in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from byzer_nb.serve.openai.messages import Json
from byzer_nb.types import Delta, FinishReason, Reply, ToolCall, Usage

BROKEN = "INVALID_JSON"  # under which arguments stand that are no JSON object

_STOP_REASONS: dict[FinishReason, str] = {
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_NAMES = {"text": ("text_delta", "text"), "thinking": ("thinking_delta", "thinking")}


class Writing:
    """One answer. Its blocks follow each other: thoughts, words and calls, in the order in which they come."""

    def __init__(self, request_id: str, *, model: str, warnings: tuple[str, ...] = ()) -> None:
        self.has_begun = False
        self._request_id = request_id
        self._model = model
        self._warnings = warnings
        self._block = -1  # the number of the last one
        self._open: Literal["", "text", "thinking"] = ""
        self._line = b""  # how the next piece of the open block begins
        self._calls = 0

    def whole(self, reply: Reply) -> Json:
        """The message in one piece."""
        content: list[Json] = []
        if reply.reasoning:
            content.append({"type": "thinking", "thinking": reply.reasoning, "signature": ""})
        if reply.text:
            content.append({"type": "text", "text": reply.text})
        content += [self._call(call) for call in reply.tool_calls]
        return self._message(content, _stop(reply.finish_reason, reply.stopped_by, bool(reply.tool_calls)), reply.usage)

    def begin(self) -> bytes:
        """The event that opens the message. How much was read is told at its end, when it is known."""
        self.has_begun = True
        return _event("message_start", {"message": self._message([], _stop(None), Usage())})

    def pieces(self, delta: Delta) -> Iterator[bytes]:
        """The events of the next piece."""
        if delta.reasoning:
            yield self._said("thinking", delta.reasoning)
        if delta.text:
            yield self._said("text", delta.text)
        for call in delta.tool_calls:
            yield self._called(call)

    def end(self, finish: FinishReason, usage: Usage, *, stopped_by: str = "") -> bytes:
        """The events that close the message."""
        told = {"delta": _stop(finish, stopped_by, self._calls > 0), "usage": _usage(usage)}
        return self._close() + _event("message_delta", told) + _event("message_stop", {})

    def _said(self, kind: Literal["text", "thinking"], words: str) -> bytes:
        line = b""
        if self._open != kind:
            line = self._close()
            self._block += 1
            self._open = kind
            delta_kind, field = _NAMES[kind]
            begun = {"type": kind, field: ""} | ({"signature": ""} if kind == "thinking" else {})
            line += _event("content_block_start", {"index": self._block, "content_block": begun})
            self._line = (
                b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%s","%s":'
                % (self._block, delta_kind.encode(), field.encode())
            )
        return line + self._line + msgspec.json.encode(words) + b"}}\n\n"

    def _called(self, call: ToolCall) -> bytes:
        line = self._close()
        self._block += 1
        block = self._call(call)
        arguments = msgspec.json.encode(block["input"]).decode()
        begun = {"index": self._block, "content_block": block | {"input": {}}}
        piece = {"index": self._block, "delta": {"type": "input_json_delta", "partial_json": arguments}}
        return (
            line
            + _event("content_block_start", begun)
            + _event("content_block_delta", piece)
            + _event("content_block_stop", {"index": self._block})
        )

    def _close(self) -> bytes:
        if not self._open:
            return b""
        self._open = ""
        return _event("content_block_stop", {"index": self._block})

    def _call(self, call: ToolCall) -> Json:
        self._calls += 1
        return {
            "type": "tool_use",
            "id": call.id or f"toolu_{self._request_id}_{self._calls}",
            "name": call.name,
            "input": {BROKEN: call.raw} if call.raw else call.arguments,
        }

    def _message(self, content: list[Json], stop: Json, usage: Usage) -> Json:
        message: Json = {
            "id": f"msg_{self._request_id}",
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": content,
            **stop,
            "usage": _usage(usage),
        }
        if self._warnings:
            message["warnings"] = list(self._warnings)
        return message


def _stop(finish: FinishReason | None, stopped_by: str = "", has_calls: bool = False) -> Json:
    """Why a message ended, if it has; the sequence that stopped it is told where the engine knows it."""
    reason: str | None = None
    if has_calls:
        reason = "tool_use"
    elif stopped_by:
        reason = "stop_sequence"
    elif finish is not None:
        reason = _STOP_REASONS.get(finish, "end_turn")
    sequence = stopped_by if reason == "stop_sequence" else None
    return {"stop_reason": reason, "stop_sequence": sequence, "stop_details": None}


def _usage(usage: Usage) -> Json:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
    }


def _event(name: str, fields: Json) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode({"type": name, **fields}))

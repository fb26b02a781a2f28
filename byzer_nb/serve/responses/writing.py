"""A response in OpenAI's words, and the events that it comes in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import msgspec

from byzer_nb.serve.openai.messages import Json
from byzer_nb.serve.refusals import OpenAIDialect, Refusal
from byzer_nb.types import Delta, FinishReason, Message, ToolCall, Usage

Status = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
Kind = Literal["", "reasoning", "message"]

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
_PART_TYPES = {"reasoning": "reasoning_text", "message": "output_text"}


class Writing:
    """One response while it is made. Its items follow each other: thoughts, words and calls, as they come.

    Where nobody `is_listening` its events are empty, and only the response counts.
    """

    def __init__(self, token: str, facts: Json, *, is_listening: bool, warnings: tuple[str, ...] = ()) -> None:
        self.id = f"resp_{token}"
        self.status: Status = "queued"
        self.usage: Usage | None = None
        self._token = token
        self._facts = facts | ({"warnings": list(warnings)} if warnings else {})
        self._created = int(time.time())
        self._completed: int | None = None
        self._is_listening = is_listening
        self._number = 0  # of the next event
        self._output: list[Json] = []
        self._error: Json | None = None
        self._incomplete: Json | None = None
        self._open: Kind = ""
        self._words: list[str] = []  # of the open item
        self._line = b""  # how the next piece of the open item begins
        self._said: list[str] = []
        self._calls: list[ToolCall] = []

    # -- what it is -----------------------------------------------------------------------------------------------

    def state(self) -> bytes:
        """The response as it is now, as JSON."""
        return msgspec.json.encode(self._response())

    def turn(self) -> tuple[Message, ...]:
        """The assistant's turn, for whoever goes on from here."""
        text = "".join(self._said)
        if not (text or self._calls):
            return ()
        return (Message(role="assistant", content=text, tool_calls=tuple(self._calls)),)

    # -- its events -----------------------------------------------------------------------------------------------

    def queue(self) -> Iterator[bytes]:
        """It waits to be made."""
        yield self._snapshot("response.created")
        yield self._snapshot("response.queued")

    def begin(self) -> Iterator[bytes]:
        """It is being made."""
        self.status = "in_progress"
        if self._number == 0:
            yield self._snapshot("response.created")
        yield self._snapshot("response.in_progress")

    @property
    def has_begun(self) -> bool:
        """Whether it is being made, or was."""
        return self.status != "queued"

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self.status in ("completed", "incomplete", "failed", "cancelled")

    def pieces(self, delta: Delta) -> Iterator[bytes]:
        """The next piece of the answer."""
        self.usage = delta.usage or self.usage
        if delta.reasoning:
            yield from self._add("reasoning", delta.reasoning)
        if delta.text:
            self._said.append(delta.text)
            yield from self._add("message", delta.text)
        for call in delta.tool_calls:
            yield from self._close("completed")
            yield from self._call(call)

    def end(self, finish: FinishReason) -> Iterator[bytes]:
        """The answer is over."""
        reason = _INCOMPLETE.get(finish)
        yield from self._close("incomplete" if reason else "completed")
        self.status = "incomplete" if reason else "completed"
        if reason:
            self._incomplete = {"reason": reason}
        else:
            self._completed = int(time.time())
        yield self._snapshot(f"response.{self.status}")

    def fail(self, refusal: Refusal) -> Iterator[bytes]:
        """The answer broke off; what there was of it stays."""
        yield from self._close("incomplete")
        self.status = "failed"
        usual = "server_error" if refusal.status >= 500 else "invalid_prompt"
        code = "rate_limit_exceeded" if refusal.status == 429 else usual
        self._error = {"code": code, "message": refusal.message}
        yield self._snapshot("response.failed")

    def cancel(self) -> None:
        """Somebody does not want it any more."""
        list(self._close("incomplete"))
        self.status = "cancelled"

    # -- items ----------------------------------------------------------------------------------------------------

    def _add(self, kind: Kind, words: str) -> Iterator[bytes]:
        if self._open != kind:
            yield from self._close("completed")
            yield from self._begin(kind)
        self._words.append(words)
        if self._is_listening:
            self._number += 1
            tail = b',"logprobs":[]' if kind == "message" else b""
            encoded = msgspec.json.encode(words)
            yield b'%s%s%s,"sequence_number":%d}\n\n' % (self._line, encoded, tail, self._number - 1)

    def _begin(self, kind: Kind) -> Iterator[bytes]:
        self._open = kind
        self._words = []
        place = len(self._output)
        item: Json = {"id": self._item_id("rs" if kind == "reasoning" else "msg"), "type": kind}
        about: Json = {"summary": []} if kind == "reasoning" else {"role": "assistant"}
        self._output.append(item | about | {"status": "in_progress", "content": []})
        yield self._event("response.output_item.added", {"output_index": place, "item": self._output[-1]})
        where: Json = {"item_id": item["id"], "output_index": place, "content_index": 0}
        yield self._event("response.content_part.added", where | {"part": _part(kind, "")})
        name = f"response.{_PART_TYPES[kind]}.delta"
        head = msgspec.json.encode({"type": name, **where})
        self._line = b"event: %s\ndata: %s" % (name.encode(), head[:-1] + b',"delta":')

    def _close(self, status: str) -> Iterator[bytes]:
        kind, place = self._open, len(self._output) - 1
        if not kind:
            return
        self._open = ""
        text = "".join(self._words)
        item = self._output[place]
        item |= {"status": status, "content": [_part(kind, text)]}
        where: Json = {"item_id": item["id"], "output_index": place, "content_index": 0}
        tail: Json = {"logprobs": []} if kind == "message" else {}
        yield self._event(f"response.{_PART_TYPES[kind]}.done", where | {"text": text} | tail)
        yield self._event("response.content_part.done", where | {"part": _part(kind, text)})
        yield self._event("response.output_item.done", {"output_index": place, "item": item})

    def _call(self, call: ToolCall) -> Iterator[bytes]:
        place = len(self._output)
        item_id = self._item_id("fc")
        if not call.id:
            call = replace(call, id=f"call_{self._token}_{place}")
        self._calls.append(call)
        arguments = call.raw or msgspec.json.encode(call.arguments).decode()
        item: Json = {"id": item_id, "type": "function_call", "call_id": call.id, "name": call.name}
        self._output.append(item | {"arguments": arguments, "status": "completed"})
        where: Json = {"item_id": item_id, "output_index": place}
        begun = item | {"arguments": "", "status": "in_progress"}
        yield self._event("response.output_item.added", {"output_index": place, "item": begun})
        yield self._event("response.function_call_arguments.delta", where | {"delta": arguments})
        yield self._event("response.function_call_arguments.done", where | {"name": call.name, "arguments": arguments})
        yield self._event("response.output_item.done", {"output_index": place, "item": self._output[-1]})

    def _item_id(self, prefix: str) -> str:
        return f"{prefix}_{self._token}_{len(self._output)}"

    # -- JSON -----------------------------------------------------------------------------------------------------

    def _response(self) -> Json:
        told: Json = {
            "id": self.id,
            "object": "response",
            "created_at": self._created,
            "completed_at": self._completed,
            "status": self.status,
            "error": self._error,
            "incomplete_details": self._incomplete,
            "output": self._output,
            **self._facts,
        }
        if self.usage is not None and self.is_over:
            told["usage"] = _usage(self.usage)
        return told

    def _snapshot(self, name: str) -> bytes:
        return self._event(name, {"response": self._response()}) if self._is_listening else b""

    def _event(self, name: str, fields: Json) -> bytes:
        if not self._is_listening:
            return b""
        number, self._number = self._number, self._number + 1
        told = msgspec.json.encode({"type": name, **fields, "sequence_number": number})
        return b"event: %s\ndata: %s\n\n" % (name.encode(), told)


class WritingDialect(OpenAIDialect):
    """OpenAI's words; a stream that breaks off says so in the response itself."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing

    def event(self, refusal: Refusal) -> bytes:
        """The last words of a stream."""
        return b"".join(self._writing.fail(refusal))


def _part(kind: Kind, text: str) -> Json:
    if kind == "reasoning":
        return {"type": "reasoning_text", "text": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _usage(usage: Usage) -> Json:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }

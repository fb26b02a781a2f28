"""Anthropic's message protocol, spoken by Anthropic itself and by Bedrock: our requests as its JSON, and its answers.

What differs between the two stays with them: the address, the key, and a few fields of the body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import msgspec

from byzer_nb.errors import ModelCallError, UnsupportedError
from byzer_nb.providers.anthropic_tools import AnthropicCalls, call_blocks, output_config, result_block, tool_fields
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.asked import alternating, cannot_fetch, checked_extra, inline, system_text
from byzer_nb.providers.wire.decoding import decoded
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.tool_calls import DECIDED_BY_TOOLS, ended
from byzer_nb.types import AudioPart, ChatRequest, Delta, FinishReason, ImagePart, Part, TextPart, Usage

T = TypeVar("T")

OPTIONS = frozenset({"max_tokens", "temperature", "top_p", "top_k", "stop", "continue_last", "timeout", "extra"})
USUAL_MAX_TOKENS = 4096  # the protocol wants a number, and every model takes this one

_PLAIN_OPTIONS = ("temperature", "top_p", "top_k")
_DECIDED_BY_THE_CALL = {
    "model": "Name the model when you ask: model='...'; a provider's other model is loaded under a name of its own.",
    "messages": "Give the messages to the call itself.",
    "system": 'Give it as a message: {"role": "system", "content": "..."}',
    "stream": "Call stream(...) for an answer in pieces, and chat(...) for a whole one.",
}
_FINISH_REASONS: dict[str, FinishReason] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_NOT_TAKEN = re.compile("unsupported|not support|not allowed|not permitted|deprecated|only the default", re.IGNORECASE)


# -- requests ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Manner:
    """How a model is spoken to: its usual limit, what it turned out not to take, and whether it fetches pictures."""

    max_output_tokens: int = USUAL_MAX_TOKENS
    withheld: frozenset[str] = frozenset()
    fetches_pictures: bool = True


def chat_body(request: ChatRequest, manner: Manner) -> dict[str, Any]:  # Any: JSON
    """The body of a call, without the model, the version and the wish for a stream."""
    body: dict[str, Any] = {
        "max_tokens": request.options.max_tokens or manner.max_output_tokens,
        "messages": alternating(
            request, partial(_block, manner=manner), call_blocks=call_blocks, result_block=result_block
        ),
        **tool_fields(request),
    }
    if system := system_text(request):
        body["system"] = system
    for name in _PLAIN_OPTIONS:
        value = getattr(request.options, name)
        if value is not None and name not in manner.withheld:
            body[name] = value
    if request.options.stop:
        body["stop_sequences"] = list(request.options.stop)
    body |= checked_extra(request.options.extra, _DECIDED_BY_THE_CALL | (DECIDED_BY_TOOLS if request.tools else {}))
    if request.schema is not None:
        body |= output_config(request.schema, body.get("output_config", {}))
    return body


def _block(part: Part, manner: Manner) -> dict[str, Any]:
    match part:
        case TextPart():
            return {"type": "text", "text": part.text}
        case ImagePart():
            return {"type": "image", "source": _source(part.url, manner)}
        case AudioPart():
            raise UnsupportedError("Claude does not hear sound.", hint="Write it down first, with a speech model.")


def _source(url: str, manner: Manner) -> dict[str, str]:
    if picture := inline(url):
        return {"type": "base64", "media_type": picture.kind, "data": picture.base64}
    if manner.fetches_pictures:
        return {"type": "url", "url": url}
    raise cannot_fetch(url)


def parameter_refused(complaint: str, body: Mapping[str, Any]) -> str | None:  # Any: JSON
    """The option to do without after a 400 with these words, when there is one."""
    named = [name for name in _PLAIN_OPTIONS if name in body and name in complaint]
    if named == ["temperature", "top_p"]:
        return "top_p"  # some models take only one of the two
    return named[0] if named and _NOT_TAKEN.search(complaint) else None


# -- answers ----------------------------------------------------------------------------------------------------------


class Block(msgspec.Struct, gc=False):
    """A piece of an answer; also what the next event adds to one."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None  # of thinking, and given back with it
    data: str | None = None  # thinking that nobody may read
    id: str | None = None  # of a call, like the three that follow
    name: str | None = None
    input: Any = None  # Any: JSON; empty where it comes in pieces
    partial_json: str | None = None
    stop_reason: str | None = None  # of the event that ends the words, like the one that follows
    stop_sequence: str | None = None


class Spent(msgspec.Struct, gc=False):
    """Tokens; those that were found in a cache or put there are counted apart from the others."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None

    def read(self) -> int | None:
        """Every token that the model read; None where the provider does not say it here."""
        if self.input_tokens is None:
            return None
        return self.input_tokens + (self.cache_creation_input_tokens or 0) + (self.cache_read_input_tokens or 0)


class Answer(msgspec.Struct, gc=False):
    """A whole answer, or the beginning of a streamed one."""

    id: str | None = None
    content: list[Block] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: Spent | None = None
    error: Any = None  # Any: an object with a type and a message


class StreamEvent(msgspec.Struct, gc=False):
    """One event of a stream."""

    type: str
    index: int = 0
    message: Answer | str | None = None  # words, in an error that a gateway made
    content_block: Block | None = None
    delta: Block | None = None
    usage: Spent | None = None
    error: Any = None  # Any: an object with a type and a message


decode_answer = msgspec.json.Decoder(Answer).decode
decode_event = msgspec.json.Decoder(StreamEvent).decode


def finish_reason(reason: str | None) -> FinishReason:
    """The provider's reason in our words."""
    return _FINISH_REASONS.get(reason or "end_turn", "stop")


def failure(error: object, headers: Mapping[str, str], called: Called) -> ModelCallError:
    """The error behind an error object that came in the place of words."""
    complaint = failures.complaint_of(error)
    meant = _STATUS_OF_TYPE.get(complaint.code, 0)
    return failures.classified(complaint, meant=meant, headers=headers, called=called)


def whole_answer(body: bytes, headers: Mapping[str, str], called: Called) -> Delta:
    """An answer that came in one piece."""
    answer = decoded(decode_answer, body, called)
    if answer.error:
        raise failure(answer.error, headers, called)
    if answer.content is None:
        raise failures.unreadable(body, called)
    spent = answer.usage
    found = AnthropicCalls()
    for place, block in enumerate(answer.content):
        _take(found, place, block)
    calls = found.whole()
    return Delta(
        text="".join(block.text or "" for block in answer.content if block.type == "text"),
        reasoning="".join(block.thinking or "" for block in answer.content if block.type == "thinking"),
        finish_reason=ended(finish_reason(answer.stop_reason), calls),
        usage=Usage(input_tokens=spent.read() or 0, output_tokens=spent.output_tokens or 0) if spent else None,
        request_id=answer.id or "",
        tool_calls=calls,
        stopped_by=answer.stop_sequence or "",
    )


def _take(found: AnthropicCalls, place: int, block: Block) -> None:
    """Take in what a block, or the next piece of one, has of calls and of thoughts."""
    if block.type == "tool_use":
        found.calls.begin(place, name=block.name or "", call_id=block.id or "")
        if block.input:  # in a stream it is empty, and comes in pieces
            found.calls.add(place, block.input)
    elif block.partial_json is not None:
        found.calls.add(place, block.partial_json)
    elif block.thinking is not None or block.signature is not None or block.data is not None:
        found.thoughts.add(place, thinking=block.thinking, signature=block.signature, data=block.data)


class MessageStream:
    """What is known of a streamed answer so far; it is fed with the JSON of its events."""

    __slots__ = ("_called", "_found", "_headers", "_reason", "_request_id", "_stopped_by", "_usage", "is_done")

    def __init__(self, called: Called, headers: Mapping[str, str]) -> None:
        self.is_done = False
        self._called = called
        self._found = AnthropicCalls()
        self._headers = headers
        self._reason = ""
        self._request_id = ""
        self._stopped_by = ""
        self._usage: Usage | None = None

    @property
    def is_whole(self) -> bool:
        """True when no more words will come, even if the server has not said good-bye yet."""
        return self.is_done or bool(self._reason)

    def read_json(self, data: bytes) -> Delta | None:
        """What the event adds, if anything that can be read."""
        event = decoded(decode_event, data, self._called)
        match event.type:
            case "content_block_delta" | "content_block_start":
                return self._said(event.index, event.delta or event.content_block)
            case "message_start" if isinstance(event.message, Answer):
                self._request_id = event.message.id or ""
                self._count(event.message.usage)
            case "message_delta":
                self._reason = (event.delta.stop_reason if event.delta else None) or self._reason
                self._stopped_by = (event.delta.stop_sequence if event.delta else None) or self._stopped_by
                self._count(event.usage)
            case "message_stop":
                self.is_done = True
            case "error":
                raise failure(event.error or event.message, self._headers, self._called)
        return None  # pings, ends of blocks, and what is yet to be invented

    def last(self) -> Delta:
        """The delta that closes the answer; a stream that stopped short has none."""
        if not self.is_whole:
            raise failures.cut_off(self._called)
        calls = self._found.whole()
        return Delta(
            finish_reason=ended(finish_reason(self._reason), calls),
            usage=self._usage,
            request_id=self._request_id,
            tool_calls=calls,
            stopped_by=self._stopped_by,
        )

    def _said(self, place: int, block: Block | None) -> Delta | None:
        if block is None:
            return None
        _take(self._found, place, block)
        if not (block.text or block.thinking):
            return None
        return Delta(text=block.text or "", reasoning=block.thinking or "", request_id=self._request_id)

    def _count(self, spent: Spent | None) -> None:
        """The counts are totals; the event that ends the words need not repeat what was read."""
        if spent is None:
            return
        before = self._usage or Usage()
        read, written = spent.read(), spent.output_tokens
        self._usage = Usage(
            input_tokens=before.input_tokens if read is None else read,
            output_tokens=before.output_tokens if written is None else written,
        )

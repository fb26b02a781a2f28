"""Gemini's answers read as ours, whole or chunk by chunk; an error in the place of an answer is raised."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from byzer_nb.errors import ModelCallError, RateLimitedError
from byzer_nb.providers.gemini_tools import SIGNATURE
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.failures import Called, Complaint
from byzer_nb.providers.wire.sse import Event
from byzer_nb.providers.wire.tool_calls import ended, read_call, sealed
from byzer_nb.types import Delta, EmbedReply, FinishReason, ToolCall, Usage

_FINISH_REASONS: dict[str, FinishReason] = {
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "ESCALATION": "content_filter",
}
_GAVE_UP = frozenset({"OTHER", "MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL"})


class CalledFunction(msgspec.Struct, gc=False):
    """A call, which is always whole."""

    name: str = ""
    args: Any = None  # Any: JSON
    id: str = ""


class Piece(msgspec.Struct, gc=False, rename="camel"):
    """A part of what the model says; what is neither text nor a call brings nothing to read."""

    text: str | None = None
    thought: bool | None = None
    function_call: CalledFunction | None = None
    thought_signature: str | None = None


class Content(msgspec.Struct, gc=False):
    """What the model says; without parts when a filter took them out."""

    parts: list[Piece] | None = None


class Candidate(msgspec.Struct, gc=False, rename="camel"):
    """One of the answers; we ask for one."""

    index: int = 0
    content: Content | None = None
    finish_reason: str | None = None


class Feedback(msgspec.Struct, gc=False, rename="camel"):
    """What was found wrong with the prompt."""

    block_reason: str | None = None


class Spent(msgspec.Struct, gc=False, rename="camel"):
    """Tokens; thoughts and what tools brought are counted apart from the rest."""

    prompt_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None

    def usage(self) -> Usage:
        """The same in our words: thoughts are written too."""
        return Usage(
            input_tokens=(self.prompt_token_count or 0) + (self.tool_use_prompt_token_count or 0),
            output_tokens=(self.candidates_token_count or 0) + (self.thoughts_token_count or 0),
        )


class Answer(msgspec.Struct, gc=False, rename="camel"):
    """A whole answer, or one chunk of a stream: they look the same."""

    candidates: list[Candidate] | None = None
    prompt_feedback: Feedback | None = None
    usage_metadata: Spent | None = None
    response_id: str | None = None
    error: Any = None  # Any: read by `failure`


class Vector(msgspec.Struct, gc=False):
    """One vector."""

    values: tuple[float, ...] = ()


class Embeddings(msgspec.Struct, gc=False, rename="camel"):
    """The answer of an embedding call, in the order of the request; only newer models count the tokens."""

    embeddings: list[Vector] | None = None
    usage_metadata: Spent | None = None
    error: Any = None  # Any: read by `failure`


# A gateway that does not know `alt=sse` sends all chunks of a stream as one list.
_decode_answers = msgspec.json.Decoder(Answer | list[Answer]).decode
_decode_embeddings = msgspec.json.Decoder(Embeddings).decode


class ChatReading:
    """What is known of an answer so far. The protocol has no good-bye: the last chunk is the one with a reason."""

    __slots__ = ("_called", "_calls", "_headers", "_reason", "_request_id", "_spent", "has_answered", "is_done")

    def __init__(self, called: Called, headers: Mapping[str, str]) -> None:
        self.is_done = False
        self.has_answered = False
        self._called = called
        self._headers = headers
        self._reason = ""
        self._calls: list[ToolCall] = []
        self._request_id = ""
        self._spent: Spent | None = None

    @property
    def is_whole(self) -> bool:
        """True when no more words will come."""
        return bool(self._reason)

    def read(self, event: Event) -> Delta | None:
        """What the event adds, if anything that can be read."""
        try:
            answers = _decode_answers(event.data)
        except (msgspec.DecodeError, UnicodeDecodeError) as reason:
            raise failures.unreadable(event.data, self._called) from reason
        pieces = [piece for answer in _listed(answers) for piece in self._pieces(answer)]
        text = "".join(piece.text or "" for piece in pieces if not piece.thought)
        reasoning = "".join(piece.text or "" for piece in pieces if piece.thought)
        return Delta(text=text, reasoning=reasoning, request_id=self._request_id) if text or reasoning else None

    def last(self) -> Delta:
        """The delta that closes the answer; a stream that stopped short has none."""
        if not self._reason:
            raise failures.cut_off(self._called)
        if self._reason in _GAVE_UP:
            raise ModelCallError(
                f"{self._called} gave the answer up: {self._reason}.",
                hint="Ask again, or in other words.",
                code=self._reason,
                request_id=self._request_id,
                **self._called.facts(),
            )
        calls = tuple(self._calls)
        return Delta(
            finish_reason=ended(_FINISH_REASONS.get(self._reason, "stop"), calls),
            usage=self._spent.usage() if self._spent else None,
            request_id=self._request_id,
            tool_calls=calls,
        )

    def _pieces(self, answer: Answer) -> list[Piece]:
        if answer.error:
            raise failure(answer.error, self._headers, self._called)
        if answer.usage_metadata is not None:
            self._spent = answer.usage_metadata
        self._request_id = self._request_id or answer.response_id or ""
        candidate = next((each for each in answer.candidates or () if each.index == 0), None)
        if candidate is None:
            if answer.prompt_feedback is not None and (blocked := answer.prompt_feedback.block_reason):
                raise self._blocked(blocked)
            return []
        self.has_answered = True
        self._reason = candidate.finish_reason or self._reason
        pieces = (candidate.content.parts if candidate.content else None) or []
        for piece in pieces:
            if (call := piece.function_call) is not None:
                proof = sealed(SIGNATURE, piece.thought_signature or "")
                self._calls.append(read_call(call.name, call.args, call_id=call.id, proof=proof))
        return pieces

    def _blocked(self, reason: str) -> ModelCallError:
        return ModelCallError(
            f"{self._called} refuses to answer this prompt: {reason}.",
            hint="Ask in other words, or say what may be said with the parameter safetySettings in the option extra.",
            code=reason,
            request_id=self._request_id,
            **self._called.facts(),
        )


def whole_answer(body: bytes, headers: Mapping[str, str], called: Called) -> Delta:
    """An answer that came in one piece."""
    reading = ChatReading(called, headers)
    said = reading.read(Event(body)) or Delta()
    if not reading.has_answered:
        raise failures.unreadable(body, called)
    return replace(reading.last(), text=said.text, reasoning=said.reasoning)


def vectors(body: bytes, headers: Mapping[str, str], called: Called, *, texts: int) -> EmbedReply:
    """The vectors of so many texts."""
    try:
        answer = _decode_embeddings(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as reason:
        raise failures.unreadable(body, called) from reason
    if answer.error:
        raise failure(answer.error, headers, called)
    found = answer.embeddings or []
    if len(found) != texts:
        raise ModelCallError(
            f"{called} answered {texts} texts with {len(found)} vectors.",
            hint="Check the setting model: is it an embedding model?",
            code=failures.UNREADABLE,
            **called.facts(),
        )
    return EmbedReply(
        vectors=tuple(vector.values for vector in found),
        usage=answer.usage_metadata.usage() if answer.usage_metadata else Usage(),
        model=called.model,
    )


def _listed(answers: Answer | list[Answer]) -> list[Answer]:
    return answers if isinstance(answers, list) else [answers]


class Violation(msgspec.Struct, gc=False, rename="camel"):
    """A quota that is used up."""

    quota_id: str = ""


class Detail(msgspec.Struct, gc=False, rename="camel"):
    """One of Google's error details: a reason, a delay or quotas, by its kind."""

    reason: str = ""
    retry_delay: str = ""
    violations: list[Violation] = []


class Fault(msgspec.Struct, gc=False):
    """An error object."""

    code: int = 0
    message: str = ""
    status: str = ""
    details: list[Detail] = []


def refusal(status: int, body: bytes, headers: Mapping[str, str], called: Called) -> ModelCallError:
    """The error behind an answer that is not a success; a stream is refused with a list of one."""
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        answer = None
    if isinstance(answer, list) and answer:
        answer = answer[0]
    error = answer.get("error") if isinstance(answer, dict) else None
    if not error:
        return failures.from_status(status, body, headers, called)
    return failure(error, headers, called, status=status)


def failure(error: object, headers: Mapping[str, str], called: Called, *, status: int = 200) -> ModelCallError:
    """The error behind an error object, with or without a status that says so."""
    try:
        fault = msgspec.convert(error, Fault)
    except msgspec.ValidationError:  # a gateway with a form of its own
        return failures.from_error_object(error, headers, called, status=status)
    reason = next((detail.reason for detail in fault.details if detail.reason), "")
    meant = status if status >= 400 else fault.code
    if reason == "API_KEY_INVALID":
        meant = 401  # Google calls a wrong key a bad request
    elif fault.status == "FAILED_PRECONDITION":
        meant = 403  # no free use in this country, or no billing
    complaint = Complaint(message=fault.message, code=reason or fault.status)
    refused = failures.classified(complaint, meant=meant, status=status, headers=headers, called=called)
    if isinstance(refused, RateLimitedError):
        _learn_when(refused, fault)
    return refused


def _learn_when(refused: RateLimitedError, fault: Fault) -> None:
    """The delay stands in the details; with a quota of the day it is given too, and waiting for it helps nobody."""
    for detail in fault.details:
        if refused.retry_after is None and (seconds := re.fullmatch(r"(\d+(?:\.\d+)?)s", detail.retry_delay)):
            refused.retry_after = float(seconds[1])
        if any("PerDay" in violation.quota_id for violation in detail.violations):
            refused.retryable = False

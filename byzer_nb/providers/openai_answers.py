"""OpenAI's answers read as ours, whole or chunk by chunk; an error in the place of an answer is raised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from byzer_nb.errors import ModelCallError
from byzer_nb.providers.openai_tools import OpenAICalls
from byzer_nb.providers.openai_wire import (
    Answer,
    Choice,
    Embeddings,
    Spent,
    decode_answer,
    decode_embeddings,
    finish_reason,
)
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.decoding import decoded
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.sse import Event
from byzer_nb.providers.wire.tool_calls import ended
from byzer_nb.types import Delta, EmbedReply, Usage

T = TypeVar("T")

DONE = b"[DONE]"
BROKE_OFF = frozenset({"network_error", "insufficient_system_resource"})  # hosts report their own failures this way


class ChatStream:
    """What is known of a streamed answer so far."""

    __slots__ = ("_called", "_calls", "_headers", "_reason", "_request_id", "_spent", "is_done")

    def __init__(self, called: Called, headers: Mapping[str, str]) -> None:
        self.is_done = False
        self._called = called
        self._calls = OpenAICalls()
        self._headers = headers
        self._reason = ""
        self._request_id = ""
        self._spent: Spent | None = None

    @property
    def is_whole(self) -> bool:
        """True when no more words will come, even if the server has not said good-bye yet."""
        return self.is_done or bool(self._reason)

    def read(self, event: Event) -> Delta | None:
        """What the event adds, if anything that can be read."""
        if event.data == DONE:
            self.is_done = True
            return None
        chunk = decoded(decode_answer, event.data, self._called)
        if chunk.error:
            raise failures.from_error_object(chunk.error, self._headers, self._called)
        if chunk.usage is not None:
            self._spent = chunk.usage
        if not self._request_id and chunk.id is not None:
            self._request_id = str(chunk.id)
        choice = _first(chunk)
        if choice is None:
            return None
        if choice.finish_reason and choice.finish_reason != "null":
            self._reason = choice.finish_reason
        spoken = choice.delta or choice.message
        if spoken is None:
            return None
        self._calls.read(spoken.tool_calls, spoken.reasoning_content)
        text, reasoning = spoken.words(), spoken.thoughts()
        return Delta(text=text, reasoning=reasoning, request_id=self._request_id) if text or reasoning else None

    def last(self) -> Delta:
        """The delta that closes the answer; a stream that stopped short has none."""
        if not self.is_whole or self._reason in BROKE_OFF:
            raise failures.cut_off(self._called)
        calls = self._calls.whole()
        return Delta(
            finish_reason=ended(finish_reason(self._reason), calls),
            usage=self._spent.usage() if self._spent else None,
            request_id=self._request_id,
            tool_calls=calls,
        )


def whole_answer(body: bytes, called: Called, headers: Mapping[str, str]) -> Delta:
    """An answer that came in one piece."""
    answer = decoded(decode_answer, body, called)
    if answer.error:
        raise failures.from_error_object(answer.error, headers, called)
    choice = _first(answer)
    if choice is None or choice.message is None:
        raise failures.unreadable(body, called)
    if choice.finish_reason in BROKE_OFF:
        raise failures.cut_off(called)
    found = OpenAICalls()
    found.read(choice.message.tool_calls, choice.message.reasoning_content)
    calls = found.whole()
    return Delta(
        text=choice.message.words(),
        reasoning=choice.message.thoughts(),
        finish_reason=ended(finish_reason(choice.finish_reason), calls),
        usage=answer.usage.usage() if answer.usage else None,
        request_id=str(answer.id or ""),
        tool_calls=calls,
    )


def vectors(body: bytes, called: Called, headers: Mapping[str, str], *, texts: int) -> EmbedReply:
    """The vectors of so many texts, in the order of the request."""
    answer: Embeddings = decoded(decode_embeddings, body, called)
    if answer.error:
        raise failures.from_error_object(answer.error, headers, called)
    found = answer.data or []
    if len(found) != texts:
        raise ModelCallError(
            f"{called} answered {texts} texts with {len(found)} vectors.",
            hint="Check the setting model: is it an embedding model?",
            code=failures.UNREADABLE,
            **called.facts(),
        )
    ordered = sorted(enumerate(found), key=lambda item: item[0] if item[1].index is None else item[1].index)
    return EmbedReply(
        vectors=tuple(vector.embedding for _, vector in ordered),
        usage=answer.usage.usage() if answer.usage else Usage(),
        model=called.model,
    )


def _first(answer: Answer) -> Choice | None:
    for choice in answer.choices or ():
        if choice.index == 0:
            return choice
    return None

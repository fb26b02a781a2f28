"""litellm's answers read as ours: it gives every vendor's the shape of OpenAI's, as objects."""

from __future__ import annotations

from typing import Any

from byzer_nb.errors import ModelCallError
from byzer_nb.providers.openai_tools import CalledFunction, CallPiece, OpenAICalls
from byzer_nb.providers.openai_wire import finish_reason
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.tool_calls import ended
from byzer_nb.types import Delta, EmbedReply, Usage


class ChunkReading:
    """What is known of a streamed answer so far."""

    __slots__ = ("_called", "_calls", "_has_said", "_reason", "_request_id", "_usage")

    def __init__(self, called: Called) -> None:
        self._called = called
        self._calls = OpenAICalls()
        self._has_said = False
        self._reason = ""
        self._request_id = ""
        self._usage: Usage | None = None

    def read(self, chunk: Any) -> Delta | None:  # Any: litellm's own objects
        """What the chunk adds, if anything that can be read."""
        self._request_id = self._request_id or str(chunk.id or "")
        self._usage = _usage(chunk) or self._usage
        if not chunk.choices:
            return None
        [choice, *_] = chunk.choices
        self._reason = choice.finish_reason or self._reason
        text, reasoning = _words(choice.delta)
        _take(self._calls, choice.delta)
        if not (text or reasoning):
            return None
        self._has_said = True
        return Delta(text=text, reasoning=reasoning, request_id=self._request_id)

    def last(self, stream: Any) -> Delta:  # Any: litellm's own object
        """The delta that closes the answer."""
        # It ends a stream of which it understood nothing like an empty answer, and knows better.
        if not (self._has_said or stream.received_any_finish_reason or stream.received_finish_reason):
            raise failures.unreadable(b"", self._called)
        calls = self._calls.whole()
        return Delta(
            finish_reason=ended(finish_reason(self._reason), calls),
            usage=self._usage,
            request_id=self._request_id,
            tool_calls=calls,
        )


def whole_answer(answer: Any, called: Called) -> Delta:  # Any: litellm's own object
    """An answer that came in one piece."""
    if not answer.choices:
        raise failures.unreadable(b"", called)
    [choice, *_] = answer.choices
    text, reasoning = _words(choice.message)
    found = OpenAICalls()
    _take(found, choice.message)
    calls = found.whole()
    return Delta(
        text=text,
        reasoning=reasoning,
        finish_reason=ended(finish_reason(choice.finish_reason), calls),
        usage=_usage(answer),
        request_id=str(answer.id or ""),
        tool_calls=calls,
    )


def vectors(answer: Any, called: Called, *, texts: int) -> EmbedReply:  # Any: litellm's own object
    """The vectors of so many texts; it leaves them in the order in which the vendor sent them."""
    found = sorted(answer.data or (), key=lambda each: each["index"])
    if len(found) != texts:
        raise ModelCallError(
            f"{called} answered {texts} texts with {len(found)} vectors.",
            hint="Check the setting model: is it an embedding model?",
            code=failures.UNREADABLE,
            **called.facts(),
        )
    return EmbedReply(
        vectors=tuple(tuple(each["embedding"]) for each in found), usage=_usage(answer) or Usage(), model=called.model
    )


def _words(spoken: Any) -> tuple[str, str]:
    """Text and reasoning."""
    return spoken.content or "", getattr(spoken, "reasoning_content", None) or ""


def _take(found: OpenAICalls, spoken: Any) -> None:
    """Take in what a message, or the next piece of one, has of calls; they are objects of litellm's too."""
    pieces = [
        CallPiece(
            index=getattr(each, "index", None),
            id=each.id,
            function=CalledFunction(name=each.function.name, arguments=each.function.arguments),
        )
        for each in getattr(spoken, "tool_calls", None) or ()
    ]
    found.read(pieces, getattr(spoken, "reasoning_content", None))


def _usage(answer: Any) -> Usage | None:
    """The count of tokens; one of nothing at all was not the vendor's."""
    spent = getattr(answer, "usage", None)
    if spent is None or not (spent.prompt_tokens or spent.completion_tokens):
        return None
    return Usage(input_tokens=spent.prompt_tokens or 0, output_tokens=spent.completion_tokens or 0)

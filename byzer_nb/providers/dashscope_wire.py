"""DashScope's own protocol: our options as its parameters, its answers as our types, its codes as our errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

import msgspec

from byzer_nb.errors import BadInputError, ModelCallError
from byzer_nb.providers.dashscope_pieces import Pieces
from byzer_nb.providers.dashscope_tools import DashScopeCalls
from byzer_nb.providers.openai_tools import CallPiece, tool_fields
from byzer_nb.providers.openai_wire import finish_reason
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.asked import checked_extra
from byzer_nb.providers.wire.decoding import decoded
from byzer_nb.providers.wire.failures import Called, Complaint
from byzer_nb.providers.wire.sse import Event, EventSplitter
from byzer_nb.providers.wire.tool_calls import DECIDED_BY_TOOLS, ended
from byzer_nb.types import ChatOptions, ChatRequest, Delta, EmbedReply, Usage

T = TypeVar("T")

PLAIN_OPTIONS = (
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "presence_penalty",
    "repetition_penalty",
)
OPTIONS = frozenset({*PLAIN_OPTIONS, "stop", "stop_token_ids", "continue_last", "timeout", "extra"})
IN_PIECES = "incremental_output"
IN_PARALLEL = "parallel_tool_calls"  # one call at a time unless it is asked for
DECIDED_BY_THE_CALL = {
    "model": "Name the model when you ask: model='...'; a provider's other model is loaded under a name of its own.",
    "messages": "Give the messages to the call itself.",
    "stream": "Call stream(...) for an answer in pieces, and chat(...) for a whole one.",
    "result_format": "Leave it out: answers are read as messages.",
    "n": "Leave it out, and ask once for each answer.",
}
# The HTTP status that says the same as a code, by the last part of the code that is known here.
STATUS_OF_CODE = {
    "InvalidApiKey": 401,
    "Arrearage": 402,
    "FreeTierOnly": 402,
    "PrepaidBillOverdue": 402,
    "PostpaidBillOverdue": 402,
    "CommodityNotPurchased": 402,
    "AccessDenied": 403,
    "ModelNotFound": 404,
    "RequestTimeOut": 408,
    "Timeout": 504,
    "TooLarge": 413,
    "Throttling": 429,
    "LimitRequests": 429,
    "InvalidParameter": 400,
    "DataInspectionFailed": 400,
    "InternalError": 500,
    "SystemError": 500,
    "ModelUnavailable": 503,
    "ServiceUnavailable": 503,
}
# The code that means no credit elsewhere, and at this vendor's compatible address only too many tokens a minute.
TOKENS_A_MINUTE = {"insufficient_quota": "Throttling.AllocationQuota"}

ASKED_FOR_WHOLES = Event(b"", "asked for wholes")


def parameters(request: ChatRequest, *, only_pieces: bool) -> dict[str, Any]:  # Any: JSON
    """The options under the vendor's names; a stream comes in pieces unless whole texts are asked for."""
    options = request.options
    given: dict[str, Any] = {name: value for name in PLAIN_OPTIONS if (value := getattr(options, name)) is not None}
    if options.stop or options.stop_token_ids:
        given["stop"] = _stops(options)
    if request.tools:
        given |= {IN_PARALLEL: True, **tool_fields(request)}
    given |= checked_extra(options.extra, DECIDED_BY_THE_CALL | (DECIDED_BY_TOOLS if request.tools else {}))
    if not request.stream:
        given.pop(IN_PIECES, None)  # it is about streams alone, and refused in other calls
    elif only_pieces:
        given[IN_PIECES] = True
    else:
        given.setdefault(IN_PIECES, True)
    return given


def _stops(options: ChatOptions) -> list[str] | list[int]:
    if options.stop and options.stop_token_ids:
        raise BadInputError(
            "DashScope ends an answer at texts or at tokens, not at both: stop and stop_token_ids are set.",
            hint="Leave one of them out.",
        )
    return list(options.stop) or list(options.stop_token_ids)


class WholesAskedFor(EventSplitter):
    """The events of a stream of whole texts; the first one, which the server did not send, says that it is one."""

    __slots__ = ("_is_told",)

    def __init__(self) -> None:
        super().__init__()
        self._is_told = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this chunk completes."""
        events = super().feed(chunk)
        if not events or self._is_told:
            return events
        self._is_told = True
        return [ASKED_FOR_WHOLES, *events]


class TextItem(msgspec.Struct, gc=False):
    """An item of an answer in several parts; those that are no text say nothing here."""

    text: str | None = None


class Spoken(msgspec.Struct, gc=False):
    """What the model says: text models as a string, models that see as a list."""

    content: str | list[TextItem] | None = None
    reasoning_content: str | None = None
    tool_calls: list[CallPiece] | None = None

    def words(self) -> str:
        """The text, without reasoning."""
        if isinstance(self.content, list):
            return "".join(item.text or "" for item in self.content)
        return self.content or ""


class Choice(msgspec.Struct, gc=False):
    """The answer."""

    message: Spoken | None = None
    finish_reason: str | None = None


class Output(msgspec.Struct, gc=False):
    """Where the answer stands; models of the first days know only the text without a message."""

    choices: list[Choice] | None = None
    text: str | None = None
    finish_reason: str | None = None

    def choice(self) -> Choice | None:
        """The answer, in whichever of the two places it is."""
        if self.choices:
            return self.choices[0]
        if self.text is None:
            return None
        return Choice(message=Spoken(content=self.text), finish_reason=self.finish_reason)


class Spent(msgspec.Struct, gc=False):
    """Tokens, as the provider counts them; pictures are among those that were read."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None

    def usage(self) -> Usage:
        """The same in our words."""
        return Usage(input_tokens=self.input_tokens or 0, output_tokens=self.output_tokens or 0)


class Answer(msgspec.Struct, gc=False):
    """A whole answer, or one event of a stream; with a code it is an error, whatever its HTTP status."""

    output: Output | None = None
    usage: Spent | None = None
    request_id: str = ""
    code: str | int | None = None


class Embedded(msgspec.Struct, gc=False):
    """One vector, with its place in the request."""

    embedding: tuple[float, ...]
    text_index: int


class EmbeddingOutput(msgspec.Struct, gc=False):
    """Where the vectors stand."""

    embeddings: list[Embedded] | None = None


class Embeddings(msgspec.Struct, gc=False):
    """The answer of an embedding call."""

    output: EmbeddingOutput | None = None
    usage: Spent | None = None
    code: str | int | None = None


decode_answer = msgspec.json.Decoder(Answer).decode
decode_embeddings = msgspec.json.Decoder(Embeddings).decode


class ChatStream:
    """What is known of a streamed answer so far."""

    __slots__ = ("_called", "_calls", "_headers", "_reason", "_request_id", "_spent", "_text", "_thoughts", "is_done")

    def __init__(self, called: Called, headers: Mapping[str, str]) -> None:
        self.is_done = False  # there is no good-bye but the end of the connection
        self._called = called
        self._calls = DashScopeCalls()
        self._headers = headers
        self._reason = ""
        self._request_id = ""
        self._spent: Spent | None = None
        self._text = Pieces()
        self._thoughts = Pieces()

    @property
    def is_whole(self) -> bool:
        """True when no more words will come."""
        return bool(self._reason)

    def read(self, event: Event) -> Delta | None:
        """What the event adds, if anything that can be read."""
        if event is ASKED_FOR_WHOLES:
            self._text, self._thoughts = Pieces(asked_for_wholes=True), Pieces(asked_for_wholes=True)
            self._calls = DashScopeCalls(asked_for_wholes=True)
            return None
        answer = decoded(decode_answer, event.data, self._called)
        if answer.code or event.name == "error":
            raise complained(failures.complaint_in(event.data), headers=self._headers, called=self._called)
        self._request_id = self._request_id or answer.request_id
        has_counted = self._count(answer.usage)
        choice = answer.output.choice() if answer.output else None
        if choice is None:
            return None
        self._reason = said_reason(choice) or self._reason
        # The event that closes a stream of pieces has no words, and neither has one for which no token was counted.
        expects_words = has_counted and not self._reason
        spoken = choice.message or Spoken()
        self._calls.read(spoken.tool_calls)
        text = self._text.add(spoken.words(), expects_words=expects_words)
        reasoning = self._thoughts.add(spoken.reasoning_content or "", expects_words=expects_words)
        if self._reason:
            text += self._text.end()
            reasoning += self._thoughts.end()
        return Delta(text=text, reasoning=reasoning, request_id=self._request_id) if text or reasoning else None

    def last(self) -> Delta:
        """The delta that closes the answer; a stream that stopped short has none."""
        if not self._reason:
            raise failures.cut_off(self._called)
        calls = self._calls.whole()
        return Delta(
            finish_reason=ended(finish_reason(self._reason), calls),
            usage=self._spent.usage() if self._spent else None,
            request_id=self._request_id,
            tool_calls=calls,
        )

    def _count(self, spent: Spent | None) -> bool:
        """Whether the model wrote tokens since the event before; true where it does not count."""
        if spent is None:
            return True
        before, self._spent = self._spent, spent
        return before is None or spent.output_tokens is None or spent.output_tokens != before.output_tokens


def whole_answer(body: bytes, called: Called, headers: Mapping[str, str]) -> Delta:
    """An answer that came in one piece."""
    answer = decoded(decode_answer, body, called)
    if answer.code:
        raise complained(failures.complaint_in(body), headers=headers, called=called)
    choice = answer.output.choice() if answer.output else None
    if choice is None or choice.message is None:
        raise failures.unreadable(body, called)
    found = DashScopeCalls()
    found.read(choice.message.tool_calls)
    calls = found.whole()
    return Delta(
        text=choice.message.words(),
        reasoning=choice.message.reasoning_content or "",
        finish_reason=ended(finish_reason(said_reason(choice)), calls),
        usage=answer.usage.usage() if answer.usage else None,
        request_id=answer.request_id,
        tool_calls=calls,
    )


def vectors(body: bytes, called: Called, headers: Mapping[str, str], *, texts: int) -> EmbedReply:
    """The vectors of so many texts, in the order of the request."""
    answer = decoded(decode_embeddings, body, called)
    if answer.code:
        raise complained(failures.complaint_in(body), headers=headers, called=called)
    found = (answer.output.embeddings if answer.output else None) or []
    if len(found) != texts:
        raise ModelCallError(
            f"{called} answered {texts} texts with {len(found)} vectors.",
            hint="Check the setting model: is it an embedding model?",
            code=failures.UNREADABLE,
            **called.facts(),
        )
    return EmbedReply(
        vectors=tuple(each.embedding for each in sorted(found, key=lambda each: each.text_index)),
        usage=Usage(input_tokens=(answer.usage.total_tokens or 0) if answer.usage else 0),
        model=called.model,
    )


def said_reason(choice: Choice) -> str | None:
    """Why the answer ended; while it goes on, the vendor writes the word null."""
    return None if choice.finish_reason == "null" else choice.finish_reason


def refusal(status: int, body: bytes, headers: Mapping[str, str], called: Called) -> ModelCallError:
    """The error behind an answer that is not a success; one to a streamed call comes as an event."""
    if status < 400:
        return failures.from_status(status, body, headers, called)
    splitter = EventSplitter()
    events = [*splitter.feed(body), *splitter.finish()]
    document = events[0].data if events else body
    return complained(failures.complaint_in(document), status=status, headers=headers, called=called)


def complained(
    complaint: Complaint, *, status: int = 200, headers: Mapping[str, str], called: Called
) -> ModelCallError:
    """The vendor's complaint as one of our errors; its code tells of an empty account, which its status hides."""
    complaint = replace(complaint, code=TOKENS_A_MINUTE.get(complaint.code, complaint.code))
    parts = reversed(complaint.code.split("."))
    meant = next((STATUS_OF_CODE[part] for part in parts if part in STATUS_OF_CODE), 0)
    if status >= 400 and meant != 402:
        meant = status
    return failures.classified(complaint, meant=meant, status=status, headers=headers, called=called)

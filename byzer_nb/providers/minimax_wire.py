"""MiniMax's two chat protocols: our requests in their words, and their answers, which look much alike, in ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from byzer_nb.errors import ModelCallError
from byzer_nb.providers.openai_tools import OpenAICalls
from byzer_nb.providers.openai_wire import Spoken, finish_reason
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.asked import checked_extra, system_text, words_alone
from byzer_nb.providers.wire.failures import Called, Complaint
from byzer_nb.providers.wire.sse import Event
from byzer_nb.providers.wire.tool_calls import ended
from byzer_nb.types import ChatOptions, ChatRequest, Delta, FinishReason, Message, Usage

OPTIONS = frozenset({"max_tokens", "temperature", "top_p", "timeout", "extra"})
LEAST_TEMPERATURE = 0.01  # the range of both protocols leaves out 0 itself, which is what a steady answer is asked with
USER, BOT = "User", "Assistant"
HELPFUL = "You are a helpful assistant."
DONE = b"[DONE]"  # MiniMax sends none; gateways before it do

# What its codes mean, as the HTTP status that says the same. All others are for the caller to mend.
MEANT = {
    1000: 500,
    1001: 504,
    1002: 429,
    1004: 401,
    1008: 402,
    1013: 500,
    1024: 500,
    1033: 500,
    1039: 429,
    2049: 401,
}
_SENDERS = {"user": ("USER", USER), "assistant": ("BOT", BOT), "tool": ("FUNCTION", BOT)}
_DECIDED_BY_THE_CALL = {
    "model": "Name the model when you ask: model='...'; a provider's other model is loaded under a name of its own.",
    "messages": "Give the messages to the call itself.",
    "stream": "Call stream(...) for an answer in pieces, and chat(...) for a whole one.",
    "use_standard_sse": "Leave it out: a stream is asked for in the standard form already.",
    "beam_width": "Leave it out, and ask once for each answer.",
}


def old_body(request: ChatRequest, model: str) -> dict[str, Any]:  # Any: JSON
    """The body of a `chatcompletion_pro` call."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [_message(turn) for turn in request.messages if turn.role != "system"],
        "bot_setting": [{"bot_name": BOT, "content": system_text(request) or HELPFUL}],
        "reply_constraints": {"sender_type": "BOT", "sender_name": BOT},
        "sample_messages": [],
        "plugins": [],
    }
    options = request.options
    given = {
        "tokens_to_generate": options.max_tokens,
        "temperature": temperature(options),
        "top_p": options.top_p,
    }
    body |= {name: value for name, value in given.items() if value is not None}
    if request.stream:
        body |= {"stream": True, "use_standard_sse": True}
    return body | checked_extra(options.extra, _DECIDED_BY_THE_CALL)


def temperature(options: ChatOptions) -> float | None:
    """The temperature that is nearest to the wanted one."""
    return LEAST_TEMPERATURE if options.temperature == 0 else options.temperature


def _message(turn: Message) -> dict[str, str]:
    kind, name = _SENDERS[turn.role]
    return {"sender_type": kind, "sender_name": name, "text": words_alone(turn)}


class Said(msgspec.Struct, gc=False):
    """What a bot says, in the old protocol."""

    text: str | None = None


class Choice(msgspec.Struct, gc=False):
    """One of the answers: a list of messages in the old protocol, a delta or a message in the current one."""

    messages: list[Said] | None = None
    delta: Spoken | None = None
    message: Spoken | None = None
    finish_reason: str | None = None


class Spent(msgspec.Struct, gc=False):
    """Tokens; often only all of them together, and nought as long as the answer goes on."""

    total_tokens: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    def usage(self) -> Usage | None:
        """The same in our words; a sum that nobody took apart counts as written."""
        if self.completion_tokens:
            return Usage(input_tokens=self.prompt_tokens or 0, output_tokens=self.completion_tokens)
        return Usage(output_tokens=self.total_tokens) if self.total_tokens else None


class Verdict(msgspec.Struct, gc=False):
    """How the call went; the HTTP status is 200 whatever stands here."""

    status_code: int = 0
    status_msg: str = ""


class Frame(msgspec.Struct, gc=False):
    """A whole answer, or a frame of a stream."""

    id: str | None = None
    request_id: str | None = None
    reply: str | None = None
    choices: list[Choice] | None = None
    usage: Spent | None = None
    base_resp: Verdict | None = None
    error: Any = None  # Any: gateways have forms of their own

    @property
    def name(self) -> str:
        """What the vendor calls this answer."""
        return self.id or self.request_id or ""


_decode = msgspec.json.Decoder(Frame, strict=False).decode  # some codes are written as text


class Answering:
    """What is known of a streamed answer so far.

    The last frame of a stream is the answer once more, whole. Of that, only what was not yet said is news.
    """

    def __init__(self, called: Called, headers: Mapping[str, str]) -> None:
        self.is_done = False
        self._called = called
        self._calls = OpenAICalls()
        self._headers = headers
        self._reason = ""
        self._request_id = ""
        self._usage: Usage | None = None
        self._text: list[str] = []
        self._reasoning: list[str] = []

    @property
    def is_whole(self) -> bool:
        """True when no more words will come, even if the server has not said good-bye yet."""
        return self.is_done or bool(self._reason)

    def read(self, event: Event) -> Delta | None:
        """What the event adds, if anything that can be read."""
        if event.data == DONE:
            self.is_done = True
            return None
        frame = _decoded(event.data, self._called, self._headers)
        self._request_id = self._request_id or frame.name
        if frame.usage is not None:
            self._usage = frame.usage.usage()
        if not frame.choices:
            return None
        choice = frame.choices[0]
        self._reason = choice.finish_reason or self._reason
        text, reasoning = _words(frame)
        if _is_last(frame):
            self.is_done = True
            self._calls = OpenAICalls()  # they too are said once more, and whole
        _take(self._calls, choice)
        if self.is_done:
            text, reasoning = _news(text, self._text), _news(reasoning, self._reasoning)
        self._text.append(text)
        self._reasoning.append(reasoning)
        return Delta(text=text, reasoning=reasoning, request_id=self._request_id) if text or reasoning else None

    def last(self) -> Delta:
        """The delta that closes the answer; a stream that stopped short has none."""
        if not self.is_whole:
            raise failures.cut_off(self._called)
        calls = self._calls.whole()
        return Delta(
            finish_reason=ended(_reason(self._reason), calls),
            usage=self._usage,
            request_id=self._request_id,
            tool_calls=calls,
        )


def whole_answer(body: bytes, called: Called, headers: Mapping[str, str]) -> Delta:
    """An answer that came in one piece."""
    frame = _decoded(body, called, headers)
    if not frame.choices or (frame.choices[0].messages is None and frame.choices[0].message is None):
        raise failures.unreadable(body, called)
    text, reasoning = _words(frame)
    found = OpenAICalls()
    _take(found, frame.choices[0])
    calls = found.whole()
    return Delta(
        text=text,
        reasoning=reasoning,
        finish_reason=ended(_reason(frame.choices[0].finish_reason), calls),
        usage=frame.usage.usage() if frame.usage else None,
        request_id=frame.name,
        tool_calls=calls,
    )


def _take(found: OpenAICalls, choice: Choice) -> None:
    spoken = choice.delta or choice.message
    if spoken is not None:
        found.read(spoken.tool_calls, spoken.reasoning_content)


def refusal(status: int, body: bytes, headers: Mapping[str, str], called: Called) -> ModelCallError:
    """The error behind an answer that is not a success, where it has the vendor's own form."""
    try:
        verdict = _decode(body).base_resp
    except (msgspec.DecodeError, UnicodeDecodeError):
        verdict = None
    if verdict is None or status < 400:
        return failures.from_status(status, body, headers, called)
    complaint = Complaint(message=verdict.status_msg, code=str(verdict.status_code))
    return failures.classified(complaint, meant=status, status=status, headers=headers, called=called)


def _decoded(body: bytes, called: Called, headers: Mapping[str, str]) -> Frame:
    try:
        frame = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as reason:
        raise failures.unreadable(body, called) from reason
    if frame.error:
        raise failures.from_error_object(frame.error, headers, called)
    verdict = frame.base_resp
    if verdict is not None and verdict.status_code != 0:
        complaint = Complaint(message=verdict.status_msg, code=str(verdict.status_code), request_id=frame.name)
        meant = MEANT.get(verdict.status_code, 400)
        raise failures.classified(complaint, meant=meant, headers=headers, called=called)
    return frame


def _words(frame: Frame) -> tuple[str, str]:
    """The text and the reasoning of a frame's first choice."""
    choice = frame.choices[0] if frame.choices else Choice()
    spoken = choice.delta or choice.message
    if spoken is not None:
        return spoken.words(), spoken.thoughts()
    return frame.reply or "".join(said.text or "" for said in choice.messages or ()), ""


def _is_last(frame: Frame) -> bool:
    """True for the frame that says everything again: only that one has a reply, or a message in the place of a delta.

    An empty reply in the old protocol is told by its usage, which no other frame there has.
    """
    choice = frame.choices[0] if frame.choices else Choice()
    is_counted = frame.usage is not None and frame.usage.usage() is not None
    return bool(frame.reply) or choice.message is not None or (choice.messages is not None and is_counted)


def _news(whole: str, said: list[str]) -> str:
    before = "".join(said)
    return whole[len(before) :] if whole.startswith(before) else ""


def _reason(reason: str | None) -> FinishReason:
    return "length" if reason == "max_output" else finish_reason(reason)

"""Baidu's first protocol: a path for each model, turns that alternate, and errors that come with a success status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from byzer_nb.errors import BadInputError, ModelCallError
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.asked import checked_extra, words_alone
from byzer_nb.providers.wire.failures import Called, Complaint
from byzer_nb.types import ChatRequest, FinishReason, Usage

# The last part of the path of each model whose name does not tell it.
ENDPOINTS = {
    "ERNIE-Bot": "completions",
    "ERNIE-Bot-4": "completions_pro",
    "ERNIE-Bot-8K": "ernie_bot_8k",
    "ERNIE-Bot-turbo": "eb-instant",
    "ERNIE-Bot-turbo-AI": "ai_apaas",
    "EB-turbo-AppBuilder": "ai_apaas",
    "ERNIE Speed-AppBuilder": "ai_apaas",
    "ERNIE-Lite-AppBuilder-8K-0614": "ai_apaas_lite",
    "ERNIE-4.0-8K": "completions_pro",
    "ERNIE-4.0-8K-Preview-0518": "completions_adv_pro",
    "ERNIE-3.5-8K": "completions",
    "ERNIE-Lite-8K-0922": "eb-instant",
    "ERNIE-Lite-8K-0308": "ernie-lite-8k",
    "ERNIE-Speed": "ernie_speed",
    "ERNIE-Speed-8K": "ernie_speed",
    "ERNIE-Function-8K": "ernie-func-8k",
    "ERNIE-Functions-8K": "ernie-func-8k",
    "ERNIE-Character-8K": "ernie-char-8k",
    "ERNIE-Character-Fiction-8K": "ernie-char-fiction-8k",
    "BLOOMZ-7B": "bloomz_7b1",
    "Meta-Llama-3-8B": "llama_3_8b",
    "Meta-Llama-3-70B": "llama_3_70b",
}
_BY_NAME = {name.lower(): endpoint for name, endpoint in ENDPOINTS.items()}

OPTIONS = frozenset({"max_tokens", "temperature", "top_p", "stop", "repetition_penalty", "timeout", "extra"})
# What some of the older models do not take.
_WITHHELD = {
    "eb-instant": frozenset({"max_tokens"}),
    "ernie-lite-pro-8k": frozenset({"max_tokens"}),
    "ai_apaas": frozenset({"max_tokens", "stop"}),
    "ai_apaas_lite": frozenset({"stop"}),
}
_NAMES = {
    "temperature": "temperature",
    "top_p": "top_p",
    "repetition_penalty": "penalty_score",
    "max_tokens": "max_output_tokens",
}
_LEAST_TEMPERATURE = 0.01  # it has to be above 0
_DECIDED_BY_THE_CALL = {
    "messages": "Give the messages to the call itself.",
    "system": "Give it as a message with the role system.",
    "stream": "Call stream(...) for an answer in pieces, and chat(...) for a whole one.",
}
# Where the protocol wants the user's turn and the conversation has none.
_NOTHING_SAID = " "

# The HTTP status that says the same as each code of an error.
_MEANT = {
    1: 500,
    2: 503,
    3: 404,
    4: 429,
    6: 403,
    13: 401,
    14: 401,
    15: 503,
    17: 429,
    18: 429,
    19: 429,
    100: 400,
    110: 401,
    111: 401,
    336000: 500,
    336004: 403,
    336005: 404,
    336100: 503,
    336103: 413,
    336500: 429,
    336501: 429,
    336502: 429,
}
_SPENT = frozenset({17, 19})  # for the day or for good: no wait of ours outlasts that
TOKEN_REFUSED = frozenset({"110", "111"})


def endpoint_of(model: str) -> str:
    """The last part of the model's path; one that is not listed, such as your own, is called like its path."""
    return _BY_NAME.get(model.lower()) or model.lower()


def options_of(model: str) -> frozenset[str]:
    """The options that the model is sent."""
    return OPTIONS - _WITHHELD.get(endpoint_of(model), frozenset())


def chat_body(request: ChatRequest, *, model: str) -> dict[str, Any]:  # Any: JSON
    """The body of a chat call."""
    body: dict[str, Any] = {"messages": _turns(request)}
    system = "\n".join(turn.text for turn in request.messages if turn.role == "system")
    if system:
        body["system"] = system
    options, taken = request.options, options_of(model)
    for ours, theirs in _NAMES.items():
        value = getattr(options, ours)
        if value is not None and ours in taken:
            body[theirs] = max(value, _LEAST_TEMPERATURE) if ours == "temperature" else value
    if options.stop and "stop" in taken:
        body["stop"] = list(options.stop)
    body["stream"] = request.stream
    return body | checked_extra(options.extra, _DECIDED_BY_THE_CALL)


def _turns(request: ChatRequest) -> list[dict[str, str]]:
    """The turns of user and assistant, strictly by turns: who speaks twice in a row says it all at once."""
    turns: list[dict[str, str]] = []
    for turn in request.messages:
        words = words_alone(turn)
        if turn.role == "system" or not words:  # an empty turn is refused
            continue
        role = "assistant" if turn.role == "assistant" else "user"
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += f"\n{words}"
        else:
            turns.append({"role": role, "content": words})
    if not turns or turns[-1]["role"] != "user":
        raise BadInputError(
            "This model answers a message of the user, and the conversation does not end with one.",
            hint='Add the question as a last message: {"role": "user", "content": "..."}',
        )
    if turns[0]["role"] != "user":
        turns.insert(0, {"role": "user", "content": _NOTHING_SAID})
    return turns


class Spent(msgspec.Struct, gc=False):
    """Tokens; `completion_tokens` may be those of one piece alone, and the sum never is."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0

    def usage(self) -> Usage:
        """The same in our words."""
        written = max(self.total_tokens - self.prompt_tokens, self.completion_tokens)
        return Usage(input_tokens=self.prompt_tokens, output_tokens=written)


class Answer(msgspec.Struct, gc=False):
    """A whole answer, or a piece of a streamed one; or the error in its place."""

    id: str = ""
    result: str | None = None
    is_end: bool = False
    is_truncated: bool = False
    need_clear_history: bool = False
    finish_reason: str = ""
    usage: Spent | None = None
    error_code: int | None = None
    error_msg: str = ""

    def reason(self) -> FinishReason:
        """Why it ended. `normal` stands in every piece, also in those that are not the last."""
        if self.finish_reason == "content_filter" or self.need_clear_history:
            return "content_filter"
        if self.finish_reason == "length" or self.is_truncated:
            return "length"
        return "stop"


_decode = msgspec.json.Decoder(Answer).decode


def read(data: bytes, headers: Mapping[str, str], called: Called) -> Answer:
    """An answer, or a piece of one; an error in its place is raised."""
    try:
        answer = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as reason:
        raise failures.unreadable(data, called) from reason
    if answer.error_code is not None:
        complaint = Complaint(message=answer.error_msg, code=str(answer.error_code), request_id=answer.id)
        raise complained(complaint, headers, called)
    if answer.result is None:
        raise failures.unreadable(data, called)
    return answer


def complained(
    complaint: Complaint, headers: Mapping[str, str], called: Called, *, status: int = 200
) -> ModelCallError:
    """The error behind a code of Baidu's; one that nobody knows means what its status says, or a bad request."""
    code = int(complaint.code) if complaint.code.isdecimal() else 0
    meant = status if status in (401, 403) else _MEANT.get(code) or max(status, 400)
    error = failures.classified(complaint, meant=meant, status=status, headers=headers, called=called)
    if code in _SPENT:
        error.retryable = False
    return error


def refusal(status: int, body: bytes, headers: Mapping[str, str], called: Called) -> ModelCallError:
    """The error behind an answer that is not a success."""
    if status < 400:
        return failures.from_status(status, body, headers, called)
    return complained(failures.complaint_in(body), headers, called, status=status)

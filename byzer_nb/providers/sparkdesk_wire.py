"""iFlytek's protocol: our requests as its JSON, its messages as our types, and what its numbers of errors mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from byzer_nb.errors import ModelCallError, RefusedError
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.asked import checked_extra, words_alone
from byzer_nb.providers.wire.call import json_body
from byzer_nb.providers.wire.failures import Called, Complaint
from byzer_nb.types import ChatRequest, Delta, FinishReason, Usage

OPTIONS = frozenset({"max_tokens", "temperature", "top_k", "timeout", "extra"})
USER = "byzer_nb"  # the protocol wants to know whose question it is
LEAST_TEMPERATURE = 0.01  # it has to be above 0
_DECIDED_BY_THE_CALL = {"domain": "Deploy the other model under a name of its own."}

# The HTTP status that says the same as each code of an error.
_MEANT = {
    10000: 500,
    10001: 500,
    10002: 500,
    10003: 400,
    10004: 400,
    10005: 400,
    10006: 429,
    10007: 429,
    10008: 503,
    10009: 503,
    10010: 503,
    10011: 503,
    10012: 500,
    10013: 400,
    10014: 400,
    10015: 403,
    10016: 403,
    10019: 400,
    10021: 400,
    10110: 503,
    10163: 400,
    10222: 503,
    10223: 503,
    10404: 404,
    10907: 413,
    11200: 403,
    11201: 429,
    11202: 429,
    11203: 429,
}
_SPENT = 11201  # for today; no wait of ours outlasts that


def chat_message(request: ChatRequest, *, appid: str, domain: str) -> str:
    """The conversation as the one message that is sent."""
    options = request.options
    chat: dict[str, Any] = {"domain": domain, "auditing": "default"}
    if options.temperature is not None:
        chat["temperature"] = max(options.temperature, LEAST_TEMPERATURE)
    if options.max_tokens is not None:
        chat["max_tokens"] = options.max_tokens
    if options.top_k is not None:
        chat["top_k"] = options.top_k
    turns = [{"role": turn.role, "content": words_alone(turn)} for turn in request.messages]
    body = {
        "header": {"app_id": appid, "uid": USER},
        "parameter": {"chat": chat | checked_extra(options.extra, _DECIDED_BY_THE_CALL)},
        "payload": {"message": {"text": turns}},
    }
    return json_body(body).decode()


class Header(msgspec.Struct, gc=False):
    """About the message: its code says whether it is an error, its status whether it is the last (2)."""

    code: int = 0
    message: str = ""
    sid: str = ""
    status: int = 0


class Words(msgspec.Struct, gc=False):
    """A piece of the answer."""

    content: str | None = None
    reasoning_content: str | None = None


class Choices(msgspec.Struct, gc=False):
    """The pieces of one message."""

    status: int = 0
    text: list[Words] = []


class Count(msgspec.Struct, gc=False):
    """Tokens."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class Spent(msgspec.Struct, gc=False):
    """Tokens, under the name of what they were spent on."""

    text: Count | None = None


class Payload(msgspec.Struct, gc=False):
    """What a message brings."""

    choices: Choices | None = None
    usage: Spent | None = None


class Frame(msgspec.Struct, gc=False):
    """A message of the provider's."""

    header: Header
    payload: Payload | None = None


_decode = msgspec.json.Decoder(Frame).decode

LAST = 2


class SparkStream:
    """What is known of an answer so far."""

    def __init__(self, called: Called, *, max_tokens: int | None) -> None:
        self.is_whole = False
        self._called = called
        self._max_tokens = max_tokens
        self._usage: Usage | None = None
        self._request_id = ""

    def read(self, message: str) -> Delta | None:
        """What the message adds; an error in the place of words is raised."""
        try:
            frame = _decode(message)
        except msgspec.DecodeError as reason:
            raise failures.unreadable(message.encode(), self._called) from reason
        header = frame.header
        if header.code:
            complaint = Complaint(message=header.message, code=str(header.code), request_id=header.sid)
            raise complained(complaint, {}, self._called)
        self._request_id = self._request_id or header.sid
        payload = frame.payload or Payload()
        if payload.usage is not None and payload.usage.text is not None:
            spent = payload.usage.text
            self._usage = Usage(input_tokens=spent.prompt_tokens, output_tokens=spent.completion_tokens)
        choices = payload.choices or Choices()
        self.is_whole = LAST in (header.status, choices.status)
        text = "".join(words.content or "" for words in choices.text)
        reasoning = "".join(words.reasoning_content or "" for words in choices.text)
        return Delta(text=text, reasoning=reasoning, request_id=self._request_id) if text or reasoning else None

    def last(self) -> Delta:
        """The delta that closes a whole answer."""
        return Delta(
            finish_reason=reason_of(self._usage, self._max_tokens), usage=self._usage, request_id=self._request_id
        )


def reason_of(usage: Usage | None, max_tokens: int | None) -> FinishReason:
    """Why an answer ended: it is not told, but one that is as long as it might be was cut."""
    is_cut = usage is not None and max_tokens is not None and usage.output_tokens >= max_tokens
    return "length" if is_cut else "stop"


def complained(
    complaint: Complaint, headers: Mapping[str, str], called: Called, *, status: int = 200
) -> ModelCallError:
    """The error behind a code of iFlytek's; one that nobody knows means what its status says, or a bad request."""
    code = int(complaint.code) if complaint.code.isdecimal() else 0
    meant = status if status in (401, 403) else _MEANT.get(code) or max(status, 400)
    error = failures.classified(complaint, meant=meant, status=status, headers=headers, called=called)
    if code == _SPENT:
        error.retryable = False
    return error


def refusal(status: int, body: bytes, headers: Mapping[str, str], called: Called) -> ModelCallError:
    """The error behind an answer that is not a success."""
    if status < 400:
        return failures.from_status(status, body, headers, called)
    return complained(failures.complaint_in(body), headers, called, status=status)


def handshake_refusal(status: int, body: bytes, headers: Mapping[str, str], called: Called) -> ModelCallError:
    """The error behind a refused socket: a wrong key or signature is 401, and 403 a date that is too far off."""
    if status != 403:
        return refusal(status, body, headers, called)
    return RefusedError(
        f"{called} refused the date of the signature (HTTP 403).",
        hint="Set the clock of this machine: it may be off by five minutes at most.",
        status=status,
        **called.facts(),
    )

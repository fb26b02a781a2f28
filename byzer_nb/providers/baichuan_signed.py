"""Baichuan's retired protocol: signed requests, verdicts inside HTTP 200, and streams of JSON lines."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any, Self

import msgspec
from yarl import URL

from byzer_nb.errors import ModelCallError
from byzer_nb.providers.openai_wire import finish_reason
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.asked import checked_extra, system_text, words_alone
from byzer_nb.providers.wire.call import Call, Signature, json_body
from byzer_nb.providers.wire.failures import REQUEST_ID_HEADERS, Called, Complaint
from byzer_nb.providers.wire.http import Wire
from byzer_nb.providers.wire.lines import LineSplitter
from byzer_nb.providers.wire.sse import Event
from byzer_nb.types import ChatRequest, Delta, Secret, Usage

OPTIONS = frozenset({"temperature", "top_p", "top_k", "timeout", "extra"})

# What its codes mean, as the HTTP status that says the same. All others are for the caller to mend.
MEANT = {
    1: 500,
    **dict.fromkeys((10100, 10101, 10102, 10105, 10106), 401),  # the key and the signature
    **dict.fromkeys((10103, 10104), 403),  # the time that was signed; its words say more than that a key was refused
    **dict.fromkeys((10200, 10201, 10202), 403),  # the account
    10203: 429,
    **dict.fromkeys((10300, 10301), 402),
    10500: 500,
}
_DECIDED_BY_THE_CALL = {
    "model": "Name the model when you ask: model='...'; a provider's other model is loaded under a name of its own.",
    "messages": "Give the messages to the call itself.",
    "stream": "Call stream(...) for an answer in pieces, and chat(...) for a whole one.",
}


class Signer:
    """Signs the very bytes that are sent, at the time when they are."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    async def __call__(self, wire: Wire, call: Call, url: URL) -> Signature:
        """The MD5 sum of secret, body and time."""
        moment = str(int(time.time()))
        signed = hashlib.md5(self._secret.reveal().encode(), usedforsecurity=False)
        signed.update(call.body)
        signed.update(moment.encode())
        headers = {"X-BC-Timestamp": moment, "X-BC-Sign-Algo": "MD5", "X-BC-Signature": signed.hexdigest()}
        return Signature(headers={name: Secret(value) for name, value in headers.items()})


class SignedDialect:
    """A model, its turns, and everything else among `parameters`."""

    def __init__(self, model: str, *, called: Called) -> None:
        self._model = model
        self._called = called

    def chat(self, request: ChatRequest) -> Call:
        """A chat; a streamed one has an address of its own."""
        path = "stream/chat" if request.stream else "chat"
        return Call(path=path, body=json_body(self._body(request)), split=LineSplitter)

    def _body(self, request: ChatRequest) -> dict[str, Any]:  # Any: JSON
        body: dict[str, Any] = {"model": self._model, "messages": _messages(request)}
        given = {name: getattr(request.options, name) for name in ("temperature", "top_p", "top_k")}
        parameters = {name: value for name, value in given.items() if value is not None}
        parameters |= checked_extra(request.options.extra, _DECIDED_BY_THE_CALL)
        return body | ({"parameters": parameters} if parameters else {})

    def whole(self, body: bytes, headers: Mapping[str, str]) -> Delta:
        """An answer that came in one piece, or a stream that calls itself a document."""
        try:
            answers = _decode_lines(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as reason:
            raise failures.unreadable(body, self._called) from reason
        for answer in answers:
            _raise_failure(answer, headers, self._called)
        if not any(answer.said for answer in answers):
            raise failures.unreadable(body, self._called)
        return Delta(
            text="".join(answer.text for answer in answers),
            finish_reason=finish_reason(answers[-1].reason),
            usage=answers[-1].counted,
            request_id=_request_id(headers),
        )

    def reading(self, headers: Mapping[str, str]) -> Answering:
        """A reader for one streamed answer."""
        return Answering(self._called, headers)

    def relent(self, refused: ModelCallError, call: Call) -> Self | None:
        """Nothing is learned from a refusal."""
        return None


def _messages(request: ChatRequest) -> list[dict[str, str]]:
    """The turns of user and assistant, for there are no others: the system speaks at the head of the first one."""
    turns = [turn for turn in request.messages if turn.role != "system"]
    messages = [
        {"role": "assistant" if turn.role == "assistant" else "user", "content": words_alone(turn)} for turn in turns
    ]
    system = system_text(request)
    if not system:
        return messages
    if messages and messages[0]["role"] == "user":
        system = f"{system}\n\n{messages.pop(0)['content']}"
    return [{"role": "user", "content": system}, *messages]


class Said(msgspec.Struct, gc=False):
    """What the model says, or the next piece of it."""

    content: str | None = None
    finish_reason: str | None = None


class Data(msgspec.Struct, gc=False):
    """The answer itself."""

    messages: list[Said] | None = None


class Spent(msgspec.Struct, gc=False):
    """Tokens, as Baichuan counts them."""

    prompt_tokens: int = 0
    answer_tokens: int = 0


class Answer(msgspec.Struct, gc=False):
    """A whole answer, or one line of a stream."""

    code: int = 0
    msg: str | None = None
    data: Data | None = None
    usage: Spent | None = None

    @property
    def said(self) -> list[Said] | None:
        """Every message."""
        return self.data.messages if self.data else None

    @property
    def text(self) -> str:
        """The words."""
        return "".join(said.content or "" for said in self.said or ())

    @property
    def reason(self) -> str:
        """Why it ended; empty as long as it goes on."""
        return next((said.finish_reason for said in self.said or () if said.finish_reason), "")

    @property
    def counted(self) -> Usage | None:
        """The tokens, where they were counted."""
        spent = self.usage
        return Usage(input_tokens=spent.prompt_tokens, output_tokens=spent.answer_tokens) if spent else None


_decoder = msgspec.json.Decoder(Answer)
_decode, _decode_lines = _decoder.decode, _decoder.decode_lines


class Answering:
    """What is known of a streamed answer so far."""

    def __init__(self, called: Called, headers: Mapping[str, str]) -> None:
        self.is_done = False
        self._called = called
        self._headers = headers
        self._reason = ""
        self._usage: Usage | None = None

    @property
    def is_whole(self) -> bool:
        """True when no more words will come."""
        return bool(self._reason)

    def read(self, event: Event) -> Delta | None:
        """What the line adds, if anything."""
        try:
            answer = _decode(event.data)
        except (msgspec.DecodeError, UnicodeDecodeError) as reason:
            raise failures.unreadable(event.data, self._called) from reason
        _raise_failure(answer, self._headers, self._called)
        self._reason = answer.reason or self._reason
        self._usage = answer.counted or self._usage
        self.is_done = bool(self._reason) and self._usage is not None
        return Delta(text=answer.text, request_id=_request_id(self._headers)) if answer.text else None

    def last(self) -> Delta:
        """The delta that closes the answer; a stream that stopped short has none."""
        if not self.is_whole:
            raise failures.cut_off(self._called)
        return Delta(
            finish_reason=finish_reason(self._reason), usage=self._usage, request_id=_request_id(self._headers)
        )


def _raise_failure(answer: Answer, headers: Mapping[str, str], called: Called) -> None:
    if answer.code != 0:
        complaint = Complaint(message=answer.msg or "", code=str(answer.code))
        raise failures.classified(complaint, meant=MEANT.get(answer.code, 400), headers=headers, called=called)


def _request_id(headers: Mapping[str, str]) -> str:
    """The protocol has it in a header alone."""
    return next((headers[name] for name in REQUEST_ID_HEADERS if name in headers), "")

"""Volcengine's two speech protocols: v1 answers with one document, v3 with a document a line."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import msgspec

from byzer_nb.errors import BadInputError, ModelCallError
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.asked import checked_extra
from byzer_nb.providers.wire.call import Call, json_body
from byzer_nb.providers.wire.failures import Called, Complaint
from byzer_nb.providers.wire.lines import LineSplitter
from byzer_nb.providers.wire.sse import Event
from byzer_nb.types import Secret, SpeakRequest

V1_PATH = "tts"
V3_PATH = "tts/unidirectional"
V1_VOICE = "BV705_streaming"
V3_VOICE = "zh_female_vv_uranus_bigtts"  # the voices of v1 are not known to v3
USER = "byzer_nb"  # any name will do; it only stands in the vendor's logs

V1_FORMATS = {"mp3": "mp3", "wav": "wav", "pcm": "pcm", "opus": "ogg_opus", "ogg": "ogg_opus", "ogg_opus": "ogg_opus"}
V3_FORMATS = {name: theirs for name, theirs in V1_FORMATS.items() if name != "wav"}  # it would repeat the header

V1_SUCCESS = 3000
V3_MORE = 0
V3_END = 20000000

# The HTTP status that says the same as a code.
MEANINGS = {
    3003: 429,  # too many at once
    3005: 503,  # busy
    3006: 400,  # a request number that was used before
    3010: 413,  # text too long
    3011: 400,  # text that cannot be spoken
    3030: 504,  # took too long
    3031: 500,  # failed inside
    3032: 504,  # the sound did not come in time
    3040: 502,  # lost its own back end
    3050: 400,  # no such voice
    45000010: 401,  # unknown application or key
    45000030: 403,  # a voice or resource that was not bought
    45000292: 429,  # too many at once
    40402003: 413,  # text too long
}
# Codes are shared by unlike failures (3001 and 45000000 mean nearly anything), and then the words tell them apart.
MEANT_BY_WORDS = (
    (re.compile(r"grant not found|authenticat|invalid.{0,4}x-api|api key", re.IGNORECASE), 401),
    (re.compile(r"quota exceeded.*lifetime", re.IGNORECASE), 402),
    (re.compile(r"access denied|permission denied|not granted|not allowed", re.IGNORECASE), 403),
    (re.compile(r"quota exceeded", re.IGNORECASE), 429),
    (re.compile(r"mismatch|init engine instance failed", re.IGNORECASE), 400),  # a voice of another model
)
_DECIDED = "Give it to the call itself, as text, voice or format."
_SET = "It is a setting of the model."
V1_DECIDED = {
    "app": {"appid": _SET, "token": _SET, "cluster": _SET},
    "audio": {"voice_type": _DECIDED, "encoding": _DECIDED},
    "request": {"text": _DECIDED, "reqid": "Each try has its own.", "operation": "Only whole answers can be read."},
}
V3_DECIDED = {"text": _DECIDED, "speaker": _DECIDED}
V3_AUDIO_DECIDED = {"format": _DECIDED}

Body = dict[str, Any]  # Any: JSON


class Header(msgspec.Struct, gc=False):
    """What the gateway in front of v3 says."""

    code: int | None = None
    message: str | None = None
    reqid: str | None = None


class Answer(msgspec.Struct, gc=False):
    """A whole answer of v1, or one line of v3."""

    code: int | None = None
    message: str | None = None
    reqid: str | None = None
    data: str | None = None
    header: Header | None = None


_decode = msgspec.json.Decoder(Answer).decode


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """Who asks."""

    app_id: str
    key: Secret


class V1Narrator:
    """One document with all of the sound."""

    def __init__(self, account: Account, *, cluster: str, called: Called) -> None:
        self._account = account
        self._cluster = cluster
        self._called = called

    def speak(self, request: SpeakRequest) -> Call:
        """A query; the number of the request and the key are put in at each try."""
        audio: Body = {"voice_type": request.voice or V1_VOICE, "encoding": _format(request.format, V1_FORMATS)}
        if request.speed is not None:
            audio["speed_ratio"] = request.speed
        if request.language:
            audio["language"] = request.language
        body: Body = {
            "app": {"appid": self._account.app_id, "cluster": self._cluster},
            "user": {"uid": USER},
            "audio": audio,
            "request": {"text": request.text, "text_type": "plain", "operation": "query"},
        }
        for section, values in request.extra.items():
            if section not in body or not isinstance(values, Mapping):
                raise BadInputError(
                    f"{section!r} is no section of this provider's body.",
                    hint='Write extra as the body is written: {"audio": {"pitch_ratio": 1.1}}',
                )
            body[section] |= checked_extra(dict(values), V1_DECIDED.get(section, {}))
        written = json_body(body)  # where it cannot be written, that is said before the key is in it

        def remade() -> bytes:
            app = {**body["app"], "token": self._account.key.reveal()}
            return json_body({**body, "app": app, "request": {**body["request"], "reqid": str(uuid4())}})

        return Call(path=V1_PATH, body=written, remade=remade)

    def sound(self, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The sound in the document."""
        answer = decoded(body, self._called)
        if answer.code != V1_SUCCESS:
            raise error_in(answer, body, headers, self._called)
        return _sound(answer, body, self._called)


class V3Narrator:
    """A document a line, each with a piece of the sound."""

    def __init__(self, *, model: str, called: Called) -> None:
        self._model = model
        self._called = called

    def speak(self, request: SpeakRequest) -> Call:
        """A text with its voice; who asks stands in the headers."""
        audio: Body = {"format": _format(request.format, V3_FORMATS)}
        if request.speed is not None:
            audio["speech_rate"] = round((request.speed - 1) * 100)  # from -50, half as fast, to 100, twice as fast
        extra = checked_extra(dict(request.extra), V3_DECIDED)
        audio |= checked_extra(_object("audio_params", extra.pop("audio_params", {})), V3_AUDIO_DECIDED)
        additions = _object("additions", extra.pop("additions", {}))
        if request.language:
            additions["explicit_language"] = request.language
        asked: Body = {"text": request.text, "speaker": request.voice or V3_VOICE, "audio_params": audio}
        if self._model:
            asked["model"] = self._model
        if additions:
            asked["additions"] = json_body(additions).decode()  # JSON inside a string
        return Call(
            path=V3_PATH, body=json_body({"user": {"uid": USER}, "req_params": asked | extra}), split=LineSplitter
        )

    def hearing(self, headers: Mapping[str, str]) -> V3Hearing:
        """A reader for the lines."""
        return V3Hearing(self._called, headers)


class V3Hearing:
    """What is known of an answer of v3 so far."""

    __slots__ = ("_called", "_headers", "is_done")

    def __init__(self, called: Called, headers: Mapping[str, str]) -> None:
        self.is_done = False
        self._called = called
        self._headers = headers

    def read(self, event: Event) -> bytes:
        """The sound in a line; a line of time stamps has none."""
        if self.is_done:
            return b""
        answer = decoded(event.data, self._called)
        if answer.code == V3_END:
            self.is_done = True
        elif answer.code != V3_MORE:
            raise error_in(answer, event.data, self._headers, self._called)
        return _sound(answer, event.data, self._called)

    def last(self) -> None:
        """Sound without the line that ends it stopped short."""
        if not self.is_done:
            raise failures.cut_off(self._called)


def refusal(status: int, body: bytes, headers: Mapping[str, str], called: Called) -> ModelCallError:
    """The error behind an answer that is not a success; the vendor's code in it says more than its status."""
    try:
        answer = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return failures.from_status(status, body, headers, called)
    if _code(answer) is None:
        return failures.from_status(status, body, headers, called)
    return error_in(answer, body, headers, called, status=status)


def error_in(
    answer: Answer, body: bytes, headers: Mapping[str, str], called: Called, *, status: int = 200
) -> ModelCallError:
    """The error that an answer is."""
    code = _code(answer)
    if code is None:
        return failures.unreadable(body, called)
    said: Answer | Header = answer if answer.header is None else answer.header
    number = headers.get("X-Tt-Logid") or said.reqid or ""  # the one in its logs is what the vendor asks for
    complaint = Complaint(message=said.message or "", code=str(code), request_id=number)
    meant = _meaning(code, complaint.message, status=status)
    return failures.classified(complaint, meant=meant, status=status, headers=headers, called=called)


def decoded(body: bytes, called: Called) -> Answer:
    """An answer, or one line of it."""
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as reason:
        raise failures.unreadable(body, called) from reason


def _code(answer: Answer) -> int | None:
    return answer.code if answer.header is None else answer.header.code


def _meaning(code: int, words: str, *, status: int) -> int:
    """The HTTP status that says what the vendor means."""
    for mark, meant in MEANT_BY_WORDS:
        if mark.search(words):
            return meant
    if code in MEANINGS:
        return MEANINGS[code]
    if status >= 400:
        return status
    return 500 if str(code).startswith("55") else 400


def _sound(answer: Answer, body: bytes, called: Called) -> bytes:
    try:
        return b64decode(answer.data or "", validate=True)
    except (BadBase64, ValueError) as reason:
        raise failures.unreadable(body, called) from reason


def _format(name: str, formats: Mapping[str, str]) -> str:
    """A format in the vendor's words."""
    try:
        return formats[name.lower()]
    except KeyError:
        raise BadInputError(
            f"This provider does not write sound as {name!r}.", hint=f"Formats: {', '.join(formats)}."
        ) from None


def _object(name: str, given: object) -> Body:
    """A part of the body that the caller fills; the vendor's examples write it as JSON in a string."""
    try:
        found = msgspec.json.decode(given) if isinstance(given, str) else given
        return msgspec.convert(found, Body)
    except msgspec.MsgspecError:
        raise BadInputError(f"{name} is an object, not {given!r}.", hint=f'Write: {{"{name}": {{...}}}}') from None

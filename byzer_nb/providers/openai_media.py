"""Sound and pictures in OpenAI's shape, for OpenAI itself and for every host that took these calls over."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal, Self, TypedDict, TypeVar

import msgspec

from byzer_nb.errors import ModelCallError
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.asked import checked_extra, inline
from byzer_nb.providers.wire.call import Call, json_body
from byzer_nb.providers.wire.decoding import decoded
from byzer_nb.providers.wire.engine import tell
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.multipart import File, multipart
from byzer_nb.types import DrawRequest, Segment, SpeakRequest, TranscribeRequest, Transcript, Word

MediaKind = Literal["speak", "transcribe", "draw"]

# What a model with such a name does in the place of chatting.
MEDIA_MODELS: tuple[tuple[str, MediaKind], ...] = (
    ("tts*", "speak"),
    ("*-tts", "speak"),
    ("*-tts-*", "speak"),
    ("whisper*", "transcribe"),
    ("*-transcribe", "transcribe"),
    ("*-transcribe-*", "transcribe"),
    ("dall-e*", "draw"),
    ("dalle*", "draw"),
    ("gpt-image-*", "draw"),
    ("chatgpt-image-*", "draw"),
)
TIMED_MODELS = "whisper*"  # the others of its kind give the text alone, and refuse to be asked for more

USUAL_VOICE = "alloy"
USUAL_SIZE = "1024x1024"
USUAL_QUALITY = "standard"

_OF_THE_REQUEST = "It has a place of its own in the request."
_NOT_OURS_TO_READ = "Leave it out: an answer of another form could not be read."
_MODEL = {"model": "Name the model when you ask: model='...'."}
_OF_SPEECH = _MODEL | {
    "input": _OF_THE_REQUEST,
    "voice": _OF_THE_REQUEST,
    "response_format": "It is the format of the request.",
    "speed": _OF_THE_REQUEST,
    "stream_format": _NOT_OURS_TO_READ,
}
_OF_TRANSCRIPTION = _MODEL | {
    "file": "It is the sound of the request.",
    "language": _OF_THE_REQUEST,
    "prompt": _OF_THE_REQUEST,
    "response_format": _NOT_OURS_TO_READ,
    "stream": _NOT_OURS_TO_READ,
}
_OF_DRAWING = _MODEL | {
    "prompt": _OF_THE_REQUEST,
    "size": _OF_THE_REQUEST,
    "quality": _OF_THE_REQUEST,
    "n": "It is the count of the request.",
    "response_format": _NOT_OURS_TO_READ,
    "stream": _NOT_OURS_TO_READ,
}


def media_kind(model: str) -> MediaKind | None:
    """What a model of that name does in the place of chatting; None for one that chats or embeds."""
    name = _bare(model)
    return next((kind for pattern, kind in MEDIA_MODELS if fnmatchcase(name, pattern)), None)


def media_abilities(model: str) -> dict[str, bool]:
    """What a card says of a model of that name, where it differs from that of a chat model."""
    kind = media_kind(model)
    if kind is None:
        return {}
    others = dict.fromkeys(("chat", "stream", "embed", "images", "audio", "continues"), False)
    return {**others, kind: True}


class MediaPorts(TypedDict):
    """The ports for sound and pictures, as an engine takes them."""

    narrator: OpenAINarrator
    scribe: OpenAIScribe
    painter: OpenAIPainter


def media_ports(model: str, called: Called, *, known_as: str = "") -> MediaPorts:
    """The ports of a model; `known_as` is its name where it is asked under another."""
    return {
        "narrator": OpenAINarrator(model, called=called),
        "scribe": OpenAIScribe(model, called=called, is_timed=fnmatchcase(_bare(known_as or model), TIMED_MODELS)),
        "painter": OpenAIPainter(model, called=called),
    }


class OpenAINarrator:
    """Reads texts out."""

    def __init__(self, model: str, *, called: Called) -> None:
        self._model = model
        self._called = called

    def speak(self, request: SpeakRequest) -> Call:
        """The text, the voice and the format."""
        if request.language:
            tell(f"{self._called} reads a text in its own language; {request.language!r} is left out.")
        body: dict[str, Any] = {  # Any: JSON
            "model": self._model,
            "input": request.text,
            "voice": request.voice or USUAL_VOICE,
            "response_format": request.format,
        }
        if request.speed is not None:
            body["speed"] = request.speed
        return Call(path="audio/speech", body=json_body(body | checked_extra(request.extra, _OF_SPEECH)))

    def sound(self, body: bytes, headers: Mapping[str, str]) -> bytes:
        """Nothing: sound comes as it is, so a text in its place is an error."""
        raise failures.instead_of_sound(body, headers, self._called)


class OpenAIScribe:
    """Writes down what is said; one that is timed also says when."""

    def __init__(self, model: str, *, called: Called, is_timed: bool) -> None:
        self._model = model
        self._called = called
        self._is_timed = is_timed

    def transcribe(self, request: TranscribeRequest) -> Call:
        """The sound as a file in a form."""
        sound = request.sound
        fields = [("model", self._model), ("response_format", "verbose_json" if self._is_timed else "json")]
        extra = checked_extra(request.extra, _OF_TRANSCRIPTION)
        if self._is_timed and "timestamp_granularities" not in extra:
            extra = {**extra, "timestamp_granularities": ["word", "segment"]}
        fields += [(name, value) for name in ("language", "prompt") if (value := getattr(request, name))]
        for name, value in extra.items():
            fields += (
                [(f"{name}[]", _as_field(each)) for each in value]
                if isinstance(value, list | tuple)
                else [(name, _as_field(value))]
            )
        file = File(field_name="file", name=f"audio.{sound.format}", media_type=sound.media_type, data=sound.data)
        kind, body = multipart(fields, file)
        return Call(path="audio/transcriptions", body=body, headers={"Content-Type": kind})

    def transcript(self, body: bytes, headers: Mapping[str, str]) -> Transcript:
        """The words, and when they are said where the model tells."""
        heard = _checked(_decode_heard, body, headers, self._called)
        if heard.text is None:
            raise failures.unreadable(body, self._called)
        return Transcript(
            text=heard.text,
            task=heard.task or "transcribe",
            language=heard.language or "",
            duration=heard.duration or 0.0,
            segments=heard.segments or (),
            words=heard.words or (),
        )


class OpenAIPainter:
    """Makes pictures. `unwanted` are parameters, with their usual values, that the model turned out not to take."""

    def __init__(self, model: str, *, called: Called, unwanted: frozenset[tuple[str, str]] = frozenset()) -> None:
        self._model = model
        self._called = called
        self._unwanted = unwanted

    def draw(self, request: DrawRequest) -> Call:
        """The wish, to be answered with the pictures themselves."""
        body: dict[str, Any] = {  # Any: JSON
            "model": self._model,
            "prompt": request.prompt,
            "size": request.size or USUAL_SIZE,
            "quality": request.quality or USUAL_QUALITY,
            "n": request.count,
            "response_format": "b64_json",
        }
        for name, value in self._unwanted:
            if body[name] == value:
                del body[name]
        return Call(path="images/generations", body=json_body(body | checked_extra(request.extra, _OF_DRAWING)))

    def pictures(self, body: bytes, headers: Mapping[str, str]) -> tuple[bytes | str, ...]:
        """Each picture, or its address at hosts that give no other."""
        drawn = _checked(_decode_drawn, body, headers, self._called)
        if not drawn.data:
            raise failures.unreadable(body, self._called)
        return tuple([self._picture(each, body) for each in drawn.data])

    def relent(self, refused: ModelCallError, call: Call) -> Self | None:
        """Newer models give no choice of the form of the answer, and have no quality that is called standard."""
        if refused.status not in (400, 422):
            return None
        body = msgspec.json.decode(call.body)
        if "response_format" in body and "response_format" in refused.message:
            unwanted = ("response_format", body["response_format"])
        elif body.get("quality") == USUAL_QUALITY and f"'{USUAL_QUALITY}'" in refused.message:
            unwanted = ("quality", USUAL_QUALITY)
        else:
            return None
        return type(self)(self._model, called=self._called, unwanted=self._unwanted | {unwanted})

    def _picture(self, drawn: Drawn, answer: bytes) -> bytes | str:
        if drawn.url and not drawn.url.startswith("data:"):
            return drawn.url
        found = inline(drawn.url or "")
        data = found.base64 if found else drawn.b64_json
        try:
            picture = binascii.a2b_base64(data or "")
        except ValueError as reason:
            raise failures.unreadable(answer, self._called) from reason
        if not picture:
            raise failures.unreadable(answer, self._called)
        return picture


class _Answer(msgspec.Struct, gc=False):
    """What every answer may be instead: an error that came with success."""

    error: Any = None  # Any: every gateway has its own form


class Heard(_Answer, gc=False):
    """A transcript, with its times or without."""

    text: str | None = None
    task: str | None = None
    language: str | None = None
    duration: float | None = None
    segments: tuple[Segment, ...] | None = None
    words: tuple[Word, ...] | None = None


class Drawn(msgspec.Struct, gc=False):
    """One picture in either of its forms."""

    b64_json: str | None = None
    url: str | None = None


class DrawnAll(_Answer, gc=False):
    """Every picture of an answer."""

    data: list[Drawn] | None = None


_decode_heard = msgspec.json.Decoder(Heard, strict=False).decode  # some hosts write the duration as a string
_decode_drawn = msgspec.json.Decoder(DrawnAll).decode

Answered = TypeVar("Answered", bound=_Answer)


def _checked(decode: Callable[[bytes], Answered], body: bytes, headers: Mapping[str, str], called: Called) -> Answered:
    answer = decoded(decode, body, called)
    if answer.error:
        raise failures.from_error_object(answer.error, headers, called)
    return answer


def _bare(model: str) -> str:
    """The name without the vendor that gateways put before it."""
    return model.lower().rpartition("/")[2]


def _as_field(value: object) -> str:
    """A value as forms write it: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json_body(value).decode()  # type: ignore[arg-type]

"""Sound, pictures and transcripts: what is asked for, and what comes back. Left on a cell's last line they show it."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

from byzer_nb._display import Displayed

SOUND_TYPES = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "webm": "audio/webm",
}
PICTURE_SIGNATURES = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif"}
SOUND_SIGNATURES = {
    b"ID3": "mp3",
    b"\xff\xfb": "mp3",
    b"\xff\xf3": "mp3",
    b"\xff\xf1": "aac",
    b"RIFF": "wav",
    b"OggS": "ogg",
    b"fLaC": "flac",
    b"\x1aE\xdf\xa3": "webm",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeakRequest:
    """A text to be spoken. An empty voice is the engine's usual one; `extra` goes to the provider as it is."""

    text: str
    voice: str = ""
    format: str = "mp3"
    language: str = ""
    speed: float | None = None
    timeout: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)  # Any: values of a provider's own body


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscribeRequest:
    """Sound to be written down."""

    sound: Sound
    language: str = ""
    prompt: str = ""
    timeout: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)  # Any: values of a provider's own body


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawRequest:
    """A picture to be made. Empty values are the engine's usual ones."""

    prompt: str
    size: str = ""
    quality: str = ""
    count: int = 1
    timeout: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)  # Any: values of a provider's own body


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Sound(Displayed):
    """Sound in a file's format; shows a player."""

    data: bytes = field(repr=False)
    format: str = "mp3"

    @property
    def media_type(self) -> str:
        """Such as `audio/mpeg`."""
        return SOUND_TYPES.get(self.format, f"audio/{self.format}")

    @property
    def url(self) -> str:
        """The sound as a data URL."""
        return f"data:{self.media_type};base64,{b64encode(self.data).decode()}"

    def __repr__(self) -> str:
        return f"Sound({len(self.data)} bytes of {self.format})"

    def _html(self) -> str:
        return f'<audio controls src="{escape(self.url)}"></audio>'


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Picture(Displayed):
    """A picture in a file's format; shows itself."""

    data: bytes = field(repr=False)

    @property
    def format(self) -> str:
        """Such as `png`, told by the first bytes; empty for what is no picture."""
        if self.data.startswith(b"RIFF") and self.data[8:12] == b"WEBP":
            return "webp"
        return next((kind for sign, kind in PICTURE_SIGNATURES.items() if self.data.startswith(sign)), "")

    @property
    def url(self) -> str:
        """The picture as a data URL."""
        return f"data:image/{self.format or 'png'};base64,{b64encode(self.data).decode()}"

    def __repr__(self) -> str:
        return f"Picture({len(self.data)} bytes of {self.format or 'unknown format'})"

    def _html(self) -> str:
        return f'<img style="max-width:100%" src="{escape(self.url)}">'


class Pictures(Displayed, tuple[Picture, ...]):
    """Pictures that were made together; shows them side by side."""

    __slots__ = ()

    def _html(self) -> str:
        return "".join(each._html() for each in self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """One word, and when it is said, in seconds."""

    word: str
    start: float
    end: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A stretch of speech, with the model's own doubts about it."""

    id: int
    start: float
    end: float
    text: str
    seek: int = 0
    tokens: tuple[int, ...] = ()
    temperature: float = 0.0
    avg_logprob: float = 0.0
    compression_ratio: float = 0.0
    no_speech_prob: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Transcript(Displayed):
    """What was said."""

    text: str
    task: str = "transcribe"
    language: str = ""
    duration: float = 0.0
    segments: tuple[Segment, ...] = ()
    words: tuple[Word, ...] = ()

    def as_json(self) -> dict[str, Any]:  # Any: JSON
        """The object that the documents show; a model that gives the text alone gives no more here."""
        whole = asdict(self)
        if not (self.segments or self.words or self.duration):
            return {"text": self.text}
        return {**whole, "segments": list(whole["segments"]), "words": list(whole["words"])}

    def __repr__(self) -> str:
        return f"Transcript({self.text!r})"

    def _html(self) -> str:
        rows = "".join(
            f"<tr><td>{each.start:.1f}</td><td>{each.end:.1f}</td><td>{escape(each.text)}</td></tr>"
            for each in self.segments
        )
        return f"<p>{escape(self.text)}</p>" + (f"<table>{rows}</table>" if rows else "")

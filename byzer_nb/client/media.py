"""Requests for sound, transcripts and pictures, checked before anybody is asked."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from pathlib import Path
from reprlib import repr as short
from typing import TypeAlias

from byzer_nb.client.data_urls import data_of, media_type_of
from byzer_nb.errors import BadInputError, MissingFileError, WrongTypeError
from byzer_nb.types import AudioPart, DrawRequest, Part, Sound, SpeakRequest, TranscribeRequest
from byzer_nb.types.media import SOUND_TYPES

Recording: TypeAlias = "TranscribeRequest | Sound | str | PathLike[str]"


def speak_request(text: str | SpeakRequest, *, voice: str = "") -> SpeakRequest:
    """A text to be read out; an empty one is refused, since providers charge for their error."""
    request = text if isinstance(text, SpeakRequest) else SpeakRequest(text=text)
    _check_filled(request.text, "There is nothing to say: the text")
    return replace(request, voice=voice) if voice else request


def draw_request(prompt: str | DrawRequest, *, size: str = "") -> DrawRequest:
    """A wish for pictures."""
    request = prompt if isinstance(prompt, DrawRequest) else DrawRequest(prompt=prompt)
    _check_filled(request.prompt, "There is nothing to draw: the prompt")
    if isinstance(request.count, bool) or not isinstance(request.count, int) or request.count < 1:
        raise BadInputError(f"count is a whole number of at least 1, not {request.count!r}.")
    return replace(request, size=size) if size else request


def transcribe_request(recording: Recording) -> TranscribeRequest:
    """Sound to be written down, read from a file where a path was given."""
    if isinstance(recording, TranscribeRequest):
        request = recording
    else:
        request = TranscribeRequest(sound=recording if isinstance(recording, Sound) else read_sound(recording))
    if not request.sound.data:
        raise BadInputError("There is nothing to hear: the sound is empty.", hint="Is it the right file?")
    return request


def sound_of(content: str | tuple[Part, ...]) -> Sound | None:
    """The sound that a message is when it is nothing else."""
    if isinstance(content, str) or len(content) != 1 or not isinstance(content[0], AudioPart):
        return None
    url = content[0].url
    if not url.startswith("data:"):
        raise BadInputError("Sound is sent as data, not as an address.", hint="Give it as data:audio/mpeg;base64,…")
    kind = media_type_of(url)
    formats = {media_type: name for name, media_type in reversed(SOUND_TYPES.items())}
    return Sound(data=data_of(url, "audio"), format=formats.get(kind, kind.partition("/")[2] or "mp3"))


def read_sound(path: str | PathLike[str]) -> Sound:
    """A file as sound; its format is told by its name."""
    if not isinstance(path, str | PathLike):
        raise WrongTypeError(f"Sound is a Sound or the path of a file, not {short(path)}.")
    file = Path(path).expanduser()
    try:
        data = file.read_bytes()
    except FileNotFoundError as missing:
        raise MissingFileError(f"There is no file {str(path)!r}.", hint="Check the path.") from missing
    except OSError as reason:
        raise BadInputError(f"The file {str(path)!r} cannot be read: {reason.strerror}.") from reason
    return Sound(data=data, format=file.suffix.lower().removeprefix(".") or "mp3")


def _check_filled(text: str, what: str) -> None:
    if not isinstance(text, str):
        raise WrongTypeError(f"A text is a string, not {short(text)}.")
    if not text.strip():
        raise BadInputError(f"{what} is empty.")

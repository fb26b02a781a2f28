"""Data URLs of pictures and sound, in the one form that providers take."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from typing import Literal

from byzer_nb.errors import BadInputError

Medium = Literal["image", "audio"]

_HEAD = re.compile(r"data:([\w.+/-]*)((?:;[\w=.+-]+)*),", re.ASCII)
RIGHT_NAMES = {
    "image/jpg": "image/jpeg",
    "audio/mp3": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "audio/m4a": "audio/mp4",
}
USUAL = {"image": "image/jpeg", "audio": "audio/mpeg"}


def clean_url(text: str, medium: Medium) -> str:
    """An address as it is; a data URL, or bare base64, with its media type and its encoding named rightly.

    What cannot be decoded is refused here, where one can still see which picture it was.
    """
    text = text.strip()
    if text.startswith(("http://", "https://")):
        return text
    head = _HEAD.match(text)
    if text.startswith("data:") and head is None:
        raise BadInputError(
            f"This is no data URL: {text[:40]!r}…", hint="It looks like: data:image/png;base64,iVBORw0…"
        )
    given = head.group(1).lower() if head else ""
    media_type = RIGHT_NAMES.get(given, given) or USUAL[medium]
    payload = "".join((text[head.end() :] if head else text).split())  # many tools break base64 into lines
    data_of(payload, medium)
    return f"data:{media_type};base64,{payload}"


def data_of(payload: str, medium: Medium = "image") -> bytes:
    """The bytes of base64, or of a data URL."""
    if head := _HEAD.match(payload):
        payload = payload[head.end() :]
    try:
        data = b64decode("".join(payload.split()), validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise BadInputError(
            f"The {medium} cannot be decoded: {payload[:40]!r}… is no base64.",
            hint="Give a data URL, base64 text, or the address of a file on the web.",
        ) from wrong
    if not data:
        raise BadInputError(f"The {medium} is empty.")
    return data


def data_url(data: bytes, media_type: str) -> str:
    """Bytes as a data URL."""
    return f"data:{RIGHT_NAMES.get(media_type, media_type)};base64,{b64encode(data).decode()}"


def media_type_of(url: str) -> str:
    """The media type that a data URL names, such as `audio/mpeg`."""
    head = _HEAD.match(url)
    return head.group(1) if head else ""

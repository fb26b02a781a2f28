"""Pictures and sound that travel inside a text, between tags: `<_image_>data:image/png;base64,…</_image_>`.

Only data URLs and web addresses are taken out of a text. A path is not: the text may come from anybody.
"""

from __future__ import annotations

import re

from byzer_nb.client.data_urls import Medium, clean_url
from byzer_nb.types import AudioPart, ImagePart, Part, TextPart

_TAG = re.compile(r"<_(image|audio)_>\s*((?:data:|https?://)[^<]*?)\s*</_\1_>")


def tagged(url: str, medium: Medium) -> str:
    """The data URL between its tags."""
    return f"<_{medium}_>{url}</_{medium}_>"


def untagged(text: str) -> str:
    """The URL between tags, or the text as it is where there are none."""
    found = _TAG.fullmatch(text.strip())
    return found.group(2) if found else text


def parts_of(text: str) -> str | tuple[Part, ...]:
    """A text as it is, or where it has media: those in their order, and then the words round them."""
    if "<_image_>" not in text and "<_audio_>" not in text:
        return text
    media: list[Part] = []
    for found in _TAG.finditer(text):
        medium: Medium = "image" if found.group(1) == "image" else "audio"
        url = clean_url(found.group(2), medium)
        media.append(ImagePart(url=url) if medium == "image" else AudioPart(url=url))
    if not media:
        return text
    words = _TAG.sub("", text).strip()
    return (*media, TextPart(text=words)) if words else tuple(media)

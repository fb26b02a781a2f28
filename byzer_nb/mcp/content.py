"""What a tool gave back, as a Python value: words, JSON, pictures, sounds."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

from byzer_nb.types import Picture, Sound
from byzer_nb.types.media import SOUND_TYPES

_FORMATS = {media_type: name for name, media_type in reversed(SOUND_TYPES.items())}


def value_of(result: dict[str, Any]) -> Any:  # Any: JSON in, and what the tool gave out
    """The value of a result: that of its only part, or a list of all of them.

    Structured content is the value where the words only repeat it, as the protocol wants them to.
    """
    parts = [_part(block) for block in result.get("content") or ()]
    if "structuredContent" in result:
        structured = result["structuredContent"]
        words = [part for part in parts if isinstance(part, str)]
        others = [part for part in parts if not isinstance(part, str)]
        if not words or _says(words, structured):
            parts = [structured, *others]
        elif isinstance(structured, dict) and list(structured) == ["result"] and _says(words, structured["result"]):
            parts = [structured["result"], *others]  # a bare value, put into an object for those who want one
        else:
            parts.append(structured)
    return parts[0] if len(parts) == 1 else parts or ""


def words_of(result: dict[str, Any]) -> str:  # Any: JSON
    """The words of a result alone, such as those of a failure."""
    parts = [_part(block) for block in result.get("content") or ()]
    return "\n".join(part for part in parts if isinstance(part, str)).strip()


def _says(words: list[str], value: Any) -> bool:
    """Whether words are nothing but that value: as it is, as JSON, or one block an item."""
    if len(words) == 1:
        return bool(words[0] == value or _json(words[0]) == value)
    return isinstance(value, list) and [_json(each) for each in words] == value


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _part(block: Any) -> Any:
    """One block of content. What nothing here can show is told in words, so that the model hears of it."""
    match block:
        case {"type": "text", "text": str(text)}:
            return text
        case {"type": "image", "data": str(data)}:
            return _media(data, str(block.get("mimeType") or "image/png"), "")
        case {"type": "audio", "data": str(data)}:
            return _media(data, str(block.get("mimeType") or "audio/wav"), "")
        case {"type": "resource", "resource": {"text": str(text)} as resource}:
            return f"{resource['uri']}:\n{text}" if resource.get("uri") else text
        case {"type": "resource", "resource": {"blob": str(data)} as resource}:
            return _media(data, str(resource.get("mimeType") or "a file"), str(resource.get("uri") or ""))
        case {"type": "resource_link", "uri": str(uri)}:
            title = block.get("title") or block.get("name") or ""
            about = f": {block['description']}" if block.get("description") else ""
            return f"{title} <{uri}>{about}".strip()
        case _:
            return json.dumps(block, ensure_ascii=False)


def _media(data: str, media_type: str, place: str) -> Picture | Sound | str:
    try:
        found = b64decode(data, validate=True)
    except ValueError:
        return f"({media_type}, which arrived damaged)"
    media_type = media_type.partition(";")[0].strip().lower()
    picture = Picture(data=found)
    if media_type.startswith("image/") and picture.format:  # told by its bytes: what a server says may be wrong
        return picture
    if media_type.startswith("audio/"):
        return Sound(data=found, format=_FORMATS.get(media_type, media_type.removeprefix("audio/").removeprefix("x-")))
    return f"({media_type}, {len(found)} bytes{f', {place}' if place else ''})"

"""What a tool returned, as a model is told it: words, and pictures and sounds for those that see and hear."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import to_jsonable_python

from byzer_nb.types import AudioPart, Capabilities, ImagePart, Part, Picture, Sound


def as_words(value: Any, able: Capabilities) -> str:  # Any: what a function returned
    """The value in words; pictures and sounds are only named."""
    return "\n".join(_word(part, able) for part in _parts(value))


def as_parts(value: Any, able: Capabilities) -> list[Part]:  # Any: what a function returned
    """The pictures and sounds in it that the model can take."""
    parts: list[Part] = []
    for each in _parts(value):
        if isinstance(each, Picture) and able.images:
            parts.append(ImagePart(url=each.url))
        elif isinstance(each, Sound) and able.audio:
            parts.append(AudioPart(url=each.url))
    return parts


def _parts(value: Any) -> list[Any]:
    """The value alone, or its items where one of them is no JSON but something to show."""
    if isinstance(value, list | tuple) and any(isinstance(each, Picture | Sound) for each in value):
        return list(value)
    return [value]


def _word(value: Any, able: Capabilities) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Picture):
        return "A picture, which the user's next message shows." if able.images else "A picture, which you cannot see."
    if isinstance(value, Sound):
        return "A sound, which the user's next message holds." if able.audio else "A sound, which you cannot hear."
    return json.dumps(to_jsonable_python(value, fallback=str, serialize_unknown=True), ensure_ascii=False)

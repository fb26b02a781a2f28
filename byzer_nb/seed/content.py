"""Conversations as the documents write them, made into messages; the caller's lists and dicts stay as they are.

Pictures and sound come as a list of items, as the same list written as JSON, or between tags inside a text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from byzer_nb.client.conversation import as_messages
from byzer_nb.client.data_urls import clean_url
from byzer_nb.client.tagged import parts_of, untagged
from byzer_nb.errors import BadInputError
from byzer_nb.types import AudioPart, ImagePart, Message, Part, TextPart

IMAGE_KEYS = ("image", "image_url")
AUDIO_KEYS = ("audio", "audio_url", "input_audio")
KNOWN = ("type", "text", *IMAGE_KEYS, *AUDIO_KEYS)


def read_conversations(conversations: str | Sequence[Mapping[str, Any]]) -> tuple[Message, ...]:
    """The turns as messages, their `metadata` left out."""
    if isinstance(conversations, str):
        return (Message(role="user", content=_content(conversations, "the message")),)
    if not isinstance(conversations, list | tuple):
        return as_messages(conversations)
    return as_messages([_with_parts(turn, position) for position, turn in enumerate(conversations)])


def _with_parts(turn: Mapping[str, Any], position: int) -> Mapping[str, Any]:
    if not isinstance(turn, Mapping) or not isinstance(turn.get("content"), str | list | Mapping):
        return turn
    return {**turn, "content": _content(turn["content"], f"message {position}")}


def _content(content: str | list[Any] | Mapping[str, Any], where: str) -> str | tuple[Part, ...]:
    if isinstance(content, Mapping):
        content = [content]
    if isinstance(content, str):
        items = _items_in(content)
        if items is None:
            return parts_of(content)
        content = items
    return tuple(part for position, item in enumerate(content) for part in _parts(item, position, where))


def _items_in(text: str) -> list[Any] | None:
    """The items that a text is when it is JSON and shows a picture or sound; any other JSON stays text."""
    if not text.lstrip().startswith(("[", "{")) or not any(f'"{key}"' in text for key in IMAGE_KEYS + AUDIO_KEYS):
        return None
    try:
        items = json.loads(text)
    except ValueError:
        return None
    items = [items] if isinstance(items, dict) else items
    has_media = any(isinstance(item, dict) and any(key in item for key in IMAGE_KEYS + AUDIO_KEYS) for item in items)
    return items if has_media else None


def _parts(item: object, position: int, where: str) -> list[Part]:
    if not isinstance(item, Mapping):
        raise BadInputError(f"Item {position} in the content of {where} is no dict: {item!r}")
    parts: list[Part] = []
    beside = {key: value for key, value in item.items() if key not in KNOWN}
    if image := _first(item, IMAGE_KEYS):
        inner = dict(image) if isinstance(image, Mapping) else {"url": image}
        url = clean_url(untagged(str(inner.pop("url", ""))), "image")
        parts.append(ImagePart(url=url, extra={**inner, **beside}))
    if sound := _first(item, AUDIO_KEYS):
        parts.append(AudioPart(url=clean_url(_sound_url(sound), "audio")))
    if "text" in item:
        parts.append(TextPart(text=str(item["text"])))
    if not parts:
        raise BadInputError(
            f"Item {position} in the content of {where} has no known key: {', '.join(map(str, item)) or 'it is empty'}",
            hint="Known: text, image, image_url, audio, audio_url.",
        )
    return parts


def _first(item: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((item[key] for key in keys if item.get(key)), None)


def _sound_url(sound: object) -> str:
    if not isinstance(sound, Mapping):
        return untagged(str(sound))
    if "data" in sound:  # the form of OpenAI's own protocol
        return f"data:audio/{sound.get('format', 'mp3')};base64,{sound['data']}"
    return untagged(str(sound.get("url", "")))


def shown(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    """The messages as plain dicts of role and text, for results and for `verbose`."""
    return [{"role": message.role, "content": message.text} for message in messages]

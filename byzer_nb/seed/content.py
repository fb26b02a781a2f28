"""Conversations as the documents write them, made into messages; the caller's lists and dicts stay as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from byzer_nb.client.conversation import as_messages
from byzer_nb.errors import BadInputError
from byzer_nb.types import ImagePart, Message, Part, TextPart


def read_conversations(conversations: str | Sequence[Mapping[str, Any]]) -> tuple[Message, ...]:
    """The turns as messages, their `metadata` left out."""
    if not isinstance(conversations, list | tuple):
        return as_messages(conversations)
    return as_messages([_with_parts(turn, position) for position, turn in enumerate(conversations)])


def _with_parts(turn: Mapping[str, Any], position: int) -> Mapping[str, Any]:
    if not isinstance(turn, Mapping) or not isinstance(turn.get("content"), list):
        return turn
    where = f"message {position}"
    return {**turn, "content": tuple(part for i, item in enumerate(turn["content"]) for part in _parts(item, i, where))}


def _parts(item: object, position: int, where: str) -> list[Part]:
    if not isinstance(item, Mapping):
        raise BadInputError(f"Item {position} in the content of {where} is no dict: {item!r}")
    parts: list[Part] = []
    image = item.get("image", item.get("image_url"))
    if image is not None:
        inner = dict(image) if isinstance(image, Mapping) else {"url": image}
        beside = {key: value for key, value in item.items() if key not in ("type", "text", "image", "image_url")}
        parts.append(ImagePart(url=str(inner.pop("url", "")), extra={**inner, **beside}))
    if "text" in item:
        parts.append(TextPart(text=str(item["text"])))
    if not parts:
        raise BadInputError(
            f"Item {position} in the content of {where} has no known key: {', '.join(map(str, item)) or 'it is empty'}",
            hint="Known: text, image, image_url.",
        )
    return parts


def shown(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    """The messages as plain dicts of role and text, for results and for `verbose`."""
    return [{"role": message.role, "content": message.text} for message in messages]

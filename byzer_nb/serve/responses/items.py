"""The items of which an input consists, as turns of ours."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import msgspec

from byzer_nb.serve.exchange import misfit
from byzer_nb.serve.openai.fields import refused, unsupported
from byzer_nb.serve.openai.messages import (
    AudioContent,
    Call,
    CalledFunction,
    ImageContent,
    ImageUrl,
    Json,
    RefusalContent,
    TextContent,
    as_call,
    as_part,
)
from byzer_nb.types import Message, Part, TextPart


class InputText(msgspec.Struct, tag="input_text", tag_field="type"):
    """Words of the caller's."""

    text: str


class OutputText(msgspec.Struct, tag="output_text", tag_field="type"):
    """Words of the model's."""

    text: str


class InputImage(msgspec.Struct, tag="input_image", tag_field="type"):
    """A picture."""

    image_url: str | None = None
    file_id: str | None = None
    detail: str | None = None


class InputFile(msgspec.Struct, tag="input_file", tag_field="type"):
    """A document, which nobody here reads."""


Content = InputText | OutputText | InputImage | InputFile | AudioContent | RefusalContent


class MessageItem(msgspec.Struct, tag="message", tag_field="type"):
    """Something that was said."""

    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[Content]


class CallItem(msgspec.Struct, tag="function_call", tag_field="type"):
    """A call that the model wanted."""

    call_id: str
    name: str
    arguments: str


class ResultItem(msgspec.Struct, tag="function_call_output", tag_field="type"):
    """What a function gave."""

    call_id: str
    output: str | list[Content]


class ReasoningItem(msgspec.Struct, tag="reasoning", tag_field="type"):
    """Thoughts of an earlier answer, which are not told again."""


Item = MessageItem | CallItem | ResultItem | ReasoningItem

_PREFIXES = {"message": "msg", "function_call": "fc", "function_call_output": "fco", "reasoning": "rs"}


def read_items(given: str | list[Json]) -> list[Item]:
    """The items of an input, each of a kind that is known here."""
    if isinstance(given, str):
        return [MessageItem(role="user", content=given)] if given else []
    return [_item(raw, f"input[{position}]") for position, raw in enumerate(given)]


def _item(raw: Json, place: str) -> Item:
    kind = raw.get("type") or ("message" if "role" in raw else "item_reference")
    if kind == "item_reference":
        raise unsupported(place, "refers to an item that is kept elsewhere; send it as it is: references are refused")
    if not isinstance(kind, str) or kind not in _PREFIXES:
        raise unsupported(place, f"is an item of the type {kind!r}, which is not known here")
    try:
        item: Item = msgspec.convert(raw | {"type": kind}, Item)
    except msgspec.ValidationError as wrong:
        raise misfit(wrong, within=place) from None
    return item


def listed_items(given: str | list[Json]) -> list[Json]:
    """The same as they are shown to whoever reads them again: each with an id, and its content in parts."""
    if isinstance(given, str):
        given = [{"role": "user", "content": given}] if given else []
    listed: list[Json] = []
    for raw in given:
        kind = raw.get("type") or "message"
        said = {name: value for name, value in raw.items() if value is not None}
        shown = {"status": "completed", **said, "type": kind}
        if not isinstance(shown.get("id"), str):
            shown["id"] = f"{_PREFIXES[kind]}_{secrets.token_hex(12)}"
        if kind == "message" and isinstance(content := raw["content"], str):
            is_answer = raw["role"] == "assistant"
            part: Json = {"type": "output_text", "annotations": []} if is_answer else {"type": "input_text"}
            shown["content"] = [part | {"text": content}]
        listed.append(shown)
    return listed


def as_messages(items: Sequence[Item]) -> tuple[Message, ...]:
    """The conversation; calls belong to the turn of the assistant in which they were wanted."""
    messages: list[Message] = []
    for position, item in enumerate(items):
        place = f"input[{position}]"
        match item:
            case MessageItem():
                role = "system" if item.role == "developer" else item.role
                messages.append(Message(role=role, content=_content(item.content, f"{place}.content")))
            case CallItem():
                call = as_call(Call(function=CalledFunction(item.name, item.arguments), id=item.call_id))
                if not (messages and messages[-1].role == "assistant"):
                    messages.append(Message(role="assistant", content=""))
                messages[-1] = replace(messages[-1], tool_calls=(*messages[-1].tool_calls, call))
            case ResultItem():
                content = _content(item.output, f"{place}.output")
                messages.append(Message(role="tool", content=content, tool_call_id=item.call_id))
            case ReasoningItem():
                pass
    return tuple(messages)


def _content(content: str | list[Content], place: str) -> str | tuple[Part, ...]:
    if isinstance(content, str):
        return content
    parts = tuple(_part(each, f"{place}[{position}]") for position, each in enumerate(content))
    words = [part.text for part in parts if isinstance(part, TextPart)]
    return "".join(words) if len(words) == len(parts) else parts


def _part(content: Content, place: str) -> Part:
    match content:
        case InputText() | OutputText():
            return as_part(TextContent(content.text), place)
        case InputImage():
            if content.file_id is not None:
                raise unsupported(f"{place}.file_id", "names a file, and this gateway keeps none")
            if content.image_url is None:
                raise refused(f"{place}.image_url", "A picture needs its image_url.")
            return as_part(ImageContent(ImageUrl(content.image_url, content.detail or "")), place)
        case InputFile():
            raise unsupported(place, "is a file, and files are not read by this gateway")
        case AudioContent() | RefusalContent():
            return as_part(content, place)


def page_of(items: list[Json], *, after: str, limit: int, is_ascending: bool) -> Json:
    """A page of items, newest first unless they shall come as they were said; it begins `after` one of them."""
    ordered = items if is_ascending else items[::-1]
    ids: list[Any] = [item["id"] for item in ordered]
    if after:
        if after not in ids:
            raise refused("after", f"There is no item {after!r} here.")
        ordered = ordered[ids.index(after) + 1 :]
    page = ordered[:limit]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else "",
        "last_id": page[-1]["id"] if page else "",
        "has_more": len(ordered) > limit,
    }

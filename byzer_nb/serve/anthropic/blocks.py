"""Anthropic's turns, blocks and tools as ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from byzer_nb.serve.openai.fields import refused, unsupported
from byzer_nb.serve.openai.messages import (
    Choice,
    ImageContent,
    ImageUrl,
    Json,
    NamedFunction,
    NamedTool,
    as_choice,
    as_part,
)
from byzer_nb.serve.refusals import RefusalError
from byzer_nb.types import Message, Part, TextPart, ToolCall, ToolSpec

# Where a model cannot be told that a tool failed, the words say it.
FAILED = "Error: "


class Text(msgspec.Struct, tag="text", tag_field="type"):
    """Words."""

    text: str


class Base64Source(msgspec.Struct, tag="base64", tag_field="type"):
    """A file that came along."""

    media_type: str
    data: str


class UrlSource(msgspec.Struct, tag="url", tag_field="type"):
    """A file somewhere else."""

    url: str


class FileSource(msgspec.Struct, tag="file", tag_field="type"):
    """A file that was sent before, to a place that is not here."""

    file_id: str


class TextSource(msgspec.Struct, tag="text", tag_field="type"):
    """A document in plain words."""

    data: str


class Image(msgspec.Struct, tag="image", tag_field="type"):
    """A picture."""

    source: Base64Source | UrlSource | FileSource


class Document(msgspec.Struct, tag="document", tag_field="type"):
    """Something to read."""

    source: TextSource | Base64Source | UrlSource | FileSource
    title: str | None = None


class ToolUse(msgspec.Struct, tag="tool_use", tag_field="type"):
    """A call that the assistant wanted."""

    id: str
    name: str
    input: Json


class ToolResult(msgspec.Struct, tag="tool_result", tag_field="type"):
    """What a tool gave."""

    tool_use_id: str
    content: str | list[Text | Image | Document] | None = None
    is_error: bool = False


class Thinking(msgspec.Struct, tag="thinking", tag_field="type"):
    """Thoughts of an earlier answer, which are not told again."""


class RedactedThinking(msgspec.Struct, tag="redacted_thinking", tag_field="type"):
    """Thoughts of an earlier answer that nobody may read."""


Block = Text | Image | Document | ToolUse | ToolResult | Thinking | RedactedThinking


class Turn(msgspec.Struct):
    """One message."""

    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


class Tool(msgspec.Struct):
    """A tool that is offered."""

    name: str
    input_schema: Json | None = None
    description: str | None = None
    type: str | None = None


class AutoChoice(msgspec.Struct, tag="auto", tag_field="type"):
    """The model decides."""

    disable_parallel_tool_use: bool = False


class AnyChoice(msgspec.Struct, tag="any", tag_field="type"):
    """Some tool has to be called."""

    disable_parallel_tool_use: bool = False


class ToolChoice(msgspec.Struct, tag="tool", tag_field="type"):
    """This tool has to be called."""

    name: str
    disable_parallel_tool_use: bool = False


class NoChoice(msgspec.Struct, tag="none", tag_field="type"):
    """No tool may be called."""


AnthropicChoice = AutoChoice | AnyChoice | ToolChoice | NoChoice


def as_messages(system: str | list[Text] | None, turns: Sequence[Turn]) -> tuple[Message, ...]:
    """The conversation."""
    if not turns:
        raise refused("messages", "The list of messages is empty.")
    told = system if isinstance(system, str) else "\n".join(block.text for block in system or ())
    messages = [Message(role="system", content=told)] if told else []
    for position, turn in enumerate(turns):
        messages.extend(_messages(turn, f"messages[{position}].content"))
    return tuple(messages)


def _messages(turn: Turn, place: str) -> list[Message]:
    if isinstance(turn.content, str):
        return [Message(role=turn.role, content=turn.content)]
    if not turn.content:
        raise refused(place, f"{place} is empty.")
    results: list[Message] = []
    parts: list[Part] = []
    calls: list[ToolCall] = []
    for position, block in enumerate(turn.content):
        here = f"{place}[{position}]"
        match block:
            case ToolResult() if turn.role == "user":
                results.append(_result(block, here))
            case ToolUse() if turn.role == "assistant":
                calls.append(ToolCall(name=block.name, arguments=block.input, id=block.id))
            case ToolResult() | ToolUse():
                raise refused(here, f"A turn of the {turn.role} holds no such block ({here}).")
            case Thinking() | RedactedThinking():
                pass
            case Text() | Image() | Document():
                parts.append(_part(block, here))
    if not (parts or calls):
        return results
    return [*results, Message(role=turn.role, content=_content(parts), tool_calls=tuple(calls))]


def _result(block: ToolResult, place: str) -> Message:
    if isinstance(block.content, str):
        parts: list[Part] = [TextPart(text=block.content)]
    else:
        listed = enumerate(block.content or ())
        parts = [_part(each, f"{place}.content[{position}]") for position, each in listed]
    if block.is_error:
        parts.insert(0, TextPart(text=FAILED))
    return Message(role="tool", content=_content(parts), tool_call_id=block.tool_use_id)


def _content(parts: Sequence[Part]) -> str | tuple[Part, ...]:
    words = [part.text for part in parts if isinstance(part, TextPart)]
    return "".join(words) if len(words) == len(parts) else tuple(parts)


def _part(block: Text | Image | Document, place: str) -> Part:
    match block:
        case Text():
            return TextPart(text=block.text)
        case Document():
            if not isinstance(block.source, TextSource):
                raise unsupported(place, "is no plain text, and other documents are not read by this gateway")
            return TextPart(text=f"{block.title}\n{block.source.data}" if block.title else block.source.data)
        case Image():
            return as_part(ImageContent(image_url=ImageUrl(url=_url(block.source, place))), place)


def _url(source: Base64Source | UrlSource | FileSource, place: str) -> str:
    match source:
        case Base64Source():
            return f"data:{source.media_type};base64,{source.data}"
        case UrlSource():
            return source.url
        case FileSource():
            raise unsupported(place, "names a file, and this gateway keeps none")


def as_specs(tools: Sequence[Tool] | None) -> tuple[ToolSpec, ...]:
    """The tools that are offered; those that Anthropic itself would run are refused."""
    for position, tool in enumerate(tools or ()):
        if tool.type not in (None, "custom"):
            raise RefusalError(
                f"The tool {tool.name!r} is of the type {tool.type!r}, which Anthropic's own servers run.",
                status=400,
                code="unsupported_parameter",
                hint="Offer a tool of your own, with an input_schema.",
                param=f"tools[{position}].type",
            )
    return tuple(
        ToolSpec(
            name=tool.name,
            description=tool.description or "",
            parameters=tool.input_schema or {"type": "object", "properties": {}},
        )
        for tool in tools or ()
    )


def chosen(choice: AnthropicChoice | None, tools: tuple[ToolSpec, ...]) -> tuple[str, tuple[ToolSpec, ...], bool]:
    """Which tool has to be called, the tools that remain to choose from, and whether one call is the most."""
    wanted: Choice
    match choice:
        case None | AutoChoice():
            wanted = "auto"
        case AnyChoice():
            wanted = "required"
        case NoChoice():
            wanted = "none"
        case ToolChoice():
            wanted = NamedTool(function=NamedFunction(name=choice.name))
    name, left = as_choice(wanted, tools)
    return name, left, getattr(choice, "disable_parallel_tool_use", False)

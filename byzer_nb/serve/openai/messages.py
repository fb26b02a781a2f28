"""OpenAI's messages, tools and shapes as ours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from byzer_nb.client.data_urls import clean_url
from byzer_nb.errors import ByzerError
from byzer_nb.serve.refusals import RefusalError
from byzer_nb.types import AnswerSchema, AudioPart, ImagePart, Message, Part, TextPart, ToolCall, ToolSpec
from byzer_nb.types.media import SOUND_TYPES

Json = dict[str, Any]  # Any: JSON


class TextContent(msgspec.Struct, tag="text", tag_field="type"):
    """Words."""

    text: str


class RefusalContent(msgspec.Struct, tag="refusal", tag_field="type"):
    """Words by which a model declined, earlier on."""

    refusal: str


class ImageUrl(msgspec.Struct):
    """Where a picture is."""

    url: str
    detail: str = ""


class ImageContent(msgspec.Struct, tag="image_url", tag_field="type"):
    """A picture."""

    image_url: ImageUrl


class AudioData(msgspec.Struct):
    """Sound in base64."""

    data: str
    format: str = "wav"


class AudioContent(msgspec.Struct, tag="input_audio", tag_field="type"):
    """Sound."""

    input_audio: AudioData


Content = TextContent | RefusalContent | ImageContent | AudioContent


class CalledFunction(msgspec.Struct):
    """What is called; the arguments are JSON in a text."""

    name: str
    arguments: str = "{}"


class Call(msgspec.Struct):
    """A call that the assistant wanted."""

    function: CalledFunction
    id: str = ""
    type: Literal["function"] = "function"


class Turn(msgspec.Struct):
    """One message. Fields that only describe it are let pass."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Content] | None = None
    name: str | None = None
    tool_calls: list[Call] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None
    prefix: bool = False  # of the last one: go on with it
    function_call: Any = None  # Any: refused whatever it is
    audio: Any = None  # Any: refused whatever it is


class Function(msgspec.Struct):
    """A function that is offered."""

    name: str
    description: str | None = None
    parameters: Json | None = None
    strict: bool | None = None


class Tool(msgspec.Struct):
    """A tool that is offered."""

    function: Function
    type: Literal["function"] = "function"


class NamedFunction(msgspec.Struct):
    """The name of a function."""

    name: str


class NamedTool(msgspec.Struct, tag="function", tag_field="type"):
    """The tool that shall be called."""

    function: NamedFunction


class AllowedTools(msgspec.Struct):
    """Some of the tools, and whether one of them has to be called."""

    mode: Literal["auto", "required"]
    tools: list[NamedTool]


class AllowedChoice(msgspec.Struct, tag="allowed_tools", tag_field="type"):
    """The tools that may be called this time."""

    allowed_tools: AllowedTools


Choice = Literal["none", "auto", "required"] | NamedTool | AllowedChoice


class TextFormat(msgspec.Struct, tag="text", tag_field="type"):
    """Words."""


class JsonObjectFormat(msgspec.Struct, tag="json_object", tag_field="type"):
    """Any JSON object."""


class JsonSchema(msgspec.Struct):
    """A schema with its name."""

    name: str = "answer"
    schema: Json | None = None
    description: str | None = None
    strict: bool | None = None


class JsonSchemaFormat(msgspec.Struct, tag="json_schema", tag_field="type"):
    """JSON that fits a schema."""

    json_schema: JsonSchema


Format = TextFormat | JsonObjectFormat | JsonSchemaFormat


def as_messages(turns: Sequence[Turn]) -> tuple[Message, ...]:
    """The conversation."""
    if not turns:
        raise RefusalError("The list of messages is empty.", status=400, code="invalid_value", param="messages")
    return tuple(_message(turn, position) for position, turn in enumerate(turns))


def _message(turn: Turn, position: int) -> Message:
    for name in ("function_call", "audio"):
        if getattr(turn, name) is not None:
            raise RefusalError(
                f"Message {position} has a {name}, which cannot be handed on.",
                status=400,
                code="unsupported_parameter",
                hint="Write calls as tool_calls, and sound as its words.",
                param=f"messages[{position}].{name}",
            )
    content = turn.refusal if turn.content is None else turn.content
    if content is None and not turn.tool_calls:
        raise RefusalError(
            f"Message {position} has no content.",
            status=400,
            code="invalid_value",
            param=f"messages[{position}].content",
        )
    return Message(
        role="system" if turn.role == "developer" else turn.role,
        content=_content(content, f"messages[{position}].content"),
        tool_calls=tuple(as_call(each) for each in turn.tool_calls or ()),
        tool_call_id=turn.tool_call_id or "",
    )


def _content(content: str | list[Content] | None, place: str) -> str | tuple[Part, ...]:
    if content is None or isinstance(content, str):
        return content or ""
    parts = tuple(as_part(each, f"{place}[{position}]") for position, each in enumerate(content))
    if all(isinstance(part, TextPart) for part in parts):
        return "".join(part.text for part in parts if isinstance(part, TextPart))
    return parts


def as_part(content: Content, place: str) -> Part:
    """A piece of a message; `place` is where it stands."""
    try:
        match content:
            case TextContent():
                return TextPart(text=content.text)
            case RefusalContent():
                return TextPart(text=content.refusal)
            case ImageContent():
                given = content.image_url
                detail = {"detail": given.detail} if given.detail else {}
                return ImagePart(url=clean_url(given.url, "image"), extra=detail)
            case AudioContent():
                sound = content.input_audio
                kind = SOUND_TYPES.get(sound.format, f"audio/{sound.format}")
                return AudioPart(url=clean_url(f"data:{kind};base64,{sound.data}", "audio"))
    except ByzerError as wrong:
        raise RefusalError(wrong.message, status=400, code="invalid_value", hint=wrong.hint, param=place) from wrong


def as_call(call: Call) -> ToolCall:
    """A call that stands in the conversation."""
    try:
        arguments = json.loads(call.function.arguments or "{}")
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        return ToolCall(name=call.function.name, id=call.id, raw=call.function.arguments)
    return ToolCall(name=call.function.name, arguments=arguments, id=call.id)


def as_specs(tools: Sequence[Tool] | None) -> tuple[ToolSpec, ...]:
    """The tools that are offered."""
    return tuple(
        ToolSpec(
            name=tool.function.name,
            description=tool.function.description or "",
            parameters=tool.function.parameters or {"type": "object", "properties": {}},
        )
        for tool in tools or ()
    )


def as_choice(choice: Choice | None, tools: tuple[ToolSpec, ...]) -> tuple[str, tuple[ToolSpec, ...]]:
    """Which tool has to be called, and the tools that remain to choose from."""
    if choice == "none":
        return "", ()
    if choice is None or choice == "auto":
        return "", tools
    if isinstance(choice, AllowedChoice):
        return _as_allowed(choice.allowed_tools, tools)
    name = choice if isinstance(choice, str) else choice.function.name
    if name != "required" and name not in {tool.name for tool in tools}:
        raise RefusalError(
            f"tool_choice names {name!r}, and no such tool is offered.",
            status=400,
            code="invalid_value",
            param="tool_choice",
        )
    if not tools:
        raise RefusalError(
            "tool_choice needs tools to choose from.", status=400, code="invalid_value", param="tool_choice"
        )
    return name, tools


def _as_allowed(allowed: AllowedTools, tools: tuple[ToolSpec, ...]) -> tuple[str, tuple[ToolSpec, ...]]:
    names = [tool.function.name for tool in allowed.tools]
    for name in names:
        as_choice(NamedTool(function=NamedFunction(name=name)), tools)  # which refuses one that is not offered
    remaining = tuple(tool for tool in tools if tool.name in names)
    return as_choice(allowed.mode, remaining)


def as_schema(wanted: Format | None) -> tuple[AnswerSchema | None, bool]:
    """The schema that the answer shall fit, and whether any JSON object will do."""
    match wanted:
        case JsonObjectFormat():
            return None, True
        case JsonSchemaFormat():
            asked = wanted.json_schema
            if asked.schema is None:
                raise RefusalError(
                    "response_format has no schema.",
                    status=400,
                    code="invalid_value",
                    param="response_format.json_schema.schema",
                )
            return AnswerSchema(schema=asked.schema, name=asked.name), False
        case _:
            return None, False


def call_as_json(call: ToolCall) -> Json:
    """A call that the model wants, in an answer."""
    arguments = call.raw or json.dumps(call.arguments, ensure_ascii=False)
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}

"""Tools and schemas in Anthropic's protocol: how they are offered, called, answered and read."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from byzer_nb.errors import UnsupportedError
from byzer_nb.providers.wire.asked import CallBlocks, checked_extra
from byzer_nb.providers.wire.closed_schema import Rules, closed_schema
from byzer_nb.providers.wire.tool_calls import CallsSoFar, parameters_of, plain, sealed, unsealed
from byzer_nb.types import AnswerSchema, ChatRequest, ToolCall

# The first models knew no tools, and before 4.5 none could be held to a schema.
_WITHOUT_TOOLS = re.compile(r"claude-(2|instant|v\d)")
_WITH_SCHEMAS = re.compile(r"claude-[a-z]+-(4-[5-9]|[5-9]|\d\d)(\D|$)")
_THINKING = "thinking"

RULES = Rules(
    needs_every_field=False,
    takes_circles=False,
    keywords=frozenset({"minItems"}),
    formats=frozenset(
        {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"},
    ),
)


def takes_tools(model: str) -> bool:
    """Whether a model of that name is offered tools."""
    return not _WITHOUT_TOOLS.search(model.lower())


def takes_schemas(model: str) -> bool:
    """Whether a model of that name can be held to a schema."""
    return bool(_WITH_SCHEMAS.search(model.lower()))


def tool_fields(request: ChatRequest) -> dict[str, Any]:  # Any: JSON
    """The fields of a body that offer tools; none where there are none."""
    if not request.tools:
        return {}
    tools = [
        {
            "name": tool.name,
            **({"description": tool.description} if tool.description else {}),
            "input_schema": parameters_of(tool),
        }
        for tool in request.tools
    ]
    if not request.tool_choice:
        return {"tools": tools}
    if request.tool_choice == "required":
        return {"tools": tools, "tool_choice": {"type": "any"}}
    return {"tools": tools, "tool_choice": {"type": "tool", "name": request.tool_choice}}


def output_config(schema: AnswerSchema, given: dict[str, Any]) -> dict[str, Any]:  # Any: JSON
    """The field of a body that holds the answer to a schema, beside what an `extra` has of that field."""
    given = checked_extra(given, {"format": "Give it as the schema of the request."})
    return {"output_config": {**given, "format": {"type": "json_schema", "schema": closed(schema)}}}


def closed(schema: AnswerSchema) -> dict[str, Any]:  # Any: JSON
    """The schema as Claude takes it."""
    found = closed_schema(schema.schema, RULES)
    if found is None:
        raise UnsupportedError(
            "Claude cannot be held to this schema: a part of it is open, as a dict with any keys is, or holds itself.",
            hint="Name every field, or ask for JSON in the prompt.",
        )
    return found


def call_blocks(calls: tuple[ToolCall, ...]) -> CallBlocks:
    """The calls of a turn; the thoughts that led to them stand before its words, as they came."""
    thoughts = unsealed(_THINKING, calls[0])
    uses = [{"type": "tool_use", "id": plain(call.id), "name": call.name, "input": call.arguments} for call in calls]
    return CallBlocks(before=msgspec.json.decode(thoughts) if thoughts else [], after=uses)


def result_block(call_id: str, blocks: list[dict[str, Any]]) -> dict[str, Any]:  # Any: JSON
    """What a tool gave; a result may also be empty."""
    return {"type": "tool_result", "tool_use_id": plain(call_id), **({"content": blocks} if blocks else {})}


class Thoughts:
    """The blocks of thinking in an answer, kept as they came: Claude wants them back with the calls they led to."""

    __slots__ = ("_blocks",)

    def __init__(self) -> None:
        self._blocks: dict[int, dict[str, str]] = {}

    def add(self, place: int, **fields: str | None) -> None:
        """More of the block at a place; text is added to text."""
        block = self._blocks.setdefault(place, {})
        for name, text in fields.items():
            if text is not None:
                block[name] = block.get(name, "") + text

    def proof(self) -> str:
        """What is given back with the calls; thinking without a signature is not taken back."""
        whole = [
            {"type": "redacted_thinking", **block} if "data" in block else {"type": "thinking", "thinking": "", **block}
            for block in self._blocks.values()
            if block.get("signature") or "data" in block
        ]
        return sealed(_THINKING, msgspec.json.encode(whole).decode()) if whole else ""


class AnthropicCalls:
    """The calls of an answer, block by block, with the thoughts that led to them."""

    __slots__ = ("calls", "thoughts")

    def __init__(self) -> None:
        self.calls = CallsSoFar()
        self.thoughts = Thoughts()

    def whole(self) -> tuple[ToolCall, ...]:
        """The calls, when nothing more comes."""
        return self.calls.whole(proof=self.thoughts.proof())

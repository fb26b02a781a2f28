"""Tools and schemas at Anthropic: what its reference forbids in a body, and how a model calls."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tests.standins.vendor import Body, Called, is_object_schema, sse

NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
ID = re.compile(r"[a-zA-Z0-9_-]+")
SCHEMA_WORDS = {
    *("type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "allOf", "$ref"),
    *("$defs", "definitions", "description", "title", "default", "format", "minItems"),
}


class UnfitError(Exception):
    """A request that the protocol does not allow."""


def offered(body: Body) -> set[str]:
    """The names of the tools in a body."""
    return {tool["name"] for tool in body.get("tools", ())}


def check_tools(body: Body) -> None:
    """Raise what is wrong with the tools, the calls and the schema of a body."""
    for place, tool in enumerate(body.get("tools", ())):
        needs(NAME.fullmatch(tool.get("name", "")), f"tools.{place}.custom.name: String should match pattern")
        needs(is_object_schema(tool.get("input_schema")), f"tools.{place}.custom.input_schema.type: Field required")
        needs(set(tool) <= {"name", "description", "input_schema", "strict", "type"}, f"tools.{place}: Extra inputs")
    if choice := body.get("tool_choice"):
        needs("tools" in body, "tool_choice: may only be specified while providing tools")
        needs(choice.get("type") in ("auto", "any", "tool", "none"), "tool_choice: Input tag is not known")
        if choice["type"] == "tool":
            needs(choice.get("name") in offered(body), f"Tool '{choice.get('name')}' not found in provided tools")
    _check_calls(body)
    if wanted := body.get("output_config", {}).get("format"):
        needs(
            wanted.get("type") == "json_schema" and set(wanted) == {"type", "schema"}, "output_config.format: invalid"
        )
        check_schema(wanted["schema"])


def check_schema(node: Any) -> None:
    """Raise what Claude does not know in a schema."""
    needs(isinstance(node, dict), "output_config.format.schema: Input should be an object")
    unknown = set(node) - SCHEMA_WORDS
    needs(not unknown, f"output_config.format.schema: property '{', '.join(unknown)}' is not supported")
    if "object" in node.get("type", ""):
        closed = node.get("additionalProperties") is False
        needs(closed, "output_config.format.schema: For 'object' type, 'additionalProperties' must be false")
    needs(node.get("minItems", 0) in (0, 1), "output_config.format.schema: minItems values other than 0 or 1")
    for kind in ("properties", "$defs", "definitions"):
        for each in node.get(kind, {}).values():
            check_schema(each)
    for each in [*node.get("anyOf", ()), *([node["items"]] if "items" in node else [])]:
        check_schema(each)


def _check_calls(body: Body) -> None:
    waiting: list[str] = []
    for place, turn in enumerate(body["messages"]):
        content = turn["content"] if isinstance(turn["content"], list) else []
        answered = [block["tool_use_id"] for block in content if block["type"] == "tool_result"]
        kinds = [block["type"] for block in content]
        if waiting:
            needs(
                turn["role"] == "user" and sorted(answered) == sorted(waiting),
                f"messages.{place - 1}: `tool_use` ids were found without `tool_result` blocks immediately after",
            )
            first = kinds[: len(answered)]
            needs(set(first) == {"tool_result"}, "messages: tool_result blocks must come first in the content")
        else:
            needs(not answered, f"messages.{place}.content: unexpected `tool_use_id` found in `tool_result` blocks")
        for block in content:
            if block["type"] == "tool_result":
                needs(set(block) <= {"type", "tool_use_id", "content", "is_error"}, "tool_result: Extra inputs")
                for inner in block.get("content", ()):
                    needs(inner["type"] != "text" or inner["text"].strip(), "text content blocks must be non-empty")
            if block["type"] == "thinking":
                needs(block.get("signature"), "messages.content.thinking.signature: Field required")
        waiting = [_id_of(block, turn) for block in content if block["type"] == "tool_use"]
        if waiting and body.get("thinking", {}).get("type") == "enabled":
            needs(kinds[0] in ("thinking", "redacted_thinking"), "Expected `thinking`, but found `tool_use`")
    needs(not waiting, "messages: `tool_use` ids were found without `tool_result` blocks immediately after")


def _id_of(block: Body, turn: Body) -> str:
    needs(turn["role"] == "assistant", "messages: `tool_use` blocks can only be in `assistant` messages")
    needs(ID.fullmatch(block.get("id", "")), "messages.content.tool_use.id: String should match pattern")
    needs(isinstance(block.get("input"), dict), "messages.content.tool_use.input: Input should be a valid dictionary")
    return str(block["id"])


def needs(fits: object, complaint: str) -> None:
    """The complaint of the service, unless it fits."""
    if not fits:
        raise UnfitError(complaint)


def tool_events(calls: Sequence[Called], *, first: int) -> list[Body]:
    """The events in which calls arrive: what is called, and then its arguments, bit by bit."""
    events: list[Body] = []
    for place, call in enumerate(calls, start=first):
        block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        pieces = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *call.pieces]]
        events.append({"type": "content_block_start", "index": place, "content_block": block})
        events += [{"type": "content_block_delta", "index": place, "delta": piece} for piece in pieces]
        events.append({"type": "content_block_stop", "index": place})
    return events


def tool_frames(calls: Sequence[Called], *, first: int) -> list[bytes]:
    """The same as Anthropic sends them."""
    return [sse(event, name=event["type"]) for event in tool_events(calls, first=first)]

"""Tools and schemas at OpenAI: what its reference forbids in a body, and how a model calls."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from tests.standins.vendor import Body, Called, is_object_schema

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
# What a strict schema may say beside its structure.
STRICT_WORDS = {
    *("type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "$ref", "$defs"),
    *("description", "title", "pattern", "format", "multipleOf", "maximum", "exclusiveMaximum", "minimum"),
    *("exclusiveMinimum", "minItems", "maxItems", "definitions"),
}


def offered(body: Body) -> set[str]:
    """The names of the tools in a body."""
    return {tool["function"]["name"] for tool in body.get("tools") or ()}


def wrong_tools(body: Body) -> str:
    """What is wrong with the tools, the calls and the schema of a body; nothing for a right one."""
    return next(_faults(body), "")


def _faults(body: Body) -> Iterator[str]:
    if body.get("tools") == []:
        yield "Invalid 'tools': empty array."
    for place, tool in enumerate(body.get("tools") or ()):
        if tool.get("type") != "function" or not NAME.fullmatch(tool.get("function", {}).get("name", "")):
            yield f"Invalid 'tools[{place}].function.name'"
        if not is_object_schema(tool["function"].get("parameters", {"type": "object", "properties": {}})):
            yield f"Invalid schema for function: schema must be a JSON Schema of 'type: \"object\"' (tools[{place}])"
    yield from _faults_of_choice(body)
    yield from _faults_of_turns(body["messages"])
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        yield from _faults_of_schema(wanted.get("json_schema", {}))


def _faults_of_choice(body: Body) -> Iterator[str]:
    choice = body.get("tool_choice")
    if choice is None:
        return
    if not body.get("tools") and choice != "none":  # which some hosts take at any time
        yield "'tool_choice' is only allowed when 'tools' are specified."
    if isinstance(choice, dict):
        if choice.get("type") != "function" or choice.get("function", {}).get("name") not in offered(body):
            yield "Invalid value for 'tool_choice': no function of that name was specified in the 'tools' parameter."
    elif choice not in ("none", "auto", "required"):
        yield f"Invalid value: '{choice}'. Supported values are: 'none', 'auto', and 'required'."


def _faults_of_turns(turns: list[Body]) -> Iterator[str]:
    waiting: set[str] = set()
    for turn in turns:
        if turn["role"] == "tool" and "tool_call_id" in turn:
            if turn["tool_call_id"] not in waiting:
                yield "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
            if not isinstance(turn["content"], str):
                yield "Invalid 'messages': a tool message holds text."
            waiting.discard(turn["tool_call_id"])
            continue
        if waiting:
            break
        for call in turn.get("tool_calls") or ():
            if call.get("type") != "function" or not isinstance(call["function"].get("arguments"), str):
                yield "Invalid type for 'messages.tool_calls.function.arguments': expected a string."
            _ = json.loads(call["function"]["arguments"])  # many a host answers 500 to a call that is no JSON
            waiting.add(call["id"])
    if waiting:
        missing = ", ".join(sorted(waiting))
        yield (
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {missing}"
        )


def _faults_of_schema(wanted: Body) -> Iterator[str]:
    if not NAME.fullmatch(wanted.get("name", "")):
        yield "Invalid 'response_format.json_schema.name'"
    schema = wanted.get("schema", {})
    if schema.get("type") != "object":
        yield "Invalid schema for response_format: schema must be a JSON Schema of 'type: \"object\"'."
    if wanted.get("strict"):
        yield from (f"Invalid schema for response_format: {fault}" for fault in _faults_of_strict(schema))


def _faults_of_strict(node: Any, place: str = "()") -> Iterator[str]:
    if not isinstance(node, dict):
        yield f"In context={place}, a schema is an object."
        return
    if "$ref" in node and len(node) > 1:
        yield f"In context={place}, $ref cannot have keywords."
    if unknown := set(node) - STRICT_WORDS:
        yield f"In context={place}, '{unknown.pop()}' is not permitted."
    if not node.keys() & {"type", "$ref", "anyOf"}:
        yield f"In context={place}, schema must have a 'type' key."
    if "object" in node.get("type", ""):
        if node.get("additionalProperties") is not False:
            yield f"In context={place}, 'additionalProperties' is required to be supplied and to be false."
        if sorted(node.get("required", ())) != sorted(node.get("properties", ())):
            yield f"In context={place}, 'required' is required to be an array including every key in properties."
    if "array" in node.get("type", "") and "items" not in node:
        yield f"In context={place}, array schema missing items."
    for kind in ("properties", "$defs", "definitions"):
        for name, each in node.get(kind, {}).items():
            yield from _faults_of_strict(each, f"{place}.{name}")
    for each in [*node.get("anyOf", ()), *([node["items"]] if "items" in node else [])]:
        yield from _faults_of_strict(each, place)


def whole_calls(calls: Sequence[Called]) -> list[Body]:
    """The calls of a message."""
    return [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.text}} for call in calls
    ]


def pieces_of_calls(calls: Sequence[Called]) -> list[Body]:
    """The deltas in which they arrive: first what is called, and then its arguments, bit by bit."""
    deltas: list[Body] = []
    for index, call in enumerate(calls):
        function = {"name": call.name, "arguments": ""}
        deltas.append({"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}]})
        deltas += [{"tool_calls": [{"index": index, "function": {"arguments": piece}}]} for piece in call.pieces]
    return deltas

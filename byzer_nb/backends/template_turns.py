"""Turns and tools as chat templates look into them, which is as transformers hands them over."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from byzer_nb.errors import UnsupportedError
from byzer_nb.types import Message, TextPart, ToolSpec

_USUAL_ORDER = ("type", "description", "enum", "properties", "required")
_BY_NAME = ("properties", "$defs")  # their keys are names, and keep their order
_DATA = ("default", "const", "enum", "examples")
_SHORT_ID = re.compile(r"[a-zA-Z0-9]{9}")


def turns_of(messages: Sequence[Message], *, model: str) -> list[dict[str, Any]]:  # Any: what templates look into
    """The turns, calls and results with the names of their tools."""
    turns: list[dict[str, Any]] = []
    names: dict[str, str] = {}
    for message in messages:
        turn: dict[str, Any] = {"role": message.role, "content": _text_of(message, model=model)}
        if message.tool_calls:
            names |= {call.id: call.name for call in message.tool_calls}
            turn["tool_calls"] = [
                {
                    "id": _short(call.id),
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in message.tool_calls
            ]
        if message.role == "tool":
            turn |= {"name": names.get(message.tool_call_id, ""), "tool_call_id": _short(message.tool_call_id)}
        turns.append(turn)
    return turns


def shown_tool(tool: ToolSpec) -> dict[str, Any]:
    """A tool in the form that all templates expect, which is OpenAI's."""
    parameters = _in_usual_order({"type": "object", "properties": {}, **tool.parameters})
    if parameters.get("additionalProperties") is False:
        del parameters["additionalProperties"]  # it goes without saying, and models have not seen it said
    about = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": about}


def one_call_a_turn(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The same talk, as if the model had made its calls one after the other."""
    results = {message.tool_call_id: message for message in messages if message.role == "tool"}
    return tuple(_one_by_one(messages, results))


def _one_by_one(messages: Sequence[Message], results: dict[str, Message]) -> Iterator[Message]:
    told: set[str] = set()
    for message in messages:
        if len(message.tool_calls) > 1:
            for place, call in enumerate(message.tool_calls):
                yield replace(message, content="" if place else message.content, tool_calls=(call,))
                if call.id in results:
                    told.add(call.id)
                    yield results[call.id]
        elif message.role != "tool" or message.tool_call_id not in told:
            yield message


def _text_of(message: Message, *, model: str) -> str:
    if isinstance(message.content, str):
        return message.content
    if not all(isinstance(part, TextPart) for part in message.content):
        raise UnsupportedError(f"The model {model!r} reads text only.", hint="Leave out pictures and sound.")
    return message.text


def _in_usual_order(schema: Any) -> Any:  # Any: JSON
    """The schema with its keys in the order in which models have seen them; a small one reads no other."""
    if isinstance(schema, list):
        return [_in_usual_order(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    ordered = {}
    for key in (*(key for key in _USUAL_ORDER if key in schema), *(key for key in schema if key not in _USUAL_ORDER)):
        value = schema[key]
        if key in _BY_NAME and isinstance(value, dict):
            ordered[key] = {name: _in_usual_order(part) for name, part in value.items()}
        else:
            ordered[key] = value if key in _DATA else _in_usual_order(value)
    return ordered


def _short(call_id: str) -> str:
    """An id as Mistral's templates want it, of nine letters and digits; that of another vendor gets one of its own."""
    return call_id if _SHORT_ID.fullmatch(call_id) else sha256(call_id.encode()).hexdigest()[:9]

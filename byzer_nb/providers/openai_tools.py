"""Tools and schemas in OpenAI's shape: how they are offered, called, answered and read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from byzer_nb.errors import UnsupportedError
from byzer_nb.providers.wire.closed_schema import Rules, closed_schema
from byzer_nb.providers.wire.tool_calls import (
    DECIDED_BY_TOOLS,
    CallsSoFar,
    as_text,
    parameters_of,
    plain,
    sealed,
    unsealed,
)
from byzer_nb.types import AnswerSchema, ChatRequest, Message, ToolCall

REASONING = "reasoning_content"  # many hosts want their thoughts back with the calls that came of them

STRICT = Rules(
    needs_every_field=True,
    takes_circles=True,
    keywords=frozenset(
        {"pattern", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "minItems", "maxItems"}
    ),
    formats=frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}),
)
DECIDED_BY_THE_SCHEMA = {"response_format": "Give it as the schema of the request."}


def tool_fields(request: ChatRequest, *, can_force: bool = True, model: str = "") -> dict[str, Any]:  # Any: JSON
    """The fields of a body that offer tools; none where there are none."""
    if not request.tools:
        return {}
    tools = [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": parameters_of(tool)},
        }
        for tool in request.tools
    ]
    if not request.tool_choice:
        return {"tools": tools}
    if not can_force:
        raise cannot_force(model)
    if request.tool_choice == "required":
        return {"tools": tools, "tool_choice": "required"}
    return {"tools": tools, "tool_choice": {"type": "function", "function": {"name": request.tool_choice}}}


def cannot_force(model: str) -> UnsupportedError:
    """The error of a call that is wanted, where the provider leaves it to the model whether it calls."""
    return UnsupportedError(
        f"The provider of {model!r} leaves it to the model whether it calls a tool.",
        hint="Leave tool_choice out, offer the one tool alone, and say in the prompt that it is to be called.",
    )


def decided_by(request: ChatRequest) -> dict[str, str]:
    """What an `extra` may not hold beside the tools and the schema of a request."""
    return {**(DECIDED_BY_TOOLS if request.tools else {}), **(DECIDED_BY_THE_SCHEMA if request.schema else {})}


def schema_field(schema: AnswerSchema, *, is_strict: bool) -> dict[str, Any]:  # Any: JSON
    """The field of a body that holds the answer to a schema; one that cannot be closed is kept to as well as may be."""
    wanted: dict[str, Any] = {"name": plain(schema.name), "schema": schema.schema}
    if is_strict:
        closed = closed_schema(schema.schema, STRICT)
        wanted |= {"schema": closed or schema.schema, "strict": closed is not None}
    return {"response_format": {"type": "json_schema", "json_schema": wanted}}


def turn_fields(turn: Message, *, shows_thoughts: bool) -> dict[str, Any]:  # Any: JSON
    """What a turn says of tools beside its words."""
    if turn.role == "tool" and turn.tool_call_id:
        return {"tool_call_id": turn.tool_call_id}
    if not turn.tool_calls:
        return {}
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": as_text(call)}}
        for call in turn.tool_calls
    ]
    thoughts = unsealed(REASONING, turn.tool_calls[0]) if shows_thoughts else ""
    return {"tool_calls": calls, **({REASONING: thoughts} if thoughts else {})}


class CalledFunction(msgspec.Struct, gc=False):
    """A function with its arguments; in a stream with the next piece of them."""

    name: str | None = None
    arguments: Any = None  # Any: text by the protocol, JSON at some gateways


class CallPiece(msgspec.Struct, gc=False):
    """A call, or the next piece of one."""

    index: int | None = None
    id: str | None = None
    function: CalledFunction | None = None


class OpenAICalls:
    """The calls of an answer, whole or piece by piece, with the thoughts that led to them."""

    __slots__ = ("_calls", "_places", "_thoughts")

    def __init__(self) -> None:
        self._calls = CallsSoFar()
        self._places: dict[int | None, int] = {}  # of the call that each index means now
        self._thoughts: list[str] = []

    def read(self, pieces: Iterable[CallPiece] | None, thoughts: str | None = None) -> None:
        """Take in what a message, or the next piece of one, has of calls and thoughts."""
        if thoughts:
            self._thoughts.append(thoughts)
        for piece in pieces or ():
            if piece.function is not None:
                self._read(piece, piece.function)

    def whole(self) -> tuple[ToolCall, ...]:
        """The calls, when nothing more comes."""
        return self._calls.whole(proof=sealed(REASONING, "".join(self._thoughts)))

    def _read(self, piece: CallPiece, function: CalledFunction) -> None:
        """Some gateways give no index, or the same one to every call; then a new id with a name begins a new call."""
        place = self._places.get(piece.index)
        before = None if place is None else self._calls.id_at(place)
        if place is None or (piece.id and function.name and before and piece.id != before):
            place = self._places[piece.index] = len(self._calls)
        self._calls.begin(place, name=function.name or "", call_id=piece.id or "")
        self._calls.add(place, function.arguments)

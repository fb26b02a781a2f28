"""Calls of tools as any vendor sends them: arguments read, pieces put together, and what is given back with a call."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import msgspec

from byzer_nb.types import FinishReason, Message, ToolCall, ToolSpec

MADE_UP = "made_up_"  # what an id begins with that the vendor did not give

# What an `extra` may not hold beside the tools of a request, each with the right way.
DECIDED_BY_TOOLS = {
    "tools": "Give all of them as tools of the request.",
    "tool_choice": "Give it as tool_choice of the request.",
}

_NOT_PLAIN = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME = 64

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def read_call(name: str, given: object, *, call_id: str = "", proof: str = "") -> ToolCall:
    """A call whose arguments came as text or as JSON; those that are no object stay as they were written."""
    arguments, raw = _arguments(given)
    return ToolCall(name=name, arguments=arguments, id=call_id or f"{MADE_UP}{uuid4().hex}", raw=raw, proof=proof)


def _arguments(given: object) -> tuple[dict[str, Any], str]:  # Any: JSON
    value = given
    if isinstance(given, str):
        try:
            value = _decode(given) if given.strip() else None
        except (msgspec.DecodeError, UnicodeError, RecursionError):  # also for half of a character, and for depth
            return {}, given
    if isinstance(value, dict):
        return value, ""
    if value is None:
        return {}, ""
    return {}, given if isinstance(given, str) else _encode(given).decode()


def as_text(call: ToolCall) -> str:
    """The arguments of a call as JSON. Those that were broken are not repeated: many vendors refuse them."""
    return _encode(call.arguments).decode()


def parameters_of(tool: ToolSpec) -> dict[str, Any]:  # Any: JSON
    """The schema of a tool's arguments; every vendor wants it to be that of an object."""
    return {"type": "object", "properties": {}, **tool.parameters}


def plain(name: str) -> str:
    """A name or id as the vendors take it that know letters and digits alone; that of another vendor may have more."""
    return _NOT_PLAIN.sub("_", name)[:_LONGEST_NAME]


def ended(reason: FinishReason, calls: tuple[ToolCall, ...]) -> FinishReason:
    """Why an answer ended: one that calls is not at its end, though some vendors say so."""
    return "tool_calls" if calls and reason == "stop" else reason


def names_of_results(messages: Iterable[Message]) -> dict[int, str]:
    """The name of the tool behind each result, by the place of its turn, for vendors that want to hear it again."""
    names: dict[str, str] = {}
    found: dict[int, str] = {}
    for place, turn in enumerate(messages):
        names |= {call.id: call.name for call in turn.tool_calls}
        if turn.role == "tool":
            found[place] = names.get(turn.tool_call_id, "")
    return found


def sealed(kind: str, secret: str) -> str:
    """What a vendor wants to see again, marked so that no other vendor is shown it."""
    return f"{kind}:{secret}" if secret else ""


def unsealed(kind: str, call: ToolCall) -> str:
    """What was sealed for this kind of vendor; empty for another's."""
    return call.proof.removeprefix(f"{kind}:") if call.proof.startswith(f"{kind}:") else ""


class CallsSoFar:
    """Calls that arrive in pieces, each under the place that the vendor gives it."""

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun: dict[int, _Begun] = {}

    def __len__(self) -> int:
        return len(self._begun)

    def id_at(self, place: int) -> str | None:
        """The id of the call that was begun there; None where there is none."""
        begun = self._begun.get(place)
        return None if begun is None else begun.id

    def begin(self, place: int, *, name: str, call_id: str) -> None:
        """A call begins, or says again what it is."""
        begun = self._begun.setdefault(place, _Begun())
        begun.name = begun.name or name
        begun.id = begun.id or call_id

    def add(self, place: int, piece: object) -> None:
        """More of the arguments: text, or the whole of them as JSON."""
        begun = self._begun.get(place)
        if begun is not None and piece is not None:
            begun.pieces.append(piece)

    def whole(self, *, proof: str = "") -> tuple[ToolCall, ...]:
        """The calls, when nothing more comes; the proof goes with the first one."""
        calls: list[ToolCall] = []
        for begun in self._begun.values():
            texts = [piece for piece in begun.pieces if isinstance(piece, str)]
            given = "".join(texts) if len(texts) == len(begun.pieces) else begun.pieces[-1]
            calls.append(read_call(begun.name, given, call_id=begun.id, proof=proof if not calls else ""))
        return tuple(calls)


class _Begun:
    __slots__ = ("id", "name", "pieces")

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.pieces: list[object] = []

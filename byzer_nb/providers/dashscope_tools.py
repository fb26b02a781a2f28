"""Calls of tools in DashScope's own protocol, whose arguments come in pieces or each time as far as they are known."""

from __future__ import annotations

from collections.abc import Iterable

from byzer_nb.providers.dashscope_pieces import Pieces
from byzer_nb.providers.openai_tools import CallPiece
from byzer_nb.providers.wire.tool_calls import CallsSoFar
from byzer_nb.types import ToolCall


class DashScopeCalls:
    """The calls of an answer, event by event."""

    __slots__ = ("_asked_for_wholes", "_calls", "_pieces")

    def __init__(self, *, asked_for_wholes: bool = False) -> None:
        self._asked_for_wholes = asked_for_wholes
        self._calls = CallsSoFar()
        self._pieces: dict[int, Pieces] = {}

    def read(self, calls: Iterable[CallPiece] | None) -> None:
        """Take in what an event has of calls."""
        for place, call in enumerate(calls or ()):
            place = place if call.index is None else call.index
            if call.function is None:
                continue
            self._calls.begin(place, name=call.function.name or "", call_id=call.id or "")
            pieces = self._pieces.setdefault(place, Pieces(asked_for_wholes=self._asked_for_wholes))
            arguments = call.function.arguments
            self._calls.add(place, pieces.add(arguments) if isinstance(arguments, str) else arguments)

    def whole(self) -> tuple[ToolCall, ...]:
        """The calls, when nothing more comes."""
        for place, pieces in self._pieces.items():
            self._calls.add(place, pieces.end())
        return self._calls.whole()

"""DashScope's own protocol as a dialect; models that read and models that see differ in a path and in their content."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import msgspec

from byzer_nb.errors import ModelCallError
from byzer_nb.providers import dashscope_wire as wire
from byzer_nb.providers.openai_tools import turn_fields
from byzer_nb.providers.wire.asked import is_begun
from byzer_nb.providers.wire.call import Call, json_body
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.sse import EventSplitter
from byzer_nb.types import ChatRequest, Delta, Message

AS_EVENTS = {"X-DashScope-SSE": "enable"}


class DashScopeDialect(ABC):
    """What every model at DashScope is asked and answers. `only_pieces` was learned: it streams no whole texts."""

    path: ClassVar[str]
    fixed_parameters: ClassVar[Mapping[str, str]] = {}

    def __init__(self, model: str, *, called: Called, only_pieces: bool = False) -> None:
        self.model = model
        self.called = called
        self.only_pieces = only_pieces

    @abstractmethod
    def content(self, turn: Message) -> str | list[dict[str, Any]]:  # Any: JSON
        """What one turn says, as this kind of model takes it."""

    def chat(self, request: ChatRequest) -> Call:
        """The conversation as one call; what makes it a stream is a header."""
        parameters = {**self.fixed_parameters, **wire.parameters(request, only_pieces=self.only_pieces)}
        body = {"model": self.model, "input": {"messages": self._messages(request)}, "parameters": parameters}
        return Call(
            path=self.path,
            body=json_body(body),
            headers=AS_EVENTS if request.stream else {},
            split=EventSplitter if parameters.get(wire.IN_PIECES) else wire.WholesAskedFor,
        )

    def whole(self, body: bytes, headers: Mapping[str, str]) -> Delta:
        """An answer that came in one piece."""
        return wire.whole_answer(body, self.called, headers)

    def reading(self, headers: Mapping[str, str]) -> wire.ChatStream:
        """A reader for one streamed answer."""
        return wire.ChatStream(self.called, headers)

    def relent(self, refused: ModelCallError, call: Call) -> Self | None:
        """Models that stream nothing but pieces are asked for pieces; whoever reads the answer sees no difference."""
        if refused.status != 400 or wire.IN_PIECES not in refused.message:
            return None
        if msgspec.json.decode(call.body)["parameters"].get(wire.IN_PIECES) is not False:
            return None
        return type(self)(self.model, called=self.called, only_pieces=True)

    def _messages(self, request: ChatRequest) -> list[dict[str, Any]]:  # Any: JSON
        messages: list[dict[str, Any]] = [
            {"role": turn.role, "content": self.content(turn), **turn_fields(turn, shows_thoughts=False)}
            for turn in request.messages
        ]
        if is_begun(request) and request.options.continue_last:
            messages[-1]["partial"] = True
        return messages

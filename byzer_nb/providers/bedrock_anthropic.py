"""Claude on Bedrock: Anthropic's own bodies and answers, in Amazon's frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from byzer_nb.providers import anthropic_tools, anthropic_wire
from byzer_nb.providers.anthropic_wire import USUAL_MAX_TOKENS, Manner, MessageStream, whole_answer
from byzer_nb.providers.bedrock_dialect import BedrockDialect, chunk_in
from byzer_nb.providers.wire.sse import Event
from byzer_nb.types import ChatRequest, Delta

USUAL_VERSION = "bedrock-2023-05-31"


class ClaudeOnBedrock(BedrockDialect):
    """Anthropic's messages; the model stands in the address, and the version in the body."""

    options = anthropic_wire.OPTIONS

    @property
    def takes_tools(self) -> bool:  # type: ignore[override]  # here the model tells
        """Whether it is offered tools."""
        return anthropic_tools.takes_tools(self.model.id)

    @property
    def takes_schemas(self) -> bool:  # type: ignore[override]  # here the model tells
        """Whether it can be held to a schema."""
        return anthropic_tools.takes_schemas(self.model.id)

    def body(self, request: ChatRequest) -> dict[str, Any]:  # Any: JSON
        """Anthropic's body, with the version in it."""
        model = self.model
        manner = Manner(
            max_output_tokens=model.max_output_tokens or USUAL_MAX_TOKENS,
            withheld=self.withheld(request),
            fetches_pictures=False,
        )
        return {"anthropic_version": model.version or USUAL_VERSION, **anthropic_wire.chat_body(request, manner)}

    def whole(self, body: bytes, headers: Mapping[str, str]) -> Delta:
        """An answer that came in one piece."""
        return whole_answer(body, headers, self.called)

    def reading(self, headers: Mapping[str, str]) -> ClaudeStream:
        """A reader for one streamed answer."""
        return ClaudeStream(self.called, headers)


class ClaudeStream(MessageStream):
    """Anthropic's events, each in a frame of Amazon's."""

    __slots__ = ()

    def read(self, event: Event) -> Delta | None:
        """What the frame adds, if anything that can be read."""
        data = chunk_in(event, self._headers, self._called)
        return self.read_json(data) if data else None

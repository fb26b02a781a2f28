"""DashScope behind its second address, where it speaks OpenAI's protocol."""

from __future__ import annotations

from typing import Any

from byzer_nb.providers.dashscope_wire import IN_PARALLEL, IN_PIECES
from byzer_nb.providers.openai_dialect import OpenAIDialect
from byzer_nb.providers.openai_hosts import OPENAI_OPTIONS, Host
from byzer_nb.providers.openai_wire import Speaker
from byzer_nb.providers.wire.failures import Called
from byzer_nb.types import ChatRequest

HOST = Host(continuation="partial", options=(OPENAI_OPTIONS - {"frequency_penalty"}) | {"top_k", "repetition_penalty"})


class CompatibleDialect(OpenAIDialect):
    """OpenAI's protocol with this vendor's habits."""

    def __init__(self, speaker: Speaker, *, called: Called) -> None:
        super().__init__(speaker, called=called)
        self.most_texts = most_texts(speaker.model)

    def body(self, request: ChatRequest) -> dict[str, Any]:  # Any: JSON
        """The body of a chat completion; streams here are always in pieces, and nobody knows a word for it."""
        body = super().body(request)
        body.pop(IN_PIECES, None)
        if request.tools:
            body.setdefault(IN_PARALLEL, True)
        return body


def most_texts(model: str) -> int:
    """How many texts an embedding model takes in one call."""
    return 25 if model.endswith(("-v1", "-v2")) else 10

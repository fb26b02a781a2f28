"""What ladders and tool loops need of a client; `AsyncClient` is one."""

from __future__ import annotations

from typing import Protocol

from byzer_nb.client import Transport
from byzer_nb.types import ChatOptions, ChatRequest, ModelCard, Reply


class Asks(Protocol):
    """Asks models by name."""

    transport: Transport

    async def describe(self, *, model: str = "") -> ModelCard:
        """The card of a model."""
        ...

    async def chat(self, messages: ChatRequest, *, model: str = "", options: ChatOptions | None = None) -> Reply:
        """The whole answer to a request."""
        ...

    def default_model(self) -> str:
        """The name that is meant when a call names none."""
        ...

"""An engine of a stranger, and the way to a client of one model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from byzer_nb import Client, ScriptedEngine
from byzer_nb._sync import run
from byzer_nb.client import LocalTransport
from byzer_nb.types import ChatRequest, Delta, ModelCard


def answering(models: LocalTransport, engine: Any = None, *, name: str = "echo", **settings: Any) -> Client:
    """A client of one model, which is the given engine."""
    run(models.add(name, ScriptedEngine(**settings) if engine is None else engine))
    return Client(models, model=name)


class Steps:
    """An engine of a stranger: it says what it was given, and knows whether it was stopped."""

    def __init__(self, deltas: list[Delta], *, pause: float = 0.0, card: ModelCard | None = None) -> None:
        self.deltas = deltas
        self.pause = pause
        self.card = card or ModelCard(model="steps", engine="strange")
        self.was_stopped = False
        self.is_closed = False
        self.sent = 0

    def describe(self) -> ModelCard:
        return self.card

    async def chat(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        try:
            for delta in self.deltas:
                await asyncio.sleep(self.pause)
                self.sent += 1
                yield delta
        except (asyncio.CancelledError, GeneratorExit):
            self.was_stopped = True
            raise

    async def close(self) -> None:
        self.is_closed = True

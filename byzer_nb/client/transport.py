"""How a client reaches models: in this process, over Ray, or over HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from byzer_nb.types import (
    ChatRequest,
    Delta,
    DrawRequest,
    EmbedReply,
    EmbedRequest,
    Message,
    ModelCard,
    Picture,
    SpeakRequest,
    TranscribeRequest,
    Transcript,
)


class Transport(Protocol):
    """The way to models by name. An unknown name raises `UnknownModelError` with the nearest one."""

    async def models(self) -> list[str]:
        """The names that can be called."""
        ...

    async def describe(self, model: str) -> ModelCard:
        """The card of one model."""
        ...

    def chat(self, model: str, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """The answer of one model, piece by piece; closing the iterator stops the work."""
        ...

    async def embed(self, model: str, request: EmbedRequest) -> EmbedReply:
        """Vectors from one model."""
        ...

    def speak(self, model: str, request: SpeakRequest) -> AsyncGenerator[bytes, None]:
        """A text as sound, piece by piece; closing the iterator stops the work."""
        ...

    async def transcribe(self, model: str, request: TranscribeRequest) -> Transcript:
        """Sound as a text."""
        ...

    async def draw(self, model: str, request: DrawRequest) -> tuple[Picture, ...]:
        """A text as pictures."""
        ...

    async def tokenize(self, model: str, text: str) -> tuple[int, ...]:
        """The token ids of a text, as one model sees them."""
        ...

    async def detokenize(self, model: str, ids: tuple[int, ...]) -> str:
        """The text of some token ids of one model."""
        ...

    async def apply_template(self, model: str, messages: tuple[Message, ...]) -> str:
        """The text that one model reads for these turns."""
        ...

    def default_model(self) -> str:
        """The name that is meant when nobody names one."""
        ...

"""What can be asked of a deployed model, whichever way the bytes go."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from byzer_nb.cluster import wire
from byzer_nb.errors import UnreachableError
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

CHAT = "chat"  # the kind of request that any worker may take


@dataclass(slots=True)
class Spent:
    """What a request took so far; whoever reads the answer fills it in."""

    tokens: int = 0


class Way(ABC):
    """The way to one model. Closing a stream before its end stops the engine."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def chat(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """The answer."""
        lines = wire.delta_lines()
        path = "/stream" if request.stream else "/chat"
        spent = Spent()
        async with aclosing(self._chunks(CHAT, path, wire.chat_to_bytes(request), spent=spent)) as chunks:
            async for chunk, worker in chunks:
                deltas, failure = lines.feed(chunk)
                for delta in deltas:
                    if delta.usage is not None:
                        spent.tokens = delta.usage.input_tokens + delta.usage.output_tokens
                    yield delta if delta.finish_reason is None else replace(delta, worker=worker)
                if failure is not None:
                    raise failure
        self._check_end(lines)

    async def speak(self, request: SpeakRequest) -> AsyncGenerator[bytes, None]:
        """A text as sound."""
        lines = wire.sound_lines()
        async with aclosing(self._chunks(CHAT, "/speak", wire.to_bytes(request), spent=Spent())) as chunks:
            async for chunk, _ in chunks:
                pieces, failure = lines.feed(chunk)
                for piece in pieces:
                    yield piece.sound
                if failure is not None:
                    raise failure
        self._check_end(lines)

    async def transcribe(self, request: TranscribeRequest) -> Transcript:
        """Sound as a text."""
        return wire.transcript_from_bytes(await self._whole(CHAT, "/transcribe", wire.to_bytes(request)))

    async def draw(self, request: DrawRequest) -> tuple[Picture, ...]:
        """A text as pictures."""
        return wire.pictures_from_bytes(await self._whole(CHAT, "/draw", wire.to_bytes(request)))

    async def embed(self, request: EmbedRequest) -> EmbedReply:
        """Vectors for texts."""
        return wire.vectors_from_bytes(await self._whole("embedding", "/embed", wire.embed_to_bytes(request)))

    async def tokenize(self, text: str) -> tuple[int, ...]:
        """The token ids of a text."""
        return wire.ids_from_bytes(await self._whole("tokenizer", "/tokenize", text.encode()))

    async def detokenize(self, ids: tuple[int, ...]) -> str:
        """The text of some token ids."""
        return wire.text_from_bytes(await self._whole("tokenizer", "/detokenize", wire.ids_to_bytes(ids)))

    async def apply_template(self, messages: tuple[Message, ...]) -> str:
        """The text that the model reads for some turns."""
        return wire.text_from_bytes(
            await self._whole("apply_chat_template", "/template", wire.messages_to_bytes(messages))
        )

    @abstractmethod
    async def describe(self) -> ModelCard:
        """The card of the model."""

    @abstractmethod
    async def close(self) -> None:
        """Give back what is held."""

    @abstractmethod
    def _chunks(self, kind: str, path: str, body: bytes, *, spent: Spent) -> AsyncGenerator[tuple[bytes, int], None]:
        """What a worker answers as it comes, each time with the worker's index; at the end `spent` is reported."""

    @abstractmethod
    async def _whole(self, kind: str, path: str, body: bytes) -> bytes:
        """What a worker answers; an error among the bytes is raised."""

    def _check_end(self, lines: wire.Lines[Delta] | wire.Lines[wire.SoundPiece]) -> None:
        if not lines.is_between_lines:
            raise UnreachableError(
                f"The answer of {self._name!r} broke off.", hint="Ask once more.", model=self._name, retryable=True
            )

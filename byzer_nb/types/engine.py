"""The one protocol behind every model, whether it is a provider over the network or weights on this machine."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, fields
from typing import Protocol, runtime_checkable

from byzer_nb._display import Displayed, key_value_table
from byzer_nb.types.embeddings import EmbedReply, EmbedRequest
from byzer_nb.types.media import DrawRequest, Picture, SpeakRequest, TranscribeRequest, Transcript
from byzer_nb.types.messages import ChatRequest, Message
from byzer_nb.types.replies import Delta


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """What a model can do, as data. `options` are the names in `ChatOptions` that it honours.

    `tools` and `schema` say that it takes those of a request natively; without them they are asked for in words.
    `completes` says that it can go on with a raw text, with no chat template laid over it.
    """

    chat: bool = True
    stream: bool = True
    embed: bool = False
    images: bool = False
    audio: bool = False
    speak: bool = False
    transcribe: bool = False
    draw: bool = False
    continues: bool = False
    completes: bool = False
    tools: bool = False
    schema: bool = False
    tokenizer: bool = False
    chat_template: bool = False
    options: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """What a million tokens cost, in US dollars."""

    read: float
    written: float


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class ModelCard(Displayed):
    """A model as it introduces itself. `context_length` is 0 when nobody knows it.

    `fallback` names the models that are asked when this one fails, in their order.
    """

    model: str
    engine: str
    is_local: bool = False
    context_length: int = 0
    architectures: tuple[str, ...] = ()
    capabilities: Capabilities = field(default_factory=Capabilities)
    fallback: tuple[str, ...] = ()
    price: Price | None = None

    def __repr__(self) -> str:
        context = f"context_length={self.context_length}, " if self.context_length else ""
        return f"ModelCard(model={self.model!r}, engine={self.engine!r}, {context}can={', '.join(self._abilities())!r})"

    def _html(self) -> str:
        facts: dict[str, object] = {
            "model": self.model,
            "engine": self.engine,
            "context": f"{self.context_length} tokens" if self.context_length else "unknown",
            "can": ", ".join(self._abilities()),
            "options": ", ".join(sorted(self.capabilities.options)),
        }
        if self.fallback:
            facts["when it fails"] = ", ".join(self.fallback)
        return key_value_table(facts)

    def _abilities(self) -> list[str]:
        able = self.capabilities
        return [each.name for each in fields(able) if getattr(able, each.name) is True]


class Engine(Protocol):
    """Anything that answers.

    `chat` yields increments; its last delta carries `finish_reason` and, where known, `usage`. Closing the iterator
    before its end stops the work: the socket is closed, the next token is not computed.
    """

    def describe(self) -> ModelCard:
        """The model's card; costs nothing and asks nobody."""
        ...

    def chat(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """The answer, piece by piece."""
        ...

    async def close(self) -> None:
        """Let go of sockets, threads and memory; a closed engine is not used again."""
        ...


@runtime_checkable
class Embeds(Protocol):
    """An engine that turns texts into vectors."""

    async def embed(self, request: EmbedRequest) -> EmbedReply:
        """One vector a text."""
        ...


@runtime_checkable
class Speaks(Protocol):
    """An engine that reads texts out."""

    def speak(self, request: SpeakRequest) -> AsyncGenerator[bytes, None]:
        """The sound, piece by piece."""
        ...


@runtime_checkable
class Transcribes(Protocol):
    """An engine that writes down what is said."""

    async def transcribe(self, request: TranscribeRequest) -> Transcript:
        """The words."""
        ...


@runtime_checkable
class Draws(Protocol):
    """An engine that makes pictures."""

    async def draw(self, request: DrawRequest) -> tuple[Picture, ...]:
        """As many pictures as were asked for."""
        ...


@runtime_checkable
class Tokenizes(Protocol):
    """An engine that shows its tokens and its chat template."""

    def tokenize(self, text: str) -> tuple[int, ...]:
        """The ids of the text, without special tokens added."""
        ...

    def detokenize(self, ids: tuple[int, ...]) -> str:
        """The text of the ids, special tokens written out; an id that it does not have raises `BadInputError`."""
        ...

    def apply_template(self, messages: tuple[Message, ...]) -> str:
        """The text that the model really reads for these turns."""
        ...

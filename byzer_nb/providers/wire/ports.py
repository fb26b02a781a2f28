"""What a vendor's module brings: how its protocol writes a request, and what its answers mean.

Nothing here asks anybody or waits for anything: `WireEngine` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, Self, runtime_checkable

from byzer_nb.errors import ModelCallError
from byzer_nb.providers.wire.call import Call
from byzer_nb.providers.wire.sse import Event
from byzer_nb.types import (
    ChatRequest,
    Delta,
    DrawRequest,
    EmbedReply,
    EmbedRequest,
    SpeakRequest,
    TranscribeRequest,
    Transcript,
)


class Reading(Protocol):
    """What is known of a streamed answer so far."""

    is_done: bool
    """True once the server has said good-bye."""

    @property
    def is_whole(self) -> bool:
        """True when no more words will come, even if the server has not said good-bye yet."""
        ...

    def read(self, event: Event) -> Delta | None:
        """What the event adds, if anything that can be read; an error in the place of words is raised."""
        ...

    def last(self) -> Delta:
        """The delta that closes the answer, with its reason and its usage; a stream that stopped short has none."""
        ...


class Dialect(Protocol):
    """How one vendor writes down a conversation, and what its answers mean. It asks nobody and waits for nothing."""

    def chat(self, request: ChatRequest) -> Call:
        """The conversation in the vendor's words, whole or streamed as the request wants."""
        ...

    def whole(self, body: bytes, headers: Mapping[str, str]) -> Delta:
        """An answer that came in one piece; an error in the place of an answer is raised."""
        ...

    def reading(self, headers: Mapping[str, str]) -> Reading:
        """A reader for one streamed answer."""
        ...

    def relent(self, refused: ModelCallError, call: Call) -> Self | None:
        """The dialect to ask again in, after a refusal from which something was learned; None where nothing was."""
        ...


class Embedder(Protocol):
    """How one vendor turns texts into vectors."""

    most_texts: int
    """How many texts go into one call."""

    def embed(self, request: EmbedRequest) -> Call:
        """The texts in the vendor's words."""
        ...

    def vectors(self, body: bytes, headers: Mapping[str, str], *, texts: int) -> EmbedReply:
        """One vector a text."""
        ...


class Narrator(Protocol):
    """How one vendor reads a text out."""

    def speak(self, request: SpeakRequest) -> Call:
        """The text in the vendor's words; what it cannot read is refused here."""
        ...

    def sound(self, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The sound inside an answer of text or JSON, or the error that it is; sound itself never comes here."""
        ...


class Hearing(Protocol):
    """What is known of sound that arrives in events."""

    is_done: bool
    """True once the server has said that this was all."""

    def read(self, event: Event) -> bytes:
        """The sound in the event, if any; an error in the place of sound is raised."""
        ...

    def last(self) -> None:
        """Called at the end: sound that stopped short is an error."""
        ...


@runtime_checkable
class EventNarrator(Protocol):
    """A narrator whose sound comes in events, wrapped up, instead of as it is."""

    def speak(self, request: SpeakRequest) -> Call:
        """The text in the vendor's words; what it cannot read is refused here."""
        ...

    def hearing(self, headers: Mapping[str, str]) -> Hearing:
        """A reader for the sound of one text."""
        ...


class Scribe(Protocol):
    """How one vendor writes down what is said."""

    def transcribe(self, request: TranscribeRequest) -> Call:
        """The sound in the vendor's words."""
        ...

    def transcript(self, body: bytes, headers: Mapping[str, str]) -> Transcript:
        """The words."""
        ...


class Painter(Protocol):
    """How one vendor makes pictures."""

    def draw(self, request: DrawRequest) -> Call:
        """The wish in the vendor's words."""
        ...

    def pictures(self, body: bytes, headers: Mapping[str, str]) -> tuple[bytes | str, ...]:
        """Each picture, or the address from which it is to be fetched."""
        ...

    def relent(self, refused: ModelCallError, call: Call) -> Self | None:
        """The painter to ask again, after a refusal from which something was learned; None where nothing was."""
        ...

"""A conversation as it goes to a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from byzer_nb.types.options import ChatOptions

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TextPart:
    """A piece of text."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ImagePart:
    """A picture: a data URL or the address of one; `extra` is what a caller put beside it, such as `detail`."""

    url: str = field(repr=False)
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioPart:
    """Sound as a data URL."""

    url: str = field(repr=False)


Part: TypeAlias = TextPart | ImagePart | AudioPart


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One turn: who speaks, and what."""

    role: Role
    content: str | tuple[Part, ...]

    @property
    def text(self) -> str:
        """The words alone; pictures and sound are left out."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, TextPart))


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatRequest:
    """What is asked of an engine: the turns so far and how to go on.

    `stream` says whether the caller wants pieces as they come; an engine for which one whole answer is cheaper may
    then give a single delta when it is false.
    """

    messages: tuple[Message, ...]
    options: ChatOptions = field(default_factory=ChatOptions)
    stream: bool = True

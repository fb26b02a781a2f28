"""Texts as vectors."""

from __future__ import annotations

from dataclasses import dataclass, field

from byzer_nb.types.replies import Usage


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbedRequest:
    """The texts to turn into vectors, in order."""

    texts: tuple[str, ...]
    dimensions: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbedReply:
    """One vector a text, in the order of the request."""

    vectors: tuple[tuple[float, ...], ...] = field(repr=False)
    usage: Usage = field(default_factory=Usage)
    model: str = ""

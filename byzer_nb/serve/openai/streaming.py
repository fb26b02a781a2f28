"""Answers as one stream of events, each with its index, and the tokens of all of them at the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Protocol

from byzer_nb.serve.merging import merged
from byzer_nb.serve.requests_log import Entry
from byzer_nb.types import Delta, Usage

DONE = b"data: [DONE]\n\n"


class Wording(Protocol):
    """How a route words the pieces of its answers."""

    def first(self, index: int) -> bytes:
        """What opens an answer; it may be nothing."""
        ...

    def piece(self, index: int, delta: Delta) -> bytes:
        """The next piece."""
        ...

    def last(self, index: int, delta: Delta) -> bytes:
        """What closes an answer."""
        ...

    def usage(self, usage: Usage) -> bytes:
        """The tokens."""
        ...


async def streamed(
    entry: Entry, answers: Sequence[AsyncGenerator[Delta, None]], wording: Wording, *, tells_usage: bool
) -> AsyncGenerator[bytes, None]:
    """The events in the order in which the pieces come."""
    usage = Usage()
    begun: set[int] = set()
    pieces = answers[0] if len(answers) == 1 else merged(answers)
    async with aclosing(pieces):
        async for item in pieces:
            index, delta = (0, item) if isinstance(item, Delta) else item
            opening = b""
            if index not in begun:
                begun.add(index)
                opening = wording.first(index)
            if delta.text or delta.reasoning or delta.tool_calls:
                entry.heard()
                yield opening + wording.piece(index, delta)
            elif opening:
                yield opening
            if delta.usage is not None:
                usage = usage + delta.usage
                entry.usage = usage
            if delta.finish_reason is not None:
                yield wording.last(index, delta)
    if tells_usage:
        yield wording.usage(usage)
    yield DONE

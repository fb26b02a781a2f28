"""An answer is looked at a few times a second, however fast it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import pairwise

import pytest

from byzer_nb._sync import iterate
from byzer_nb.client.gather import Gathering
from byzer_nb.client.snapshots import snapshots
from byzer_nb.errors import RateLimitedError
from byzer_nb.types import Delta


class Source:
    """Pieces with pauses between them; `is_closed` when nobody can get more."""

    def __init__(self, *pieces: str | Exception, pause: float = 0.0) -> None:
        self._pieces = pieces
        self._pause = pause
        self.is_closed = False

    async def deltas(self) -> AsyncIterator[Delta]:
        try:
            for piece in self._pieces:
                await asyncio.sleep(self._pause)
                if isinstance(piece, Exception):
                    raise piece
                yield Delta(text=piece)
            yield Delta(finish_reason="stop")
        finally:
            self.is_closed = True


async def texts(source: Source, *, every: float) -> list[str]:
    gathering = Gathering(model="m")
    return [reply.text async for reply in snapshots(source.deltas(), gathering, every=every)]


async def test_the_last_look_sees_the_whole_answer() -> None:
    pieces = [f"{number} " for number in range(200)]
    seen = await texts(Source(*pieces, pause=0.001), every=0.05)
    assert seen[-1] == "".join(pieces)
    assert 3 <= len(seen) <= 20
    assert all(later.startswith(earlier) for earlier, later in pairwise(seen))


async def test_the_first_piece_is_seen_at_once() -> None:
    gathering = Gathering(model="m")
    async with (
        asyncio.timeout(5),
        aclosing(snapshots(Source("a", "b", pause=0.01).deltas(), gathering, every=60)) as seen,
    ):
        assert (await anext(seen)).text == "a"


async def test_slow_pieces_are_each_seen() -> None:
    seen = await texts(Source("a", "b", "c", pause=0.05), every=0.01)
    assert list(dict.fromkeys(seen)) == ["a", "ab", "abc"]


async def test_nothing_said_is_one_look() -> None:
    assert await texts(Source(), every=0.01) == [""]


async def test_an_error_comes_after_what_was_said_before_it() -> None:
    source = Source("a", "b", RateLimitedError("Too fast."))
    gathering = Gathering(model="m")
    with pytest.raises(RateLimitedError):
        [reply async for reply in snapshots(source.deltas(), gathering, every=0.01)]
    assert gathering.reply().text == "ab"


def test_leaving_early_closes_the_source_and_keeps_what_came() -> None:
    source = Source(*["a "] * 1000, pause=0.005)
    gathering = Gathering(model="m")
    seen = iterate(snapshots(source.deltas(), gathering, every=0.02))
    next(seen)
    next(seen)
    seen.close()
    assert source.is_closed
    kept = gathering.reply().text
    assert kept.startswith("a a ")
    assert gathering.reply().text == kept

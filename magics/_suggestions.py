"""The name that somebody probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from byzer_nb._lang import say


def suggestion(name: str, *known: Iterable[str]) -> str:
    """`Did you mean 'x'? `, or nothing; the only one that begins so, else the nearest, of the first group that has one.

    The dashes of options do not count: with them, all options look alike.
    """
    begun = _bare(name)
    for group in known:
        by_bare = {_bare(each): each for each in group}
        close = [each for each in by_bare if begun and each.startswith(begun)]
        if len(close) != 1:
            close = get_close_matches(begun, list(by_bare), n=1)
        if close:
            meant = by_bare[close[0]]
            return say(en=f"Did you mean {meant!r}? ", zh=f"您是不是想写 {meant!r}？")
    return ""


def _bare(name: str) -> str:
    return name.lstrip("-").lower()

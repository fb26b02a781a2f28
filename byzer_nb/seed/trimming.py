"""Cutting what a model says after its answer, in whole texts and in texts that still grow."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from byzer_nb.backends.stopping import StopStrings
from byzer_nb.types import Delta


def unchanged(text: str) -> str:
    """The text as it is."""
    return text


class CutAt:
    """A function that ends a text at the first of its marks."""

    def __init__(self, *marks: str) -> None:
        self.marks = marks
        self._pattern = re.compile("|".join(map(re.escape, marks)))

    def __call__(self, text: str) -> str:
        return self._pattern.split(text, maxsplit=1)[0]


async def trimmed(deltas: AsyncGenerator[Delta, None], clean_func: Callable[[str], str]) -> AsyncGenerator[Delta, None]:
    """The deltas of an answer whose joined text is trimmed; what was given is never given again or taken back."""
    growing: _Growing = StopStrings(clean_func.marks) if isinstance(clean_func, CutAt) else _CleanedText(clean_func)
    async with aclosing(deltas):
        async for delta in deltas:
            text = growing.push(delta.text)
            if delta.finish_reason is not None:
                text += growing.flush()
            if text or delta.reasoning or delta.finish_reason or delta.usage:
                yield replace(delta, text=text)
    if rest := growing.flush():
        yield Delta(text=rest)


class _Growing(Protocol):
    def push(self, piece: str) -> str:
        """What may be shown now."""
        ...

    def flush(self) -> str:
        """What was held back, when nothing more comes."""
        ...


class _CleanedText:
    """Asks a function of the user's about the whole text each time, for it alone knows what it cuts."""

    def __init__(self, clean_func: Callable[[str], str]) -> None:
        self._clean_func = clean_func
        self._text = ""
        self._given = ""

    def push(self, piece: str) -> str:
        if not piece:
            return ""
        self._text += piece
        clean = self._clean_func(self._text)
        if not clean.startswith(self._given):
            return ""  # it changed its mind about something that is out already
        new = clean[len(self._given) :]
        self._given = clean
        return new

    def flush(self) -> str:
        return ""

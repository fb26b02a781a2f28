"""Tokens to text while they come, never half a character."""

from __future__ import annotations

from collections.abc import Sequence

from byzer_nb.backends.tokenizer import Tokenizer

_CONTEXT = 6  # tokens before a piece that decide whether it begins with a space
_UNFINISHED = "\ufffd"  # how every decoder shows bytes that are no character, or not yet one
_LONGEST_RUN = 64  # tokens that are decoded again with each new one
_LONGEST_UNFINISHED = 3  # a character of UTF-8 has at most four bytes


class Detokenizer:
    """Takes one token after the other and gives the text that is certain.

    Bytes of a character that is not whole yet are held back; a character that never becomes whole is left out.
    """

    def __init__(self, tokenizer: Tokenizer, *, prompt: Sequence[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._before = list(prompt[-_CONTEXT:])  # whole characters, shown already
        self._run: list[int] = []  # the tokens since then
        self._shown = 0  # characters of the run's text that were given out

    def push(self, token: int) -> str:
        """The text that this token completes; it may be empty."""
        self._run.append(token)
        text = self._text_of(self._before, self._run)
        unfinished = len(text) - len(text.rstrip(_UNFINISHED))
        certain = len(text) - min(unfinished, _LONGEST_UNFINISHED)
        piece = text[self._shown : certain]
        self._shown = max(self._shown, certain)
        if text and not unfinished:
            self._settle(len(self._run), shown=0)
        elif len(self._run) > _LONGEST_RUN:
            return piece + self._shorten(text)
        return piece

    def _shorten(self, text: str) -> str:
        """Forget the older tokens of a run that has no end, so that each costs the same; the text that this frees.

        It is cut where both sides read as they do together. With nothing but tokens of no text at its end, even bytes
        that might have become a character are given up.
        """
        if not text:
            self._run = []
            return ""
        for kept in range(_CONTEXT, 2 * _CONTEXT):
            cut = len(self._run) - kept
            older = self._text_of(self._before, self._run[:cut])
            newer = self._text_of((self._before + self._run[:cut])[-_CONTEXT:], self._run[cut:])
            if newer and older + newer == text and len(older) <= self._shown:
                self._settle(cut, shown=self._shown - len(older))
                return ""
        piece = text[self._shown :]
        self._settle(len(self._run), shown=0)
        return piece

    def _settle(self, count: int, *, shown: int) -> None:
        """Make the first tokens of the run part of what came before it."""
        self._before = (self._before + self._run[:count])[-_CONTEXT:]
        self._run = self._run[count:]
        self._shown = shown

    def _text_of(self, before: list[int], ids: list[int]) -> str:
        """The text of the ids where they follow those others."""
        context = self._tokenizer.decode(before)
        whole = self._tokenizer.decode(before + ids)
        # A decoder that joins bytes may read the older tokens differently now; then they cannot serve as context.
        return whole[len(context) :] if whole.startswith(context) else self._tokenizer.decode(ids)

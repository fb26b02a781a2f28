"""Tokens to text while they come, never half a character."""

from __future__ import annotations

from collections.abc import Sequence

from byzer_nb.backends.tokenizer import Tokenizer

_CONTEXT = 6  # tokens before a piece that decide whether it begins with a space
_UNFINISHED = "\ufffd"  # how every decoder shows bytes that are no character, or not yet one
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
        text = self._text_of_run()
        unfinished = len(text) - len(text.rstrip(_UNFINISHED))
        certain = len(text) - min(unfinished, _LONGEST_UNFINISHED)
        piece = text[self._shown : certain]
        self._shown = max(self._shown, certain)
        if text and not unfinished:
            self._before, self._run, self._shown = (self._before + self._run)[-_CONTEXT:], [], 0
        return piece

    def _text_of_run(self) -> str:
        before = self._tokenizer.decode(self._before)
        whole = self._tokenizer.decode(self._before + self._run)
        # A decoder that joins bytes may read the older tokens differently now; then they cannot serve as context.
        return whole[len(before) :] if whole.startswith(before) else self._tokenizer.decode(self._run)

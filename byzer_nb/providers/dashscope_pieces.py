"""Pieces of a text, whether a server sends pieces or each time the whole text so far."""

from __future__ import annotations


class Pieces:
    """Takes what each event says and gives what is new in it.

    What was asked for is believed until the texts show otherwise: some models send the whole text whatever they are
    asked, others nothing but pieces. Two texts of which one begins with the other may be either, so the second is
    held back until a third one tells.
    """

    __slots__ = ("_asked_for_wholes", "_grows", "_held", "_said")

    def __init__(self, *, asked_for_wholes: bool = False) -> None:
        self._asked_for_wholes = asked_for_wholes
        self._grows: bool | None = None  # None as long as nobody knows
        self._said = ""
        self._held = ""

    def add(self, text: str, *, expects_words: bool = True) -> str:
        """What this text adds; `expects_words` is false where an event without words is nothing to wonder at."""
        if self._grows is False:
            return text
        if not self._said:
            self._said = text
            return text
        if self._grows:
            return self._grown(text)
        return self._of_whole(text) if self._asked_for_wholes else self._of_piece(text, expects_words=expects_words)

    def end(self) -> str:
        """What was held back, when nothing more comes."""
        return self._grown(self._held) if self._held else ""

    def _of_whole(self, text: str) -> str:
        if text and not text.startswith(self._said):
            self._grows = False
            return text
        self._grows = True if len(text) > len(self._said) else None
        return self._grown(text)

    def _of_piece(self, text: str, *, expects_words: bool) -> str:
        so_far = self._held or self._said
        is_longer = text.startswith(so_far) and len(text) > len(so_far)
        # Where no words are due, what was said already is the same text again and no piece like it.
        if (is_longer and self._held) or (text == so_far and not expects_words):
            self._grows = True
            return self._grown(text)
        if is_longer:
            self._held = text
            return ""
        self._grows = False
        held, self._held = self._held, ""
        return held + text

    def _grown(self, text: str) -> str:
        self._held = ""
        if not text:
            return ""
        # The end of a text may change after all, such as half of a character; what was said cannot be taken back.
        known = len(self._said) if text.startswith(self._said) else _shared(self._said, text)
        self._said = text
        return text[known:]


def _shared(one: str, other: str) -> int:
    """How many characters both begin with."""
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )

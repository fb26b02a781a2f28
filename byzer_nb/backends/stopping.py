"""Stop strings in a text that arrives in pieces."""

from __future__ import annotations

from collections.abc import Sequence


class StopStrings:
    """Lets text through up to the first stop string.

    The end of the text is held back while it may be the beginning of a stop string, so nobody sees part of one.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self.met = ""  # the one that ended the text
        self._stops = tuple(stops)
        self._held = ""

    @property
    def is_met(self) -> bool:
        """Whether the text ended at one of them."""
        return bool(self.met)

    def push(self, text: str) -> str:
        """The text that can be shown after this piece; sets `met` when a stop string is complete."""
        if self.is_met:
            return ""
        self._held += text
        places = [(place, stop) for stop in self._stops if (place := self._held.find(stop)) >= 0]
        if places:
            place, self.met = min(places)
            return self._release(place)
        return self._release(len(self._held) - self._doubtful())

    def flush(self) -> str:
        """What was held back, when no more text comes."""
        return "" if self.is_met else self._release(len(self._held))

    def _release(self, length: int) -> str:
        shown, self._held = self._held[:length], self._held[length:]
        return shown

    def _doubtful(self) -> int:
        """The length of the longest end that some stop string begins with."""
        longest = 0
        for stop in self._stops:
            for length in range(min(len(stop) - 1, len(self._held)), longest, -1):
                if self._held.endswith(stop[:length]):
                    longest = length
                    break
        return longest

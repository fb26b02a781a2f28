"""Where a stream of events was left, so that it can be read on when its connection ended before the answer."""

from __future__ import annotations

from typing import Self

from byzer_nb.providers.wire.sse import Event, EventSplitter

PAUSE = 1.0  # seconds before the next connection, where the server wishes no other
LONGEST_PAUSE = 30.0
_ENOUGH = 512  # of a line that is not whole yet: its name is at its beginning


class Bookmark:
    """Takes the events out of one stream, over one connection after another, and keeps the id of the last whole one."""

    def __init__(self) -> None:
        self.place = ""
        self.pause = PAUSE
        self._splitter = EventSplitter()
        self._line = b""
        self._next = ""

    def opened(self) -> Self:
        """The same for another connection, which begins with a line of its own."""
        self._splitter, self._line, self._next = EventSplitter(), b"", ""
        return self

    @property
    def waiting(self) -> int:
        """How many bytes of an unfinished event are kept."""
        return self._splitter.waiting

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this chunk completes."""
        *lines, rest = (self._line + chunk).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._line = rest[:_ENOUGH]
        for line in lines:
            self._read(line)
        return self._splitter.feed(chunk)

    def finish(self) -> list[Event]:
        """What was left without its end."""
        return self._splitter.finish()

    def _read(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        text = value.decode("utf-8", "replace").strip()
        if not line and self._next:
            self.place = self._next
        elif name == b"id":
            self._next = text
        elif name == b"retry" and text.isdecimal():
            self.pause = min(int(text) / 1000, LONGEST_PAUSE)

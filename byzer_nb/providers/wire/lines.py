"""Events out of a stream that has one JSON document a line, for vendors that do without server-sent events."""

from __future__ import annotations

from byzer_nb.providers.wire.sse import Event


class LineSplitter:
    """Takes chunks and gives each complete line as an event; blank lines give nothing."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = b""

    @property
    def waiting(self) -> int:
        """How many bytes of an unfinished line are kept."""
        return len(self._tail)

    def feed(self, chunk: bytes) -> list[Event]:
        """The lines that this chunk completes."""
        lines, end, self._tail = (self._tail + chunk).rpartition(b"\n")
        return _events(lines) if end else []

    def finish(self) -> list[Event]:
        """A last line without its end."""
        tail, self._tail = self._tail, b""
        return _events(tail)


def _events(lines: bytes) -> list[Event]:
    return [Event(line) for each in lines.split(b"\n") if (line := each.strip())]

"""Server-sent events out of bytes that arrive in any pieces.

Works on bytes alone: no byte of a multi-byte UTF-8 character is a line end, so a character cut in two needs no care.
"""

from __future__ import annotations

from typing import NamedTuple

BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """One event: its data lines joined by line feeds, and its name where the server gave one."""

    data: bytes
    name: str = ""


class EventSplitter:
    """Takes chunks and gives the events that are complete; comments, blank lines and data of no length give nothing."""

    __slots__ = ("_ended_in_cr", "_is_first", "_tail")

    def __init__(self) -> None:
        self._tail = b""
        self._ended_in_cr = False
        self._is_first = True

    @property
    def waiting(self) -> int:
        """How many bytes of an unfinished event are kept."""
        return len(self._tail)

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this chunk completes."""
        if self._ended_in_cr and chunk:
            chunk = chunk.removeprefix(b"\n")  # the second half of a CRLF whose first half ended the last chunk
            self._ended_in_cr = False
        if b"\r" in chunk:
            self._ended_in_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        blocks, end, self._tail = (self._tail + chunk).rpartition(b"\n\n")
        return self._events(blocks) if end else []

    def finish(self) -> list[Event]:
        """What was left without its blank line; some servers do not bother with one at the end."""
        tail, self._tail = self._tail, b""
        return self._events(tail)

    def _events(self, blocks: bytes) -> list[Event]:
        if self._is_first:
            blocks = blocks.removeprefix(BOM)
            self._is_first = False
        events = []
        for block in blocks.split(b"\n\n"):
            if len(block) > 6 and block.startswith(b"data: ") and b"\n" not in block:  # what nearly every event is
                events.append(Event(block[6:]))
            elif (event := _parse(block)) is not None:
                events.append(event)
        return events


def _parse(block: bytes) -> Event | None:
    bare = block.strip(b"\n")
    if bare[:1] + bare[-1:] in (b"{}", b"[]"):  # an error that some servers write as it is, amid the events
        return Event(bare)
    data: list[bytes] = []
    name = b""
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    # Without any data it is no event, as the standard has it: some servers keep a connection alive that way.
    return Event(b"\n".join(data), name.decode("utf-8", "replace")) if data not in ([], [b""]) else None

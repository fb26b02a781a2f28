"""Amazon's binary event stream: frames with two checksums, out of bytes that arrive in any pieces.

    length of all | length of the headers | CRC of these eight bytes | headers | payload | CRC of all before

with numbers of four bytes, the highest first.
"""

from __future__ import annotations

import zlib
from struct import Struct

import msgspec

from byzer_nb.errors import ModelCallError
from byzer_nb.providers.wire.failures import UNREADABLE, Called
from byzer_nb.providers.wire.sse import Event

EXCEPTION = "exception "  # stands before the name of an event that is a failure

_PRELUDE = Struct(">III")
_CRC = Struct(">I")
_STRING = 7
_BYTES = 6
_LENGTH_SIZE = 2  # of those two kinds, before the value
_SIZE_OF_KIND = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}  # true, false, integers, a time, a UUID
_SMALLEST = _PRELUDE.size + _CRC.size
_LARGEST = 24 << 20  # of a frame, as the format says


class AwsEventSplitter:
    """Takes chunks and gives the frames that are complete: an event's name, and its payload as data."""

    __slots__ = ("_buffer", "_called", "_headers", "_named")

    def __init__(self, called: Called) -> None:
        self._called = called
        self._buffer = bytearray()
        self._headers = b""  # of the frame before: nearly all frames of an answer have the same
        self._named: dict[str, str] = {}

    @property
    def waiting(self) -> int:
        """How many bytes of an unfinished frame are kept."""
        return len(self._buffer)

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this chunk completes; a damaged frame is told once those before it have been read."""
        self._buffer += chunk
        events: list[Event] = []
        try:
            while (event := self._next()) is not None:
                events.append(event)
        except (ValueError, LookupError) as damage:
            if not events:
                raise self._damaged() from damage
        return events

    def finish(self) -> list[Event]:
        """Nothing: half a frame has no meaning. Damage that was not told yet is."""
        return self.feed(b"")

    def _next(self) -> Event | None:
        """The event of the next frame, which leaves the buffer once it is whole and sound."""
        if len(self._buffer) < _PRELUDE.size:
            return None
        total, header_size, prelude_crc = _PRELUDE.unpack_from(self._buffer)
        if zlib.crc32(self._buffer[:8]) != prelude_crc or not _SMALLEST + header_size <= total <= _LARGEST:
            raise ValueError("prelude")
        if len(self._buffer) < total:
            return None
        end = total - _CRC.size
        if zlib.crc32(self._buffer[:end]) != _CRC.unpack_from(self._buffer, end)[0]:
            raise ValueError("message")
        payload_at = _PRELUDE.size + header_size
        headers = bytes(self._buffer[_PRELUDE.size : payload_at])
        if headers != self._headers:
            self._headers, self._named = headers, _strings(headers)
        event = _event(self._named, bytes(self._buffer[payload_at:end]))
        del self._buffer[:total]
        return event

    def _damaged(self) -> ModelCallError:
        return ModelCallError(
            f"{self._called} sent a frame that arrived damaged, or that is none.",
            hint="Check the setting base_url; does something between here and there change what is sent?",
            code=UNREADABLE,
            **self._called.facts(),
        )


def _event(named: dict[str, str], payload: bytes) -> Event:
    match named.get(":message-type"):
        case "exception":
            return Event(payload, EXCEPTION + named.get(":exception-type", ""))
        case "error":
            words = msgspec.json.encode({"message": named.get(":error-message", "")})
            return Event(words, EXCEPTION + named.get(":error-code", ""))
        case _:
            return Event(payload, named.get(":event-type", ""))


def _strings(headers: bytes) -> dict[str, str]:
    """The headers that are text, by name; the others say nothing that is needed here."""
    found = {}
    at = 0
    while at < len(headers):
        name_end = at + 1 + headers[at]
        name = headers[at + 1 : name_end].decode()
        kind = headers[name_end]
        at = name_end + 1
        if kind in (_STRING, _BYTES):
            value_at = at + _LENGTH_SIZE
            end = value_at + int.from_bytes(headers[at:value_at], "big")
            if kind == _STRING:
                found[name] = headers[value_at:end].decode()
        else:
            end = at + _SIZE_OF_KIND[kind]
        at = end
    return found

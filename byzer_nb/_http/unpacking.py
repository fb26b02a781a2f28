"""Bodies that come packed."""

from __future__ import annotations

import zlib

from byzer_nb._http.failures import NoHttpError

ACCEPTED = "gzip, deflate"
MOST_AT_ONCE = 16 << 20  # bytes that come out of one call, whatever a packed piece pretends to hold
_EITHER = zlib.MAX_WBITS | 32  # gzip or zlib, as the first bytes say
_RAW = -zlib.MAX_WBITS  # what some servers mean by deflate


class Unpacking:
    """Takes packed pieces, and gives what they hold."""

    __slots__ = ("_is_first", "_rest", "_unpacker")

    def __init__(self) -> None:
        self._unpacker = zlib.decompressobj(_EITHER)
        self._is_first = True
        self._rest = b""

    @property
    def has_more(self) -> bool:
        """Whether something can be had without another piece."""
        return bool(self._rest)

    def feed(self, piece: bytes) -> bytes:
        """What the piece holds, and what an earlier one still held."""
        data = self._rest + piece
        try:
            try:
                unpacked = self._unpacker.decompress(data, MOST_AT_ONCE)
            except zlib.error:
                if not self._is_first:
                    raise
                self._unpacker = zlib.decompressobj(_RAW)
                unpacked = self._unpacker.decompress(data, MOST_AT_ONCE)
        except zlib.error:
            raise NoHttpError from None
        self._is_first = self._is_first and not data
        self._rest = self._unpacker.unconsumed_tail
        return unpacked


def unpacking(encoding: str) -> Unpacking | None:
    """What unpacks that Content-Encoding; nothing where there is nothing to do."""
    if encoding in ("", "identity"):
        return None
    if encoding in ("gzip", "x-gzip", "deflate"):
        return Unpacking()
    raise NoHttpError

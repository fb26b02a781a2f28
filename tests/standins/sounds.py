"""What stand-ins of speaking vendors share: sound that can be told from any other.

The sound of a text is the text itself, or the reply of the act where it has one, a piece of sound for each piece of
it. A reply can be any bytes at all: write them with `as_reply`.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.standins.vendor import Act, spoken

EVERY_BYTE = bytes(range(256)) + b"\r\n\r\n\n" + b"\xff\xfb\x90\x64"  # the last four begin an MP3


def sound_of(act: Act, text: str) -> list[bytes]:
    """The pieces of sound that an act makes of a text."""
    return [piece.encode("utf-8", "surrogateescape") for piece in spoken(act, {}, echo=text)]


def as_reply(*pieces: bytes) -> Sequence[str]:
    """Those bytes as the reply of an act."""
    return [piece.decode("utf-8", "surrogateescape") for piece in pieces]

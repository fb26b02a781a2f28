"""Amazon's binary event stream, written from the format's public description."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Mapping

from tests.standins.vendor import Body


def chunk(event: Body) -> bytes:
    """A frame that carries a model's own JSON, and a pad that hides its length."""
    inner = json.dumps(event, ensure_ascii=False).encode()
    return frame("chunk", {"bytes": base64.b64encode(inner).decode(), "p": "abcdefghijklm"})


def frame(name: str, payload: Body) -> bytes:
    """A frame with an event."""
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return encoded(headers, json.dumps(payload, ensure_ascii=False).encode())


def exception_frame(name: str, message: str) -> bytes:
    """A frame with a failure."""
    headers = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    return encoded(headers, json.dumps({"message": message}).encode())


def encoded(headers: Mapping[str, str], payload: bytes) -> bytes:
    """A frame in bytes: lengths with their checksum, headers, payload, and the checksum of it all."""
    head = b""
    for name, value in headers.items():
        text = value.encode()
        head += bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(text)) + text
    lengths = struct.pack(">II", 12 + len(head) + len(payload) + 4, len(head))
    message = lengths + struct.pack(">I", zlib.crc32(lengths)) + head + payload
    return message + struct.pack(">I", zlib.crc32(message))


def damaged(whole: bytes) -> bytes:
    """The frame with one bit of its payload turned."""
    return whole[:-6] + bytes([whole[-6] ^ 1]) + whole[-5:]

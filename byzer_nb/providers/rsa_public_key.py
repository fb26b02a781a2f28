"""An RSA public key, and the one thing that is done with it: a few bytes that only its owner can read."""

from __future__ import annotations

import re
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass

_RSA = bytes.fromhex("2a864886f70d010101")  # 1.2.840.113549.1.1.1
_SEQUENCE, _INTEGER, _BIT_STRING, _OBJECT = 0x30, 0x02, 0x03, 0x06
_PADDING = 11  # bytes that PKCS #1 v1.5 needs beside the message


@dataclass(frozen=True, kw_only=True, slots=True)
class RsaPublicKey:
    """Modulus and exponent."""

    modulus: int
    exponent: int

    @classmethod
    def read(cls, text: str) -> RsaPublicKey:
        """The key in a PEM, or in the base64 between the two lines of one; a ValueError where there is none."""
        inside = re.sub(r"-----[^-]+-----|\s", "", text)
        modulus, exponent = _key_numbers(b64decode(inside, validate=True))
        if modulus.bit_length() <= 8 * _PADDING or exponent < 3:
            raise ValueError("too small to be a key")
        return cls(modulus=modulus, exponent=exponent)

    def encrypt(self, message: bytes) -> str:
        """The message by PKCS #1 v1.5, in base64; another text each time."""
        size = (self.modulus.bit_length() + 7) // 8
        if len(message) > size - _PADDING:
            raise ValueError(f"{len(message)} bytes are too many for a key of {size} bytes")
        padding = bytes(secrets.choice(range(1, 256)) for _ in range(size - len(message) - 3))
        block = b"\0\2" + padding + b"\0" + message
        return b64encode(pow(int.from_bytes(block), self.exponent, self.modulus).to_bytes(size)).decode()


def _key_numbers(der: bytes) -> tuple[int, int]:
    """Modulus and exponent out of a SubjectPublicKeyInfo."""
    info, _ = _value(der, _SEQUENCE)
    algorithm, rest = _value(info, _SEQUENCE)
    name, _ = _value(algorithm, _OBJECT)
    if name != _RSA:
        raise ValueError("a key of another kind")
    bits, _ = _value(rest, _BIT_STRING)
    numbers, _ = _value(bits[1:], _SEQUENCE)  # before it stands how many bits of the last byte are unused: none
    modulus, rest = _value(numbers, _INTEGER)
    exponent, _ = _value(rest, _INTEGER)
    return int.from_bytes(modulus), int.from_bytes(exponent)


def _value(der: bytes, tag: int) -> tuple[bytes, bytes]:
    """What the first element holds, and what comes after it."""
    if len(der) < 2 or der[0] != tag:
        raise ValueError(f"element {tag:#x} is missing")
    length, start = der[1], 2
    if length & 0x80:  # a longer one is a number of its own, of so many bytes
        start += length & 0x7F
        length = int.from_bytes(der[2:start])
    if len(der) < start + length:
        raise ValueError("it ends too early")
    return der[start : start + length], der[start + length :]

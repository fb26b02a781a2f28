"""What a client and a router say to each other about leases; words travel in lists."""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class Ask(msgspec.Struct, array_like=True, tag=0):
    """A request of that kind wants a worker; `number` is the client's own, for the answer."""

    number: int
    kind: str


class Free(msgspec.Struct, array_like=True, tag=1):
    """The request is over, and took so many tokens."""

    lease: int
    tokens: int = 0


class Drop(msgspec.Struct, array_like=True, tag=2):
    """Nobody waits for that answer any more."""

    number: int


class Hold(msgspec.Struct, array_like=True, tag=3):
    """What the client works with, said to a router that began anew."""

    leases: list[int]


class Grant(msgspec.Struct, array_like=True, tag=4):
    """The lease that was asked for, and where its worker listens."""

    number: int
    lease: int
    worker: int
    address: str


class Deny(msgspec.Struct, array_like=True, tag=5):
    """There is none, and the error says why."""

    number: int
    error: bytes


ToRouter: TypeAlias = Ask | Free | Drop | Hold
ToClient: TypeAlias = Grant | Deny

written = msgspec.msgpack.Encoder().encode
read_to_router = msgspec.msgpack.Decoder(list[ToRouter]).decode
read_to_client = msgspec.msgpack.Decoder(list[ToClient]).decode

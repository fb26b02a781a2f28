"""What the process that keeps a response says and does about it, in the same words at home and at its back door."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal

import msgspec

from byzer_nb.cluster.wire import messages_to_bytes
from byzer_nb.serve.responses.kept import Kept, KeptResponses

WORD = "response"  # at the door
_ID = re.compile(r"resp_[0-9a-f]{24}([0-9a-f]{1,4})")

Part = Literal["", "items", "conversation"]


def token_for(request: str, worker: int) -> str:
    """What the id of a response is made of: that of its request, and the number of the process that keeps it."""
    return f"{request}{worker:x}"


def keeper_of(name: str) -> int | None:
    """The number of the process that keeps a response, if it has an id of ours."""
    found = _ID.fullmatch(name)
    return int(found[1], 16) if found else None


class Wish(msgspec.Struct):
    """What is wanted of a response, and in whose name; `part` is what to tell of it besides."""

    id: str
    caller: str
    do: Literal["look", "follow", "cancel", "forget"] = "look"
    part: Part = ""
    start: int = 0  # the number of the first event


class Told(msgspec.Struct, array_like=True):
    """How a response stands. Its conversation, or the items that it answers, come where they were wished for."""

    body: bytes
    is_running: bool
    is_background: bool
    has_events: bool
    part: bytes


wish_to_line = msgspec.json.Encoder().encode
wish_from_line = msgspec.json.Decoder(Wish).decode
told_from_bytes = msgspec.msgpack.Decoder(Told).decode
_encode = msgspec.msgpack.Encoder().encode


async def tell(responses: KeptResponses, wish: Wish) -> AsyncGenerator[bytes, None]:
    """How the response stands once the wish is fulfilled, and then its events; nothing of one that is unknown.

    Somebody else's is as unknown as one that never was.
    """
    kept = responses.find(wish.id, wish.caller)
    if kept is None:
        return
    if wish.do == "forget":
        responses.forget(kept)
    elif wish.do == "cancel" and kept.run is not None:
        kept.run.cancel()
        await kept.run.over()
    yield _encode(_told(kept, wish.part))
    if wish.do == "follow" and kept.run is not None:
        async with aclosing(kept.run.listen(wish.start)) as events:
            async for event in events:
                yield event


def _told(kept: Kept, part: Part) -> Told:
    more = b""
    if part:
        more = kept.items if part == "items" else messages_to_bytes(kept.conversation)
    has_events = kept.run is not None and kept.run.has_events
    return Told(kept.body, kept.is_running, kept.run is not None, has_events, more)

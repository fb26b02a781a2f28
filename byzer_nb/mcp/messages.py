"""What both ends of the protocol write: JSON-RPC messages, and the revisions that are spoken here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

import msgspec

from byzer_nb.errors import BadInputError, McpError

Message: TypeAlias = dict[str, Any]  # Any: JSON
Hear: TypeAlias = Callable[[Message], None]
Answer: TypeAlias = "asyncio.Future[Message | McpError]"  # where the answer to a request appears

# The oldest first. A session of one of these begins with a handshake.
HANDSHAKES = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
# Here each request says for itself what it speaks, and there is no session.
SESSIONLESS = "2026-07-28"

METHOD_NOT_FOUND = -32601
QUOTED = 200  # characters of what came instead of a message

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Carrier(Protocol):
    """How messages get to one server and back."""

    @property
    def cancels_by_hanging_up(self) -> bool:
        """Whether a request is cancelled by no longer reading its answer, so that nothing has to be said."""
        ...

    async def open(self, hear: Hear, lose: Callable[[McpError], None]) -> None:
        """Get ready; `hear` gets what the server says, and `lose` why it will say nothing more."""
        ...

    def agree(self, version: str) -> None:
        """From now on that revision is spoken; "" while it is not known yet."""
        ...

    async def ask(self, message: Message, answer: Answer, headers: Mapping[str, str]) -> None:
        """Send a request and return when its answer is there, which `hear` is given like all the rest."""
        ...

    async def tell(self, message: Message) -> None:
        """Send what has no answer."""
        ...

    async def listen(self) -> None:
        """Hear what the server says when it was not asked; returns where there is no such thing."""
        ...

    async def close(self) -> None:
        """Let the server go."""
        ...


def as_bytes(message: Message) -> bytes:
    """A message as it is sent, in one line."""
    try:
        return _encode(message)
    except (TypeError, UnicodeEncodeError, msgspec.ValidationError) as reason:
        raise BadInputError(f"The arguments cannot be written as JSON: {reason}.") from reason


def messages_in(data: bytes) -> list[Message]:
    """The message in some bytes, or those of a batch; ValueError for anything else."""
    found = _decode(data)
    listed = found if isinstance(found, list) else [found]
    if not all(isinstance(each, dict) for each in listed):
        raise ValueError("no message")
    return listed


def quoted(data: bytes) -> str:
    """The beginning of what came, for an error."""
    return repr(data[: 4 * QUOTED].decode("utf-8", "replace").strip()[:QUOTED])

"""One request to a provider, and what a signer adds to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from byzer_nb.errors import BadInputError
from byzer_nb.providers.wire.retry import Backoff
from byzer_nb.providers.wire.sse import Event, EventSplitter
from byzer_nb.types import Secret

_encoder = msgspec.json.Encoder()


class Splitter(Protocol):
    """Takes the bytes of a streamed answer in any pieces, and gives the events that are complete."""

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this chunk completes."""
        ...

    def finish(self) -> list[Event]:
        """What was left without its end."""
        ...

    @property
    def waiting(self) -> int:
        """How many bytes of an unfinished event are kept."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request: its path, its body, and headers beside those of the route.

    A path with a slash in front starts at the host, one with a scheme is an address of its own, and any other starts
    at the base URL. `split` takes the events out of a streamed answer. One that is not signed shows no key: it goes to
    a place that the provider named, or fetches the very token that signs the others. `remade` writes the body again for
    each try, where a vendor takes no request number twice or wants its key in there. `backoff` says how often this one
    is tried, where that differs from the route.
    """

    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    method: str = "POST"
    is_signed: bool = True
    split: Callable[[], Splitter] = EventSplitter
    remade: Callable[[], bytes] | None = field(default=None, repr=False)
    backoff: Backoff | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """What proves to a provider who asks, made anew for each try."""

    headers: Mapping[str, Secret] = field(default_factory=dict)
    query: Mapping[str, Secret] = field(default_factory=dict)


def json_body(body: Mapping[str, Any]) -> bytes:  # Any: JSON
    """A body as bytes."""
    try:
        return _encoder.encode(body)
    except (TypeError, UnicodeEncodeError, msgspec.ValidationError) as reason:
        raise BadInputError(
            f"The request cannot be written as JSON: {reason}.", hint="Look at the messages and at the option extra."
        ) from reason

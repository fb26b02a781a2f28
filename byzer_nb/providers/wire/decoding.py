"""Bytes of a vendor as what its protocol promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.failures import Called

T = TypeVar("T")


def decoded(decode: Callable[[bytes], T], body: bytes, called: Called) -> T:
    """A body as what it should be; anything else is an error."""
    try:
        return decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as reason:  # bad UTF-8 is not a DecodeError to msgspec
        raise failures.unreadable(body, called) from reason

"""A large body on its way to a provider."""

from __future__ import annotations

import io
from collections.abc import Callable


class Upload(io.BytesIO):
    """A body that is read piece by piece, and calls `taken` for each; a server that stops reading is so found out."""

    def __init__(self, body: bytes, *, taken: Callable[[], None]) -> None:
        super().__init__(body)
        self._taken = taken

    def read(self, size: int | None = -1, /) -> bytes:
        """The next piece."""
        self._taken()
        return super().read(size)

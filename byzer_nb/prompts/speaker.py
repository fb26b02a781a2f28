"""What a prompt function needs of a model."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Protocol

from pydantic import BaseModel

from byzer_nb.types import Delta, Reply


class Speaker(Protocol):
    """Answers a prompt. The options are in the speaker's own words; a prompt function only carries them."""

    async def reply(self, prompt: str, *, options: Mapping[str, Any]) -> Reply:
        """The whole answer."""
        ...

    def deltas(self, prompt: str, *, options: Mapping[str, Any]) -> AsyncGenerator[Delta, None]:
        """The answer piece by piece."""
        ...

    def shaped(self, prompt: str, cls: type[BaseModel]) -> str:
        """The prompt with a request to answer in the shape of that class."""
        ...

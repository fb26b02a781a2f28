"""What a prompt function needs of a model."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from pydantic import BaseModel

from byzer_nb.prompts.ladder import Shaped
from byzer_nb.types import Delta, Message, Reply

# A mapping is read: its content may be text with pictures in it. A message is sent as it is, such as a model's words.
Turn: TypeAlias = Mapping[str, Any] | Message  # Any: content in any of its forms


class Speaker(Protocol):
    """Answers a conversation. The options are in the speaker's own words; a prompt function only carries them.

    With `continues` the last turn is a begun answer of the model, which goes on with it.
    """

    async def reply(self, turns: Sequence[Turn], *, options: Mapping[str, Any], continues: bool = False) -> Reply:
        """The whole answer."""
        ...

    def deltas(
        self, turns: Sequence[Turn], *, options: Mapping[str, Any], continues: bool = False
    ) -> AsyncGenerator[Delta, None]:
        """The answer piece by piece."""
        ...

    async def can_continue(self, options: Mapping[str, Any]) -> bool:
        """Whether the model can go on with a begun answer."""
        ...

    async def shaped(self, turns: Sequence[Turn], cls: type[BaseModel], *, options: Mapping[str, Any]) -> Shaped[Any]:
        """The answer as an instance of a class, by the best means of the model; `ShapeError` where none fitted."""
        ...

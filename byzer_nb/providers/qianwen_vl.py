"""Alibaba's Qwen models that see."""

from __future__ import annotations

from typing import Any, Self

from byzer_nb.errors import UnsupportedError
from byzer_nb.providers import dashscope_wire
from byzer_nb.providers.dashscope import VISION_PATH, DashScope
from byzer_nb.providers.dashscope_dialect import DashScopeDialect
from byzer_nb.providers.wire.asked import inline
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.http import Route
from byzer_nb.types import AudioPart, Capabilities, ImagePart, Message, ModelCard, Part, TextPart


class QianwenVL(DashScope):
    """A Qwen model that sees."""

    default_model = "qwen-vl-plus"

    @classmethod
    def native(cls, route: Route, called: Called) -> Self:
        """The engine that speaks the vendor's own protocol."""
        takes_tools = called.model.lower().startswith("qwen3")  # those before see, and call nothing
        able = Capabilities(images=True, continues=True, tools=takes_tools, options=dashscope_wire.OPTIONS)
        return cls(
            VisionDialect(called.model, called=called),
            route,
            called=called,
            card=ModelCard(model=called.model, engine=called.provider, capabilities=able),
        )


class VisionDialect(DashScopeDialect):
    """A conversation of words and pictures."""

    path = VISION_PATH

    def content(self, turn: Message) -> list[dict[str, Any]]:  # Any: JSON
        """The parts of the turn, each under the name of its kind; these models want a list even of words alone."""
        parts = (TextPart(text=turn.content),) if isinstance(turn.content, str) else turn.content
        return [self._item(part) for part in parts]

    def _item(self, part: Part) -> dict[str, Any]:
        match part:
            case TextPart():
                return {"text": part.text}
            case ImagePart():
                return {"image": _address(part.url), **part.extra}
            case AudioPart():
                raise UnsupportedError(
                    f"{self.called} takes words and pictures, no sound.",
                    hint="Write the sound down first, with a model such as whisper-1.",
                )


def _address(url: str) -> str:
    """The picture as the vendor takes it: with a media type that there is."""
    found = inline(url)
    return url if found is None else f"data:{found.kind};base64,{found.base64}"

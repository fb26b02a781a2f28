"""Alibaba's Qwen models that read and write, and its models that embed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from byzer_nb.errors import UnsupportedError
from byzer_nb.providers import dashscope_wire
from byzer_nb.providers.dashscope import EMBED_PATH, TEXT_PATH, DashScope, is_embedding
from byzer_nb.providers.dashscope_compatible import most_texts
from byzer_nb.providers.dashscope_dialect import DashScopeDialect
from byzer_nb.providers.wire.call import Call, json_body
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.http import Route
from byzer_nb.types import Capabilities, EmbedReply, EmbedRequest, Message, ModelCard, TextPart


class Qianwen(DashScope):
    """A Qwen model that reads and writes; one with `embedding` in its name makes vectors instead."""

    default_model = "qwen-turbo"

    @classmethod
    def native(cls, route: Route, called: Called) -> Self:
        """The engine that speaks the vendor's own protocol."""
        embeds = is_embedding(called.model)
        able = Capabilities(
            chat=not embeds,
            stream=not embeds,
            embed=embeds,
            continues=not embeds,
            tools=not embeds,
            options=dashscope_wire.OPTIONS,
        )
        return cls(
            TextDialect(called.model, called=called),
            route,
            called=called,
            card=ModelCard(model=called.model, engine=called.provider, capabilities=able),
            embedder=TextEmbedder(called),
        )


class TextDialect(DashScopeDialect):
    """A conversation of words."""

    path = TEXT_PATH
    fixed_parameters: ClassVar[Mapping[str, str]] = {"result_format": "message"}

    def content(self, turn: Message) -> str:
        """The words; these models take nothing else, and a list not even of words."""
        if not isinstance(turn.content, str) and not all(isinstance(part, TextPart) for part in turn.content):
            raise UnsupportedError(
                f"{self.called} takes words alone, no pictures and no sound.",
                hint="Deploy a model that sees, such as qwen-vl-plus, as saas/qianwen_vl.",
            )
        return turn.text


class TextEmbedder:
    """Texts as vectors."""

    def __init__(self, called: Called) -> None:
        self.most_texts = most_texts(called.model)
        self._called = called

    def embed(self, request: EmbedRequest) -> Call:
        """The texts as one call."""
        parameters: dict[str, Any] = {"text_type": "document"}  # Any: JSON
        if request.dimensions is not None:
            parameters["dimension"] = request.dimensions
        body = {"model": self._called.model, "input": {"texts": list(request.texts)}, "parameters": parameters}
        return Call(path=EMBED_PATH, body=json_body(body))

    def vectors(self, body: bytes, headers: Mapping[str, str], *, texts: int) -> EmbedReply:
        """One vector a text."""
        return dashscope_wire.vectors(body, self._called, headers, texts=texts)

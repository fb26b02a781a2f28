"""Where DashScope is, and which of its two protocols is spoken: the address says so."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import ClassVar, Self

from yarl import URL

from byzer_nb.providers.dashscope_compatible import HOST, CompatibleDialect
from byzer_nb.providers.dashscope_wire import refusal
from byzer_nb.providers.openai_dialect import openai_card
from byzer_nb.providers.openai_wire import Speaker
from byzer_nb.providers.wire.engine import WireEngine
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.http import Route
from byzer_nb.providers.wire.route_settings import called_by, read_route, read_url, versioned, with_bearer
from byzer_nb.types import DeploySpec
from byzer_nb.types.settings import Settings

DEFAULT_BASE_URL = "https://dashscope.aliyuncs.com/api/v1"
COMPATIBLE = "compatible-mode"
TEXT_PATH = "services/aigc/text-generation/generation"
VISION_PATH = "services/aigc/multimodal-generation/generation"
EMBED_PATH = "services/embeddings/text-embedding/text-embedding"


class DashScope(WireEngine, ABC):
    """A model at DashScope, at home or abroad."""

    default_model: ClassVar[str]

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> Self:
        """The engine for a spec whose settings are those of this type, without the prefix."""
        settings = Settings(spec)
        url = _with_version(read_url(settings, "base_url", default=DEFAULT_BASE_URL))
        model = settings.text("model", default=cls.default_model)
        route = replace(read_route(settings, url), refusal=refusal)
        key = settings.secret("api_key")
        settings.warn_about_the_rest()
        called = called_by(spec, model=model, url=url, secrets=(key,))
        route = with_bearer(route, key)
        return cls._compatible(route, called) if COMPATIBLE in url.path else cls.native(route, called)

    @classmethod
    @abstractmethod
    def native(cls, route: Route, called: Called) -> Self:
        """The engine that speaks the vendor's own protocol."""

    @classmethod
    def _compatible(cls, route: Route, called: Called) -> Self:
        speaker = Speaker(model=called.model, host=HOST)
        dialect = CompatibleDialect(speaker, called=called)
        card = openai_card(speaker, called, embed=is_embedding(called.model))
        return cls(dialect, route, called=called, card=card, embedder=dialect)


def is_embedding(model: str) -> bool:
    """Whether a model makes vectors, by its name."""
    return "embedding" in model.lower()


def _with_version(url: URL) -> URL:
    """The address of either protocol, whole; a path of a call that was copied along is taken off."""
    if COMPATIBLE in url.path:
        return versioned(url, "/v1", tails=("chat/completions", "embeddings"))
    return versioned(url, "/api/v1", tails=(TEXT_PATH, VISION_PATH, EMBED_PATH, "api"))

"""Every model behind OpenAI's protocol: OpenAI itself, and the many servers and gateways that speak it."""

from __future__ import annotations

import re

from yarl import URL

from byzer_nb.providers.openai_dialect import CHAT_PATH, OpenAIDialect, openai_card
from byzer_nb.providers.openai_hosts import host_habits
from byzer_nb.providers.openai_wire import Speaker
from byzer_nb.providers.wire.engine import WireEngine
from byzer_nb.providers.wire.route_settings import called_by, read_route, read_url, with_bearer
from byzer_nb.types import DeploySpec
from byzer_nb.types.settings import Settings

DEFAULT_MODEL = "gpt-3.5-turbo-1106"
DEFAULT_BASE_URL = "https://api.openai.com/v1"


class OpenAI(WireEngine):
    """A model at OpenAI, or at any host that speaks its protocol."""

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> OpenAI:
        """The engine for a spec whose settings are those of `saas/openai`, without the prefix."""
        settings = Settings(spec)
        url = _base_url(settings)
        settings.value("api_version", "api_type")  # of older clients; they change nothing here
        speaker = Speaker(
            model=settings.text("model", default=DEFAULT_MODEL),
            host=host_habits(url.host or ""),
            max_output_tokens=settings.whole("max_output_tokens", default=0) or None,
            is_reasoning=settings.flag("is_reasoning", default=spec.engine == "saas/reasoning_openai"),
        )
        route = read_route(settings, url)
        key = settings.secret("api_key")
        settings.warn_about_the_rest()
        called = called_by(spec, model=speaker.model, url=url, secrets=(key,))
        dialect = OpenAIDialect(speaker, called=called)
        return cls(dialect, with_bearer(route, key), called=called, card=openai_card(speaker, called), embedder=dialect)

    @property
    def address(self) -> URL:
        """Where chats are sent."""
        return self.address_of(CHAT_PATH)


def _base_url(settings: Settings) -> URL:
    """The address with `/v1` where no path was given; any other path is meant as it is."""
    url = read_url(settings, "base_url", "api_base", default=DEFAULT_BASE_URL)
    path = re.sub(r"/+(chat/completions|embeddings)?/*$", "", url.path)
    return url.with_path(path or "/v1").with_query(url.query)

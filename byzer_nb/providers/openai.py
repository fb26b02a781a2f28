"""Every model behind OpenAI's protocol: OpenAI itself, and the many servers and gateways that speak it."""

from __future__ import annotations

from yarl import URL

from byzer_nb.providers.openai_dialect import CHAT_PATH, OpenAIDialect, openai_card
from byzer_nb.providers.openai_hosts import host_habits
from byzer_nb.providers.openai_media import media_abilities, media_ports
from byzer_nb.providers.openai_presets import preset_of, read_base_url
from byzer_nb.providers.openai_wire import Speaker
from byzer_nb.providers.wire.engine import WireEngine
from byzer_nb.providers.wire.route_settings import called_by, read_route, with_bearer
from byzer_nb.types import DeploySpec, Secret
from byzer_nb.types.settings import Settings


class OpenAI(WireEngine):
    """A model at OpenAI, or at any host that speaks its protocol."""

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> OpenAI:
        """The engine for a spec whose settings are those of `saas/openai`, without the prefix."""
        settings = Settings(spec)
        usual = preset_of(spec.engine)
        url = read_base_url(settings, "base_url", "api_base", default=usual.base_url)
        settings.value("api_version", "api_type")  # of older clients; they change nothing here
        model = settings.text("model", default=usual.model)
        max_output_tokens = settings.whole("max_output_tokens", default=0) or None
        is_reasoning = settings.flag("is_reasoning", default=spec.engine == "saas/reasoning_openai")
        route = read_route(settings, url)
        needs_key = usual.needs_key or bool(settings.value("api_key"))
        speaker = Speaker(
            model=model or settings.needed("model"),
            host=host_habits(usual.host or url.host or ""),
            max_output_tokens=max_output_tokens,
            is_reasoning=is_reasoning,
        )
        key = settings.secret("api_key") if needs_key else Secret("")
        settings.warn_about_the_rest()
        called = called_by(spec, model=speaker.model, url=url, secrets=(key,))
        dialect = OpenAIDialect(speaker, called=called)
        return cls(
            dialect,
            with_bearer(route, key) if key else route,
            called=called,
            card=openai_card(speaker, called, **media_abilities(speaker.model)),
            embedder=dialect,
            **media_ports(speaker.model, called),
        )

    @property
    def address(self) -> URL:
        """Where chats are sent."""
        return self.address_of(CHAT_PATH)

"""Baichuan's chat and embedding models; an address that ends in `/chat` speaks its retired, signed protocol."""

from __future__ import annotations

from dataclasses import replace

from byzer_nb.providers.baichuan_signed import OPTIONS as SIGNED_OPTIONS
from byzer_nb.providers.baichuan_signed import SignedDialect, Signer
from byzer_nb.providers.openai_dialect import OpenAIDialect, openai_card
from byzer_nb.providers.openai_hosts import EVERY, Host
from byzer_nb.providers.openai_wire import Speaker
from byzer_nb.providers.wire.engine import WireEngine
from byzer_nb.providers.wire.route_settings import called_by, read_route, read_url, versioned, with_bearer
from byzer_nb.types import Capabilities, DeploySpec, ModelCard
from byzer_nb.types.settings import Settings

DEFAULT_MODEL = "Baichuan2-Turbo"
DEFAULT_URL = "https://api.baichuan-ai.com/v1/chat/completions"
OPTIONS = frozenset({"max_tokens", "temperature", "top_p", "top_k", "timeout", "extra"})


class Baichuan(WireEngine):
    """A model at Baichuan."""

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> Baichuan:
        """The engine for a spec whose settings are those of `saas/baichuan`, without the prefix."""
        settings = Settings(spec)
        given = read_url(settings, "baichuan_api_url", "base_url", default=DEFAULT_URL)
        url = versioned(given, "/v1", tails=("chat/completions", "embeddings", "stream/chat", "chat"))
        model = settings.text("model", default=DEFAULT_MODEL)
        route = read_route(settings, url)
        key = settings.secret("api_key")
        if given.path.endswith("/chat"):
            secret = settings.secret("secret_key")
            settings.warn_about_the_rest()
            called = called_by(spec, model=model, url=url, secrets=(key, secret), key_setting="api_key and secret_key")
            card = ModelCard(model=model, engine=called.provider, capabilities=Capabilities(options=SIGNED_OPTIONS))
            route = replace(with_bearer(route, key), sign=Signer(secret))
            return cls(SignedDialect(model, called=called), route, called=called, card=card)
        settings.value("secret_key")  # the retired protocol's; people keep it when they change the address
        settings.warn_about_the_rest()
        called = called_by(spec, model=model, url=url, secrets=(key,))
        # It counts tokens in the last chunk of every stream, and knows no wish for that.
        speaker = Speaker(model=model, host=Host(options=OPTIONS, no_tools=EVERY), quirks=frozenset({"stream_options"}))
        dialect = CurrentDialect(speaker, called=called)
        embeds = "embedding" in model.lower()
        card = openai_card(speaker, called, embed=embeds, images=False, audio=False, continues=False)
        return cls(dialect, with_bearer(route, key), called=called, card=card, embedder=dialect)


class CurrentDialect(OpenAIDialect):
    """OpenAI's protocol, with smaller batches."""

    most_texts = 16

"""OpenAI's models at Azure, each behind the name that its owner gave to its deployment."""

from __future__ import annotations

import re
from dataclasses import replace

from byzer_nb.providers.openai_dialect import OpenAIDialect, openai_card
from byzer_nb.providers.openai_hosts import EVERY, HOSTS, Host, host_habits
from byzer_nb.providers.openai_media import media_abilities, media_ports
from byzer_nb.providers.openai_presets import OPENAI, read_base_url
from byzer_nb.providers.openai_wire import Speaker
from byzer_nb.providers.wire.engine import WireEngine
from byzer_nb.providers.wire.route_settings import called_by, read_route, read_url, with_bearer
from byzer_nb.types import DeploySpec
from byzer_nb.types.settings import Settings

FIRST_WITH_TOOLS, FIRST_WITH_SCHEMAS = "2023-12-01", "2024-08-01"  # versions; endpoints without one have both
EXAMPLE = "https://resource.openai.azure.com"
NAMES = ("azure_endpoint", "api_base", "base_url")

# What the portal shows is copied whole: an endpoint, that of a deployment, or that of one of its calls.
_CALLS = r"/(?:chat/completions|embeddings|audio/speech|audio/transcriptions|images/generations)"
_PATH = re.compile(
    rf"(?P<root>.*?)(?:/openai(?:/v1)?(?:/deployments/(?P<deployment>[^/]+))?(?:{_CALLS})?)?", re.IGNORECASE
)


class AzureOpenAI(WireEngine):
    """A deployment at Azure. Without one, the address is that of a plain server with OpenAI's protocol."""

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> AzureOpenAI:
        """The engine for a spec; the names of the older and of the newer documents mean the same."""
        settings = Settings(spec)
        given = read_url(settings, *NAMES, default=EXAMPLE)
        settings.value("api_type")  # the engine's name says it already
        version = settings.text("api_version", default=given.query.get("api-version", ""))
        place = _PATH.fullmatch(given.path)
        assert place is not None  # the root alone matches anything
        deployment = settings.text("azure_deployment", "deployment_id", default=place["deployment"] or "")
        is_at_azure = bool(deployment or settings.value("azure_endpoint")) or ".azure." in (given.host or "")
        model = settings.text("model", default=deployment or OPENAI.model)
        max_output_tokens = settings.whole("max_output_tokens", default=0) or None
        is_reasoning = settings.flag("is_reasoning", default=False)
        # An endpoint without versions is Azure's newer one: there the body names the deployment.
        below = f"/openai/deployments/{deployment}" if version else "/openai/v1"
        url = given.with_path(place["root"].rstrip("/") + below).with_query(given.query)
        if version:
            url = url.update_query({"api-version": version})
        if not is_at_azure:
            url = read_base_url(settings, *NAMES, default=EXAMPLE)
        route = read_route(settings, url)
        settings.needed(*NAMES)
        if is_at_azure and not deployment:
            settings.needed("azure_deployment", "deployment_id")
        key = settings.secret("api_key")
        settings.warn_about_the_rest()
        called = replace(
            called_by(spec, model=model, url=url, secrets=(key,)),
            place_settings="azure_deployment, azure_endpoint and api_version" if is_at_azure else "model and api_base",
        )
        speaker = Speaker(
            model=deployment or model,
            host=_habits(version) if is_at_azure else host_habits(url.host or ""),
            max_output_tokens=max_output_tokens,
            is_reasoning=is_reasoning,
        )
        dialect = OpenAIDialect(speaker, called=called)
        return cls(
            dialect,
            replace(route, headers={"api-key": key}) if is_at_azure else with_bearer(route, key),
            called=called,
            card=openai_card(replace(speaker, model=model), called, **media_abilities(model)),
            embedder=dialect,
            **media_ports(speaker.model, called, known_as=model),
        )


def _habits(version: str) -> Host:
    """OpenAI's, as far as the version of the endpoint has them."""
    host = HOSTS["openai.com"]
    if version and version < FIRST_WITH_TOOLS:
        host = replace(host, no_tools=EVERY)
    return replace(host, no_schema=EVERY) if version and version < FIRST_WITH_SCHEMAS else host

"""Models on Amazon Bedrock: Claude and Llama in their own protocols, and every other one through Converse."""

from __future__ import annotations

import re
from dataclasses import replace

from yarl import URL

from byzer_nb.errors import BadInputError
from byzer_nb.providers.aws_signature import Credentials, signer
from byzer_nb.providers.bedrock_anthropic import ClaudeOnBedrock
from byzer_nb.providers.bedrock_converse import Converse
from byzer_nb.providers.bedrock_dialect import BedrockDialect, BedrockModel, refusal
from byzer_nb.providers.bedrock_llama import LlamaOnBedrock
from byzer_nb.providers.wire.engine import WireEngine
from byzer_nb.providers.wire.route_settings import called_by, read_route, read_url
from byzer_nb.types import Capabilities, DeploySpec, ModelCard
from byzer_nb.types.settings import Settings

SERVICE = "bedrock"
INVOKED: dict[str, type[BedrockDialect]] = {"anthropic": ClaudeOnBedrock, "meta": LlamaOnBedrock}
KEY_SETTINGS = "aws_access_key, aws_secret_key and region_name"


class Bedrock(WireEngine):
    """A model on Bedrock."""

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> Bedrock:
        """The engine for a spec whose settings are those of `saas/aws_bedrock`, without the prefix."""
        settings = Settings(spec)
        model_id = settings.needed("model")
        model = BedrockModel(
            id=model_id,
            family=family_of(model_id),
            max_output_tokens=settings.whole("max_output_tokens", default=0) or None,
            version=settings.text("model_api_version"),
        )
        way = _way_to_ask(settings, model)
        region = _region(settings)
        url = read_url(settings, "base_url", default=_endpoint(region))
        route = read_route(settings, url)
        credentials = _credentials(settings)
        settings.warn_about_the_rest()
        secrets = (credentials.access_key, credentials.secret_key, credentials.session_token)
        called = called_by(
            spec,
            model=model.id,
            url=url,
            secrets=tuple(secret for secret in secrets if secret is not None),
            key_setting=KEY_SETTINGS,
        )
        dialect = way(model, called=called)
        card = ModelCard(
            model=model.id,
            engine=called.provider,
            capabilities=Capabilities(
                images=dialect.takes_pictures,
                continues=True,
                tools=dialect.takes_tools,
                schema=dialect.takes_schemas,
                options=dialect.options,
            ),
        )
        signed = replace(route, sign=signer(credentials, region=region, service=SERVICE), refusal=refusal)
        return cls(dialect, signed, called=called, card=card)

    @property
    def address(self) -> URL:
        """The endpoint that is asked."""
        return self.address_of("")


def family_of(model: str) -> str:
    """Whose model an id, with or without a region in front, or an ARN names; empty where nobody could invoke it."""
    return next((word for word in re.split(r"[./:]", model) if word in INVOKED), "")


def _way_to_ask(settings: Settings, model: BedrockModel) -> type[BedrockDialect]:
    """Converse where it is asked for, and otherwise the protocol of whoever made the model."""
    api = settings.text("api", default="invoke").lower()
    if api == "converse":
        return Converse
    if api != "invoke":
        raise settings.refused("api", "'invoke' or 'converse'", api, example="converse")
    if not model.family:
        raise BadInputError(
            f"The model {settings.shown(model.id)} cannot be invoked: supported are those of {' and '.join(INVOKED)}.",
            hint="Add api='converse', which speaks to every chat model on Bedrock.",
        )
    return INVOKED[model.family]


def _region(settings: Settings) -> str:
    region = settings.needed("region_name")
    if not re.fullmatch(r"[a-z0-9-]+", region):
        raise settings.refused("region_name", "the name of a region", region, example="us-east-1")
    return region


def _endpoint(region: str) -> str:
    return f"https://bedrock-runtime.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"


def _credentials(settings: Settings) -> Credentials:
    settings.value("aws_access_key", "aws_secret_key")  # both are known, even where only one of them is missing
    has_token = settings.value("aws_session_token") not in (None, "")
    return Credentials(
        access_key=settings.secret("aws_access_key"),
        secret_key=settings.secret("aws_secret_key"),
        session_token=settings.secret("aws_session_token") if has_token else None,
    )

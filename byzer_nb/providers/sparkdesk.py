"""iFlytek's Spark models: over a signed WebSocket, or over HTTP where that is the scheme of the address."""

from __future__ import annotations

import re
from dataclasses import replace

from yarl import URL

from byzer_nb.providers import sparkdesk_wire
from byzer_nb.providers.openai_dialect import openai_card
from byzer_nb.providers.openai_presets import read_base_url
from byzer_nb.providers.spark_signature import SparkSigner
from byzer_nb.providers.sparkdesk_http import SparkDeskOverHttp, SparkHttpDialect, spark_speaker
from byzer_nb.providers.sparkdesk_wire import SparkStream
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.route_settings import called_by, read_route, read_url, with_bearer
from byzer_nb.providers.wire.socket_engine import SocketEngine
from byzer_nb.types import Capabilities, ChatRequest, DeploySpec, Engine, ModelCard, Secret
from byzer_nb.types.settings import Settings

DEFAULT_URL = "wss://spark-api.xf-yun.com/v3.1/chat"
DEFAULT_DOMAIN = "generalv3"
SILENCE_SECONDS = 30.0

# Each model has a path of its own, and refuses the name of another.
DOMAINS = {
    "/v1.1/chat": "lite",  # once called general
    "/v2.1/chat": "generalv2",
    "/v3.1/chat": "generalv3",
    "/v3.5/chat": "generalv3.5",
    "/v4.0/chat": "4.0Ultra",
    "/chat/max-32k": "max-32k",
    "/chat/pro-128k": "pro-128k",
    "/v1.1/chat_kjwx": "kjwx",
    "/v1/x1": "spark-x",
    "/x2": "spark-x",
}
PATHS = {domain: path for path, domain in DOMAINS.items()} | {"general": "/v1.1/chat", "x1": "/v1/x1"}


class SparkDesk(SocketEngine):
    """A Spark model behind a WebSocket."""

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> Engine:
        """The engine for a spec whose settings are those of `saas/sparkdesk`, without the prefix."""
        settings = Settings(spec)
        url = read_url(settings, "gpt_url", "base_url", default=DEFAULT_URL, schemes=("ws", "wss", "http", "https"))
        domain = settings.text("domain", "model")
        settings.flag("debug", default=False)  # of an older client, which printed what it sent
        if url.scheme in ("http", "https"):
            return _over_http(spec, settings, domain or DEFAULT_DOMAIN)
        url = _with_path(url, domain)
        domain = domain or next((name for path, name in DOMAINS.items() if url.path.endswith(path)), DEFAULT_DOMAIN)
        route = read_route(settings, url, silence=SILENCE_SECONDS)
        appid = settings.identifier("appid") or settings.needed("appid")
        settings.value("api_key", "api_secret")  # where one is missing, the other is no stranger
        keys = (settings.secret("api_key"), settings.secret("api_secret"))
        settings.warn_about_the_rest()
        called = called_by(spec, model=domain, url=url, secrets=keys, key_setting="api_key and api_secret")
        able = Capabilities(options=sparkdesk_wire.OPTIONS)
        return cls(
            SparkDialect(appid, domain, called=called),
            replace(route, refusal=sparkdesk_wire.handshake_refusal),
            called=called,
            card=ModelCard(model=domain, engine=called.provider, capabilities=able),
            sign=SparkSigner(*keys),
        )


def _over_http(spec: DeploySpec, settings: Settings, model: str) -> Engine:
    url = read_base_url(settings, "gpt_url", "base_url", default=DEFAULT_URL)
    route = read_route(settings, url, silence=SILENCE_SECONDS)
    settings.value("appid")  # the signed protocol's; people keep it when they change the address
    key = settings.secret("api_key")
    if settings.value("api_secret"):  # one password in two halves
        key = Secret(f"{key.reveal()}:{settings.secret('api_secret').reveal()}")
    settings.warn_about_the_rest()
    speaker = spark_speaker(model)
    called = called_by(spec, model=model, url=url, secrets=(key,))
    return SparkDeskOverHttp(
        SparkHttpDialect(speaker, called=called),
        replace(with_bearer(route, key), refusal=sparkdesk_wire.refusal),
        called=called,
        card=openai_card(speaker, called, embed=False, images=False, audio=False, continues=False),
    )


def _with_path(url: URL, domain: str) -> URL:
    """The address with the path of the model, as far as it was left out."""
    path = url.path.rstrip("/")
    if not path:
        path = PATHS.get(domain, PATHS[DEFAULT_DOMAIN])
    elif re.search(r"/v\d\.\d$", path):
        path = f"{path}/chat"
    return url.with_path(path).with_query(url.query)


class SparkDialect:
    """What the signed protocol says."""

    def __init__(self, appid: str, domain: str, *, called: Called) -> None:
        self._appid = appid
        self._domain = domain
        self._called = called

    def chat(self, request: ChatRequest) -> str:
        """The conversation as one message."""
        return sparkdesk_wire.chat_message(request, appid=self._appid, domain=self._domain)

    def reading(self, request: ChatRequest) -> SparkStream:
        """A reader for one answer."""
        return SparkStream(self._called, max_tokens=request.options.max_tokens)

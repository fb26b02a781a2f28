"""`saas/volcengine`: texts read out by ByteDance's voices, in the protocol of a cluster (v1) or of a resource (v3)."""

from __future__ import annotations

import re
from dataclasses import replace

from yarl import URL

from byzer_nb.providers.volcengine_wire import V1_PATH, V3_PATH, Account, V1Narrator, V3Narrator, refusal
from byzer_nb.providers.wire.engine import WireEngine
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.http import Route
from byzer_nb.providers.wire.ports import EventNarrator, Narrator
from byzer_nb.providers.wire.route_settings import called_by, read_route, read_url
from byzer_nb.types import Capabilities, DeploySpec, ModelCard, Secret
from byzer_nb.types.settings import Settings

DEFAULT_BASE_URL = "https://openspeech.bytedance.com"
DEFAULT_CLUSTER = "volcano_tts"
DEFAULT_RESOURCE = "seed-tts-2.0"
CLUSTERS = "volcano_"  # what the names of clusters begin with, of which v3 knows none

# An address with whatever was copied along with it: the version, and the path of a call.
_ADDRESS = re.compile(r"(?P<base>.*?)(/api)?(/(?P<version>v1|v3))?(/tts(/unidirectional(/sse)?)?)?/*")


class Volcengine(WireEngine):
    """ByteDance's voices. With `resource_id`, or a base URL that names v3, the newer protocol is spoken."""

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> Volcengine:
        """The engine for a spec whose settings are those of `saas/volcengine`, without the prefix."""
        settings = Settings(spec)
        resource = settings.text("resource_id")
        given = settings.text("model")
        url = read_url(settings, "base_url", default=DEFAULT_BASE_URL)
        parts = _ADDRESS.fullmatch(url.path)
        assert parts is not None  # it matches any path
        is_v3 = bool(resource) or parts["version"] == "v3"
        url = url.with_path(f"{parts['base']}/api/{'v3' if is_v3 else 'v1'}").with_query(url.query)
        route = replace(read_route(settings, url), refusal=refusal)
        app_id = settings.identifier("app_id")
        key = settings.secret("api_key")
        settings.warn_about_the_rest()
        if not app_id and not is_v3:  # v3 also takes keys that belong to no application
            app_id = settings.needed("app_id")
        model = (given or resource or DEFAULT_RESOURCE) if is_v3 else (given or DEFAULT_CLUSTER)
        called = called_by(
            spec, model=model, url=url, secrets=(key,), key_setting="api_key and app_id" if app_id else "api_key"
        )
        account = Account(app_id=app_id, key=key)
        narrator: Narrator | EventNarrator
        if is_v3:
            route = _with_resource(route, account, resource or DEFAULT_RESOURCE)
            narrator = V3Narrator(model="" if given.startswith(CLUSTERS) else given, called=called)
        else:
            # A semicolon, and no space: so the vendor wants it.
            route = replace(route, headers={"Authorization": Secret(f"Bearer;{key.reveal()}")})
            narrator = V1Narrator(account, cluster=model, called=called)
        return cls(None, route, called=called, card=_card(called), narrator=narrator)

    @property
    def address(self) -> URL:
        """Where texts are sent."""
        return self.address_of(V3_PATH if isinstance(self._narrator, V3Narrator) else V1_PATH)


def _with_resource(route: Route, account: Account, resource: str) -> Route:
    """The headers of v3: keys of the old console belong to an application, those of the new one stand alone."""
    who = (
        {"X-Api-App-Id": Secret(account.app_id), "X-Api-Access-Key": account.key}
        if account.app_id
        else {"X-Api-Key": account.key}
    )
    return replace(route, headers={**who, "X-Api-Resource-Id": Secret(resource)})


def _card(called: Called) -> ModelCard:
    return ModelCard(
        model=called.model,
        engine=called.provider,
        capabilities=Capabilities(chat=False, stream=False, speak=True),
    )

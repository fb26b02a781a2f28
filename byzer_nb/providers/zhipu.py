"""Zhipu's GLM models, in the current protocol; in the retired one where a server of that version is named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from yarl import URL

from byzer_nb.errors import ModelCallError
from byzer_nb.providers import zhipu_retired, zhipu_wire
from byzer_nb.providers.wire.asked import checked_extra
from byzer_nb.providers.wire.call import Call, json_body
from byzer_nb.providers.wire.engine import WireEngine
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.route_settings import called_by, read_route, read_url, versioned
from byzer_nb.providers.zhipu_retired import TextEvents, TextStream, turns, whole_task
from byzer_nb.providers.zhipu_wire import Fitting, read_current, refusal, signing
from byzer_nb.types import Capabilities, ChatRequest, Delta, DeploySpec, ModelCard
from byzer_nb.types.settings import Settings

DEFAULT_V3_MODEL = "chatglm_lite"

_V3 = re.compile(r"/v3(/.*)?$")
_DECIDED_BY_THE_CALL = {
    "prompt": "Give the messages to the call itself.",
    "incremental": "Leave it out: the pieces of a stream are put together anyway.",
}


class Zhipu(WireEngine):
    """A model at Zhipu."""

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> Zhipu:
        """The engine for a spec whose settings are those of `saas/zhipu`, without the prefix."""
        settings = Settings(spec)
        url = read_url(settings, "base_url", default=zhipu_wire.DEFAULT_BASE_URL)
        settings.value("secret_key")  # of the oldest examples; the key alone has always been enough
        if _V3.search(url.path):
            return cls._v3(spec, settings, url)
        url = versioned(url, zhipu_wire.VERSION, tails=zhipu_wire.TAILS)
        dialect, route, called, card = read_current(spec, settings, url)
        settings.warn_about_the_rest()
        return cls(dialect, route, called=called, card=card, embedder=dialect)

    @classmethod
    def _v3(cls, spec: DeploySpec, settings: Settings, url: URL) -> Zhipu:
        url = url.with_path(_V3.sub("/v3/model-api", url.path)).with_query(url.query)
        model = settings.text("model", default=DEFAULT_V3_MODEL)
        settings.value("jwt")  # v3 takes nothing else
        route = replace(read_route(settings, url), refusal=refusal)
        key = settings.secret("api_key")
        settings.warn_about_the_rest()
        called = called_by(spec, model=model, url=url, secrets=(key,))
        card = ModelCard(model=model, engine=spec.engine, capabilities=Capabilities(options=zhipu_retired.OPTIONS))
        return cls(V3Dialect(model, called=called), replace(route, sign=signing(key)), called=called, card=card)


class V3Dialect:
    """What Zhipu's third version says."""

    def __init__(self, model: str, *, called: Called) -> None:
        self._model = quote(model, safe="")
        self._called = called
        self._fitting = Fitting(called)

    def chat(self, request: ChatRequest) -> Call:
        """An invocation; its path holds the model."""
        body = {
            "prompt": [{"role": role, "content": text} for role, text in turns(request)],
            **self._fitting.fitted(request.options),
            **({"incremental": True} if request.stream else {}),
            **checked_extra(request.options.extra, _DECIDED_BY_THE_CALL),
        }
        way = "sse-invoke" if request.stream else "invoke"
        return Call(path=f"{self._model}/{way}", body=json_body(body), split=TextEvents)

    def whole(self, body: bytes, headers: Mapping[str, str]) -> Delta:
        """An answer that came in one piece."""
        return whole_task(body, headers, self._called)

    def reading(self, headers: Mapping[str, str]) -> TextStream:
        """A reader for one streamed answer."""
        return TextStream(self._called, headers, repeats=False)

    def relent(self, refused: ModelCallError, call: Call) -> None:
        """Nothing is learned from a refusal."""

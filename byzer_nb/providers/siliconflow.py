"""Pictures from SiliconFlow. Its chat models speak OpenAI's protocol: deploy them as `saas/openai` with its address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import msgspec

from byzer_nb.errors import ModelCallError
from byzer_nb.providers.openai_media import USUAL_QUALITY, USUAL_SIZE
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.asked import checked_extra
from byzer_nb.providers.wire.call import Call, json_body
from byzer_nb.providers.wire.decoding import decoded
from byzer_nb.providers.wire.engine import WireEngine, tell
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.route_settings import called_by, read_route, read_url, versioned, with_bearer
from byzer_nb.types import Capabilities, DeploySpec, DrawRequest, ModelCard
from byzer_nb.types.settings import Settings

DEFAULT_MODEL = "black-forest-labs/FLUX.1-dev"
DEFAULT_BASE_URL = "https://api.siliconflow.cn/v1"
PATH = "images/generations"
OLD_PATH = "image/generations"  # still asked where somebody gives it as the address
USUAL_STEPS = 20

_DECIDED = {
    "model": "Name the model when you ask: model='...'.",
    "prompt": "It has a place of its own in the request.",
    "image_size": "It is the size of the request.",
    "batch_size": "It is the count of the request.",
}


class SiliconFlow(WireEngine):
    """A picture model at SiliconFlow."""

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> SiliconFlow:
        """The engine for a spec."""
        settings = Settings(spec)
        given = read_url(settings, "base_url", default=DEFAULT_BASE_URL)
        path = OLD_PATH if given.path.endswith(f"/{OLD_PATH}") else PATH
        url = versioned(given, "/v1", tails=(PATH, OLD_PATH))
        model = settings.text("model", default=DEFAULT_MODEL)
        route = read_route(settings, url)
        key = settings.secret("api_key")
        settings.warn_about_the_rest()
        called = called_by(spec, model=model, url=url, secrets=(key,))
        able = Capabilities(chat=False, stream=False, draw=True)
        return cls(
            None,
            with_bearer(route, key),
            called=called,
            card=ModelCard(model=model, engine=spec.engine, capabilities=able),
            painter=SiliconFlowPainter(model, path, called=called),
        )


class SiliconFlowPainter:
    """Makes pictures; the answer names addresses, each good for an hour."""

    def __init__(self, model: str, path: str, *, called: Called) -> None:
        self._model = model
        self._path = path
        self._called = called

    def draw(self, request: DrawRequest) -> Call:
        """The wish; how much work goes into it is said by `num_inference_steps` in extra."""
        if request.quality not in ("", USUAL_QUALITY):
            tell(f"{self._called} knows no quality, so {request.quality!r} is left out; give num_inference_steps.")
        body: dict[str, Any] = {  # Any: JSON
            "model": self._model,
            "prompt": request.prompt,
            "image_size": request.size or USUAL_SIZE,
            "num_inference_steps": USUAL_STEPS,
        }
        if request.count != 1:
            body["batch_size"] = request.count
        return Call(path=self._path, body=json_body(body | checked_extra(request.extra, _DECIDED)))

    def pictures(self, body: bytes, headers: Mapping[str, str]) -> tuple[bytes | str, ...]:
        """The addresses."""
        drawn = decoded(_decode, body, self._called)
        if not drawn.images:
            raise failures.unreadable(body, self._called)
        return tuple([each.url for each in drawn.images])

    def relent(self, refused: ModelCallError, call: Call) -> Self | None:
        """Nothing is learned from a refusal."""
        return None


class Drawn(msgspec.Struct, gc=False):
    """Where one picture lies."""

    url: str


class DrawnAll(msgspec.Struct, gc=False):
    """An answer; one without pictures says in its own words why."""

    images: list[Drawn] | None = None


_decode = msgspec.json.Decoder(DrawnAll).decode

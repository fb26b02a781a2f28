"""Anthropic's Claude, over its message protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Self

import msgspec

from byzer_nb.errors import ModelCallError
from byzer_nb.providers import anthropic_wire
from byzer_nb.providers.anthropic_tools import takes_schemas, takes_tools
from byzer_nb.providers.anthropic_wire import USUAL_MAX_TOKENS, Manner, MessageStream
from byzer_nb.providers.wire.call import Call, json_body
from byzer_nb.providers.wire.engine import WireEngine, tell
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.route_settings import called_by, read_route, read_url, versioned
from byzer_nb.providers.wire.sse import Event
from byzer_nb.types import Capabilities, ChatRequest, Delta, DeploySpec, ModelCard
from byzer_nb.types.settings import Settings

DEFAULT_MODEL = "claude-3-haiku-20240307"
DEFAULT_BASE_URL = "https://api.anthropic.com"
VERSION = "2023-06-01"  # the next one takes neither temperature nor top_p nor top_k
PATH = "messages"


class Claude(WireEngine):
    """A model at Anthropic."""

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> Claude:
        """The engine for a spec whose settings are those of `saas/claude`, without the prefix."""
        settings = Settings(spec)
        url = versioned(read_url(settings, "base_url", default=DEFAULT_BASE_URL), "/v1", tails=(PATH,))
        model = settings.text("model", default=DEFAULT_MODEL)
        manner = Manner(max_output_tokens=settings.whole("max_output_tokens", default=USUAL_MAX_TOKENS, least=1))
        route = read_route(settings, url)
        key = settings.secret("api_key")
        settings.warn_about_the_rest()
        called = called_by(spec, model=model, url=url, secrets=(key,))
        card = ModelCard(
            model=model,
            engine=called.provider,
            capabilities=Capabilities(
                images=True,
                continues=True,
                tools=takes_tools(model),
                schema=takes_schemas(model),
                options=anthropic_wire.OPTIONS,
            ),
        )
        dialect = ClaudeDialect(manner, called=called)
        return cls(dialect, replace(route, headers={"x-api-key": key}), called=called, card=card)


class ClaudeDialect:
    """What Claude says and hears. `takes_both` is whether temperature and top_p may stand in one request."""

    def __init__(self, manner: Manner, *, called: Called, takes_both: bool = True) -> None:
        self._called = called
        self._manner = manner
        self._takes_both = takes_both

    def chat(self, request: ChatRequest) -> Call:
        """A message."""
        manner = self._manner
        if not self._takes_both and request.options.temperature is not None:
            manner = replace(manner, withheld=manner.withheld | {"top_p"})
        body = {"model": self._called.model, **anthropic_wire.chat_body(request, manner)}
        if request.stream:
            body["stream"] = True
        return Call(path=PATH, body=json_body(body), headers={"anthropic-version": VERSION})

    def whole(self, body: bytes, headers: Mapping[str, str]) -> Delta:
        """An answer that came in one piece."""
        return anthropic_wire.whole_answer(body, headers, self._called)

    def reading(self, headers: Mapping[str, str]) -> ClaudeStream:
        """A reader for one streamed answer."""
        return ClaudeStream(self._called, headers)

    def relent(self, refused: ModelCallError, call: Call) -> Self | None:
        """A refusal that names an option is answered by doing without it, from then on."""
        if refused.status != 400:
            return None
        body = msgspec.json.decode(call.body)
        name = anthropic_wire.parameter_refused(refused.message, body)
        if name is None:
            return None
        if name == "top_p" and "temperature" in body and "temperature" in refused.message:
            tell(f"{self._called} takes no top_p beside a temperature; it is left out.")
            return type(self)(self._manner, called=self._called, takes_both=False)
        tell(f"{self._called} takes no {name}; it is left out.")
        manner = replace(self._manner, withheld=self._manner.withheld | {name})
        return type(self)(manner, called=self._called, takes_both=self._takes_both)


class ClaudeStream(MessageStream):
    """Anthropic's events, as they are."""

    __slots__ = ()

    def read(self, event: Event) -> Delta | None:
        """What the event adds, if anything that can be read."""
        return self.read_json(event.data)

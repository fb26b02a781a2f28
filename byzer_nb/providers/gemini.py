"""Google's Gemini, over the API for developers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Self
from urllib.parse import quote

from byzer_nb.errors import ModelCallError, UnsupportedError
from byzer_nb.providers import gemini_answers, gemini_tools, gemini_wire
from byzer_nb.providers.gemini_answers import ChatReading
from byzer_nb.providers.gemini_wire import Quirk
from byzer_nb.providers.wire.call import Call, json_body
from byzer_nb.providers.wire.engine import WireEngine, tell
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.route_settings import called_by, read_route, read_url, versioned
from byzer_nb.types import Capabilities, ChatRequest, Delta, DeploySpec, EmbedReply, EmbedRequest, ModelCard
from byzer_nb.types.settings import Settings

DEFAULT_MODEL = "gemini-pro"
DEFAULT_BASE_URL = "https://generativelanguage.googleapis.com"


class Gemini(WireEngine):
    """A model at Google."""

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> Gemini:
        """The engine for a spec whose settings are those of `saas/gemini`, without the prefix."""
        settings = Settings(spec)
        url = versioned(read_url(settings, "base_url", default=DEFAULT_BASE_URL), "/v1beta", tails=("models",))
        model = settings.text("model", default=DEFAULT_MODEL)
        route = read_route(settings, url)
        key = settings.secret("api_key")
        settings.warn_about_the_rest()
        called = called_by(spec, model=model, url=url, secrets=(key,))
        dialect = GeminiDialect(called=called)
        return cls(
            dialect,
            replace(route, headers={"x-goog-api-key": key}, refusal=gemini_answers.refusal),
            called=called,
            card=_card(called),
            embedder=dialect,
        )


class GeminiDialect:
    """What Gemini says and hears."""

    most_texts = 100  # it refuses more

    def __init__(self, *, called: Called, quirks: frozenset[Quirk] = frozenset()) -> None:
        self._called = called
        self._quirks = quirks
        # Tuned models have a folder of their own.
        self._model = called.model if called.model.startswith(("models/", "tunedModels/")) else f"models/{called.model}"

    def chat(self, request: ChatRequest) -> Call:
        """A call of `generateContent`, or of its streamed twin."""
        if request.options.continue_last:
            raise UnsupportedError(
                f"{self._called} cannot continue a begun answer.", hint="Leave out the last assistant message."
            )
        body = json_body(gemini_wire.chat_body(request, self._quirks, model=self._called.model))
        if request.stream:
            return Call(path=self._path("streamGenerateContent"), query={"alt": "sse"}, body=body)
        return Call(path=self._path("generateContent"), body=body)

    def whole(self, body: bytes, headers: Mapping[str, str]) -> Delta:
        """An answer that came in one piece."""
        return gemini_answers.whole_answer(body, headers, self._called)

    def reading(self, headers: Mapping[str, str]) -> ChatReading:
        """A reader for one streamed answer."""
        return ChatReading(self._called, headers)

    def relent(self, refused: ModelCallError, call: Call) -> Self | None:
        """Some models take no system message and others no penalties: they are asked without, from then on."""
        quirk = gemini_wire.quirk_behind(refused.message) if refused.status == 400 else None
        if quirk is None or quirk in self._quirks:
            return None
        if quirk == "penalties":
            tell(f"{self._called} takes no presence_penalty and no frequency_penalty; they are left out.")
        return type(self)(called=self._called, quirks=self._quirks | {quirk})

    def embed(self, request: EmbedRequest) -> Call:
        """A batch of texts."""
        return Call(path=self._path("batchEmbedContents"), body=json_body(gemini_wire.embed_body(request, self._model)))

    def vectors(self, body: bytes, headers: Mapping[str, str], *, texts: int) -> EmbedReply:
        """One vector a text."""
        return gemini_answers.vectors(body, headers, self._called, texts=texts)

    def _path(self, method: str) -> str:
        return f"{quote(self._model)}:{method}"


def _card(called: Called) -> ModelCard:
    embeds = "embedding" in called.model.lower()
    return ModelCard(
        model=called.model,
        engine=called.provider,
        capabilities=Capabilities(
            chat=not embeds,
            stream=not embeds,
            embed=embeds,
            images=not embeds,
            audio=not embeds,
            tools=not embeds and gemini_tools.takes_tools(called.model),
            schema=not embeds and gemini_tools.takes_schemas(called.model),
            options=gemini_wire.OPTIONS,
        ),
    )

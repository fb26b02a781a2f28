"""Baidu's models at Qianfan: with an application's keys in its first protocol, with one new key in OpenAI's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Self, TypeVar

from yarl import URL

from byzer_nb.errors import BadInputError, MissingSettingError, ModelCallError, RefusedError
from byzer_nb.providers import qianfan_wire
from byzer_nb.providers.openai_dialect import OpenAIDialect, openai_card
from byzer_nb.providers.openai_hosts import OPENAI_OPTIONS, Host
from byzer_nb.providers.openai_wire import Speaker
from byzer_nb.providers.qianfan_token import FetchedToken, GivenToken, Token
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.call import Call, json_body
from byzer_nb.providers.wire.engine import WireEngine
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.http import Route
from byzer_nb.providers.wire.ports import Dialect
from byzer_nb.providers.wire.retry import Backoff
from byzer_nb.providers.wire.route_settings import called_by, read_route, read_url, versioned, with_bearer
from byzer_nb.providers.wire.sse import Event
from byzer_nb.types import Capabilities, ChatRequest, Delta, DeploySpec, ModelCard
from byzer_nb.types.settings import Settings

DEFAULT_MODEL = "ERNIE-Bot-turbo"
DEFAULT_URL = "https://aip.baidubce.com"
CHAT_PREFIX = "/rpc/2.0/ai_custom/v1/wenxinworkshop"
TOKEN_PATH = "/oauth/2.0/token"

DEFAULT_MODEL_V2 = "ernie-lite-8k"
DEFAULT_URL_V2 = "https://qianfan.baidubce.com/v2"
KEY_V2 = "bce-v3"  # what a key of the new protocol begins with
NO_TOOLS_V2 = "speed|lite-8k|tiny|char|novel"  # the small models, and those that play a role
OPTIONS_V2 = (OPENAI_OPTIONS - {"continue_last"}) | {"repetition_penalty"}

SILENCE_SECONDS = 120.0
RETRIES = 3

T = TypeVar("T")

WAYS = "specify either access_token or ak/sk, that is api_key and secret_key"


class Qianfan(WireEngine):
    """A model at Qianfan, in either protocol."""

    _token: Token | None = None

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> Qianfan:
        """The engine for a spec whose settings are those of `saas/qianfan`, without the prefix."""
        settings = Settings(spec)
        given = {name for name in ("access_token", "api_key", "secret_key") if settings.value(name)}
        if given == {"api_key"} and settings.secret("api_key").reveal().startswith(KEY_V2):
            return cls._of_the_new_protocol(spec, settings)
        url = read_url(settings, "base_url", default=DEFAULT_URL)
        url = versioned(url, CHAT_PREFIX, tails=(*(f"chat/{each}" for each in qianfan_wire.ENDPOINTS.values()), "chat"))
        model = settings.text("model", default=DEFAULT_MODEL)
        route = _route(settings, url)
        if not given:
            raise MissingSettingError(
                f"{spec.engine} needs a key: {WAYS}.",
                setting="api_key",
                ways=WAYS,
                hint=f"Write: load({spec.name!r}, {spec.engine!r}, api_key=..., secret_key=...)",
            )
        token: Token
        if "access_token" in given:  # which needs no other key beside it
            key_setting = "access_token"
            secrets = [settings.secret("access_token")]
            token = GivenToken(*secrets)
        else:
            key_setting = "api_key and secret_key"
            secrets = [settings.secret("api_key"), settings.secret("secret_key")]
            token = FetchedToken(url.path.removesuffix(CHAT_PREFIX) + TOKEN_PATH, *secrets)
        settings.warn_about_the_rest()
        called = called_by(spec, model=model, url=url, secrets=tuple(secrets), key_setting=key_setting)
        able = Capabilities(options=qianfan_wire.options_of(model))
        engine = cls(
            ErnieDialect(model, called=called, backoff=route.backoff),
            replace(route, sign=token.sign, refusal=qianfan_wire.refusal),
            called=called,
            card=ModelCard(model=model, engine=called.provider, capabilities=able),
        )
        engine._token = token
        return engine

    @classmethod
    def _of_the_new_protocol(cls, spec: DeploySpec, settings: Settings) -> Qianfan:
        url = read_url(settings, "base_url", default=DEFAULT_URL_V2)
        url = versioned(url, "/v2", tails=("chat/completions", "embeddings"))
        host = Host(options=OPTIONS_V2, no_tools=NO_TOOLS_V2)
        speaker = Speaker(model=settings.text("model", default=DEFAULT_MODEL_V2), host=host)
        route = _route(settings, url)
        key = settings.secret("api_key")
        settings.warn_about_the_rest()
        called = called_by(spec, model=speaker.model, url=url, secrets=(key,))
        dialect = NewDialect(speaker, called=called, backoff=route.backoff)
        card = openai_card(speaker, called, audio=False, continues=False)
        return cls(dialect, with_bearer(route, key), called=called, card=card, embedder=dialect)

    async def _talking(self, request: ChatRequest, send: Callable[[Call, Dialect], Awaitable[T]]) -> T:
        """What `send` gives; a token that is refused is asked for anew, once a call."""
        token = self._token.current if self._token else None
        try:
            return await super()._talking(request, send)
        except RefusedError as refused:
            if refused.code not in qianfan_wire.TOKEN_REFUSED or not self._token or not self._token.renews(token):
                raise
        return await super()._talking(request, send)


def _route(settings: Settings, url: URL) -> Route:
    silence = settings.number("request_timeout", default=SILENCE_SECONDS, least=0.001)
    return read_route(settings, url, silence=silence, retries=settings.whole("retry_count", default=RETRIES))


class ErnieDialect:
    """What the first protocol says."""

    def __init__(self, model: str, *, called: Called, backoff: Backoff) -> None:
        self.called = called
        self._model = model
        self._path = f"chat/{qianfan_wire.endpoint_of(model)}"
        self._backoff = backoff

    def chat(self, request: ChatRequest) -> Call:
        """A chat call."""
        request, backoff = patient(request, self._backoff)
        return Call(
            path=self._path, body=json_body(qianfan_wire.chat_body(request, model=self._model)), backoff=backoff
        )

    def whole(self, body: bytes, headers: Mapping[str, str]) -> Delta:
        """An answer that came in one piece."""
        answer = qianfan_wire.read(body, headers, self.called)
        return Delta(
            text=answer.result or "",
            finish_reason=answer.reason(),
            usage=answer.usage.usage() if answer.usage else None,
            request_id=answer.id,
        )

    def reading(self, headers: Mapping[str, str]) -> ErnieStream:
        """A reader for one streamed answer."""
        return ErnieStream(headers, self.called)

    def relent(self, refused: ModelCallError, call: Call) -> Self | None:
        """Nothing is learned from a refusal."""
        return None


class ErnieStream:
    """What is known of a streamed answer so far."""

    def __init__(self, headers: Mapping[str, str], called: Called) -> None:
        self.is_done = False
        self._headers = headers
        self._called = called
        self._last: qianfan_wire.Answer | None = None

    @property
    def is_whole(self) -> bool:
        """True when no more words will come."""
        return self.is_done

    def read(self, event: Event) -> Delta | None:
        """What the event adds."""
        piece = self._last = qianfan_wire.read(event.data, self._headers, self._called)
        self.is_done = piece.is_end
        return Delta(text=piece.result, request_id=piece.id) if piece.result else None

    def last(self) -> Delta:
        """The delta that closes the answer; a stream that stopped short has none."""
        if self._last is None or not self.is_done:
            raise failures.cut_off(self._called)
        spent = self._last.usage
        return Delta(
            finish_reason=self._last.reason(), usage=spent.usage() if spent else None, request_id=self._last.id
        )


class NewDialect(OpenAIDialect):
    """OpenAI's protocol, with Baidu's own words for patience, and smaller batches."""

    most_texts = 16

    def __init__(self, speaker: Speaker, *, called: Called, backoff: Backoff) -> None:
        super().__init__(speaker, called=called)
        self._backoff = backoff

    def chat(self, request: ChatRequest) -> Call:
        """A chat completion."""
        request, backoff = patient(request, self._backoff)
        return replace(super().chat(request), backoff=backoff)

    def speaking(self, speaker: Speaker) -> Self:
        """The same dialect for a speaker of which more is known."""
        return type(self)(speaker, called=self.called, backoff=self._backoff)


def patient(request: ChatRequest, usual: Backoff) -> tuple[ChatRequest, Backoff | None]:
    """The request without `retry_count` and `backoff_factor`, and what they ask for; None where they are not there."""
    extra = dict(request.options.extra)
    retries, first = _number(extra, "retry_count"), _number(extra, "backoff_factor")
    if retries is None and first is None:
        return request, None
    backoff = replace(
        usual,
        retries=usual.retries if retries is None else int(retries),
        first=usual.first if first is None else first,
        longest=max(usual.longest, first or 0.0),
    )
    return replace(request, options=replace(request.options, extra=extra)), backoff


def _number(extra: dict[str, Any], name: str) -> float | None:
    value = extra.pop(name, None)
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number < float("inf"):
        raise BadInputError(f"{name} is a number of at least 0, not {value!r}.", hint=f"For example: {name}=3")
    return number

"""ChatGLM-130B: its own service where the address of one is set, and Zhipu's current models otherwise."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from weakref import WeakKeyDictionary

from yarl import URL

from byzer_nb.errors import BadInputError, ModelCallError
from byzer_nb.providers import zhipu_retired, zhipu_wire
from byzer_nb.providers.rsa_public_key import RsaPublicKey
from byzer_nb.providers.wire.asked import checked_extra
from byzer_nb.providers.wire.call import Call, Signature, json_body
from byzer_nb.providers.wire.engine import WireEngine, tell
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.http import Wire
from byzer_nb.providers.wire.retry import Backoff
from byzer_nb.providers.wire.route_settings import called_by, read_route, read_url, versioned
from byzer_nb.providers.wire.sse import Event
from byzer_nb.providers.zhipu_retired import TextEvents, TextStream, given_text, turns, whole_task
from byzer_nb.providers.zhipu_wire import Fitting, read_current, refusal
from byzer_nb.types import Capabilities, ChatRequest, Delta, DeploySpec, ModelCard, Secret
from byzer_nb.types.settings import Settings

MODEL = "ChatGLM-130B"
ENGINE_PATH = "model/v1/open/engines/chatGLM/chatGLM"
STREAM_PATH = "model/v1/open/engines/sse/chatGLM/chatGLM"
TOKEN_PATH = "passApiToken/createApiToken"
LEGACY_PREFIX = "/api/paas"
RISK = 0.15  # how strict the service's filter is; its own examples send this

_REFUSED_TOKEN = frozenset({"401", "1000", "1001", "1002", "1003", "1004"})
_DECIDED_BY_THE_CALL = {
    "prompt": "Give the messages to the call itself.",
    "history": "Give the messages to the call itself.",
    "requestTaskNo": "Leave it out: every call has a number of its own.",
}


class ChatGLM(WireEngine):
    """ChatGLM-130B, or what took its place."""

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> ChatGLM:
        """The engine for a spec whose settings are those of `saas/chatglm`, without the prefix."""
        settings = Settings(spec)
        url = read_url(settings, "base_url", default=zhipu_wire.DEFAULT_BASE_URL)
        if re.search(r"/v4(/|$)", url.path):
            return cls._current(spec, settings, url)
        return cls._legacy(spec, settings, url)

    @classmethod
    def _current(cls, spec: DeploySpec, settings: Settings, url: URL) -> ChatGLM:
        settings.value("public_key")  # only the old service reads it
        url = versioned(url, zhipu_wire.VERSION, tails=zhipu_wire.TAILS)
        dialect, route, called, card = read_current(spec, settings, url)
        settings.warn_about_the_rest()
        tell(f"{MODEL} is retired: {called} answers in its place. Deploy 'saas/zhipu' to choose it yourself.")
        return cls(dialect, route, called=called, card=card, embedder=dialect)

    @classmethod
    def _legacy(cls, spec: DeploySpec, settings: Settings, url: URL) -> ChatGLM:
        path = url.path
        for tail in (ENGINE_PATH, STREAM_PATH, TOKEN_PATH):
            path = path.removesuffix(f"/{tail}")
        url = url.with_path(path.removesuffix("/") or LEGACY_PREFIX).with_query(url.query)
        model = settings.text("model", default=MODEL)
        public_key = _public_key(settings)
        route = replace(read_route(settings, url), refusal=refusal)
        key = settings.secret("api_key")
        settings.warn_about_the_rest()
        called = called_by(spec, model=model, url=url, secrets=(key,))
        token = Token(key, public_key, called=called)
        card = ModelCard(model=model, engine=spec.engine, capabilities=Capabilities(options=zhipu_retired.OPTIONS))
        return cls(LegacyDialect(token, called=called), replace(route, sign=token.sign), called=called, card=card)


def _public_key(settings: Settings) -> RsaPublicKey:
    text = settings.needed("public_key")
    try:
        return RsaPublicKey.read(text)
    except ValueError as reason:
        raise BadInputError(
            "public_key is not an RSA public key.", hint="Copy it whole: a PEM, or its base64 from MFww... to its end."
        ) from reason


class Token:
    """What the service takes in the place of the key; asked for once, and again when it is no longer taken."""

    def __init__(self, key: Secret, public_key: RsaPublicKey, *, called: Called) -> None:
        self.renewals = 0
        self._key = key
        self._public_key = public_key
        self._called = called
        self._value: Secret | None = None
        self._has_served = False
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

    async def sign(self, wire: Wire, call: Call, url: URL) -> Signature:
        """The token, asked for if there is none."""
        lock = self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        async with lock:  # those who come at the same time wait for the one that asks
            if self._value is None:
                self._value = await self._given(wire)
            return Signature(headers={"Authorization": self._value})

    def served(self) -> None:
        """It was taken."""
        self._has_served = True

    def renew(self, *, renewals: int) -> bool:
        """Give up a token that was refused, of a call that knew of so many renewals; True if a new one may help.

        One that never served was not too old: it is the key that is wrong.
        """
        if renewals < self.renewals:
            return True  # another call has given it up meanwhile
        had_served, self._has_served, self._value = self._has_served, False, None
        self.renewals += had_served
        return had_served

    async def _given(self, wire: Wire) -> Secret:
        """A new token; whoever needs it tries again, so this does not."""
        call = Call(path=TOKEN_PATH, remade=self._request, is_signed=False, backoff=Backoff(retries=0))
        return await wire.ask(call, read=lambda body, headers: Secret(given_text(body, headers, self._called)))

    def _request(self) -> bytes:
        now = str(round(time.time() * 1000)).encode()
        return json_body({"apiKey": self._key.reveal(), "encrypted": self._public_key.encrypt(now)})


class LegacyDialect:
    """What the service of ChatGLM-130B says."""

    def __init__(self, token: Token, *, called: Called, renewals: int = 0) -> None:
        self._token = token
        self._renewals = renewals
        self._called = called
        self._fitting = Fitting(called)

    def chat(self, request: ChatRequest) -> Call:
        """A question, and the texts before it."""
        *history, (_, prompt) = turns(request)
        body = {
            "prompt": prompt,
            "history": [text for _, text in history],
            **self._fitting.fitted(request.options),
            "requestTaskNo": f"{secrets.randbelow(10**19):019d}",
            "risk": RISK,
            **checked_extra(request.options.extra, _DECIDED_BY_THE_CALL),
        }
        return Call(path=STREAM_PATH if request.stream else ENGINE_PATH, body=json_body(body), split=TextEvents)

    def whole(self, body: bytes, headers: Mapping[str, str]) -> Delta:
        """An answer that came in one piece."""
        answer = whole_task(body, headers, self._called)
        self._token.served()
        return answer

    def reading(self, headers: Mapping[str, str]) -> TextStream:
        """A reader for one streamed answer."""
        return _TokenStream(self._called, headers, token=self._token)

    def relent(self, refused: ModelCallError, call: Call) -> LegacyDialect | None:
        """A token that is no longer taken is asked for anew."""
        if refused.status != 401 and refused.code not in _REFUSED_TOKEN:
            return None
        if not self._token.renew(renewals=self._renewals):
            return None
        return LegacyDialect(self._token, called=self._called, renewals=self._token.renewals)


class _TokenStream(TextStream):
    """A streamed answer whose first words show that the token was taken."""

    __slots__ = ("_token",)

    def __init__(self, called: Called, headers: Mapping[str, str], *, token: Token) -> None:
        super().__init__(called, headers, repeats=True)
        self._token = token

    def read(self, event: Event) -> Delta | None:
        """What the event adds."""
        delta = super().read(event)
        if delta is not None:
            self._token.served()
        return delta

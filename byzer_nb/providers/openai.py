"""Every model behind OpenAI's protocol: OpenAI itself, and the many servers and gateways that speak it."""

from __future__ import annotations

import re
import ssl
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from yarl import URL

from byzer_nb.errors import BadInputError, ModelCallError, UnsupportedError
from byzer_nb.providers import openai_wire
from byzer_nb.providers.failures import Called
from byzer_nb.providers.http import Incoming, Patience, Route, Wire
from byzer_nb.providers.openai_answers import ChatStream, vectors, whole_answer
from byzer_nb.providers.openai_hosts import host_habits
from byzer_nb.providers.openai_wire import Speaker
from byzer_nb.providers.retry import Backoff
from byzer_nb.providers.sse import Event
from byzer_nb.types import (
    Capabilities,
    ChatRequest,
    Delta,
    DeploySpec,
    EmbedReply,
    EmbedRequest,
    ModelCard,
    Secret,
)
from byzer_nb.types.masking import Mask
from byzer_nb.types.settings import Settings, SettingWarning

T = TypeVar("T")

DEFAULT_MODEL = "gpt-3.5-turbo-1106"
DEFAULT_BASE_URL = "https://api.openai.com/v1"
CHAT_PATH = "chat/completions"


class OpenAI:
    """A model at OpenAI, or at any host that speaks its protocol."""

    def __init__(self, route: Route, speaker: Speaker, *, called: Called) -> None:
        is_embedding = "embedding" in speaker.model.lower()
        self._called = called
        self._speaker = speaker
        self._wire = Wire(route, called=called)
        self._card = ModelCard(
            model=speaker.model,
            engine=called.provider,
            capabilities=Capabilities(
                chat=not is_embedding,
                stream=not is_embedding,
                embed=True,  # whether this host also embeds is known to the host alone
                images=not is_embedding,
                audio=not is_embedding,
                continues=not is_embedding,
                options=speaker.options,
            ),
        )

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> OpenAI:
        """The engine for a spec whose settings are those of `saas/openai`, without the prefix."""
        settings = Settings(spec)
        url = _base_url(settings)
        settings.value("api_version", "api_type")  # of older clients; they change nothing here
        speaker = Speaker(
            model=settings.text("model", default=DEFAULT_MODEL),
            host=host_habits(url.host or ""),
            max_output_tokens=settings.whole("max_output_tokens", default=0) or None,
            is_reasoning=settings.flag("is_reasoning", default=spec.engine == "saas/reasoning_openai"),
        )
        route = Route(
            base_url=url,
            proxy=_proxy(settings),
            local_address=settings.text("local_address"),
            verify=_verify(settings),
            patience=_patience(settings),
            backoff=Backoff(retries=settings.whole("max_retries", default=10)),
        )
        key = settings.secret("api_key")
        settings.warn_about_the_rest()
        route = replace(route, headers={"Authorization": Secret(f"Bearer {key.reveal()}")})
        called = Called(
            provider=spec.engine, alias=spec.name, model=speaker.model, address=url.authority, mask=Mask([key])
        )
        return cls(route, speaker, called=called)

    def __repr__(self) -> str:
        return f"OpenAI({self._called})"

    @property
    def address(self) -> URL:
        """Where chats are sent."""
        return self._wire.url(CHAT_PATH)

    def describe(self) -> ModelCard:
        """The model's card; what a model behind an address can do is taken from its name."""
        return self._card

    async def chat(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """The answer: one delta a chunk, or a single one when nobody watches."""
        if not self._card.capabilities.chat:
            raise UnsupportedError(
                f"{self._called} is an embedding model and does not chat.", hint="Ask it with emb(...)."
            )
        limit = request.options.timeout
        if not request.stream:
            yield await self._sending(
                request, lambda path, body: self._wire.post(path, body, read=self._whole_answer, limit=limit)
            )
            return
        incoming = await self._sending(request, lambda path, body: self._wire.stream(path, body, limit=limit))
        try:
            if incoming.is_json:  # a gateway that cannot stream, or an error in the place of a stream
                yield self._whole_answer(await incoming.rest(), incoming.headers)
                return
            answer = ChatStream(self._called, incoming.headers)
            while not answer.is_done and (events := await self._next_events(incoming, answer)):
                for event in events:
                    delta = answer.read(event)
                    if delta is not None:
                        yield delta
                if answer.is_whole:
                    incoming.expect_end()
            last = answer.last()
            await incoming.end()
            yield last
        finally:
            incoming.close()

    async def _next_events(self, incoming: Incoming, answer: ChatStream) -> list[Event]:
        try:
            return await incoming.next_events()
        except ModelCallError:
            if answer.is_whole:
                return []  # every word is here; what broke could only have brought the count of tokens
            raise

    def _whole_answer(self, body: bytes, headers: Mapping[str, str]) -> Delta:
        return whole_answer(body, self._called, headers)

    async def embed(self, request: EmbedRequest) -> EmbedReply:
        """One vector a text, all of them in one call."""
        if not request.texts:
            return EmbedReply(vectors=())
        body = openai_wire.encode(openai_wire.embed_body(request, self._speaker.model))
        count = len(request.texts)
        return await self._wire.post(
            "embeddings", body, read=lambda answer, headers: vectors(answer, self._called, headers, texts=count)
        )

    async def close(self) -> None:
        """Close the connections; a second time does nothing."""
        await self._wire.close()

    async def _sending(self, request: ChatRequest, send: Callable[[str, bytes], Awaitable[T]]) -> T:
        """What `send` gives; a refusal that names a parameter is answered by doing without it, from then on."""
        while True:
            speaker = self._speaker
            body = openai_wire.chat_body(request, speaker)
            path = speaker.host.continuation_path if openai_wire.continues(request, speaker.host) else CHAT_PATH
            try:
                return await send(path, openai_wire.encode(body))
            except ModelCallError as refused:
                if refused.status not in (400, 422):
                    raise
                quirk = openai_wire.quirk_behind(refused.message, body)
                if quirk is None or quirk in speaker.quirks:
                    raise
            self._speaker = replace(self._speaker, quirks=self._speaker.quirks | {quirk})
            if quirk in ("temperature", "top_p"):
                self._tell(f"{self._called} takes no {quirk} of its own; it is left out.")

    def _tell(self, news: str) -> None:
        warnings.warn(news, SettingWarning, stacklevel=3)


def _base_url(settings: Settings) -> URL:
    """The address with `/v1` where no path was given; any other path is meant as it is."""
    text = settings.text("base_url", "api_base", default=DEFAULT_BASE_URL)
    try:
        url = URL(text)
    except ValueError:
        url = URL()
    if url.user is not None or url.password is not None:
        raise BadInputError("base_url must not carry a user name or a password.", hint="Use the setting api_key.")
    if url.scheme not in ("http", "https") or not url.host:
        raise BadInputError(
            f"base_url must be an address such as {DEFAULT_BASE_URL!r}, not {settings.shown(text)}.",
            hint="Does it begin with http:// or https:// ?",
        )
    path = re.sub(r"/+(chat/completions|embeddings)?/*$", "", url.path)
    return url.with_path(path or "/v1").with_query(url.query)


def _proxy(settings: Settings) -> str:
    found = settings.value("proxies", "proxy")
    if isinstance(found, dict):  # the form of the requests library
        found = found.get("https") or found.get("https://") or found.get("http") or found.get("http://")
    if isinstance(found, Secret):  # it carries a login
        found = found.reveal()
    proxy = str(found or "").strip().strip("\"'")
    if proxy and not proxy.startswith(("http://", "https://")):
        raise BadInputError(
            "proxies must be the address of an HTTP proxy.", hint="For example: http://proxy.example.com:3128"
        )
    return proxy


def _verify(settings: Settings) -> bool | ssl.SSLContext:
    found = settings.value("https_verify", "verify")
    if isinstance(found, str) and ("/" in found or "\\" in found or found.endswith((".pem", ".crt"))):
        try:
            return ssl.create_default_context(cafile=found)
        except OSError as reason:
            raise BadInputError(
                f"https_verify names a CA bundle that cannot be read: {settings.shown(found)}.", hint="Check the path."
            ) from reason
    return settings.flag("https_verify", "verify", default=True)


def _patience(settings: Settings) -> Patience:
    usual = Patience()
    silence = settings.number("timeout", default=usual.first_byte, least=0.001)
    return Patience(connect=min(silence, usual.connect), first_byte=silence, idle=min(silence, usual.idle))

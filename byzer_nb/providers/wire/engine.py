"""The engine of every provider that answers over HTTP: it asks, reads and stops; a dialect knows the vendor's words."""

from __future__ import annotations

import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from yarl import URL

from byzer_nb.errors import BadInputError, ModelCallError, UnsupportedError
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.batches import in_batches
from byzer_nb.providers.wire.call import Call
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.http import Route, Wire
from byzer_nb.providers.wire.incoming import Incoming
from byzer_nb.providers.wire.ports import Dialect, Embedder, EventNarrator, Narrator, Painter, Reading, Scribe
from byzer_nb.providers.wire.sounds import begun_sound
from byzer_nb.providers.wire.sse import Event
from byzer_nb.types import (
    ChatRequest,
    Delta,
    DrawRequest,
    EmbedReply,
    EmbedRequest,
    ModelCard,
    Picture,
    SpeakRequest,
    TranscribeRequest,
    Transcript,
)
from byzer_nb.types.abilities import SERVICES, Ability, check_request
from byzer_nb.types.settings import SettingWarning

T = TypeVar("T")

SERVED_BY = {"embed": "an embedding", "speak": "a speech", "transcribe": "a transcription", "draw": "a picture"}
HINTS = {
    "an embedding": "Ask it with emb(...).",
    "a speech": 'Ask it with {"input": "...", "voice": "..."}.',
    "a transcription": 'Ask it with {"audio": ...}.',
    "a picture": 'Ask it with {"input": "...", "size": "1024x1024"}.',
}


class WireEngine:
    """A model of a provider."""

    def __init__(
        self,
        dialect: Dialect | None,
        route: Route,
        *,
        called: Called,
        card: ModelCard,
        embedder: Embedder | None = None,
        narrator: Narrator | EventNarrator | None = None,
        scribe: Scribe | None = None,
        painter: Painter | None = None,
    ) -> None:
        self._called = called
        self._card = card
        self._dialect = dialect
        self._embedder = embedder
        self._narrator = narrator
        self._scribe = scribe
        self._painter = painter
        self._wire = Wire(route, called=called)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._called})"

    def describe(self) -> ModelCard:
        """The model's card; what a model behind an address can do is taken from its name."""
        return self._card

    async def chat(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """The answer: one delta for each piece that arrives, or a single one when nobody watches."""
        if self._dialect is None or not self._card.capabilities.chat:
            raise self._cannot_chat()
        check_request(request, self._card)
        limit = request.options.timeout
        if not request.stream:
            yield await self._talking(
                request, lambda call, dialect: self._wire.ask(call, read=dialect.whole, limit=limit)
            )
            return

        def stream(call: Call, dialect: Dialect) -> Awaitable[tuple[Incoming, Streamed]]:
            return self._wire.stream(
                call, begin=lambda incoming: begun(incoming, dialect, called=self._called), limit=limit
            )

        incoming, (first, rest) = await self._talking(request, stream)
        try:
            async with aclosing(rest):
                yield first
                async for delta in rest:
                    yield delta
        finally:
            incoming.close()

    async def embed(self, request: EmbedRequest) -> EmbedReply:
        """One vector a text, in as many calls as the vendor needs for so many."""
        embedder = self._able("embed", self._embedder)
        return await in_batches(
            request,
            most=embedder.most_texts,
            ask=lambda part: self._wire.ask(
                embedder.embed(part),
                read=lambda body, headers: embedder.vectors(body, headers, texts=len(part.texts)),
            ),
        )

    async def speak(self, request: SpeakRequest) -> AsyncGenerator[bytes, None]:
        """The sound, piece by piece as it arrives."""
        narrator = self._narrator
        self._able("speak", narrator)
        assert narrator is not None
        if not request.text.strip():
            raise BadInputError("There is nothing to say: the text is empty.", hint="Give it as text or input.")
        incoming, (first, rest) = await self._wire.stream(
            narrator.speak(request),
            begin=lambda incoming: begun_sound(incoming, narrator, called=self._called),
            limit=request.timeout,
        )
        try:
            async with aclosing(rest):
                yield first
                async for piece in rest:
                    yield piece
        finally:
            incoming.close()

    async def transcribe(self, request: TranscribeRequest) -> Transcript:
        """What was said."""
        scribe = self._able("transcribe", self._scribe)
        return await self._wire.ask(scribe.transcribe(request), read=scribe.transcript, limit=request.timeout)

    async def draw(self, request: DrawRequest) -> tuple[Picture, ...]:
        """As many pictures as were asked for."""
        while True:
            painter = self._able("draw", self._painter)
            call = painter.draw(request)
            try:
                found = await self._wire.ask(call, read=painter.pictures, limit=request.timeout)
                break
            except ModelCallError as refused:
                wiser = painter.relent(refused, call)
                if wiser is None:
                    raise
                self._painter = wiser
        return tuple([Picture(data=await self._fetched(each) if isinstance(each, str) else each) for each in found])

    async def _fetched(self, address: str) -> bytes:
        """What lies at an address that the provider named; the key is not shown there."""
        if not address.startswith(("https://", "http://")):
            raise failures.unreadable(address.encode(), self._called)
        return await self._wire.ask(Call(path=address, method="GET", is_signed=False), read=lambda body, _: body)

    async def close(self) -> None:
        """Close the connections; a second time does nothing."""
        await self._wire.close()

    def address_of(self, path: str) -> URL:
        """Where calls with that path are sent."""
        return self._wire.url(path)

    async def _talking(self, request: ChatRequest, send: Callable[[Call, Dialect], Awaitable[T]]) -> T:
        """What `send` gives; a refusal from which the dialect learns something is answered by asking again."""
        while True:
            dialect = self._dialect
            assert dialect is not None
            call = dialect.chat(request)
            try:
                return await send(call, dialect)
            except ModelCallError as refused:
                wiser = dialect.relent(refused, call)
                if wiser is None:
                    raise
                self._dialect = wiser

    def _able(self, what: Ability, port: T | None) -> T:
        if port is None or not getattr(self._card.capabilities, what):
            lacks, hint = SERVICES[what]
            raise UnsupportedError(f"{self._called} {lacks}.", hint=hint)
        return port

    def _cannot_chat(self) -> UnsupportedError:
        able = self._card.capabilities
        kind = next((kind for way, kind in SERVED_BY.items() if getattr(able, way)), "no chat")
        return UnsupportedError(f"{self._called} is {kind} model and does not chat.", hint=HINTS.get(kind, ""))


Streamed = tuple[Delta, AsyncGenerator[Delta, None]]


async def begun(incoming: Incoming, dialect: Dialect, *, called: Called) -> Streamed:
    """The first delta and the rest: all that goes wrong before the first word can still be tried again."""
    deltas = _deltas(incoming, dialect, called=called)
    try:
        return await anext(deltas), deltas
    except BaseException:
        await deltas.aclose()
        raise


async def _deltas(incoming: Incoming, dialect: Dialect, *, called: Called) -> AsyncGenerator[Delta, None]:
    if incoming.is_json:  # a gateway that cannot stream, or an error in the place of a stream
        yield dialect.whole(await incoming.rest(), incoming.headers)
        return
    if incoming.kind == "text/html":
        raise failures.unreadable(await incoming.rest(), called)
    answer = dialect.reading(incoming.headers)
    while not answer.is_done and (events := await _next_events(incoming, answer)):
        failure = None
        for event in events:
            try:
                delta = answer.read(event)
            except ModelCallError as told:
                failure = failures.bare(told)
                break
            if delta is not None:
                yield delta
        if failure is not None:
            del event, events  # the vendor may have quoted the key in it
            raise failure
        if answer.is_whole:
            incoming.expect_end()
    last = answer.last()
    await incoming.end()
    yield last


async def _next_events(incoming: Incoming, answer: Reading) -> list[Event]:
    try:
        return await incoming.next_events()
    except ModelCallError:
        if answer.is_whole:
            return []  # every word is here; what broke could only have brought the count of tokens
        raise


def tell(news: str) -> None:
    """Warn of something that a provider does not take, and that is therefore left out."""
    warnings.warn(news, SettingWarning, stacklevel=4)

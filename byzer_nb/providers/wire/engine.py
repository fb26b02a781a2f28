"""The engine of every provider that answers over HTTP: it asks, reads and stops; a dialect knows the vendor's words."""

from __future__ import annotations

import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Protocol, Self, TypeVar

from yarl import URL

from byzer_nb.errors import ModelCallError, UnsupportedError
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.batches import in_batches
from byzer_nb.providers.wire.call import Call
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.http import Route, Wire
from byzer_nb.providers.wire.incoming import Incoming
from byzer_nb.providers.wire.sse import Event
from byzer_nb.types import ChatRequest, Delta, EmbedReply, EmbedRequest, ModelCard
from byzer_nb.types.settings import SettingWarning

T = TypeVar("T")

HINTS = {
    "an embedding": "Ask it with emb(...).",
    "a speech": 'Ask it with {"input": "...", "voice": "..."}.',
    "a transcription": 'Ask it with {"audio": ...}.',
    "a picture": 'Ask it with {"input": "...", "size": "1024x1024"}.',
}


class Reading(Protocol):
    """What is known of a streamed answer so far."""

    is_done: bool
    """True once the server has said good-bye."""

    @property
    def is_whole(self) -> bool:
        """True when no more words will come, even if the server has not said good-bye yet."""
        ...

    def read(self, event: Event) -> Delta | None:
        """What the event adds, if anything that can be read; an error in the place of words is raised."""
        ...

    def last(self) -> Delta:
        """The delta that closes the answer, with its reason and its usage; a stream that stopped short has none."""
        ...


class Dialect(Protocol):
    """How one vendor writes down a conversation, and what its answers mean. It asks nobody and waits for nothing."""

    def chat(self, request: ChatRequest) -> Call:
        """The conversation in the vendor's words, whole or streamed as the request wants."""
        ...

    def whole(self, body: bytes, headers: Mapping[str, str]) -> Delta:
        """An answer that came in one piece; an error in the place of an answer is raised."""
        ...

    def reading(self, headers: Mapping[str, str]) -> Reading:
        """A reader for one streamed answer."""
        ...

    def relent(self, refused: ModelCallError, call: Call) -> Self | None:
        """The dialect to ask again in, after a refusal from which something was learned; None where nothing was."""
        ...


class Embedder(Protocol):
    """How one vendor turns texts into vectors."""

    most_texts: int
    """How many texts go into one call."""

    def embed(self, request: EmbedRequest) -> Call:
        """The texts in the vendor's words."""
        ...

    def vectors(self, body: bytes, headers: Mapping[str, str], *, texts: int) -> EmbedReply:
        """One vector a text."""
        ...


class WireEngine:
    """A model of a provider."""

    def __init__(
        self,
        dialect: Dialect,
        route: Route,
        *,
        called: Called,
        card: ModelCard,
        embedder: Embedder | None = None,
    ) -> None:
        self._called = called
        self._card = card
        self._dialect = dialect
        self._embedder = embedder
        self._wire = Wire(route, called=called)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._called})"

    def describe(self) -> ModelCard:
        """The model's card; what a model behind an address can do is taken from its name."""
        return self._card

    async def chat(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """The answer: one delta for each piece that arrives, or a single one when nobody watches."""
        if not self._card.capabilities.chat:
            raise self._cannot_chat()
        limit = request.options.timeout
        if not request.stream:
            yield await self._asking(
                request, lambda call, dialect: self._wire.ask(call, read=dialect.whole, limit=limit)
            )
            return

        def stream(call: Call, dialect: Dialect) -> Awaitable[tuple[Incoming, _Streamed]]:
            return self._wire.stream(
                call, begin=lambda incoming: _begun(incoming, dialect, called=self._called), limit=limit
            )

        incoming, (first, rest) = await self._asking(request, stream)
        try:
            async with aclosing(rest):
                yield first
                async for delta in rest:
                    yield delta
        finally:
            incoming.close()

    async def embed(self, request: EmbedRequest) -> EmbedReply:
        """One vector a text, in as many calls as the vendor needs for so many."""
        embedder = self._embedder
        if embedder is None:
            raise UnsupportedError(
                f"{self._called} has no embedding service.", hint="Deploy an embedding model and name it."
            )
        return await in_batches(
            request,
            most=embedder.most_texts,
            ask=lambda part: self._wire.ask(
                embedder.embed(part),
                read=lambda body, headers: embedder.vectors(body, headers, texts=len(part.texts)),
            ),
        )

    async def close(self) -> None:
        """Close the connections; a second time does nothing."""
        await self._wire.close()

    def address_of(self, path: str) -> URL:
        """Where calls with that path are sent."""
        return self._wire.url(path)

    async def _asking(self, request: ChatRequest, send: Callable[[Call, Dialect], Awaitable[T]]) -> T:
        """What `send` gives; a refusal from which the dialect learns something is answered by asking again."""
        while True:
            dialect = self._dialect
            call = dialect.chat(request)
            try:
                return await send(call, dialect)
            except ModelCallError as refused:
                wiser = dialect.relent(refused, call)
                if wiser is None:
                    raise
                self._dialect = wiser

    def _cannot_chat(self) -> UnsupportedError:
        able = self._card.capabilities
        kinds = {"embed": "an embedding", "speak": "a speech", "transcribe": "a transcription", "draw": "a picture"}
        ways = [kind for kind in kinds if getattr(able, kind)]
        kind = kinds[ways[0]] if ways else "no chat"
        return UnsupportedError(f"{self._called} is {kind} model and does not chat.", hint=HINTS.get(kind, ""))


_Streamed = tuple[Delta, AsyncGenerator[Delta, None]]


async def _begun(incoming: Incoming, dialect: Dialect, *, called: Called) -> _Streamed:
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
        for event in events:
            delta = answer.read(event)
            if delta is not None:
                yield delta
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

"""The engine of a provider that answers over a WebSocket; a dialect knows the vendor's words."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

from byzer_nb.errors import ModelCallError
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.http import Route
from byzer_nb.providers.wire.socket import OpenSocket, SignAddress, Sockets
from byzer_nb.types import ChatRequest, Delta, ModelCard
from byzer_nb.types.abilities import check_request


class MessageReading(Protocol):
    """What is known of an answer so far."""

    is_whole: bool
    """True when no more words will come."""

    def read(self, message: str) -> Delta | None:
        """What the message adds; an error in the place of words is raised."""
        ...

    def last(self) -> Delta:
        """The delta that closes a whole answer, with its reason and its usage."""
        ...


class SocketDialect(Protocol):
    """How one vendor writes down a conversation, and what its messages mean. It asks nobody and waits for nothing."""

    def chat(self, request: ChatRequest) -> str:
        """The conversation as one message."""
        ...

    def reading(self, request: ChatRequest) -> MessageReading:
        """A reader for one answer."""
        ...


Streamed = tuple[Delta, AsyncGenerator[Delta, None]]


class SocketEngine:
    """A model of a provider."""

    def __init__(
        self, dialect: SocketDialect, route: Route, *, called: Called, card: ModelCard, sign: SignAddress
    ) -> None:
        self._called = called
        self._card = card
        self._dialect = dialect
        self._sockets = Sockets(route, called=called, sign=sign)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._called})"

    def describe(self) -> ModelCard:
        """The model's card; what a model behind an address can do is taken from its name."""
        return self._card

    async def chat(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """The answer: one delta for each piece that arrives, or a single one when nobody watches."""
        check_request(request, self._card)
        message = self._dialect.chat(request)
        limit = request.options.timeout
        if not request.stream:
            yield await self._sockets.ask(message, read=lambda socket: self._whole(socket, request), limit=limit)
            return
        socket, (first, rest) = await self._sockets.stream(
            message, begin=lambda socket: self._begun(socket, request), limit=limit
        )
        try:
            async with aclosing(rest):
                yield first
                async for delta in rest:
                    yield delta
        finally:
            await socket.close()

    async def close(self) -> None:
        """Close the connections; a second time does nothing."""
        await self._sockets.close()

    async def _whole(self, socket: OpenSocket, request: ChatRequest) -> Delta:
        deltas = [delta async for delta in self._deltas(socket, request)]
        last = deltas[-1]
        return Delta(
            text="".join(delta.text for delta in deltas),
            reasoning="".join(delta.reasoning for delta in deltas),
            finish_reason=last.finish_reason,
            usage=last.usage,
            request_id=last.request_id,
        )

    async def _begun(self, socket: OpenSocket, request: ChatRequest) -> Streamed:
        """The first delta and the rest: all that goes wrong before the first word can still be tried again."""
        deltas = self._deltas(socket, request)
        try:
            return await anext(deltas), deltas
        except BaseException:
            await deltas.aclose()
            raise

    async def _deltas(self, socket: OpenSocket, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        answer = self._dialect.reading(request)
        while not answer.is_whole:
            message = await socket.next()
            if not message:
                raise failures.cut_off(self._called)
            try:
                delta = answer.read(message)
            except ModelCallError as told:
                failure = failures.bare(told)
            else:
                if delta is not None:
                    yield delta
                continue
            del message  # the vendor may have quoted the key in it
            raise failure
        yield answer.last()

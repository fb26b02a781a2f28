"""A lease book on a socket. A client keeps one connection open, and what it holds is freed when that one breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import WSMsgType, web

from byzer_nb.cluster.face import GOODBYE_SECONDS, Face
from byzer_nb.cluster.lease_book import Lease, LeaseBook, Wish
from byzer_nb.cluster.lease_words import Ask, Deny, Drop, Free, Grant, Hold, ToRouter, read_to_router
from byzer_nb.cluster.outbox import Outbox
from byzer_nb.cluster.wire import error_to_line
from byzer_nb.types import Secret

HEARTBEAT_SECONDS = 15.0  # a client that stands still for longer than this has lost its leases


class LeaseFace:
    """Serves a book to any number of clients; `address_of` says where a worker is."""

    def __init__(self, book: LeaseBook, *, address_of: Callable[[int], str], token: Secret) -> None:
        self._book = book
        self._address_of = address_of
        self._sockets: set[web.WebSocketResponse] = set()
        self._face = Face([web.get("/leases", self._serve)], token=token)
        self.open = self._face.open

    async def close(self) -> None:
        """Stop to listen; clients notice at once."""
        await asyncio.gather(*[socket.close() for socket in self._sockets])
        await self._face.close()

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_SECONDS, compress=False, timeout=GOODBYE_SECONDS)
        await socket.prepare(request)
        self._sockets.add(socket)
        client = _Client(self._book, Outbox(socket.send_bytes), self._address_of)
        try:
            async for message in socket:
                if message.type is WSMsgType.BINARY:
                    for word in read_to_router(message.data):
                        client.hear(word)
        finally:
            self._sockets.discard(socket)
            client.leave()
        return socket


class _Client:
    """One connection: its wishes, and the leases that it holds."""

    def __init__(self, book: LeaseBook, outbox: Outbox, address_of: Callable[[int], str]) -> None:
        self._book = book
        self._outbox = outbox
        self._address_of = address_of
        self._wishes: dict[int, Wish] = {}  # by the client's own numbers
        self._held: set[int] = set()

    def hear(self, word: ToRouter) -> None:
        """Do what the client says."""
        if isinstance(word, Ask):
            wish = self._wishes[word.number] = self._book.ask(word.kind)
            if wish.granted.done():
                self._answer(word.number, wish.granted)
            else:
                wish.granted.add_done_callback(lambda granted: self._answer(word.number, granted))
        elif isinstance(word, Free):
            self._held.discard(word.lease)
            self._book.free(word.lease, tokens=word.tokens)
        elif isinstance(word, Drop):
            if (dropped := self._wishes.pop(word.number, None)) is not None:
                self._book.drop(dropped)
        elif isinstance(word, Hold):
            self._held.update(lease for lease in word.leases if self._book.holds(lease))

    def leave(self) -> None:
        """The connection is over, and with it everything that the client had."""
        for wish in self._wishes.values():
            self._book.drop(wish)
        for lease in self._held:
            self._book.free(lease)
        self._wishes.clear()
        self._held.clear()
        self._outbox.close()

    def _answer(self, number: int, granted: asyncio.Future[Lease]) -> None:
        if self._wishes.pop(number, None) is None or granted.cancelled():
            return
        failure = granted.exception()
        if failure is None:
            lease = granted.result()
            self._held.add(lease.number)
            self._outbox.say(Grant(number, lease.number, lease.worker, self._address_of(lease.worker)))
        else:
            self._outbox.say(Deny(number, error_to_line(failure)))

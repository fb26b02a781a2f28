"""A client's open connection to the leases of one model."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Mapping

import aiohttp

from byzer_nb.cluster.lease_words import Ask, Deny, Drop, Free, Grant, Hold, read_to_client
from byzer_nb.cluster.outbox import Outbox
from byzer_nb.cluster.wire import error_from_bytes

HEARTBEAT_SECONDS = 15.0  # a router whose node vanished without a word is missed after that


class BrokenLineError(ConnectionError):
    """The router went away while somebody waited for its answer."""


class LeaseLine:
    """Asks for leases and gives them back; any number of requests share it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.held: set[int] = set()
        self._socket = socket
        self._outbox = Outbox(socket.send_bytes)
        self._numbers = itertools.count()
        self._asked: dict[int, asyncio.Future[Grant]] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(
        cls, session: aiohttp.ClientSession, address: str, *, headers: Mapping[str, str], held: Iterable[int] = ()
    ) -> LeaseLine:
        """A line to the router at that address; `held` are leases from an earlier line that are still in use."""
        line = cls(
            await session.ws_connect(
                f"{address}/leases", headers=headers, heartbeat=HEARTBEAT_SECONDS, compress=0, max_msg_size=0
            )
        )
        line.held.update(held)
        if line.held:
            line._outbox.say(Hold(sorted(line.held)))
        return line

    @property
    def is_open(self) -> bool:
        """Whether the router is still there, as far as one can tell without asking."""
        return not self._reading.done()

    async def ask(self, kind: str) -> Grant:
        """A lease for a request of that kind, when there is one."""
        if not self.is_open:
            raise BrokenLineError
        number = next(self._numbers)
        granted: asyncio.Future[Grant] = asyncio.get_running_loop().create_future()
        self._asked[number] = granted
        self._outbox.say(Ask(number, kind))
        try:
            return await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled() and granted.exception() is None:
                self.free(granted.result().lease)  # it came in the very moment in which nobody wanted it any more
            elif self._asked.pop(number, None) is not None:
                self._outbox.say(Drop(number))
            raise

    def free(self, lease: int, *, tokens: int = 0) -> None:
        """Give a lease back; the request took so many tokens."""
        self.held.discard(lease)
        self._outbox.say(Free(lease, tokens))

    async def close(self) -> None:
        """End the line; what it held is free."""
        self._outbox.close()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        await self._socket.close()

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.BINARY:
                    for word in read_to_client(message.data):
                        self._hear(word)
        finally:
            for granted in self._asked.values():
                if not granted.done():
                    granted.set_exception(BrokenLineError())
            self._asked.clear()

    def _hear(self, word: Grant | Deny) -> None:
        granted = self._asked.pop(word.number, None)
        if isinstance(word, Grant):
            if granted is None or granted.done():
                self.free(word.lease)
                return
            self.held.add(word.lease)
            granted.set_result(word)
        elif granted is not None and not granted.done():
            granted.set_exception(error_from_bytes(word.error))

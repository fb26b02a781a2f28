"""A deployed model without Ray: a lease book and engines on sockets, as router and workers have them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from byzer_nb.cluster.direct import Direct, Door
from byzer_nb.cluster.engine_face import EngineFace
from byzer_nb.cluster.lease_book import LeaseBook
from byzer_nb.cluster.lease_face import LeaseFace
from byzer_nb.types import ChatOptions, ChatRequest, Engine, Message, Secret
from byzer_nb.types.pool import PoolSpec

TOKEN = Secret("a-token-of-this-test")


class Rig:
    """Engines behind one name. `restart_router` gives it a new book at another address."""

    def __init__(self, engines: Sequence[Engine], pool: PoolSpec) -> None:
        self.engines = engines
        self.pool = pool
        self.faces = [EngineFace(each, name="chat", token=TOKEN, stall_seconds=pool.stall_seconds) for each in engines]
        self.addresses: list[str] = []
        self.book = LeaseBook("chat", pool)
        self.router: LeaseFace | None = None
        self.door: Door | None = None
        self.asked_for_door = 0

    async def open(self) -> None:
        self.addresses = [await face.open("127.0.0.1") for face in self.faces]
        await self.start_router()

    async def start_router(self) -> None:
        self.router = LeaseFace(self.book, address_of=self.addresses.__getitem__, token=TOKEN)
        address = await self.router.open("127.0.0.1")
        for index, face in enumerate(self.faces):
            self.book.worker_up(index, running=face.running)
        self.door = Door(address=address, node="here", token=TOKEN, card=self.engines[0].describe())

    async def restart_router(self) -> None:
        assert self.router is not None
        await self.router.close()
        self.book = LeaseBook("chat", self.pool)
        await self.start_router()

    def client(self) -> Direct:
        """A way in, as a process has it."""
        assert self.door is not None

        async def find_door() -> Door:
            self.asked_for_door += 1
            assert self.door is not None
            return self.door

        return Direct("chat", self.door, find_door=find_door)

    def running(self) -> list[int]:
        return [each.running for each in self.book.stat().workers]

    async def close(self) -> None:
        if self.router is not None:
            await self.router.close()
        for face in self.faces:
            await face.close()
        for engine in self.engines:
            await engine.close()


@asynccontextmanager
async def rig(make: Callable[[], Engine], **layout: Any) -> AsyncIterator[tuple[Rig, Direct]]:
    """A rig with that many workers, and a client of it."""
    pool = PoolSpec(**layout)
    stage = Rig([make() for _ in range(pool.workers)], pool)
    await stage.open()
    client = stage.client()
    try:
        yield stage, client
    finally:
        await client.close()
        await stage.close()


def asked(text: str = "hi", *, stream: bool = True, **options: Any) -> ChatRequest:
    """A request of one turn."""
    messages = (Message(role="user", content=text),)
    return ChatRequest(messages=messages, options=ChatOptions(**options), stream=stream)

"""One worker of a deployed model: an engine, on a socket and on Ray. Ray makes an actor of the class as it is."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from byzer_nb._garbage import keep_what_is_loaded
from byzer_nb.cluster.engine_face import EngineFace
from byzer_nb.cluster.log_file import LogFile, last_lines, log_path
from byzer_nb.cluster.pull import PullStreams
from byzer_nb.cluster.wire import error_to_line
from byzer_nb.engines import build
from byzer_nb.errors import ModelCallError
from byzer_nb.types import DeploySpec, ModelCard, Secret
from byzer_nb.types.policy import read_policy
from byzer_nb.types.pool import PoolSpec, WorkerTally

LOOP_BACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A worker that is ready: where it listens, what it runs, and the leases that it is still working on."""

    address: str
    card: ModelCard
    running: tuple[int, ...]


class Worker:
    """Builds its engine when it is told to, and answers until it is told to stop."""

    def __init__(self, index: int, spec: DeploySpec, pool: PoolSpec, token: Secret) -> None:
        self._index = index
        self._spec = spec
        self._pool = pool
        self._token = token
        self._face: EngineFace | None = None
        self._pulls = PullStreams(stall_seconds=pool.stall_seconds)
        self._loading: asyncio.Task[Loaded] | None = None
        self._log_path = log_path(spec.name, index)
        self._keeping_small: asyncio.Task[None] | None = None

    async def hello(self) -> None:
        """Answer, which says that Ray found a place for the worker."""

    async def load(self, *, on_loop_back_of: str) -> Loaded | bytes:
        """Build the engine and listen; a failure is given back as the line of an error, so that it keeps its class.

        On that node it listens on loop-back alone, on any other one on the node's address. A second time tells what
        stands, for a router that begins anew.
        """
        if self._loading is None:
            self._keeping_small = asyncio.create_task(LogFile(self._log_path).keep_small())
            self._loading = asyncio.create_task(self._load(on_loop_back_of))
        try:
            loaded = await asyncio.shield(self._loading)
        except Exception as failed:  # whatever an engine raises belongs to the one who deploys it
            return error_to_line(failed)
        return Loaded(address=loaded.address, card=loaded.card, running=tuple(self._ready().running))

    async def _load(self, on_loop_back_of: str) -> Loaded:
        engine = await asyncio.to_thread(build, self._spec)
        face = EngineFace(engine, name=self._spec.name, token=self._token, stall_seconds=self._pool.stall_seconds)
        address = await face.open(LOOP_BACK if on_loop_back_of == node() else address_of_node())
        self._face = face
        keep_what_is_loaded()
        return Loaded(address=address, card=read_policy(self._spec).on(engine.describe()), running=())

    async def process_id(self) -> int:
        """Its process on its node."""
        return os.getpid()

    async def watch(self) -> None:
        """Never ends while the worker lives, so that whoever waits for it learns of its death."""
        await asyncio.Event().wait()

    async def running(self) -> tuple[int, ...]:
        """The leases that it is working on."""
        return tuple(self._ready().running)

    async def tally(self) -> WorkerTally:
        """What it has done so far."""
        return self._ready().tally.snapshot()

    async def last_lines(self, count: int) -> list[str]:
        """The end of what it printed."""
        return last_lines(self._log_path, count)

    # -- requests of clients that cannot reach the socket -----------------------------------------------------------

    async def answer(self, lease: int, path: str, body: bytes) -> bytes:
        """A whole answer, as the route of that path would give it; a failure is the line of an error."""
        face = self._ready()
        with face.working(lease):
            try:
                return await face.answer(path, body)
            except Exception as failed:  # whatever an engine raises belongs to the caller
                return error_to_line(failed)

    async def open(self, stream: str, lease: int, path: str, body: bytes) -> None:
        """Begin to answer piece by piece; `pull` fetches it under the name that the client chose."""
        face = self._ready()

        async def lines() -> AsyncGenerator[bytes, None]:
            with face.working(lease):
                async with aclosing(face.lines(path, body)) as answer:
                    async for line in answer:
                        yield line

        self._pulls.open(stream, lines())

    async def pull(self, stream: str) -> tuple[bytes, bool]:
        """What has come since the last time, and whether that was all."""
        return await self._pulls.pull(stream)

    async def cancel(self, stream: str) -> None:
        """Nobody wants the rest."""
        await self._pulls.cancel(stream)

    def _ready(self) -> EngineFace:
        if self._face is None:
            raise ModelCallError(f"Worker {self._index} of {self._spec.name!r} is not ready yet.", retryable=True)
        return self._face


def node() -> str:
    """The node on which this process runs."""
    import ray

    return str(ray.get_runtime_context().get_node_id())


def address_of_node() -> str:
    """The address under which other nodes reach this one."""
    import ray

    return str(ray.util.get_node_ip_address())

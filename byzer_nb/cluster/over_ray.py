"""Requests to a deployed model over Ray alone, for clients that cannot reach its sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any
from uuid import uuid4

from byzer_nb.cluster import directory, wire
from byzer_nb.cluster.session import WORKERS_NAMESPACE, connected
from byzer_nb.cluster.way import CHAT, Spent, Way
from byzer_nb.errors import ByzerError, UnreachableError
from byzer_nb.types import ModelCard

KEEP_SECONDS = 0.05
RESTART_SECONDS = 15.0  # that a router which died may take to come back
PAUSE_SECONDS = 0.1


class OverRay(Way):
    """The same way to one model as `Direct`, with a Ray call where that one has a socket; streams are fetched."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._job = ""
        self._card: ModelCard | None = None  # for as long as the router is the same
        self._router: Any = None  # Any: handles of actors, looked up once
        self._workers: dict[tuple[int, int], Any] = {}  # by index and restarts: a new life is a new actor
        self._kept: list[Any] = []  # leases for the next calls, as Ray's references

    async def describe(self) -> ModelCard:
        """The card of the model."""
        self._ray()
        if self._card is None:
            door = await self._of_router(lambda router: router.door.remote())
            if isinstance(door, bytes):
                raise wire.error_from_bytes(door)
            self._card = door.card
        return self._card

    async def close(self) -> None:
        """Give back what is held for a next call."""
        for spare in list(self._kept):
            self._give_back(spare)

    async def _whole(self, kind: str, path: str, body: bytes) -> bytes:
        async with self._leased(kind, spent=Spent()) as (worker, _, lease):
            answer: bytes = await _called(worker.answer.remote(lease, path, body))
        if answer.startswith(wire.ERROR):
            raise wire.error_from_bytes(answer)
        return answer

    async def _chunks(
        self, kind: str, path: str, body: bytes, *, spent: Spent
    ) -> AsyncGenerator[tuple[bytes, int], None]:
        async with self._leased(kind, spent=spent) as (worker, index, lease):
            if path == "/chat":  # a whole answer, which needs no fetching
                yield await _called(worker.answer.remote(lease, path, body)), index
                return
            stream = uuid4().hex  # chosen here, so that it can be cancelled before the worker has answered
            is_over = False
            try:
                await _called(worker.open.remote(stream, lease, path, body))
                while not is_over:
                    chunk, is_over = await worker.pull.remote(stream)
                    yield chunk, index
            finally:
                if not is_over:
                    worker.cancel.remote(stream)

    @asynccontextmanager
    async def _leased(
        self, kind: str, *, spent: Spent
    ) -> AsyncIterator[tuple[Any, int, int]]:  # Any: the handle of an actor
        lease, index, restarts = await self._lease(kind)
        ray, router = connected(), self._router
        is_over = False
        try:
            yield self._worker(index, restarts), index, lease
            is_over = True
        except ray.exceptions.RayActorError as died:
            raise self._died(index) from died
        finally:
            if is_over and kind == CHAT:
                self._keep(router.swap.remote(lease, spent.tokens))
            else:
                router.free.remote(lease, spent.tokens)

    async def _lease(self, kind: str) -> tuple[int, int, int]:
        """A lease that was kept from the last call, or a new one: its number, its worker and that one's restarts."""
        self._ray()
        while kind == CHAT and self._kept:
            spare, router = self._kept.pop(), self._router
            try:
                kept: tuple[int, int, int] | None = await spare
            except asyncio.CancelledError:
                router.free_spare.remote(spare)
                raise
            except connected().exceptions.RayActorError:  # the router died, and with it what it gave
                continue
            if kept is not None:
                return kept
        answer = await self._of_router(lambda router: router.lease.remote(kind))
        if isinstance(answer, bytes):
            raise wire.error_from_bytes(answer)
        granted: tuple[int, int, int] = answer
        return granted

    async def _of_router(self, ask: Callable[[Any], Any]) -> Any:  # Any: handles, references and results of Ray
        """What the router answers; one that was deployed anew or is just coming back is looked for again."""
        ray = self._ray()
        deadline = asyncio.get_running_loop().time() + RESTART_SECONDS
        while True:
            self._router = self._router or directory.router(self._name)
            ref = ask(self._router)
            try:
                return await _called(ref)
            except asyncio.CancelledError:
                self._router.free_spare.remote(ref)  # a lease that was granted in this very moment
                raise
            except ray.exceptions.RayActorError as died:
                self._forget()
                if asyncio.get_running_loop().time() > deadline:
                    raise UnreachableError(
                        f"The router of {self._name!r} does not come back.",
                        hint="Undeploy the model and deploy it again.",
                        model=self._name,
                    ) from died
            await asyncio.sleep(PAUSE_SECONDS)

    def _keep(self, spare: Any) -> None:  # Any: Ray's reference to a result
        """Hold a lease for the next call, which then needs one hop less; without a next call it is given back soon."""
        self._kept.append(spare)
        asyncio.get_running_loop().call_later(KEEP_SECONDS, self._give_back, spare)

    def _give_back(self, spare: Any) -> None:  # Any: Ray's reference to a result
        if spare in self._kept and self._router is not None:
            self._kept.remove(spare)
            self._router.free_spare.remote(spare)

    def _worker(self, index: int, restarts: int) -> Any:  # Any: the handle of an actor
        worker = self._workers.get((index, restarts))
        if worker is None:
            worker = directory.handle(directory.worker_name(self._name, index), WORKERS_NAMESPACE)
            if worker is None:
                raise self._died(index)
            self._workers[index, restarts] = worker
        return worker

    def _ray(self) -> ModuleType:
        """Ray; handles from an earlier connection of this process are let go."""
        ray = connected()
        job = ray.get_runtime_context().get_job_id()
        if job != self._job:
            self._job = job
            self._forget()
        return ray

    def _forget(self) -> None:
        self._card = None
        self._router = None
        self._workers.clear()
        self._kept.clear()

    def _died(self, index: int) -> ByzerError:
        return UnreachableError(
            f"Worker {index} of {self._name!r} ended in the middle of a request.",
            hint="It is started again by itself; ask once more. Its log says why it ended.",
            model=self._name,
            retryable=True,
        )


async def _called(ref: Any) -> Any:  # Any: Ray's reference to a result
    """The result of a call; whoever does not want it any more ends the call too."""
    try:
        return await ref
    except asyncio.CancelledError:
        connected().cancel(ref)
        raise

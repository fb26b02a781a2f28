"""The router of one deployed model: it keeps the workers alive and says who may use which."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import Any

from byzer_nb._garbage import keep_what_is_loaded
from byzer_nb._rate_limit import RateLimit
from byzer_nb.cluster.direct import Door
from byzer_nb.cluster.directory import worker_name
from byzer_nb.cluster.lease_book import Lease, LeaseBook
from byzer_nb.cluster.lease_face import LeaseFace
from byzer_nb.cluster.log_file import last_lines, log_path
from byzer_nb.cluster.placement import not_placed
from byzer_nb.cluster.session import WORKERS_NAMESPACE
from byzer_nb.cluster.wire import error_from_bytes, error_to_line
from byzer_nb.cluster.worker import LOOP_BACK, Loaded, Worker, address_of_node
from byzer_nb.errors import ByzerError, ModelCallError
from byzer_nb.types import DeploySpec, ModelCard, Secret
from byzer_nb.types.policy import read_policy
from byzer_nb.types.pool import PoolPulse, PoolSpec, PoolStat, WorkerTally

FIRST_PAUSE = 0.25  # before a worker that died is started again; doubled each time it does not come up
LONGEST_PAUSE = 30.0
PLACE_SECONDS = 60.0  # Ray waits without an end for resources that never come free
LOOK_SECONDS = 1.0  # how often leases without a connection are looked after
BEGIN_SECONDS = 10.0  # that a client has to begin with a lease that it was given over Ray
DOOR_SECONDS = 30.0  # that a client may wait for the first worker of a router
PULSE_SECONDS = 1.0  # that a worker has to say what it has counted
CALLS = 10_000  # that wait in an actor at a time

log = logging.getLogger(__name__)


class Router:
    """Starts the workers of a model, starts them again when they die, and leases them to clients.

    When the router itself dies, Ray makes it again from the same arguments, and it takes over the workers that it
    finds: their weights stay loaded and what they answer goes on.
    """

    def __init__(self, spec: DeploySpec, pool: PoolSpec, token: Secret) -> None:
        self._spec = spec
        self._pool = pool
        self._token = token
        policy = read_policy(spec)
        limit = RateLimit(requests=policy.requests_per_minute, tokens=policy.tokens_per_minute)
        self._book = LeaseBook(spec.name, pool, limit=limit)
        self._addresses = [""] * pool.workers
        self._workers: dict[int, Any] = {}  # Any: handles of actors
        self._face = LeaseFace(self._book, address_of=self._addresses.__getitem__, token=token)
        self._address = ""
        self._node = ""
        self._over_ray: dict[int, tuple[int, float]] = {}  # leases without a connection: their workers, and since when
        self._placed = [False] * pool.workers
        self._card: asyncio.Future[ModelCard] | None = None
        self._opening: asyncio.Task[None] | None = None
        self._supervising: list[asyncio.Task[None]] = []
        self._first_tries: list[asyncio.Future[ByzerError | None]] = []

    # -- life -----------------------------------------------------------------------------------------------------

    async def start(self) -> bytes | None:
        """Wait until every worker is ready; the line of an error as soon as one of them cannot load."""
        await self._open()
        for first_try in asyncio.as_completed(self._first_tries):
            failure = await first_try
            if failure is not None:
                return error_to_line(failure)
        return None

    async def progress(self) -> tuple[int, int]:
        """How many workers have a place, and how many of them are ready."""
        await self._open()
        return sum(self._placed), sum(each.is_up for each in self._book.stat().workers)

    async def door(self) -> Door | bytes:
        """What a client needs to come in; the line of an error as long as no worker has loaded."""
        await self._open()
        assert self._card is not None
        try:
            card = await asyncio.wait_for(asyncio.shield(self._card), DOOR_SECONDS)
        except TimeoutError:
            return error_to_line(
                ModelCallError(
                    f"The model {self._spec.name!r} is still loading.",
                    hint="Ask again in a while; byzerllm stat shows when its workers are up.",
                    model=self._spec.name,
                    retryable=True,
                )
            )
        return Door(address=self._address, node=self._node, token=self._token, card=card)

    async def lease(self, kind: str) -> tuple[int, int, int] | bytes:
        """A lease for a client that comes over Ray, its worker and how often that was restarted; or an error's line."""
        await self._open()
        wish = self._book.ask(kind)
        try:
            # Without the shield a cancelled call would cancel the wish behind the book's back.
            lease = await asyncio.shield(wish.granted)
        except ByzerError as refused:
            return error_to_line(refused)
        except asyncio.CancelledError:
            self._book.drop(wish)
            raise
        return self._noted(lease)

    def _noted(self, lease: Lease) -> tuple[int, int, int]:
        self._over_ray[lease.number] = (lease.worker, asyncio.get_running_loop().time())
        return lease.number, lease.worker, self._book.restarts(lease.worker)

    async def swap(self, lease: int, tokens: int = 0) -> tuple[int, int, int] | None:
        """Free a lease, and give one for the next call of that client if there is room to spare."""
        await self.free(lease, tokens)
        spare = self._book.spare()
        return None if spare is None else self._noted(spare)

    async def free_spare(self, spare: tuple[int, int, int] | bytes | None) -> None:
        """Nobody uses what `swap` or `lease` gave."""
        if isinstance(spare, tuple):
            self._over_ray.pop(spare[0], None)
            self._book.free(spare[0], was_used=False)

    async def free(self, lease: int, tokens: int = 0) -> None:
        """The request is over, and took so many tokens."""
        self._over_ray.pop(lease, None)
        self._book.free(lease, tokens=tokens)

    async def stat(self) -> PoolStat:
        """What the workers are doing."""
        await self._open()
        return self._book.stat()

    async def pulse(self) -> PoolPulse:
        """What the workers are doing, and what they have counted; one that does not answer at once counts nothing."""
        await self._open()
        tallies = await asyncio.gather(*[self._tally(index) for index in range(self._pool.workers)])
        return PoolPulse(at=time.monotonic(), stat=self._book.stat(), tallies=tuple(tallies))

    async def _tally(self, index: int) -> WorkerTally:
        import ray

        if not self._book.is_up(index):
            return WorkerTally()
        try:
            async with asyncio.timeout(PULSE_SECONDS):
                tally: WorkerTally = await self._workers[index].tally.remote()
        except (TimeoutError, ray.exceptions.RayError):
            return WorkerTally()
        return tally

    async def pool(self) -> PoolSpec:
        """How it was laid out."""
        return self._pool

    async def process_id(self) -> int:
        """Its process on its node."""
        return os.getpid()

    async def log(self, worker: int, count: int) -> list[str]:
        """The last lines that a worker printed, also one that is dead if it lived on this node."""
        handle = self._workers.get(worker)
        if handle is not None and self._book.is_up(worker):
            lines: list[str] = await handle.last_lines.remote(count)
            return lines
        return last_lines(log_path(self._spec.name, worker), count)

    async def stop(self) -> None:
        """End every worker."""
        for task in self._supervising:
            task.cancel()
        for handle in self._workers.values():
            _kill(handle)
        await self._face.close()

    async def _open(self) -> None:
        if self._opening is None:
            self._opening = asyncio.create_task(self._begin())
        await asyncio.shield(self._opening)

    async def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        on_loop_back, self._node = await asyncio.to_thread(_surroundings)
        self._card = loop.create_future()
        self._address = await self._face.open(LOOP_BACK if on_loop_back else address_of_node())
        self._first_tries = [loop.create_future() for _ in range(self._pool.workers)]
        self._supervising = [
            asyncio.create_task(self._supervise(index, on_loop_back)) for index in range(self._pool.workers)
        ]
        self._supervising.append(asyncio.create_task(self._settle()))
        keep_what_is_loaded()

    # -- workers --------------------------------------------------------------------------------------------------

    async def _supervise(self, index: int, on_loop_back: bool) -> None:
        """Keep one worker alive, always at the same index, so that pins stay right."""
        pause = FIRST_PAUSE
        while True:
            failure = await self._bring_up(index, on_loop_back)
            if not self._first_tries[index].done():
                self._first_tries[index].set_result(failure)
            if failure is None:
                pause = FIRST_PAUSE
                await self._watch(index)
                self._book.worker_down(index)
                log.warning("worker %d of %r ended; it is started again", index, self._spec.name)
            else:
                log.warning("worker %d of %r does not load: %s", index, self._spec.name, failure)
            self._placed[index] = False
            if index in self._workers:
                _kill(self._workers[index])
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _bring_up(self, index: int, on_loop_back: bool) -> ByzerError | None:
        """Find the worker or make it, and wait until it has loaded; what went wrong, if something did."""
        try:
            handle = self._workers[index] = await asyncio.to_thread(self._find_or_make, index)
            async with asyncio.timeout(PLACE_SECONDS):
                await handle.hello.remote()
            self._placed[index] = True
            loaded = await handle.load.remote(on_loop_back_of=self._node if on_loop_back else "")
        except TimeoutError:
            return not_placed(self._spec.name, self._pool, PLACE_SECONDS)
        except Exception as died:  # whatever it was, the next try may go well, and this task must not end
            return ModelCallError(
                f"Worker {index} of {self._spec.name!r} died while it was loading: {_first_line(died)}",
                hint="Its log says more.",
                model=self._spec.name,
            )
        if isinstance(loaded, bytes):
            return error_from_bytes(loaded)
        self._admit(index, loaded)
        return None

    def _admit(self, index: int, loaded: Loaded) -> None:
        self._addresses[index] = loaded.address
        assert self._card is not None
        if not self._card.done():
            self._card.set_result(loaded.card)
        self._book.worker_up(index, running=loaded.running)
        self._over_ray.update((number, (index, 0.0)) for number in loaded.running)

    async def _settle(self) -> None:
        """Free the leases whose clients may be gone without a word, as soon as their workers do not work on them."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._free_forgotten()
            except Exception:  # this task must not end
                log.exception("leases of %r could not be looked after", self._spec.name)

    async def _free_forgotten(self) -> None:
        before = asyncio.get_running_loop().time() - BEGIN_SECONDS
        doubtful = {number: worker for number, (worker, since) in self._over_ray.items() if since < before}
        for worker in {each for each in doubtful.values() if self._book.is_up(each)}:
            try:
                running = await self._running(worker)
            except TimeoutError:  # it computes, so what it has is in use
                continue
            for number in [each for each in doubtful if doubtful[each] == worker and each not in running]:
                await self.free(number)

    async def _running(self, index: int) -> set[int]:
        import ray

        try:
            async with asyncio.timeout(PULSE_SECONDS):
                return set(await self._workers[index].running.remote())
        except ray.exceptions.RayError:  # it died, which frees them all
            return set()

    async def _watch(self, index: int) -> None:
        import ray

        try:
            await self._workers[index].watch.remote()
        except ray.exceptions.RayError:
            return

    def _find_or_make(self, index: int) -> Any:  # Any: the handle of an actor
        import ray

        return (
            ray.remote(Worker)
            .options(
                name=worker_name(self._spec.name, index),
                namespace=WORKERS_NAMESPACE,
                lifetime="detached",
                get_if_exists=True,
                num_cpus=self._pool.cpus,
                num_gpus=self._pool.gpus,
                max_restarts=0,  # we start it again ourselves: callers then learn of the death in milliseconds
                max_task_retries=0,  # a stream that is run again would be spliced
                max_concurrency=CALLS,
            )
            .remote(index, self._spec, self._pool, self._token)
        )


def _surroundings() -> tuple[bool, str]:
    """Whether this node is the only one, and which it is."""
    import ray

    is_alone = sum(bool(node["Alive"]) for node in ray.nodes()) == 1
    return is_alone, str(ray.get_runtime_context().get_node_id())


def _kill(handle: Any) -> None:  # Any: the handle of an actor
    import ray

    ray.kill(handle, no_restart=True)


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)

"""Who may use which worker now: slots, queues and the two ways of sharing, without Ray and without sockets."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from byzer_nb._rate_limit import RateLimit
from byzer_nb.errors import RateLimitedError
from byzer_nb.types.pool import PoolSpec, PoolStat, WorkerStat

ANYWHERE = -1  # the queue of requests that any worker may take


@dataclass(slots=True)
class Lease:
    """The right to send one request to one worker."""

    number: int
    worker: int


@dataclass(eq=False, slots=True)
class Wish:
    """A request that waits for a worker; `granted` is a lease as soon as there is one."""

    queue: int
    turn: int
    granted: asyncio.Future[Lease]
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class _Desk:
    """What the book knows of one worker."""

    is_up: bool = False
    running: int = 0
    total: int = 0
    restarts: int = 0
    last_turn: int = -1  # the turn of its newest request: the smallest one was idle longest
    last_time: float = field(default_factory=time.monotonic)


class LeaseBook:
    """Gives slots of workers to requests, in the order in which they ask.

    `lru` takes the worker that was idle longest and, when that one is full, the one with the most free slots.
    `round_robin` goes round and counts no slots. `limit` holds for all workers together; who has to stay back for it
    waits in the same queue. A request that is pinned to a worker waits for that one alone, and
    never holds up those behind it.
    """

    def __init__(self, name: str, spec: PoolSpec, *, limit: RateLimit | None = None) -> None:
        self._name = name
        self._limit = limit or None  # one that limits nothing is none
        self._opening: asyncio.TimerHandle | None = None  # when the limit lets the next one through
        self._spec = spec
        self._desks = [_Desk() for _ in range(spec.workers)]
        self._leases: dict[int, Lease] = {}
        self._numbers = itertools.count(time.time_ns())  # so that a restarted book gives none twice
        self._turns = itertools.count()
        self._next = 0  # of the round
        self._queues: dict[int, deque[Wish]] = {queue: deque() for queue in (ANYWHERE, *range(spec.workers))}
        self._waiting = 0

    # -- requests -------------------------------------------------------------------------------------------------

    def ask(self, kind: str) -> Wish:
        """A wish for a slot: granted at once, or when its turn comes, or refused when it waited too long."""
        queue = self._spec.pins.get(kind, ANYWHERE)
        wish = Wish(queue=queue, turn=next(self._turns), granted=asyncio.get_running_loop().create_future())
        is_next = not (self._queues[ANYWHERE] or self._queues[queue])  # a limit that opens now opens for others first
        worker = self._pick(queue) if is_next and self._may_begin() else None
        if worker is not None:
            self._grant(wish, worker)
        elif self._waiting >= self._spec.queue_limit:
            wish.granted.set_exception(self._too_many())
        else:
            self._queues[queue].append(wish)
            self._waiting += 1
            wish.timer = asyncio.get_running_loop().call_later(self._spec.wait_seconds, self._refuse, wish)
        return wish

    def drop(self, wish: Wish) -> None:
        """The one who asked has gone."""
        if wish in self._queues[wish.queue]:
            self._leave(wish)
            wish.granted.cancel()
        elif not wish.granted.cancelled() and wish.granted.exception() is None:
            self.free(wish.granted.result().number)

    def spare(self) -> Lease | None:
        """A lease for a request that is likely to come, if nobody waits and others still find room after it.

        None when going round: one that is given back unused would spoil the order.
        """
        room = sum(max(0, self._spec.slots - desk.running) for desk in self._desks if desk.is_up)
        if self._waiting or room < 2 or self._spec.balance == "round_robin" or self._limit is not None:
            return None
        return self.ask("chat").granted.result()

    def free(self, number: int, *, was_used: bool = True, tokens: int = 0) -> None:
        """The request is over, and took so many tokens. A lease that is not known was lost with its worker."""
        if self._limit is not None:
            self._limit.spend(tokens)
        lease = self._leases.pop(number, None)
        if lease is not None:
            self._desks[lease.worker].running -= 1
            self._desks[lease.worker].total -= not was_used
            self._serve(lease.worker)

    # -- workers --------------------------------------------------------------------------------------------------

    def worker_up(self, worker: int, *, running: Iterable[int] = ()) -> None:
        """A worker is ready; `running` are the leases that it is still working on for an earlier book."""
        desk = self._desks[worker]
        desk.is_up = True
        for number in running:
            if number not in self._leases:
                self._leases[number] = Lease(number, worker)
                desk.running += 1
        self._serve(worker)

    def worker_down(self, worker: int) -> None:
        """A worker is gone, and with it what it was working on."""
        desk = self._desks[worker]
        if desk.is_up:
            desk.restarts += 1
        desk.is_up = False
        desk.running = 0
        for lease in [lease for lease in self._leases.values() if lease.worker == worker]:
            del self._leases[lease.number]

    def is_up(self, worker: int) -> bool:
        """Whether a worker is ready."""
        return self._desks[worker].is_up

    def restarts(self, worker: int) -> int:
        """How often a worker was started again."""
        return self._desks[worker].restarts

    def holds(self, number: int) -> bool:
        """Whether a lease is still in force."""
        return number in self._leases

    def stat(self) -> PoolStat:
        """What the workers are doing; nobody is asked for it."""
        now = time.monotonic()
        return PoolStat(
            name=self._name,
            balance=self._spec.balance,
            slots=self._spec.slots,
            workers=tuple(
                WorkerStat(
                    index=index,
                    is_up=desk.is_up,
                    running=desk.running,
                    total=desk.total,
                    idle_seconds=now - desk.last_time,
                    restarts=desk.restarts,
                )
                for index, desk in enumerate(self._desks)
            ),
            waiting=self._waiting,
        )

    # -- inside ---------------------------------------------------------------------------------------------------

    def _pick(self, queue: int) -> int | None:
        """The worker for a new request, or none now."""
        if queue != ANYWHERE:
            return queue if self._has_room(self._desks[queue]) else None
        if self._spec.balance == "round_robin":
            return self._next_in_round()
        up = [index for index, desk in enumerate(self._desks) if desk.is_up]
        if not up:
            return None
        idlest = min(up, key=lambda index: self._desks[index].last_turn)
        if self._has_room(self._desks[idlest]):
            return idlest
        freest = min(up, key=lambda index: (self._desks[index].running, self._desks[index].last_turn))
        return freest if self._has_room(self._desks[freest]) else None

    def _next_in_round(self) -> int | None:
        for step in range(len(self._desks)):
            worker = (self._next + step) % len(self._desks)
            if self._desks[worker].is_up:
                self._next = worker + 1
                return worker
        return None

    def _has_room(self, desk: _Desk) -> bool:
        return desk.is_up and (self._spec.balance == "round_robin" or desk.running < self._spec.slots)

    def _grant(self, wish: Wish, worker: int) -> None:
        if self._limit is not None:
            self._limit.begin()
        lease = Lease(next(self._numbers), worker)
        self._leases[lease.number] = lease
        desk = self._desks[worker]
        desk.running += 1
        desk.total += 1
        desk.last_turn = next(self._turns)
        desk.last_time = time.monotonic()
        wish.granted.set_result(lease)

    def _serve(self, worker: int) -> None:
        """Give the room of a worker to those who wait for it, the oldest first."""
        while self._waiting and self._may_begin():
            waiting = [self._queues[queue][0] for queue in (ANYWHERE, worker) if self._queues[queue]]
            wish = min(waiting, key=lambda each: each.turn, default=None)
            if wish is None:
                return
            chosen = self._pick(wish.queue)
            if chosen is None:
                return
            self._leave(wish)
            self._grant(wish, chosen)

    def _may_begin(self) -> bool:
        """Whether the limit lets a request through now; if not, those who wait are served when it does."""
        seconds = 0.0 if self._limit is None else self._limit.wait()
        if seconds > 0 and self._opening is None:
            self._opening = asyncio.get_running_loop().call_later(seconds, self._serve_all)
        return seconds <= 0

    def _serve_all(self) -> None:
        self._opening = None
        for worker, desk in enumerate(self._desks):
            if desk.is_up:
                self._serve(worker)

    def _leave(self, wish: Wish) -> None:
        self._queues[wish.queue].remove(wish)
        self._waiting -= 1
        if wish.timer is not None:
            wish.timer.cancel()

    def _refuse(self, wish: Wish) -> None:
        if not wish.granted.done():
            self._leave(wish)
            wish.granted.set_exception(self._no_room())

    def _layout(self) -> str:
        return f"{self._spec.workers} workers × {self._spec.slots} slots"

    def _no_room(self) -> RateLimitedError:
        up = sum(desk.is_up for desk in self._desks)
        why = "all slots were busy" if up == len(self._desks) else f"only {up} of its workers are up"
        if self._limit is not None and self._limit.wait() > 0:
            why = "its limit of requests or tokens a minute was reached"
        return RateLimitedError(
            f"No idle worker of {self._name!r} ({self._layout()}) within {self._spec.wait_seconds:g} s: {why}.",
            hint="Ask again later, or deploy it with more workers or more concurrency.",
            model=self._name,
            retryable=True,
        )

    def _too_many(self) -> RateLimitedError:
        return RateLimitedError(
            f"{self._waiting} requests wait for {self._name!r} ({self._layout()}) already, which is its limit.",
            hint="Send fewer at a time, or deploy it with more workers or more concurrency.",
            model=self._name,
            retryable=True,
        )

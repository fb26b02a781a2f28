"""Who gets which worker: the two ways of sharing, pins, queues, and workers that come and go."""

from __future__ import annotations

import asyncio
import time
from random import Random

import pytest

from byzer_nb._rate_limit import RateLimit
from byzer_nb.cluster.lease_book import LeaseBook, Wish
from byzer_nb.errors import RateLimitedError
from byzer_nb.types.pool import PoolSpec


def book_of(**layout: object) -> LeaseBook:
    """A book whose workers are all up."""
    spec = PoolSpec(**layout)  # type: ignore[arg-type]
    book = LeaseBook("chat", spec)
    for worker in range(spec.workers):
        book.worker_up(worker)
    return book


def worker_of(wish: Wish) -> int | None:
    """The worker that a wish was granted, or none yet."""
    return wish.granted.result().worker if wish.granted.done() else None


def free(book: LeaseBook, wish: Wish) -> None:
    book.free(wish.granted.result().number)


@pytest.mark.contract("POOL-01")
async def test_the_worker_that_was_idle_longest_comes_first() -> None:
    book = book_of(workers=3, slots=2)
    first = [book.ask("chat") for _ in range(3)]
    assert [worker_of(each) for each in first] == [0, 1, 2]
    free(book, first[1])
    assert worker_of(book.ask("chat")) == 0  # its turn came longest ago, though 1 is emptier


@pytest.mark.contract("POOL-01")
async def test_when_that_one_is_full_the_one_with_most_free_slots_is_taken() -> None:
    book = book_of(workers=3, slots=2)
    wishes = [book.ask("chat") for _ in range(5)]  # 0 1 2 0 1
    free(book, wishes[1])
    free(book, wishes[4])
    free(book, wishes[2])
    assert worker_of(book.ask("chat")) == 2  # idle longest
    assert worker_of(book.ask("chat")) == 1  # 0 is full, 1 has two free slots and 2 has one


@pytest.mark.contract("POOL-01")
async def test_a_third_request_waits_for_two_busy_workers_and_is_served_then() -> None:
    book = book_of(workers=2)
    busy = [book.ask("chat") for _ in range(2)]
    third = book.ask("chat")
    assert worker_of(third) is None
    assert book.stat().waiting == 1
    free(book, busy[1])
    assert worker_of(third) == 1


@pytest.mark.contract("POOL-01")
async def test_waiting_too_long_is_told_with_model_layout_and_seconds() -> None:
    book = book_of(workers=2, slots=3, wait_seconds=0.05)
    for _ in range(6):
        book.ask("chat")
    with pytest.raises(RateLimitedError, match=r"'chat' \(2 workers × 3 slots\) within 0.05 s: all slots were busy"):
        await book.ask("chat").granted
    assert book.stat().waiting == 0


async def test_a_full_queue_refuses_at_once() -> None:
    book = book_of(queue_limit=2)
    for _ in range(3):
        book.ask("chat")
    with pytest.raises(RateLimitedError, match="2 requests wait for 'chat'"):
        await book.ask("chat").granted


@pytest.mark.contract("POOL-02")
async def test_going_round_counts_no_slots() -> None:
    book = book_of(workers=3, balance="round_robin")
    assert [worker_of(book.ask("chat")) for _ in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    assert [each.total for each in book.stat().workers] == [3, 2, 2]


@pytest.mark.contract("POOL-04")
async def test_a_pinned_kind_waits_for_its_worker_and_holds_nobody_up() -> None:
    book = book_of(workers=2, pins={"embedding": 0})
    pinned = [book.ask("embedding") for _ in range(3)]
    assert [worker_of(each) for each in pinned] == [0, None, None]
    other = book.ask("chat")
    assert worker_of(other) == 1  # past those that wait for worker 0
    late = book.ask("chat")
    free(book, other)
    assert worker_of(late) == 1
    free(book, pinned[0])
    assert worker_of(pinned[1]) == 0


@pytest.mark.contract("POOL-01")
async def test_the_oldest_request_is_served_first() -> None:
    book = book_of()
    running = book.ask("chat")
    waiting = [book.ask("chat") for _ in range(3)]
    for wish in waiting:
        assert worker_of(wish) is None
        free(book, running)
        assert worker_of(wish) == 0
        running = wish


async def test_whoever_goes_away_leaves_his_place_in_the_queue() -> None:
    book = book_of()
    running = book.ask("chat")
    gone, waiting = book.ask("chat"), book.ask("chat")
    book.drop(gone)
    free(book, running)
    assert worker_of(waiting) == 0
    book.drop(waiting)  # it had its slot already
    assert book.stat().free_slots() == [1]


async def test_a_worker_that_dies_takes_its_leases_with_it() -> None:
    book = book_of(workers=2)
    lost, kept = book.ask("chat"), book.ask("chat")
    book.worker_down(0)
    assert [each.is_up for each in book.stat().workers] == [False, True]
    waiting = book.ask("chat")
    free(book, lost)  # nothing happens: the slot went with the worker
    assert worker_of(waiting) is None
    book.worker_up(0)
    assert worker_of(waiting) == 0
    assert [each.restarts for each in book.stat().workers] == [1, 0]
    free(book, kept)


async def test_requests_wait_while_no_worker_is_up() -> None:
    book = LeaseBook("chat", PoolSpec(workers=2, wait_seconds=0.05))
    with pytest.raises(RateLimitedError, match="only 0 of its workers are up"):
        await book.ask("chat").granted


async def test_a_new_book_takes_over_what_a_worker_is_still_working_on() -> None:
    book = LeaseBook("chat", PoolSpec())
    book.worker_up(0, running=[7])
    assert book.holds(7)
    waiting = book.ask("chat")
    assert worker_of(waiting) is None
    book.free(7)
    assert worker_of(waiting) == 0


@pytest.mark.contract("POOL-03")
async def test_the_stat_has_the_keys_of_the_documents_in_their_order() -> None:
    book = book_of(workers=3)
    book.ask("chat")
    stat = book.stat().as_json()
    times = stat.pop("workers_last_work_time")
    assert stat == {
        "total_workers": 3,
        "busy_workers": 1,
        "idle_workers": 2,
        "load_balance_strategy": "lru",
        "total_requests": [1, 0, 0],
        "state": [0, 1, 1],
        "worker_max_concurrency": 1,
    }
    assert list(book.stat().as_json())[-1] == "workers_last_work_time"
    assert [float(each.removesuffix("s")) >= 0 for each in times] == [True] * 3


async def test_a_spare_lease_is_given_only_where_others_still_find_room_and_does_not_count_unused() -> None:
    book = book_of(workers=2, slots=2)
    held = [book.ask("chat") for _ in range(2)]
    spare = book.spare()
    assert spare is not None
    assert book.spare() is None  # the last slot is for whoever comes
    book.free(spare.number, was_used=False)
    assert [each.total for each in book.stat().workers] == [1, 1]
    assert book.stat().free_slots() == [1, 1]
    assert [worker_of(each) for each in held] == [0, 1]
    assert book_of(workers=2, slots=2, balance="round_robin").spare() is None


class Model:
    """The rules of `lru` with pins once more, written as a search over all that happened."""

    def __init__(self, spec: PoolSpec) -> None:
        self.spec = spec
        self.running = [0] * spec.workers
        self.last = [-1] * spec.workers
        self.queue: list[tuple[int, str]] = []
        self.granted: dict[int, int] = {}
        self.turn = 0

    def ask(self, number: int, kind: str) -> None:
        self.queue.append((number, kind))
        self.serve()

    def free(self, number: int) -> None:
        self.running[self.granted[number]] -= 1
        self.serve()

    def serve(self) -> None:
        while True:
            for place, (number, kind) in enumerate(self.queue):
                worker = self.choice(kind)
                if worker is not None:
                    del self.queue[place]
                    self.granted[number] = worker
                    self.running[worker] += 1
                    self.last[worker] = self.turn
                    self.turn += 1
                    break
            else:
                return

    def choice(self, kind: str) -> int | None:
        slots = self.spec.slots
        if kind in self.spec.pins:
            pin = self.spec.pins[kind]
            return pin if self.running[pin] < slots else None
        by_age = sorted(range(self.spec.workers), key=self.last.__getitem__)
        if self.running[by_age[0]] < slots:
            return by_age[0]
        freest = min(by_age, key=self.running.__getitem__)
        return freest if self.running[freest] < slots else None


@pytest.mark.contract("POOL-01", "POOL-04")
@pytest.mark.parametrize("seed", range(8))
async def test_every_grant_is_the_one_of_the_rules_and_no_worker_idles_while_somebody_waits(seed: int) -> None:
    rng = Random(seed)
    spec = PoolSpec(workers=4, slots=4, pins={"embedding": 1, "tokenizer": 3}, queue_limit=10_000)
    book, model = book_of(workers=4, slots=4, pins=spec.pins, queue_limit=10_000), Model(spec)
    wishes: dict[int, Wish] = {}
    over: set[int] = set()
    for number in range(1_500):
        kind = rng.choices(["chat", "embedding", "tokenizer"], [6, 2, 1])[0]
        wishes[number] = book.ask(kind)
        model.ask(number, kind)
        running = sorted(model.granted.keys() - over)
        for done in rng.sample(running, min(len(running), rng.randint(0, 2))):
            over.add(done)
            free(book, wishes[done])
            model.free(done)
        assert {each: worker_of(wish) for each, wish in wishes.items() if wish.granted.done()} == model.granted
    await asyncio.sleep(0)


async def test_limit_of_requests_holds_for_all_workers_together() -> None:
    limit = RateLimit(requests=3, window=0.2)
    book = LeaseBook("chat", PoolSpec(workers=2, slots=10), limit=limit)
    for worker in range(2):
        book.worker_up(worker)
    wishes = [book.ask("chat") for _ in range(7)]
    assert [wish.granted.done() for wish in wishes] == [True] * 3 + [False] * 4
    assert book.stat().waiting == 4
    started = asyncio.get_running_loop().time()
    for wish in wishes:
        await wish.granted
    assert 0.39 < asyncio.get_running_loop().time() - started < 2.0


async def test_request_that_comes_as_the_limit_opens_waits_behind_those_before_it() -> None:
    book = LeaseBook("chat", PoolSpec(workers=1, slots=10), limit=RateLimit(requests=1, window=0.05))
    book.worker_up(0)
    book.ask("chat")
    early = book.ask("chat")
    time.sleep(0.06)  # noqa: ASYNC251 the loop has no chance to serve those who wait
    late = book.ask("chat")
    await early.granted
    assert not late.granted.done()
    await asyncio.wait_for(late.granted, 2.0)


async def test_tokens_that_were_spent_hold_the_next_request_back() -> None:
    book = LeaseBook("chat", PoolSpec(workers=1, slots=10), limit=RateLimit(tokens=100, window=0.2))
    book.worker_up(0)
    first = book.ask("chat").granted.result()
    book.free(first.number, tokens=150)
    second = book.ask("chat")
    assert not second.granted.done()
    await asyncio.wait_for(second.granted, 2.0)


async def test_request_that_gives_up_for_the_limit_is_told_why() -> None:
    book = LeaseBook("chat", PoolSpec(wait_seconds=0.05), limit=RateLimit(requests=1))
    book.worker_up(0)
    book.ask("chat")
    with pytest.raises(RateLimitedError, match="its limit of requests or tokens a minute was reached"):
        await book.ask("chat").granted

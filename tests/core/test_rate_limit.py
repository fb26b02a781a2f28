"""No minute sees more requests or tokens than were allowed."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

from byzer_nb._rate_limit import RateLimit


class Clock:
    """A time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_no_window_has_more_requests_than_were_allowed() -> None:
    rng, clock = random.Random(1), Clock()
    limit = RateLimit(requests=7, window=10, clock=clock)
    begun: list[float] = []
    for _ in range(500):
        clock.now += rng.choice([0.0, 0.0, 0.1, 1.0, 5.0])
        clock.now += limit.wait()
        assert limit.wait() == 0
        limit.begin()
        begun.append(clock.now)
        assert sum(then > clock.now - 10 + 1e-5 for then in begun) <= 7


def test_a_request_waits_no_longer_than_it_must() -> None:
    clock = Clock()
    limit = RateLimit(requests=2, window=10, clock=clock)
    for clock.now in (0.0, 4.0):
        assert limit.wait() == 0
        limit.begin()
    assert limit.wait() == 6
    clock.now = 10.0
    assert limit.wait() == 0


def test_tokens_beyond_the_limit_hold_the_next_request_back_until_enough_of_them_are_old() -> None:
    clock = Clock()
    limit = RateLimit(tokens=100, window=60, clock=clock)
    limit.spend(60)
    clock.now = 10.0
    assert limit.wait() == 0  # the one that goes over passes
    limit.spend(90)
    assert limit.wait() == 50
    clock.now = 60.0
    assert limit.wait() == 0


def test_threads_together_take_no_more_than_was_allowed() -> None:
    limit = RateLimit(requests=1000, window=60)
    with ThreadPoolExecutor(8) as pool:
        taken = pool.map(lambda _: sum(limit.take() == 0 for _ in range(500)), range(8))
    assert sum(taken) == 1000


def test_nothing_is_limited_unless_somebody_says_so() -> None:
    limit = RateLimit()
    assert not limit
    for _ in range(1000):
        limit.begin()
        limit.spend(10**6)
    assert limit.wait() == 0

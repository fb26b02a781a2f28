"""Several processes count what a key uses up as one would."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from byzer_nb.serve.accounts import Accounts
from byzer_nb.serve.keys import Account, KeyEntry, Keyring, hash_of

pytestmark = pytest.mark.contract("SERVE-07")

ANN = KeyEntry(name="ann", hash=hash_of("a"), requests_per_minute=3, tokens_per_minute=100)
BOB = KeyEntry(name="bob", hash=hash_of("b"), budget=1.0)
KEYS = (ANN, BOB)
CROWD = KeyEntry(name="crowd", hash=hash_of("c"), requests_per_minute=100)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def two(tmp_path: Path, clock: Clock) -> Iterator[list[Accounts]]:
    """The file, as two processes have it."""
    accounts = [Accounts(tmp_path / "accounts", KEYS, clock=clock) for _ in range(2)]
    yield accounts
    for each in accounts:
        each.close()


@pytest.fixture
def both(two: list[Accounts]) -> tuple[Account, Account]:
    """Ann's account, as two processes have it."""
    return two[0].of(ANN, 0), two[1].of(ANN, 0)


def test_requests_of_both_count_against_one_limit(both: tuple[Account, Account], clock: Clock) -> None:
    first, second = both
    assert [first.take(), second.take(), first.take()] == [0.0, 0.0, 0.0]
    assert second.take() == first.take() == pytest.approx(60.1)
    clock.now += 59.9
    assert second.take() > 0  # not a whole minute is over since the first of them
    clock.now += 0.3
    assert second.take() == 0.0


def test_the_wait_is_as_long_as_it_says(both: tuple[Account, Account], clock: Clock) -> None:
    first, second = both
    for pause in (0.0, 10.0, 10.0):
        clock.now += pause
        assert first.take() == 0.0
    seconds = second.take()
    assert 40 <= seconds <= 41
    clock.now += seconds
    assert second.take() == 0.0
    assert first.take() == pytest.approx(10.0, abs=1.0)


def test_tokens_count_when_an_answer_is_over(both: tuple[Account, Account], clock: Clock) -> None:
    first, second = both
    first.spend(60)
    assert second.take() == 0.0
    second.spend(40)
    assert first.take() > 0
    clock.now += 61.2
    assert first.take() == 0.0


def test_dollars_add_up_and_stay_apart(two: list[Accounts]) -> None:
    rings = [Keyring(KEYS, each.of) for each in two]
    for ring in rings:
        bob = ring.guest("b")
        assert bob is not None
        assert not bob.is_broke
        bob.account.pay(0.5)
    assert all(guest is not None and guest.is_broke for guest in (ring.guest("b") for ring in rings))
    assert rings[0].guest("a").account.spent == 0.0  # type: ignore[union-attr]  # she is one of the two


def _takes(path: Path, count: int) -> int:
    with closing(Accounts(path, [CROWD])) as accounts:
        account = accounts.of(CROWD, 0)
        return sum(account.take() == 0.0 for _ in range(count))


def test_a_crowd_of_processes_gets_in_no_more_than_allowed(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        admitted = pool.starmap(_takes, [(tmp_path / "accounts", 200)] * 4)
    assert sum(admitted) == 100

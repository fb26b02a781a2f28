"""When a call is tried again, and after what pause."""

from __future__ import annotations

import pytest

from byzer_nb.errors import ModelCallError, RateLimitedError, UnreachableError
from byzer_nb.providers.wire.failures import BROKEN, REFUSED_CONNECTION
from byzer_nb.providers.wire.retry import Backoff, retrying

AGAIN = ModelCallError("busy", retryable=True)

pytestmark = pytest.mark.contract("SAAS-04")


def test_pauses_grow_up_to_a_limit_and_are_never_equal_for_everybody() -> None:
    backoff = Backoff(retries=10)
    pauses = [backoff.pause(tries, AGAIN) for tries in range(1, 11)]
    for tries, pause in enumerate(pauses):
        assert pause is not None
        assert min(8.0, 0.5 * 2**tries) / 2 <= pause <= min(8.0, 0.5 * 2**tries)
    assert len({backoff.pause(1, AGAIN) for _ in range(20)}) > 1


def test_there_is_an_end_to_it() -> None:
    assert Backoff(retries=3).pause(3, AGAIN) is not None
    assert Backoff(retries=3).pause(4, AGAIN) is None
    assert Backoff(retries=0).pause(1, AGAIN) is None


def test_what_cannot_get_better_is_not_tried_again() -> None:
    assert Backoff().pause(1, ModelCallError("no such model")) is None


def test_host_that_was_never_there_is_asked_only_three_times() -> None:
    nobody = UnreachableError("nobody there", code=REFUSED_CONNECTION, retryable=True)
    assert Backoff(retries=10).pause(2, nobody) is not None
    assert Backoff(retries=10).pause(3, nobody) is None


def test_lost_connection_is_tried_again_at_once_and_then_with_pauses() -> None:
    lost = UnreachableError("lost", code=BROKEN, retryable=True)
    assert Backoff().pause(1, lost) == 0
    assert Backoff().pause(2, lost) != 0


def test_wish_of_the_provider_comes_before_our_own() -> None:
    wish = RateLimitedError("slow down", retryable=True)
    wish.retry_after = 20.0
    assert Backoff().pause(1, wish) == 20
    wish.retry_after = 61.0
    assert Backoff().pause(1, wish) is None


async def test_number_of_tries_is_told() -> None:
    calls = 0

    async def attempt() -> None:
        nonlocal calls
        calls += 1
        raise ModelCallError("busy", retryable=True)

    with pytest.raises(ModelCallError) as caught:
        await retrying(attempt, backoff=Backoff(retries=2, first=0.001))
    assert calls == 3
    assert str(caught.value) == repr(caught.value.args[0])[1:-1] == "busy. Tried 3 times."

"""`langutil`: ordinary functions in an async form."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from typing import Any

import anyio
import pytest

from byzer_nb.errors import BadInputError, WrongTypeError
from byzer_nb.seed.async_functions import asyncfy, asyncfy_with_semaphore


class Counter:
    """Counts how many calls run at a time."""

    def __init__(self) -> None:
        self.running = 0
        self.most = 0
        self._lock = threading.Lock()

    def work(self, value: int, *, add: int = 0) -> int:
        """The sum, after a short while."""
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(0.03)
        with self._lock:
            self.running -= 1
        return value + add


@pytest.mark.contract("UTIL-05")
async def test_an_ordinary_function_runs_in_the_loops_own_thread() -> None:
    assert await asyncfy(lambda: 3)() == 3
    assert await asyncfy(threading.get_ident)() == threading.get_ident()


@pytest.mark.contract("UTIL-05")
def test_names_and_words_are_kept_and_async_functions_returned_as_they_are() -> None:
    async def already() -> int:
        return 1

    assert asyncfy(already) is already
    work = asyncfy(Counter.work)
    assert inspect.iscoroutinefunction(work)
    assert (work.__name__, work.__doc__) == ("work", Counter.work.__doc__)


@pytest.mark.contract("UTIL-05", "UTIL-06")
@pytest.mark.parametrize("make", [asyncfy, asyncfy_with_semaphore])
def test_only_functions_are_made_async(make: Any) -> None:
    with pytest.raises(WrongTypeError, match="not 5"):
        make(5)


@pytest.mark.contract("UTIL-06")
async def test_a_bound_method_with_arguments_runs_in_another_thread() -> None:
    assert await asyncfy_with_semaphore(Counter().work)(1, add=2) == 3
    assert await asyncfy_with_semaphore(lambda: threading.get_ident())() != threading.get_ident()


@pytest.mark.contract("UTIL-06")
async def test_a_semaphore_bounds_how_many_run() -> None:
    counter = Counter()
    work = asyncfy_with_semaphore(counter.work, anyio.Semaphore(2))
    assert await asyncio.gather(*(work(number) for number in range(6))) == list(range(6))
    assert counter.most == 2


@pytest.mark.contract("UTIL-06")
async def test_without_a_semaphore_calls_run_side_by_side() -> None:
    counter = Counter()
    await asyncio.gather(*(asyncfy_with_semaphore(counter.work)(number) for number in range(3)))
    assert counter.most > 1


@pytest.mark.contract("UTIL-06")
async def test_a_late_function_is_named() -> None:
    with pytest.raises(TimeoutError, match=r"work did not finish within 0.01 s"):
        await asyncfy_with_semaphore(Counter().work, timeout=0.01)(1)


@pytest.mark.contract("UTIL-06")
async def test_a_late_async_function_is_cancelled() -> None:
    cancelled = []

    async def slow() -> None:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    with pytest.raises(TimeoutError, match="slow did not finish"):
        await asyncfy_with_semaphore(slow, timeout=0.01)()
    assert cancelled == [True]


@pytest.mark.contract("UTIL-06")
@pytest.mark.parametrize("limit", [None, 0])
async def test_no_timeout_means_no_limit(limit: float | None) -> None:
    assert await asyncfy_with_semaphore(Counter().work, timeout=limit)(1) == 1


@pytest.mark.contract("UTIL-06")
async def test_waiting_for_the_semaphore_does_not_count() -> None:
    work = asyncfy_with_semaphore(Counter().work, anyio.Semaphore(1), timeout=0.5)
    assert await asyncio.gather(*(work(number) for number in range(4))) == [0, 1, 2, 3]


@pytest.mark.contract("UTIL-06")
async def test_errors_of_the_function_come_through_as_they_are() -> None:
    def late() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await asyncfy_with_semaphore(late, timeout=5)()


@pytest.mark.contract("UTIL-06")
def test_a_negative_timeout_is_refused() -> None:
    with pytest.raises(BadInputError, match="-1"):
        asyncfy_with_semaphore(len, timeout=-1)

"""An interrupt cancels the work itself, down to its source, and then reaches the caller."""

from __future__ import annotations

import _thread
import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from byzer_nb import _sync
from byzer_nb._sync import background_loop, iterate, run
from tests.core.watched import Watched


def interrupt_by_signal_to_this_process() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def interrupt_by_signal_in_another_thread() -> None:
    signal.raise_signal(signal.SIGINT)


INTERRUPTS = [interrupt_by_signal_to_this_process, interrupt_by_signal_in_another_thread, _thread.interrupt_main]


@pytest.fixture(params=INTERRUPTS, ids=lambda each: each.__name__)
def interrupted_soon(request: pytest.FixtureRequest) -> Iterator[Callable[[], float]]:
    """A function that has this process interrupted in a moment, and gives the time at which that is."""
    timers: list[threading.Timer] = []

    def soon() -> float:
        timer = threading.Timer(0.2, request.param)
        timer.start()
        timers.append(timer)
        return time.monotonic() + 0.2

    yield soon
    for timer in timers:
        timer.cancel()
        timer.join()


def test_an_interrupt_cancels_the_work(interrupted_soon: Callable[[], float]) -> None:
    cleaned = threading.Event()

    async def long() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)
            cleaned.set()

    when = interrupted_soon()
    with pytest.raises(KeyboardInterrupt):
        run(long())
    assert cleaned.is_set()
    assert time.monotonic() - when < 1


def test_an_interrupt_closes_the_stream_down_to_its_source(interrupted_soon: Callable[[], float]) -> None:
    watched = Watched(100_000, pause=0.02)
    seen: list[int] = []
    when = interrupted_soon()
    with pytest.raises(KeyboardInterrupt):
        seen.extend(iterate(watched.items()))
    assert watched.is_closed.is_set()
    assert time.monotonic() - when < 1


def test_an_interrupt_in_the_readers_own_code_closes_the_stream() -> None:
    def read() -> None:
        for item in iterate(watched.items()):
            if item == 3:
                raise KeyboardInterrupt

    watched = Watched(100_000)
    with pytest.raises(KeyboardInterrupt):
        read()
    assert watched.is_closed.wait(1)


def test_a_source_that_does_not_let_go_holds_the_caller_for_a_limited_time(
    monkeypatch: pytest.MonkeyPatch, interrupted_soon: Callable[[], float]
) -> None:
    monkeypatch.setattr(_sync, "CLEAN_UP_SECONDS", 0.3)
    let_go = asyncio.Event()

    async def hung() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await let_go.wait()

    when = interrupted_soon()
    with pytest.raises(KeyboardInterrupt):
        run(hung())
    assert time.monotonic() - when < 1.3
    background_loop().call_soon_threadsafe(let_go.set)


def test_work_that_is_given_up_before_it_began_is_never_begun() -> None:
    begun: list[str] = []

    async def work() -> None:
        begun.append("work")

    busy = threading.Event()
    background_loop().call_soon_threadsafe(busy.wait)  # nothing begins while the loop is held
    call = _sync._Call(work())
    call.start()
    threading.Timer(0.1, busy.set).start()
    started = time.monotonic()
    call.give_up()
    assert time.monotonic() - started < 2
    assert begun == []

"""`langutil`: functions that run in a thread while the caller waits."""

from __future__ import annotations

import threading
import time
from concurrent.futures import CancelledError
from contextvars import ContextVar
from typing import Any

import pytest

from byzer_nb.errors import BadInputError, WrongTypeError
from byzer_nb.seed.thread_runs import (
    CancellationRequested,
    run_in_raw_thread,
    run_in_thread,
    run_in_thread_with_cancel,
)

DECORATORS = [run_in_thread, run_in_raw_thread]


@pytest.mark.contract("UTIL-06")
@pytest.mark.parametrize("decorator", DECORATORS)
def test_call_runs_in_another_thread_and_gives_its_result(decorator: Any) -> None:
    @decorator()
    def add(one: int, *, other: int = 0) -> tuple[int, int]:
        """Adds."""
        return one + other, threading.get_ident()

    total, thread = add(1, other=2)
    assert total == 3
    assert thread != threading.get_ident()
    assert (add.__name__, add.__doc__) == ("add", "Adds.")


@pytest.mark.contract("UTIL-06")
@pytest.mark.parametrize("decorator", DECORATORS)
def test_error_of_the_thread_is_raised_where_one_waits(decorator: Any) -> None:
    @decorator()
    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError, match="x"):
        fail()


def test_context_of_the_caller_is_there() -> None:
    who = ContextVar("who", default="nobody")
    who.set("Ann")
    assert run_in_thread()(who.get)() == "Ann"


@pytest.mark.contract("UTIL-06")
def test_time_that_is_over_ends_the_waiting_at_once() -> None:
    go_on = threading.Event()
    started = time.monotonic()
    with pytest.raises(TimeoutError, match=r"wait did not finish within 0\.05 s"):
        run_in_thread(timeout=0.05)(go_on.wait)(5)
    assert time.monotonic() - started < 2
    go_on.set()
    assert run_in_thread(timeout=0)(go_on.wait)() is True


@pytest.mark.contract("UTIL-06")
def test_timeout_of_the_function_itself_is_its_own() -> None:
    def fail() -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        run_in_thread(timeout=5)(fail)()


@pytest.mark.contract("UTIL-06")
def test_function_is_asked_to_stop_when_its_time_is_over() -> None:
    stopped = threading.Event()

    @run_in_thread_with_cancel(timeout=0.05)
    def work(cancel_event: threading.Event) -> None:
        cancel_event.wait(5)
        stopped.set()

    with pytest.raises(TimeoutError, match="work did not finish"):
        work()
    assert stopped.wait(2)


@pytest.mark.contract("UTIL-06")
def test_caller_can_ask_to_stop_at_any_time() -> None:
    stop = threading.Event()

    @run_in_thread_with_cancel()
    def work(cancel_event: threading.Event, name: str) -> None:
        stop.set()
        assert cancel_event is stop
        raise CancellationRequested

    with pytest.raises(CancelledError, match="work was cancelled"):
        work("x", cancel_event=stop)


@pytest.mark.contract("UTIL-06")
def test_function_that_is_not_stopped_gives_its_result() -> None:
    @run_in_thread_with_cancel(timeout=5)
    def work(cancel_event: threading.Event, one: int, other: int = 0) -> tuple[bool, int]:
        return cancel_event.is_set(), one + other

    assert work(1, other=2) == (False, 3)


@pytest.mark.contract("UTIL-06")
def test_interrupt_reaches_the_caller_and_the_event() -> None:
    seen: list[threading.Event] = []

    @run_in_thread_with_cancel()
    def work(cancel_event: threading.Event) -> None:
        seen.append(cancel_event)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert seen[0].is_set()


@pytest.mark.contract("UTIL-06")
def test_function_without_the_event_is_refused() -> None:
    with pytest.raises(BadInputError, match="work does not take cancel_event first; it takes: other"):

        @run_in_thread_with_cancel()
        def work(other: int) -> None: ...


@pytest.mark.contract("UTIL-06")
@pytest.mark.parametrize("decorator", [run_in_thread, run_in_thread_with_cancel])
@pytest.mark.parametrize(
    ("timeout", "error", "words"),
    [
        (-1, BadInputError, "cannot be negative"),
        ("5", WrongTypeError, "number of seconds"),
        (True, WrongTypeError, "number of seconds"),
        (print, WrongTypeError, "without its parentheses"),
    ],
)
def test_timeouts_that_cannot_work_are_refused(
    decorator: Any, timeout: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        decorator(timeout)

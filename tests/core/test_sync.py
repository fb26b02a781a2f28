"""Async work from ordinary code: results, errors, slow readers, early exits, other loops and threads."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
import traceback
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from byzer_nb._sync import READ_AHEAD, background_loop, iterate, run
from byzer_nb.errors import BadInputError, LoopError
from tests.core.watched import Watched, answer

Call = Callable[[type[Exception]], object]

# -- results and errors -------------------------------------------------------------------------------------------


def test_run_gives_the_result() -> None:
    assert run(answer()) == 42


def test_run_raises_the_error_of_the_work_itself() -> None:
    async def fail() -> None:
        raise KeyError("k")

    with pytest.raises(KeyError, match="k"):
        run(fail())


def fail_deep_inside(kind: type[Exception]) -> None:
    try:
        raise OSError("the reason")
    except OSError as reason:
        raise kind("it failed") from reason


async def whole(kind: type[Exception]) -> None:
    fail_deep_inside(kind)


async def in_pieces(kind: type[Exception]) -> AsyncGenerator[int, None]:
    yield 1
    fail_deep_inside(kind)


@pytest.mark.parametrize(
    "call", [lambda kind: run(whole(kind)), lambda kind: list(iterate(in_pieces(kind)))], ids=["run", "iterate"]
)
class TestTracebacks:
    def test_an_error_of_ours_shows_where_it_was_called_and_not_the_loop(self, call: Call) -> None:
        with pytest.raises(BadInputError) as raised:
            call(BadInputError)
        names = [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]
        assert "fail_deep_inside" not in names
        assert names[0].startswith("test_")
        cause = raised.value.__cause__
        assert isinstance(cause, OSError)
        assert cause.__traceback__ is None

    def test_every_other_error_shows_all(self, call: Call) -> None:
        with pytest.raises(KeyError) as raised:
            call(KeyError)
        assert "fail_deep_inside" in [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]
        cause = raised.value.__cause__
        assert cause is not None
        assert cause.__traceback__ is not None

    def test_what_was_left_out_is_in_the_debug_log(self, call: Call, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.DEBUG, logger="byzer_nb"), pytest.raises(BadInputError):
            call(BadInputError)
        assert "fail_deep_inside" in caplog.text


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_an_exit_in_the_work_reaches_the_caller_and_leaves_the_loop_alive(error: type[BaseException]) -> None:
    async def leave() -> None:
        raise error

    with pytest.raises(error):
        run(leave())
    assert run(answer()) == 42


def test_every_item_comes_in_order() -> None:
    assert list(iterate(Watched(3000).items())) == list(range(3000))


@pytest.mark.contract("CHAT-06")
def test_the_senders_error_comes_after_what_was_sent_before_it() -> None:
    async def three_and_out() -> AsyncGenerator[int, None]:
        for number in range(3):
            yield number
        raise ConnectionError("the line went dead")

    stream = iterate(three_and_out())
    seen = [next(stream)]
    time.sleep(0.05)  # the error has long been there
    seen += [next(stream), next(stream)]
    with pytest.raises(ConnectionError, match="went dead"):
        next(stream)
    assert seen == [0, 1, 2]


def test_an_error_while_the_stream_cleans_up_is_not_lost() -> None:
    async def stumbles() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            raise OSError("could not close")

    with pytest.raises(OSError, match="could not close"):
        list(iterate(stumbles()))


def test_an_iterator_that_is_no_generator_works_too() -> None:
    class Two:
        def __init__(self) -> None:
            self.left = 2

        def __aiter__(self) -> Two:
            return self

        async def __anext__(self) -> int:
            if not self.left:
                raise StopAsyncIteration
            self.left -= 1
            return self.left

    assert list(iterate(Two())) == [1, 0]


# -- leaving early, reading slowly --------------------------------------------------------------------------------


def test_leaving_early_closes_the_stream() -> None:
    watched = Watched(100_000)
    for item in iterate(watched.items()):
        if item == 5:
            break
    assert watched.is_closed.wait(1)


def test_a_forgotten_stream_is_closed() -> None:
    watched = Watched(100_000)
    stream = iterate(watched.items())
    next(stream)
    del stream
    assert watched.is_closed.wait(1)


def test_a_stream_that_was_never_begun_costs_nothing() -> None:
    watched = Watched(10)
    stream = iterate(watched.items())
    stream.close()
    assert watched.sent == 0


def test_a_stream_forgotten_in_the_loops_own_thread_does_not_stop_the_loop() -> None:
    watched = Watched(100_000, pause=0.01)
    held = [iterate(watched.items())]
    next(held[0])
    background_loop().call_soon_threadsafe(held.clear)
    started = time.monotonic()
    assert run(answer()) == 42
    assert time.monotonic() - started < 1
    assert watched.is_closed.wait(1)


@pytest.mark.contract("CHAT-06")
def test_a_slow_reader_gets_everything_and_holds_the_sender_back() -> None:
    watched = Watched(5000)
    farthest = 0
    seen: list[int] = []
    for item in iterate(watched.items()):
        seen.append(item)
        if item % 500 == 0:
            time.sleep(0.02)
        farthest = max(farthest, watched.sent - len(seen))
    assert seen == list(range(5000))
    assert farthest <= READ_AHEAD + 1


def test_a_reader_that_stops_reading_holds_the_sender() -> None:
    watched = Watched(100_000)
    stream = iterate(watched.items())
    next(stream)
    time.sleep(0.2)
    assert watched.sent <= READ_AHEAD + 2
    stream.close()


def test_a_stream_through_the_loop_takes_a_few_times_as_long_as_one_in_it() -> None:
    async def all_of(count: int) -> float:
        started = time.perf_counter()
        async for _ in Watched(count).items():
            pass
        return time.perf_counter() - started

    def through(count: int) -> float:
        started = time.perf_counter()
        assert sum(1 for _ in iterate(Watched(count).items())) == count
        return time.perf_counter() - started

    through(1000)
    assert min(through(100_000) for _ in range(3)) < 40 * min(run(all_of(100_000)) for _ in range(3)) + 0.5


# -- loops and threads --------------------------------------------------------------------------------------------


async def test_sync_calls_work_inside_a_running_loop() -> None:
    assert run(answer()) == 42
    assert list(iterate(Watched(3).items())) == [0, 1, 2]


def test_asyncio_is_left_as_it_was() -> None:
    before = asyncio.run
    run(answer())
    assert asyncio.run is before
    assert asyncio.run(answer()) == 42
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


def test_a_sync_call_from_the_background_loop_is_an_error_and_no_deadlock() -> None:
    async def inside() -> None:
        run(answer())

    with pytest.raises(LoopError, match="inside the background loop") as raised:
        run(inside())
    assert "async form" in raised.value.hint


def test_a_sync_stream_from_the_background_loop_is_an_error_and_no_deadlock() -> None:
    async def inside() -> None:
        next(iterate(Watched(3).items()))

    with pytest.raises(LoopError, match="inside the background loop"):
        run(inside())


def test_many_threads_at_once_each_get_their_own() -> None:
    async def square(number: int) -> int:
        await asyncio.sleep(0.001)
        return number * number

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(lambda number: run(square(number)), range(400))) == [n * n for n in range(400)]
        streams = pool.map(lambda count: list(iterate(Watched(count).items())), range(50))
        assert [len(items) for items in streams] == list(range(50))


def test_context_variables_of_the_caller_are_seen() -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name")
    name.set("Ada")

    async def whole() -> str:
        return name.get()

    async def stream() -> AsyncGenerator[str, None]:
        yield name.get()

    assert run(whole()) == "Ada"
    assert list(iterate(stream())) == ["Ada"]

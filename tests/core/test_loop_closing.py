"""The end of the background loop: closed by hand, by a fork, or with the process."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from byzer_nb._sync import close_background_loop, iterate, run
from byzer_nb.errors import LoopError
from tests.core.watched import Watched, answer


def threads_of_ours() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("byzer_nb-")]


def test_closing_leaves_no_thread_and_the_next_call_works() -> None:
    async def with_a_thread() -> int:
        return await asyncio.to_thread(lambda: 1)

    assert run(with_a_thread()) == 1
    close_background_loop()
    close_background_loop()
    assert not [name for name in threads_of_ours() if name.startswith(("byzer_nb-loop", "byzer_nb-pool"))]
    assert run(answer()) == 42


def test_closing_ends_what_other_threads_wait_for() -> None:
    async def forever() -> None:
        await asyncio.Event().wait()

    watched = Watched(100_000, pause=0.01)
    ended: list[BaseException] = []

    def wait(work: Callable[[], object]) -> None:
        try:
            work()
        except LoopError as closed:
            ended.append(closed)

    waiting = [
        threading.Thread(target=wait, args=[lambda: run(forever())]),
        threading.Thread(target=wait, args=[lambda: list(iterate(watched.items()))]),
    ]
    for thread in waiting:
        thread.start()
    time.sleep(0.1)
    close_background_loop()
    for thread in waiting:
        thread.join(3)
    assert [str(each) for each in ended] == ["The call was cancelled before it was over."] * 2
    assert watched.is_closed.is_set()


def test_closing_while_others_call_loses_nobody() -> None:
    done: list[int] = []
    is_over = threading.Event()

    def call() -> None:
        while not is_over.is_set():
            try:
                done.append(run(answer()))
            except LoopError:
                done.append(0)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    for _ in range(10):
        time.sleep(0.02)
        close_background_loop()
    is_over.set()
    for caller in callers:
        caller.join(5)
    assert not any(caller.is_alive() for caller in callers)
    assert 42 in done


def test_the_loop_cannot_close_itself() -> None:
    async def close() -> None:
        close_background_loop()

    with pytest.raises(LoopError, match="cannot close itself"):
        run(close())


def script(text: str, *, seconds: float = 20) -> tuple[str, float]:
    """What a script of its own prints, and how long it takes."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", text], capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip(), time.monotonic() - started


FOREVER = """
import asyncio, threading, time
from byzer_nb._sync import iterate, run
async def numbers():
    try:
        while True:
            await asyncio.sleep(0.001)
            yield 1
    finally:
        print("closed", flush=True)
"""


def test_an_unfinished_stream_does_not_delay_the_end_of_the_process() -> None:
    printed, seconds = script(FOREVER + "stream = iterate(numbers())\nprint(next(stream))")
    assert printed.split() == ["1", "closed"]
    assert seconds < 4


def test_a_call_in_a_daemon_thread_does_not_delay_the_end_of_the_process() -> None:
    text = "async def hang():\n    await asyncio.Event().wait()\n"
    text += "threading.Thread(target=lambda: run(hang()), daemon=True).start()\ntime.sleep(0.2)\nprint('end')"
    printed, seconds = script("import threading\nthreading.excepthook = lambda args: None\n" + FOREVER + text)
    assert printed == "end"
    assert seconds < 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_has_a_loop_of_its_own() -> None:
    text = """
async def pid():
    import os
    return os.getpid()
import os, warnings
parent = run(pid())
stream = iterate(numbers())
next(stream)
child = os.fork()
if child == 0:
    stream.close()                      # the parent's, which nobody here can close
    print(run(pid()) == os.getpid() != parent, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(run(pid()) == parent, next(stream), flush=True)
"""
    printed, seconds = script(FOREVER + text)
    assert printed.split() == ["True", "True", "1", "closed"]
    assert seconds < 4

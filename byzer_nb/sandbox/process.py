"""One process of the sandbox, from its start to the last trace of it, as the parent sees it.

It is watched through its pipes by the running loop: no signals, no threads, no child watcher, so it works in a
notebook, in a Ray worker and from any thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import marshal
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

from byzer_nb.errors import SandboxError, UnsupportedError
from byzer_nb.sandbox.limits import Limits

# Reads modules as compiled code, makes them importable under their names, and hands over to the last one.
STARTER = """
import marshal, sys
for name, code in marshal.load(sys.stdin.buffer):
    module = sys.modules[name] = type(sys)(name)
    exec(code, module.__dict__)
module.main(marshal.load(sys.stdin.buffer))
"""
# Isolated: no variables, no user packages, no site-packages; nothing is written beside modules.
OPTIONS = ("-I", "-S", "-B", "-X", "utf8")
INSIDE = ("lock", "values", "runner")
PIECE = 1 << 16
ANSWER_MARGIN = 1 << 16  # what an answer may have beside the result
CLOSING_SECONDS = 0.5  # between the closing of the pipes and the end of the process lie microseconds
DYING_SECONDS = 5.0  # a killed process has closed its pipes long before


@cache
def _inside() -> bytes:
    """The modules that run inside, compiled: as text they would be compiled at every run."""
    folder = Path(__file__).with_name("inside")
    modules: list[tuple[str, CodeType]] = []
    for name in INSIDE:
        text = (folder / f"{name}.py").read_text(encoding="utf-8")
        modules.append((f"byzer_nb.sandbox.inside.{name}", compile(text, f"<sandbox {name}>", "exec", optimize=2)))
    return marshal.dumps(modules)


def _started(job: dict[str, Any], pipe: int) -> subprocess.Popen[bytes]:  # Any: what marshal can write
    """A bare interpreter with a job to read, in a folder that is gone as soon as it is there."""
    folder = tempfile.mkdtemp(prefix="byzer_nb-sandbox-")
    try:
        with tempfile.TemporaryFile() as letter:  # it has no name, and cannot block as a full pipe would
            letter.write(_inside() + marshal.dumps(job))
            letter.seek(0)
            return subprocess.Popen(
                [sys.executable, *OPTIONS, "-c", STARTER],
                stdin=letter,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                pass_fds=(pipe,),
                cwd=folder,
                env={},
                start_new_session=True,  # a group of its own, without the terminal
            )
    finally:
        os.rmdir(folder)  # nothing can be made in it any more, and nothing is left should this process be killed


class Child:
    """A running process, what it has written so far, and why it was ended, if it was."""

    def __init__(self, job: dict[str, Any], limits: Limits) -> None:
        self.seconds = 0.0
        self.ended_for = ""
        self.code: int | None = None
        self._started = time.perf_counter()
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._closed = asyncio.Event()
        answers, answer_to = os.pipe()
        try:
            self._process = _started({**job, "answer_to": answer_to}, answer_to)
        except BaseException:
            os.close(answers)
            raise
        finally:
            os.close(answer_to)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._answers = answers
        self._out, self._err = self._process.stdout.fileno(), self._process.stderr.fileno()
        self._written = {pipe: bytearray() for pipe in (self._answers, self._out, self._err)}
        self._open = set(self._written)
        for pipe in self._written:
            os.set_blocking(pipe, False)
            self._loop.add_reader(pipe, self._read, pipe)

    @property
    def answer(self) -> bytes:
        """What the runner had to say."""
        return bytes(self._written[self._answers])

    @property
    def stdout(self) -> str:
        """What was printed, cut at the limit."""
        return self._printed(self._out)

    @property
    def stderr(self) -> str:
        """What was written to the stream for errors, cut at the limit."""
        return self._printed(self._err)

    def _printed(self, pipe: int) -> str:
        return self._written[pipe][: int(self._limits.output_bytes)].decode("utf-8", "replace")

    def _read(self, pipe: int) -> None:
        try:
            piece = os.read(pipe, PIECE)
        except BlockingIOError:
            return
        if not piece:
            self._stop_reading(pipe)
            return
        if self.ended_for:  # what is still in the pipes of a killed process
            return
        self._written[pipe] += piece
        if len(self._written[self._out]) + len(self._written[self._err]) > self._limits.output_bytes:
            self._end("output")
        elif len(self._written[self._answers]) > self._limits.result_bytes + ANSWER_MARGIN:
            self._end("result")

    def _stop_reading(self, pipe: int) -> None:
        self._open.discard(pipe)
        self._loop.remove_reader(pipe)
        if not self._open:
            self._closed.set()

    async def wait(self) -> None:
        """Return when it has ended, by itself or at a limit."""
        try:
            async with asyncio.timeout(self._limits.wall_seconds):
                await self._closed.wait()
        except TimeoutError:
            self._end("time")
        if self.ended_for:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DYING_SECONDS):
                    await self._closed.wait()
        elif not self.answer:
            await self._wait_for_code()
        self.seconds = time.perf_counter() - self._started

    async def _wait_for_code(self) -> None:
        """See how it ended that gave no answer; one that only closed its pipes would look as if it had been killed."""
        deadline = time.perf_counter() + CLOSING_SECONDS
        while self._process.poll() is None:
            if time.perf_counter() > deadline:
                self._end("exit")
                return
            await asyncio.sleep(CLOSING_SECONDS / 50)

    def _end(self, reason: str) -> None:
        self.ended_for = self.ended_for or reason
        self._kill()

    def _kill(self) -> None:
        if self.code is None:
            # Not yet waited for, so the number cannot belong to another. macOS says "not permitted" of the dead.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Leave nothing of it: no process, no pipe."""
        self._kill()
        for pipe in list(self._open):
            self._stop_reading(pipe)
        self.code = self._process.wait()
        os.close(self._answers)
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()


@contextlib.asynccontextmanager
async def running(job: dict[str, Any], limits: Limits) -> AsyncIterator[Child]:
    """A process at work on a job; it is gone at the end of the block."""
    if os.name != "posix" or not sys.executable:
        raise UnsupportedError(
            "The sandbox needs Linux or macOS and a Python that can be started again.",
            hint="Run this on the cluster, which is Linux.",
        )
    try:
        child = Child(job, limits)
    except OSError as error:
        raise SandboxError(f"The sandbox cannot start a process: {error}.", reason="start") from error
    try:
        yield child
    finally:
        child.close()

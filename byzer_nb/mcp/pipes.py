"""A server that is a program, spoken to over its input and output, one message a line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from byzer_nb.errors import McpError
from byzer_nb.mcp.messages import Answer, Hear, Message, as_bytes, messages_in, quoted
from byzer_nb.providers.wire.incoming import MOST_EVENT_BYTES
from byzer_nb.types.masking import Mask

PIECE = 1 << 16
PATIENCE = 2.0  # seconds that a server has to end by itself, then to heed a request to end, then to be gone
HURRY = 0.2  # the same where the whole process ends
LAST_WORDS_SECONDS = 1.0  # between the end of the output and the end of the program
KEPT_LINES = 12
KEPT_CHARACTERS = 300  # of each line


class Pipes:
    """One running program."""

    cancels_by_hanging_up = False

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], *, called: str, mask: Mask) -> None:
        self._command = command
        self._environment = environment
        self._called = called
        self._mask = mask
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._complaints: deque[str] = deque(maxlen=KEPT_LINES)
        self._noise = b""
        self._end_lock = asyncio.Lock()

    async def open(self, hear: Hear, lose: Callable[[McpError], None]) -> None:
        """Start the program."""
        started = await self._started()
        if isinstance(started, McpError):  # raised here: the frames of the start hold the environment
            raise started
        self._process = started
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._read(hear, lose)), loop.create_task(self._read_complaints())]

    async def _started(self) -> asyncio.subprocess.Process | McpError:
        program, *rest = self._command
        program = shutil.which(program, path=self._environment.get("PATH")) or program  # on Windows also npx.cmd
        try:
            return await asyncio.create_subprocess_exec(
                program,
                *rest,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=self._environment,
                start_new_session=True,  # so that Ctrl-C in a terminal is ours alone, and its children end with it
            )
        except FileNotFoundError:
            return McpError(
                f"There is no command {self._command[0]!r}, with which the MCP server should be started.",
                reason="start",
                hint="Install it, or give its whole path; it is looked for on PATH, or on that of env=.",
            )
        except (OSError, ValueError) as reason:
            why = getattr(reason, "strerror", None) or str(reason)
            return McpError(f"{self._called} could not be started: {why}.", reason="start")

    def agree(self, version: str) -> None:
        """Nothing changes with the revision."""

    async def ask(self, message: Message, answer: Answer, headers: Mapping[str, str]) -> None:
        """Send a request; its answer is read with all the others."""
        await self.tell(message)

    async def tell(self, message: Message) -> None:
        """Write a message."""
        line = as_bytes(message) + b"\n"
        stdin = self._running.stdin
        if stdin is None or stdin.is_closing():
            return
        with contextlib.suppress(ConnectionError):  # it has ended, and whoever reads its output tells how
            stdin.write(line)
            await stdin.drain()

    async def listen(self) -> None:
        """Nothing more to do: all that it says is read anyhow."""

    async def close(self) -> None:
        """End the program: its input is closed, then it is asked to end, then it is ended."""
        await self._end(PATIENCE)

    @property
    def _running(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "open comes first"
        return self._process

    # -- what it writes -------------------------------------------------------------------------------------------

    async def _read(self, hear: Hear, lose: Callable[[McpError], None]) -> None:
        stdout = self._running.stdout
        assert stdout is not None
        begun: list[bytes] = []  # a line without its end; put together only then, for pictures are long
        try:
            while chunk := await stdout.read(PIECE):
                begun.append(chunk)
                if b"\n" in chunk:
                    *lines, rest = b"".join(begun).split(b"\n")
                    begun = [rest]
                    for line in lines:
                        self._read_line(line.strip(), hear)
                if len(begun) * PIECE > MOST_EVENT_BYTES and sum(map(len, begun)) > MOST_EVENT_BYTES:
                    raise self._broken(f"wrote a line of more than {MOST_EVENT_BYTES >> 20} MB")
            failure = await self._death()
        except McpError as broken:
            failure = broken
        except asyncio.CancelledError:  # the loop is being closed under it
            await self._end(HURRY, is_reader=True)
            raise
        lose(failure)
        await self._end(PATIENCE, is_reader=True)

    def _read_line(self, line: bytes, hear: Hear) -> None:
        if not line:
            return
        if not line.startswith((b"{", b"[")):  # a greeting, most likely, which does no harm
            self._noise = self._noise or line
            return
        try:
            messages = messages_in(line)
        except (ValueError, RecursionError):
            raise self._broken(f"wrote a line that is no message: {self._mask.apply(quoted(line))}") from None
        for message in messages:
            hear(message)

    async def _read_complaints(self) -> None:
        stderr = self._running.stderr
        assert stderr is not None
        rest = b""
        while chunk := await stderr.read(PIECE):
            *lines, rest = (rest + chunk).split(b"\n")
            self._complaints += [self._shown(line) for line in lines if line.strip()]
            rest = rest[-4 * KEPT_CHARACTERS :]
        if rest.strip():
            self._complaints.append(self._shown(rest))

    def _shown(self, line: bytes) -> str:
        text = line[: 16 * KEPT_CHARACTERS].decode("utf-8", "replace").rstrip()
        return self._mask.apply(text)[:KEPT_CHARACTERS]

    # -- its end --------------------------------------------------------------------------------------------------

    async def _death(self) -> McpError:
        """Why there is no more output."""
        if not await self._is_over(LAST_WORDS_SECONDS):
            return McpError(f"{self._called} closed its output.", reason="died", hint=self._last_words())
        await asyncio.wait(self._tasks[1:], timeout=LAST_WORDS_SECONDS)
        code = self._running.returncode or 0
        how = f"with exit code {code}" if code >= 0 else f"by the signal {_name(-code)}"
        return McpError(f"{self._called} ended {how}.", reason="died", hint=self._last_words())

    def _last_words(self) -> str:
        if self._complaints:
            return "\n".join(["Its last lines on stderr:", *(f"  {line}" for line in self._complaints)])
        if self._noise:
            return f"It wrote {self._mask.apply(quoted(self._noise))}, which is no message. Is it an MCP server?"
        return "It wrote nothing on stderr; try its command in a terminal."

    def _broken(self, what: str) -> McpError:
        return McpError(f"{self._called} {what}.", reason="protocol", hint="Is it an MCP server?")

    async def _end(self, patience: float, *, is_reader: bool = False) -> None:
        if self._process is None:
            return
        try:
            async with self._end_lock:
                await self._let_end(patience)
        except asyncio.CancelledError:
            self._signal("SIGKILL")
            raise
        readers = self._tasks[1:] if is_reader else self._tasks
        if readers:
            # The output ends with the program, unless a child of it holds it open.
            _, reading = await asyncio.wait(readers, timeout=HURRY)
            if reading:
                self._signal("SIGKILL")
                await asyncio.wait(readers, timeout=HURRY)
        for task in readers:
            task.cancel()

    async def _let_end(self, patience: float) -> None:
        process = self._running
        if process.stdin is not None:
            process.stdin.close()
        for name in ("", "SIGTERM", "SIGKILL"):
            if name and process.returncode is None:
                self._signal(name)
            if await self._is_over(patience):
                return

    async def _is_over(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._running.wait()
        except TimeoutError:
            return False
        return True

    def _signal(self, name: str) -> None:
        """Tell the program and its children to end; where there are no groups, the program."""
        process = self._running
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, getattr(signal, name))
            elif name == "SIGTERM":
                process.terminate()
            else:
                process.kill()


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)

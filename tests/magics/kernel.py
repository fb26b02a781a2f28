"""A real kernel in a process of its own, and what its cells give back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager

PAINTS = ("display_data", "update_display_data")
TIME = 60.0  # seconds for one cell on a busy machine


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message of the kernel, and when it was written there."""

    kind: str
    content: dict[str, Any]
    at: float


@dataclass(kw_only=True)
class Ran:
    """A cell that was run: how it ended, and all that it sent."""

    status: str = ""
    messages: list[Message] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)  # what it asked at the keyboard

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """The outputs as a notebook would save them: an update replaces what it updates."""
        saved: dict[object, dict[str, Any]] = {}
        for number, message in enumerate(self.messages):
            if message.kind in (*PAINTS, "execute_result"):
                handle = message.content.get("transient", {}).get("display_id", number)
                saved[handle] = message.content["data"]
        return list(saved.values())

    @property
    def markdown(self) -> str:
        """The text of the answers that are shown."""
        return "\n".join(data["text/markdown"] for data in self.outputs if "text/markdown" in data)

    @property
    def plain(self) -> list[str]:
        """Every output as plain text."""
        return [data.get("text/plain", "") for data in self.outputs]

    @property
    def printed(self) -> str:
        """What went to stdout and stderr."""
        return "".join(message.content["text"] for message in self.messages if message.kind == "stream")

    @property
    def error(self) -> list[str]:
        """The lines of the error, if there was one."""
        return [line for message in self.messages if message.kind == "error" for line in message.content["traceback"]]

    @property
    def paints(self) -> list[Message]:
        """Every time the answer was painted."""
        return [
            message
            for message in self.messages
            if message.kind in PAINTS and "text/markdown" in message.content["data"]
        ]

    @property
    def everything(self) -> str:
        """All that left the kernel, as text."""
        return "\n".join(str(message.content) for message in self.messages)


class Kernel:
    """Runs cells one after the other."""

    def __init__(self, manager: AsyncKernelManager, client: AsyncKernelClient, runner: asyncio.Runner) -> None:
        self._manager = manager
        self._client = client
        self._runner = runner

    def run(
        self, code: str, *, interrupt_after: float | None = None, typing: Sequence[str] = (), has_keyboard: bool = True
    ) -> Ran:
        """Run a cell to its end.

        With `interrupt_after`, press stop so many seconds after its first paint; with `typing`, answer what it asks.
        """
        return self._runner.run(self._run(code, interrupt_after, typing, has_keyboard))

    def ok(self, code: str, *, typing: Sequence[str] = ()) -> Ran:
        """Run a cell that must not fail."""
        ran = self.run(code, typing=typing)
        assert ran.status == "ok", "\n".join(ran.error)
        return ran

    async def _run(self, code: str, interrupt_after: float | None, typing: Sequence[str], has_keyboard: bool) -> Ran:
        asked = self._client.execute(code, allow_stdin=has_keyboard)
        ran = Ran()
        stopping: asyncio.Task[None] | None = None
        answering = asyncio.create_task(self._answer(typing, ran))
        while not (ran.messages and _is_idle(ran.messages[-1])):
            ran.messages.append(await self._next(asked))
            if interrupt_after is not None and stopping is None and ran.paints:
                stopping = asyncio.create_task(self._interrupt(interrupt_after))
        if stopping:
            await stopping
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
        ran.status = (await self._reply(asked))["content"]["status"]
        return ran

    async def _reply(self, asked: str) -> dict[str, Any]:
        while True:  # on a busy machine it is asked several times whether it is ready, and answers each time
            reply: dict[str, Any] = await self._client.get_shell_msg(timeout=TIME)
            if reply["parent_header"].get("msg_id") == asked:
                return reply

    async def _answer(self, typing: Sequence[str], ran: Ran) -> None:
        for words in typing:
            question = await self._client.get_stdin_msg(timeout=TIME)
            ran.questions.append(question["content"]["prompt"])
            self._client.input(words)

    async def _interrupt(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._manager.interrupt_kernel()

    async def _next(self, asked: str) -> Message:
        while True:
            try:
                got = await self._client.get_iopub_msg(timeout=TIME)
            except Empty:
                raise AssertionError("The kernel said nothing for too long.") from None
            if got["parent_header"].get("msg_id") == asked:
                return Message(kind=got["msg_type"], content=got["content"], at=got["header"]["date"].timestamp())


def _is_idle(message: Message) -> bool:
    return message.kind == "status" and message.content["execution_state"] == "idle"


@contextmanager
def running_kernel(folder: Path) -> Iterator[Kernel]:
    """A kernel whose files lie in a folder, with the extension loaded."""
    places = {name: str(folder / name.lower()) for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR")}
    with asyncio.Runner() as runner:  # the blocking client would leave a loop behind
        manager = AsyncKernelManager(kernel_name="python3")
        runner.run(manager.start_kernel(env={**os.environ, **places}, cwd=str(folder)))
        client = manager.client()
        client.start_channels()
        try:
            runner.run(client.wait_for_ready(timeout=TIME))
            kernel = Kernel(manager, client, runner)
            assert kernel.ok("%load_ext byzer_nb").printed == ""
            yield kernel
        finally:
            client.stop_channels()
            runner.run(manager.shutdown_kernel(now=True))

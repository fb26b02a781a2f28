"""A gateway of several processes: starts them, starts those again that die, and ends them all."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from socket import socket

import msgspec

from byzer_nb.errors import GatewayError
from byzer_nb.serve.back_door import ask
from byzer_nb.serve.logs import set_up_logging
from byzer_nb.serve.order import Order
from byzer_nb.serve.place import Place
from byzer_nb.serve.ports import bound_again

START_SECONDS = 180.0
LOOK_SECONDS = 0.05
KILL_SECONDS = 5.0  # beyond the time for running answers
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 30.0
GOOD_SECONDS = 60.0  # a process that lived so long is started again at once

log = logging.getLogger("byzer_nb.serve")


class Supervisor:
    """The parent of the serving processes. It answers no request itself."""

    def __init__(
        self,
        order: Order,
        place: Place,
        sockets: Sequence[Sequence[socket]],
        *,
        is_quiet: bool,
        when_ready: Callable[[list[str]], None] | None,
    ) -> None:
        self._order = order
        self._place = place
        self._sockets = sockets
        self._is_quiet = is_quiet
        self._when_ready = when_ready
        self._ending = asyncio.Event()
        self._stopped_by = 0

    def run(self) -> None:
        """Until a signal comes, or until the processes cannot be started."""
        set_up_logging(self._order.settings.log_level)
        asyncio.run(self._run())
        if self._stopped_by == signal.SIGINT:
            raise KeyboardInterrupt

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, self._stop, sign)
        if self._order.ends_with_its_parent:
            reader = asyncio.StreamReader()
            await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
            self._parent = asyncio.create_task(self._watch_parent(reader))
        keeping = [asyncio.create_task(self._keep(worker)) for worker in range(self._order.settings.workers)]
        ready = asyncio.create_task(self._all_ready())
        ending = asyncio.create_task(self._ending.wait())
        try:
            await asyncio.wait([*keeping, ready, ending], return_when=asyncio.FIRST_COMPLETED)
            if not self._ending.is_set() and ready.done():
                models = ready.result()
                if self._when_ready is not None:
                    self._when_ready(models)
                await asyncio.wait([*keeping, ending], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._ending.set()
            ready.cancel()
            outcomes = await asyncio.gather(*keeping, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    def _stop(self, sign: int) -> None:
        self._stopped_by = sign
        self._ending.set()

    async def _watch_parent(self, reader: asyncio.StreamReader) -> None:
        await reader.read()
        self._ending.set()

    async def _all_ready(self) -> list[str]:
        """Wait until every process answers; the models that it names."""
        models: list[str] = []
        for worker in range(self._order.settings.workers):
            models = await self._ready(worker)
        return models

    async def _ready(self, worker: int) -> list[str]:
        while True:
            said = await ask(self._place.door(worker), "ready")
            if said is not None:
                return msgspec.json.decode(said, type=list[str])
            await asyncio.sleep(LOOK_SECONDS)

    async def _keep(self, worker: int) -> None:
        """Have a process there until the end. One that never once answered is not tried again."""
        pause = FIRST_PAUSE
        sockets = self._sockets[worker]
        is_first = True
        while not self._ending.is_set():
            process = await self._started(worker, sockets)
            since = time.monotonic()
            has_ended = asyncio.create_task(process.wait())
            ending = asyncio.create_task(self._ending.wait())
            await asyncio.wait([has_ended, ending], return_when=asyncio.FIRST_COMPLETED)
            ending.cancel()
            if not has_ended.done():
                await self._end(process)
                return
            if is_first and (failure := self._place.failure()) is not None:
                raise GatewayError(failure.message, hint=failure.hint)
            is_first = False
            lived = time.monotonic() - since
            pause = FIRST_PAUSE if lived > GOOD_SECONDS else min(pause * 2, LONGEST_PAUSE)
            log.error("process %d ended with %s; it is started again in %.1f s", worker, process.returncode, pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), pause)
            if not self._ending.is_set():
                sockets = bound_again(self._order.settings)

    async def _started(self, worker: int, sockets: Sequence[socket]) -> Process:
        numbers = [each.fileno() for each in sockets]
        try:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "byzer_nb.serve.worker", str(self._place.folder), str(worker)),
                *map(str, numbers),
                *(["--quiet"] if self._is_quiet else []),
                stdin=PIPE,  # never written to: it closes when this process ends, however that comes
                pass_fds=numbers,
                start_new_session=True,  # Ctrl-C is for this process, which then ends the others in good order
            )
        finally:
            for each in sockets:
                each.close()

    async def _end(self, process: Process) -> None:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self._order.settings.drain_seconds + KILL_SECONDS)
        except TimeoutError:
            log.error("process %d does not end; it is killed", process.pid)
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

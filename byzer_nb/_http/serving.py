"""A server for programs that know each other: POST, for those who have the token, at next to no cost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from byzer_nb._http.hearing import Handler, Terms
from byzer_nb._http.serving_line import ServingLine

GOODBYE_SECONDS = 1.0
IDLE_SECONDS = 90.0  # longer than clients keep a connection that they do not use
WAITING = 1024  # connections that the system holds until they are taken


class Server:
    """Routes on a port of this process, served by the running loop. A client that hangs up cancels its handler."""

    def __init__(
        self,
        routes: Mapping[str, Handler],
        *,
        token: str,
        largest_request: int,
        stall_seconds: float = 0.0,
        goodbye_seconds: float = GOODBYE_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._terms = Terms(
            routes={path.encode(): handle for path, handle in routes.items()},
            welcome=f"Bearer {token}".encode(),
            largest_request=largest_request,
            stall_seconds=stall_seconds,
            idle_seconds=idle_seconds,
        )
        self._goodbye_seconds = goodbye_seconds
        self._lines: set[ServingLine] = set()
        self._listening: asyncio.Server | None = None
        self._is_closed = False
        self._all_gone = asyncio.Event()

    async def open(self, host: str, port: int = 0) -> str:
        """Start to listen, and the address where."""
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(
            lambda: ServingLine(self._terms, loop, on_begin=self._meet, on_end=self._part),
            host,
            port,
            backlog=WAITING,
        )
        return f"http://{host}:{self._listening.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Stop to listen. What is under way may end within a moment; then it is cut off."""
        self._is_closed = True
        if self._listening is not None:
            self._listening.close()
        tasks = [line.task for line in self._lines if line.task is not None]
        for line in list(self._lines):
            line.say_goodbye()
        if tasks:
            await asyncio.wait(tasks, timeout=self._goodbye_seconds)
        for line in list(self._lines):
            line.hang_up()
        if tasks:
            await asyncio.wait(tasks, timeout=self._goodbye_seconds)
        if self._lines:  # each hears of its end when the loop goes round
            self._all_gone.clear()
            await self._all_gone.wait()

    def _meet(self, line: ServingLine) -> None:
        self._lines.add(line)
        if self._is_closed:  # it was on its way in
            line.hang_up()

    def _part(self, line: ServingLine) -> None:
        self._lines.discard(line)
        if not self._lines:
            self._all_gone.set()

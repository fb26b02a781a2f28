"""A server of ours in a thread, on a loop of either kind, with handlers that can be watched."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

import uvloop

from byzer_nb._http.asked import Asked
from byzer_nb._http.serving import Server

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
TOKEN = "a-token-of-this-test"
LARGEST = 1_000_000
KEY = b"authorization: Bearer " + TOKEN.encode() + b"\r\n"


def post(path: str, body: bytes = b"", *, announced: int | None = None, more: bytes = b"") -> bytes:
    """A request that has the token; `more` are headers, `announced` is what it says of its length."""
    length = len(body) if announced is None else announced
    return b"POST %b HTTP/1.1\r\nhost: x\r\n%b%bcontent-length: %d\r\n\r\n%b" % (path.encode(), KEY, more, length, body)


class Served:
    """The server; a context manager, which holds at the end that nothing was left and nothing was complained of."""

    def __init__(self, kind: str, **given: Any) -> None:
        self.complaints: list[str] = []
        self.running = 0
        self.most_running = 0
        self.sent = 0
        self.has_begun = threading.Event()
        self.was_stopped = threading.Event()
        self._may_go_on = asyncio.Event()
        self._loop = LOOPS[kind]()
        self._loop.set_exception_handler(lambda _, context: self.complaints.append(str(context)))
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        work = {"/echo": self._echo, "/wait": self._wait, "/fail": self._fail, "/mute": self._mute, "/huge": self._huge}
        streams = {"/lines": self._lines, "/steps": self._steps, "/endless": self._endless, "/break": self._break}
        routes = {path: self._watched(handle) for path, handle in work.items()}
        routes |= {path: self._watched(_streaming(lines)) for path, lines in streams.items()}
        self._server = Server(routes, token=TOKEN, largest_request=LARGEST, **given)
        self.port = int(self.run(self._server.open("127.0.0.1")).rpartition(":")[2])

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Finish work on the loop of the server."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def stands_still(self) -> bool:
        """Whether a stream was begun and is held back."""
        before = self.sent
        time.sleep(0.2)
        return before == self.sent > 10

    def go_on(self) -> None:
        """Let those answer who wait."""
        self._loop.call_soon_threadsafe(self._may_go_on.set)

    def close(self) -> None:
        """Close the server, not the loop."""
        self.run(self._server.close())

    def tasks(self) -> int:
        """How many tasks there are beside the one that looks."""

        async def count() -> int:
            return len(asyncio.all_tasks()) - 1

        return int(self.run(count()))

    def is_forgotten_when_closed(self) -> bool:
        """Close it; then nothing holds it any more, such as a connection or its timer."""

        async def is_forgotten() -> bool:
            await self._server.close()
            server, self._server = weakref.ref(self._server), Server({}, token=TOKEN, largest_request=0)
            gc.collect()
            return server() is None

        return bool(self.run(is_forgotten()))

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        left = self.tasks()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        assert (left, self.running, self.complaints) == (0, 0, [])

    # -- handlers -------------------------------------------------------------------------------------------------

    def _watched(self, handle: Callable[[Asked], Coroutine[Any, Any, None]]) -> Callable[[Asked], Any]:
        async def watched(asked: Asked) -> None:
            self.running += 1
            self.most_running = max(self.most_running, self.running)
            self.has_begun.set()
            try:
                await handle(asked)
            except asyncio.CancelledError:
                self.was_stopped.set()
                raise
            finally:
                self.running -= 1

        return watched

    async def _echo(self, asked: Asked) -> None:
        await asyncio.sleep(0)
        asked.answer(asked.headers.get(b"lease", b"") + asked.body, media_type=b"text/plain")

    async def _wait(self, asked: Asked) -> None:
        await self._may_go_on.wait()
        asked.answer(b"waited")

    async def _fail(self, asked: Asked) -> None:
        if asked.body == b"cancel":
            raise asyncio.CancelledError
        raise ZeroDivisionError("what was asked")

    async def _mute(self, asked: Asked) -> None: ...

    async def _huge(self, asked: Asked) -> None:
        asked.answer(bytes(50_000_000))

    async def _lines(self, asked: Asked) -> AsyncGenerator[bytes, None]:
        for line in asked.body.splitlines(keepends=True):
            yield line

    async def _steps(self, asked: Asked) -> AsyncGenerator[bytes, None]:
        for line in asked.body.splitlines(keepends=True):
            await asyncio.sleep(0.001)
            yield b""  # which is no end
            await asyncio.sleep(0.001)
            yield line

    async def _endless(self, asked: Asked) -> AsyncGenerator[bytes, None]:
        while True:
            self.sent += 1
            yield bytes(10_000)

    async def _break(self, asked: Asked) -> AsyncGenerator[bytes, None]:
        yield b"one "
        yield b"two "
        if asked.body == b"late":
            await asyncio.sleep(0.01)
        raise ZeroDivisionError("what was asked")


Serve = Callable[..., Served]


def _streaming(lines: Callable[[Asked], AsyncGenerator[bytes, None]]) -> Callable[[Asked], Coroutine[Any, Any, None]]:
    async def stream(asked: Asked) -> None:
        await asked.stream(lines(asked), media_type=b"application/x-ndjson")

    return stream


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether something comes about within a while."""
    for _ in range(2000):
        if holds():
            return True
        time.sleep(0.005)
    return False

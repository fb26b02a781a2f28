"""A gateway of ours in a thread of its own, as a client of the world meets it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from byzer_nb.client import LocalTransport
from byzer_nb.client.client import AsyncClient
from byzer_nb.client.transport import Transport
from byzer_nb.serve.running import server
from byzer_nb.serve.settings import ServeSettings
from byzer_nb.types import Engine

T = TypeVar("T")


class RunningGateway:
    """uvicorn on a free port of the loop-back address; a context manager.

    `engines` are models by name; without a transport they live in the process of the tests.
    """

    def __init__(
        self, engines: Mapping[str, Engine] | None = None, *, transport: Transport | None = None, **settings: Any
    ) -> None:
        self.engines: dict[str, Any] = dict(engines or {})  # Any: each test knows which engine it takes out
        self.settings = ServeSettings(port=0, log_level="warning", **settings)
        self.transport = LocalTransport() if transport is None else transport
        self._closes_transport = transport is None
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)
        self._ready = threading.Event()
        self._failure: BaseException | None = None

    # -- what tests ask -------------------------------------------------------------------------------------------

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """What OpenAI's clients take."""
        return f"{self.origin}/v1"

    @property
    def is_at_rest(self) -> bool:
        """Whether no task is left of any request."""
        return len(self.do(_tasks())) <= self._idle_tasks

    @property
    def is_idle(self) -> bool:
        """Whether no connection is open either."""
        return not self._server.server_state.connections and self.is_at_rest

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in its loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def ask_to_stop(self) -> None:
        """As a signal does it: running answers may finish."""
        self._server.should_exit = True

    @property
    def is_running(self) -> bool:
        """Whether it still serves."""
        return self._thread.is_alive()

    # -- its life -------------------------------------------------------------------------------------------------

    def start(self) -> RunningGateway:
        """Listen."""
        self._thread.start()
        assert self._ready.wait(60), "the gateway does not start"
        if self._failure is not None:
            raise self._failure
        return self

    def stop(self) -> None:
        """Break off what runs, and end the thread."""
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive(), "the gateway does not stop"

    def __enter__(self) -> RunningGateway:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            self._server = server(AsyncClient(self.transport), self.settings)
            with asyncio.Runner(loop_factory=self._server.config.get_loop_factory()) as runner:
                runner.run(self._serve())
        except BaseException as failed:
            self._failure = failed
            raise
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        if isinstance(self.transport, LocalTransport):
            for name, engine in self.engines.items():
                await self.transport.add(name, engine)
        serving = asyncio.create_task(self._server.serve())
        while not (self._server.started or serving.done()):  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.005)
        if self._server.started:
            self._idle_tasks = len(await _tasks()) + 1  # and this one
            self.port = int(self._server.servers[0].sockets[0].getsockname()[1])
            self._ready.set()
        await serving
        if self._closes_transport and isinstance(self.transport, LocalTransport):
            await self.transport.close()


async def _tasks() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


def eventually(holds: Callable[[], bool], *, seconds: float = 10.0) -> bool:
    """Whether something comes true within a time that no busy machine should need."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True

"""The one thread in which an engine computes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from byzer_nb.errors import ModelCallError

T = TypeVar("T")


class Worker:
    """Does pieces of work one after the other in a thread of its own, in the order in which they were asked for.

    Requests hand in one token's work at a time, so several of them take turns and any loop stays free.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._is_closed = False

    async def run(self, work: Callable[[], T]) -> T:
        """The result of the work; the thread starts with the first piece."""
        with self._lock:
            if self._is_closed:
                raise ModelCallError(
                    f"The model {self._model!r} was closed.", hint="Deploy the model again.", model=self._model
                )
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"byzer_nb-{self._model}")
            asked = self._thread.submit(work)
        return await asyncio.wrap_future(asked)

    async def close(self) -> None:
        """Finish the piece at hand and end the thread."""
        with self._lock:
            self._is_closed = True
            thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.to_thread(thread.shutdown)

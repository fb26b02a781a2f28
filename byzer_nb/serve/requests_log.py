"""What the gateway is doing and has just done: who asked which model for what, and how fast it went."""

from __future__ import annotations

import logging
import secrets
import time
from collections import deque
from typing import Any

from byzer_nb.serve.metrics import Metrics
from byzer_nb.types import Usage

KEPT = 200  # requests that are over and still shown
access = logging.getLogger("byzer_nb.access")


class Entry:
    """One request, from its arrival to its end. It holds no word of what was said."""

    __slots__ = (
        "arrived", "asked", "ended", "error", "first", "gone", "id", "is_stream", "model", "path", "pieces", "status",
        "usage", "who",
    )  # fmt: skip

    def __init__(self, path: str) -> None:
        self.id = secrets.token_hex(12)
        self.path = path
        self.who = ""
        self.model = ""
        self.is_stream = False
        self.arrived = time.perf_counter()
        self.asked: float | None = None  # when the model was
        self.first: float | None = None  # when its first words came
        self.ended: float | None = None
        self.status = 0
        self.pieces = 0
        self.usage = Usage()
        self.error = ""
        self.gone = False

    @property
    def overhead_ms(self) -> float:
        """What passed between the request and the question to the model, in milliseconds."""
        return ((self.asked or time.perf_counter()) - self.arrived) * 1000

    def asking(self, model: str, *, is_stream: bool = False) -> None:
        """The model is asked now."""
        self.model = model
        self.is_stream = is_stream
        self.asked = time.perf_counter()

    def heard(self) -> None:
        """A piece of the answer came."""
        self.pieces += 1
        if self.first is None:
            self.first = time.perf_counter()

    def begun(self, status: int) -> None:
        """The answer goes out."""
        self.status = status

    def failed(self, error: BaseException) -> None:
        """It went wrong."""
        self.error = type(error).__name__

    def as_json(self) -> dict[str, Any]:  # Any: JSON
        """What a table of requests shows."""
        now = self.ended or time.perf_counter()
        since = now - (self.first or now)
        tokens = self.usage.output_tokens or self.pieces
        return {
            "id": self.id,
            "who": self.who,
            "route": self.path,
            "model": self.model,
            "stream": self.is_stream,
            "arrived": round(time.time() - (time.perf_counter() - self.arrived), 4),
            "seconds": round(now - self.arrived, 4),
            "first_token_seconds": None if self.first is None else round(self.first - self.arrived, 4),
            "tokens": tokens,
            "tokens_per_second": round(tokens / since, 1) if since > 0 else None,
            "status": self._state(),
            "error": self.error,
        }

    def _state(self) -> str:
        if self.ended is not None:
            return "gone" if self.gone else str(self.status)
        if self.asked is None:
            return "reading"
        return "waiting" if self.first is None else "answering"


class RequestsLog:
    """The requests under way, and the last ones that ended."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._running: dict[str, Entry] = {}
        self._ended: deque[Entry] = deque(maxlen=KEPT)

    def open(self, path: str) -> Entry:
        """A request arrived."""
        entry = Entry(path)
        self._running[entry.id] = entry
        self._metrics.running += 1
        return entry

    def close(self, entry: Entry) -> None:
        """It is over."""
        entry.ended = time.perf_counter()
        if self._running.pop(entry.id, None) is None:
            return
        self._ended.append(entry)
        self._metrics.running -= 1
        self._metrics.ended(entry)
        if access.isEnabledFor(logging.INFO):
            access.info(
                "%s %s %s who=%s model=%s %.0f ms, %d in, %d out%s",
                entry.id,
                entry.path,
                "gone" if entry.gone else entry.status,
                entry.who or "-",
                entry.model or "-",
                (entry.ended - entry.arrived) * 1000,
                entry.usage.input_tokens,
                entry.usage.output_tokens,
                f" {entry.error}" if entry.error else "",
            )

    def as_json(self) -> list[dict[str, Any]]:  # Any: JSON
        """The running ones, oldest first, and then those that ended, newest first."""
        return [entry.as_json() for entry in (*self._running.values(), *reversed(self._ended))]

    @property
    def running(self) -> int:
        """How many are under way."""
        return len(self._running)

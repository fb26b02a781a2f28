"""What a worker has done so far, counted where it happens."""

from __future__ import annotations

import time
from collections import deque

from byzer_nb.types import Delta
from byzer_nb.types.pool import WorkerTally

RECENT = 256  # latencies that are remembered


class Tally:
    """Counts answers, errors, tokens, and how long the first token took."""

    def __init__(self) -> None:
        self._answers = 0
        self._errors = 0
        self._tokens = 0
        self._first: deque[float] = deque(maxlen=RECENT)

    def begin(self) -> float:
        """A request has come; what to give to `first`."""
        return time.perf_counter()

    def first(self, begun: float) -> None:
        """The first piece of its answer is there."""
        self._first.append(time.perf_counter() - begun)

    def end(self, last: Delta) -> None:
        """The answer is whole."""
        self._answers += 1
        if last.usage is not None:
            self._tokens += last.usage.output_tokens

    def fail(self) -> None:
        """The engine failed."""
        self._errors += 1

    def snapshot(self) -> WorkerTally:
        """The counts at this moment."""
        return WorkerTally(
            answers=self._answers, errors=self._errors, tokens=self._tokens, first_token_seconds=tuple(self._first)
        )

"""How many requests and tokens may go out within a minute; a window that moves, so that no minute has more."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

WINDOW_SECONDS = 60.0
GRAIN = 1e-6  # seconds that floating-point time may be wrong by


class RateLimit:
    """Counts what went out, from any thread. `wait` says how long the next request has to stay back; 0 limits nothing.

    Tokens are known only when an answer is over, so the request that goes over the limit still passes, and those after
    it wait until enough of the window has gone by.
    """

    def __init__(
        self,
        *,
        requests: float = 0,
        tokens: float = 0,
        window: float = WINDOW_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._requests = _Window(requests, window)
        self._tokens = _Window(tokens, window)
        self._clock = clock
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._requests.most or self._tokens.most)

    def wait(self) -> float:
        """Seconds until one more request may begin; 0 when it may now."""
        with self._lock:
            return self._left()

    def begin(self) -> None:
        """A request goes out."""
        with self._lock:
            self._requests.add(self._clock(), 1)

    def take(self) -> float:
        """Begin a request if it may; otherwise the seconds after which to ask again."""
        with self._lock:
            seconds = self._left()
            if not seconds:
                self._requests.add(self._clock(), 1)
            return seconds

    def spend(self, tokens: int) -> None:
        """An answer is over, and took so many tokens."""
        with self._lock:
            self._tokens.add(self._clock(), tokens)

    def _left(self) -> float:
        now = self._clock()
        return max(self._requests.wait(now), self._tokens.wait(now))


class _Window:
    """Amounts with their times, as far as they still count."""

    def __init__(self, most: float, seconds: float) -> None:
        self.most = most
        self._seconds = seconds
        self._kept: deque[tuple[float, float]] = deque()
        self._sum = 0.0

    def add(self, now: float, amount: float) -> None:
        if self.most and amount:
            self._kept.append((now, amount))
            self._sum += amount

    def wait(self, now: float) -> float:
        while self._kept and self._kept[0][0] <= now - self._seconds + GRAIN:
            self._sum -= self._kept.popleft()[1]
        left = self._sum
        if not self.most or left < self.most:
            return 0.0
        for then, amount in self._kept:
            left -= amount
            if left < self.most:
                return then + self._seconds - now
        return 0.0

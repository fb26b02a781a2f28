"""What the keys have used up, counted by all processes of a gateway together, in a file that each has in memory."""

from __future__ import annotations

import fcntl
import mmap
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from byzer_nb.serve.keys import Account, KeyEntry

WINDOW = 60  # seconds
# What happened within a second is counted together, so it counts until no part of that second is in the window.
SLOTS = WINDOW + 2
OF_A_SLOT = 3  # numbers: which second it is, and how many requests and tokens it had
OF_A_KEY = 1 + SLOTS * OF_A_SLOT  # with the dollars, which come first


class Accounts:
    """The file, as one process has it."""

    def __init__(self, path: Path, keys: Sequence[KeyEntry], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")  # noqa: SIM115  # it lives as long as this
        size = max(len(keys), 1) * OF_A_KEY * 8
        if os.fstat(self._file.fileno()).st_size < size:
            os.ftruncate(self._file.fileno(), size)
        self.numbers = memoryview(mmap.mmap(self._file.fileno(), size)).cast("d")
        self.clock = clock

    def of(self, entry: KeyEntry, position: int) -> Account:
        """The account of a key, by its place among the keys."""
        return SharedAccount(self, entry, position * OF_A_KEY)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other process reads or writes meanwhile; it is over in microseconds."""
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)


class SharedAccount:
    """One key's part of the file. The clock is the machine's, so it is the same in every process."""

    def __init__(self, accounts: Accounts, entry: KeyEntry, start: int) -> None:
        self._accounts = accounts
        self._limits = (entry.requests_per_minute, entry.tokens_per_minute)
        self._start = start

    @property
    def spent(self) -> float:
        """US dollars so far."""
        return self._accounts.numbers[self._start]

    def pay(self, dollars: float) -> None:
        """Count what an answer cost."""
        with self._accounts.alone():
            self._accounts.numbers[self._start] += dollars

    def take(self) -> float:
        """Begin a request if it may; otherwise the seconds after which to ask again."""
        if not any(self._limits):
            return 0.0
        with self._accounts.alone():
            now = self._accounts.clock()
            seconds = max(self._wait(now, which) for which in (0, 1))
            if not seconds:
                self._add(now, requests=1, tokens=0)
            return seconds

    def spend(self, tokens: int) -> None:
        """An answer is over, and took so many tokens."""
        if any(self._limits):
            with self._accounts.alone():
                self._add(self._accounts.clock(), requests=0, tokens=tokens)

    def _wait(self, now: float, which: int) -> float:
        most = self._limits[which]
        numbers = self._accounts.numbers
        slots = [at for at in self._slots() if numbers[at] > int(now) - WINDOW - 1]
        left = sum(numbers[at + 1 + which] for at in slots)
        if not most or left < most:
            return 0.0
        for at in sorted(slots, key=lambda each: numbers[each]):
            left -= numbers[at + 1 + which]
            if left < most:
                return numbers[at] + WINDOW + 1 - now
        return 0.0

    def _add(self, now: float, *, requests: int, tokens: int) -> None:
        numbers, second = self._accounts.numbers, int(now)
        at = self._start + 1 + second % SLOTS * OF_A_SLOT
        if numbers[at] != second:
            numbers[at], numbers[at + 1], numbers[at + 2] = second, 0, 0
        numbers[at + 1] += requests
        numbers[at + 2] += tokens

    def _slots(self) -> range:
        return range(self._start + 1, self._start + OF_A_KEY, OF_A_SLOT)

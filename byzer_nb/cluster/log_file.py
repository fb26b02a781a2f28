"""What a worker prints: in a file of its own that never grows beyond a limit, and in no cell."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections import deque
from pathlib import Path

from byzer_nb._home import home_folder

LIMIT_BYTES = 2 * 1024 * 1024  # twice as much is kept: this file and the one before
LOOK_SECONDS = 5.0


def log_path(name: str, worker: int) -> Path:
    """The log of a worker; a name is no path, whatever it looks like."""
    folder = home_folder() / "logs" / re.sub(r"[^\w.-]|^\.+", "_", name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"{worker}.log"


class LogFile:
    """Takes over standard output and standard error of this process, also from code that is not Python."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._take_over()

    async def keep_small(self) -> None:
        """Begin a new file whenever this one is full; runs for as long as the worker does."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self.path.exists() and self.path.stat().st_size > LIMIT_BYTES:
                self.path.replace(self.path.with_suffix(".log.1"))
                self._take_over()

    def _take_over(self) -> None:
        target = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        for fd in (1, 2):
            os.dup2(target, fd)
        os.close(target)


def last_lines(path: Path, count: int) -> list[str]:
    """The end of a log; nothing of one that was never written."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", errors="replace") as lines:
        return [line.rstrip("\n") for line in deque(lines, maxlen=count)]

"""The line on stderr that says what a command is waiting for, and for how long."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from types import TracebackType
from typing import Self, TextIO
from unicodedata import east_asian_width

from byzer_nb.cli.messages import ERASE

PAINT_SECONDS = 0.5


class ProgressLine:
    """One line that is rewritten on a terminal, and a new line for every change elsewhere."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._is_terminal = self._stream.isatty()
        self._text = ""
        self._since = time.monotonic()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._ticking = threading.Thread(target=self._tick, name="byzer_nb-progress", daemon=True)

    def __enter__(self) -> Self:
        self._since = time.monotonic()
        if self._is_terminal:
            self._ticking.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._is_terminal:
            self._ticking.join()
            self._write(ERASE)

    def show(self, text: str) -> None:
        """What is being waited for now."""
        with self._lock:
            is_new, self._text = text != self._text, text
        if self._is_terminal:
            self._paint()
        elif is_new:
            self._write(f"{self._timed()}\n")

    def _tick(self) -> None:
        # Ray is silent for many seconds, and a line that stands still looks like a command that hangs.
        while not self._over.wait(PAINT_SECONDS):
            self._paint()

    def _paint(self) -> None:
        self._write(ERASE + _cut(self._timed(), shutil.get_terminal_size().columns - 1))

    def _timed(self) -> str:
        return f"{self._text} ({time.monotonic() - self._since:.0f} s)" if self._text else ""

    def _write(self, text: str) -> None:
        with self._lock:
            self._stream.write(text)
            self._stream.flush()


def _cut(text: str, columns: int) -> str:
    """The text as far as it fits into a line; a line that wraps could not be rewritten."""
    width = 0
    for at, character in enumerate(text):
        width += 2 if east_asian_width(character) in "WF" else 1
        if width > columns:
            return text[:at]
    return text

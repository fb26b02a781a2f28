"""What others see of a process."""

from __future__ import annotations

import time
from pathlib import Path

SECONDS = 30.0


def arguments_of(pid: int, *, when: str) -> str:
    """The arguments of a process as `ps` shows them, as soon as these words stand in them."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        if when in arguments:
            return arguments
        time.sleep(0.01)
    raise AssertionError(f"{when!r} is never among the arguments.")

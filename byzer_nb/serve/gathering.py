"""One picture of what several processes say of themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

RUNNING = ("reading", "waiting", "answering")

Row = dict[str, Any]  # Any: JSON


def summed(texts: Iterable[bytes]) -> bytes:
    """The metrics of several processes as those of one: every one of them is a count, so they add up."""
    families: dict[str, dict[str, float]] = {}
    for text in texts:
        family = ""
        for line in text.decode().splitlines():
            if line.startswith("#"):
                family = line
                families.setdefault(family, {})
                continue
            name, _, value = line.rpartition(" ")
            samples = families.setdefault(family, {})
            samples[name] = samples.get(name, 0) + (float(value) if "." in value else int(value))
    lines = []
    for family, samples in families.items():
        lines.append(family)
        lines += [
            f"{name} {value:.6f}" if isinstance(value, float) else f"{name} {value}" for name, value in samples.items()
        ]
    return ("\n".join(lines) + "\n").encode()


def decoded(said: bytes) -> list[Row]:
    """The requests that a process tells of."""
    return msgspec.json.decode(said, type=list[Row])


def rows_of(told: Iterable[list[Row]]) -> list[Row]:
    """The requests of several processes: the running ones, oldest first, and then those that ended, newest first."""
    rows = [row for each in told for row in each]
    running = [row for row in rows if row["status"] in RUNNING]
    ended = [row for row in rows if row["status"] not in RUNNING]
    running.sort(key=lambda row: float(row["arrived"]))
    ended.sort(key=lambda row: float(row["arrived"]) + float(row["seconds"]), reverse=True)
    return running + ended

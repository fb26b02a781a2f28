"""Nothing of a run is left when its test is over."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


def children() -> set[int]:
    """The processes that this one has started and not yet waited for."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    every = Path("/proc/self/task").glob("*/children")
    return {int(number) for path in (every if listed.exists() else []) for number in path.read_text().split()}


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No process, no folder, no open pipe."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr(tempfile, "tempdir", None)  # so that the new value is looked up
    running, pipes = children(), open_pipes()
    yield
    assert children() <= running
    assert open_pipes() <= pipes
    assert list(scratch.iterdir()) == []


def open_pipes() -> set[str]:
    """The pipes of this process."""
    found = set()
    for number in os.listdir("/proc/self/fd") if Path("/proc/self/fd").exists() else []:
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except OSError:  # the listing's own
            continue
        if target.startswith("pipe:"):
            found.add(target)
    return found

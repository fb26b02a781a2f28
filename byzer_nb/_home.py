"""The folder of this user for what outlives a process: logs, prices, functions that a model wrote."""

from __future__ import annotations

import os
from pathlib import Path


def home_folder(*, make: bool = True) -> Path:
    """`~/.byzer_nb`, or what BYZER_NB_HOME names; readable by nobody else."""
    folder = Path(os.environ.get("BYZER_NB_HOME") or Path.home() / ".byzer_nb")
    if make:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder

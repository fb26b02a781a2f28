"""Importing byzer_nb and loading its magics are quick, load nothing heavy and open no socket."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest

HEAVY = ("ray", "torch", "transformers", "openai", "ipywidgets", "anywidget", "litellm", "aiohttp")
ROUNDS = 4  # noise of the machine only ever adds, so the first round within the budget counts

NO_SOCKETS = """
import sys

def refuse(event, arguments):
    if event.startswith("socket."):
        raise RuntimeError(f"a socket was used: {event} {arguments}")

sys.addaudithook(refuse)
"""
SHELL = """
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
"""
LOAD = 'shell.run_line_magic("load_ext", "byzer_nb")'
LOADED = f"print([name for name in {HEAVY} if name in sys.modules])"


def python(code: str, folder: Path) -> str:
    """What a fresh Python prints that runs this code, away from the checkout."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, cwd=folder, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def wall(folder: Path, code: str) -> float:
    """Seconds from the start of a fresh Python to its end."""
    started = time.perf_counter()
    python(code, folder)
    return time.perf_counter() - started


def timed(statement: str) -> str:
    """Code that prints the seconds that a statement takes."""
    return f"\nimport time\nstarted = time.perf_counter()\n{statement}\nprint(time.perf_counter() - started)\n"


def least_median(measure: Callable[[], float], *, within: float) -> float:
    """The least median of five over some rounds; it stops as soon as it lies within the budget."""
    least = float("inf")
    for _ in range(ROUNDS):
        least = min(least, median(measure() for _ in range(5)))
        if least <= within:
            break
    return least


def test_importing_loads_nothing_heavy_and_opens_no_socket(tmp_path: Path) -> None:
    assert python(f"{NO_SOCKETS}\nimport byzer_nb\n{LOADED}", tmp_path) == "[]"


@pytest.mark.contract("NB-01")
def test_loading_the_magics_loads_nothing_heavy_and_opens_no_socket(tmp_path: Path) -> None:
    assert python(f"{SHELL}\n{NO_SOCKETS}\n{LOAD}\n{LOADED}", tmp_path) == "[]"


def test_importing_takes_at_most_150_ms_on_top_of_python(tmp_path: Path) -> None:
    def cost() -> float:
        return wall(tmp_path, "import byzer_nb") - wall(tmp_path, "pass")

    assert least_median(cost, within=0.15) <= 0.15


@pytest.mark.contract("NB-01")
def test_loading_the_magics_takes_at_most_300_ms_on_top_of_ipython(tmp_path: Path) -> None:
    def cost() -> float:
        return float(python(SHELL + timed(LOAD), tmp_path))

    assert least_median(cost, within=0.3) <= 0.3


def test_a_socket_would_be_noticed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="a socket was used"):
        python(f"{NO_SOCKETS}\nimport socket\nsocket.socket()", tmp_path)

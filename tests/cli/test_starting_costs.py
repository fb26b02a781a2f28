"""Help is quick: reading arguments loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

HEAVY = ("ray", "torch", "aiohttp", "numpy", "pydantic", "jinja2", "yaml")
ROUNDS = 10  # noise of the machine only ever adds, so the first round within the budget counts


def test_the_parsers_are_built_without_anything_heavy(tmp_path: Path) -> None:
    code = f"""
import sys
from byzer_nb.cli.main import BYZERLLM, EASY_BYZERLLM
for program in (BYZERLLM, EASY_BYZERLLM):
    program.help()
    for command in program.commands:
        program.parser(command).format_help()
print([name for name in {HEAVY} if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (ran.stdout.strip(), ran.stderr) == ("[]", "")


def test_help_takes_less_than_half_a_second(tmp_path: Path) -> None:
    def seconds() -> float:
        started = time.perf_counter()
        words = [sys.executable, "-m", "byzer_nb", "deploy", "--help"]
        subprocess.run(words, cwd=tmp_path, capture_output=True, check=True, timeout=60)
        return time.perf_counter() - started

    assert any(seconds() < 0.5 for _ in range(ROUNDS))

"""The first thing a newcomer runs: it needs only the base install, no network, and is quick the second time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.house.tree import PROJECT, ROOT

BASE = {requirement.split(">")[0] for requirement in PROJECT["project"]["dependencies"]}
NOT_BASE = ("torch", "transformers", "accelerate", "openai", "pandas", "jupyterlab", "pytest")

ALONE = f"""
import runpy, sys

for name in {NOT_BASE}:
    sys.modules[name] = None  # as if it were not installed

def refuse(event, arguments):
    if event not in ("socket.connect", "socket.getaddrinfo"):
        return
    place = arguments[1] if event == "socket.connect" else arguments
    host = place if isinstance(place, (str, bytes)) else place[0]  # a path, or a host with a port
    if not str(host).startswith(("/", "127.", "localhost")):
        raise RuntimeError(f"the network was used: {{event}} {{arguments}}")

sys.addaudithook(refuse)
runpy.run_module("byzer_nb.demo", run_name="__main__", alter_sys=True)
"""


def test_the_demo_answers_makes_an_object_and_deploys_offline_on_the_base_install(tmp_path: Path) -> None:
    assert not BASE & set(NOT_BASE)
    shown = subprocess.run([sys.executable, "-c", ALONE], cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "I am byzer-tiny" in shown.stdout
    assert "tokens/s" in shown.stdout
    assert "Person(name='Mia', age=31, city='Oslo')" in shown.stdout
    assert "DeployedModel('tiny', 'byzer-tiny', 2 × 4 slots)" in shown.stdout
    assert "(worker 1)" in shown.stdout
    assert '"total_workers": 2' in shown.stdout


def test_make_demo_installs_nothing_the_second_time(tmp_path: Path) -> None:
    assert "install.py base" in steps_of_demo(tmp_path)
    stamp = tmp_path / "installed-base"
    stamp.touch()
    assert "install.py" not in steps_of_demo(tmp_path)
    long_ago = time.time() - 10 * 365 * 24 * 3600
    os.utime(stamp, (long_ago, long_ago))  # older than pyproject.toml: the requirements may have changed
    assert "install.py base" in steps_of_demo(tmp_path)


def steps_of_demo(venv: Path) -> str:
    """What `make demo` would run."""
    command = ["make", "--dry-run", "demo", f"VENV={venv}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout

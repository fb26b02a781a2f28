"""A real shell without a kernel, and a real kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import byzer_nb
from byzer_nb._sync import run
from byzer_nb.client import shared_models
from byzer_nb.types import Engine
from tests.magics.kernel import Kernel, running_kernel


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """An IPython as in a terminal, with the extension loaded."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("BYZER_NB_LANG", raising=False)
    shell = InteractiveShell.instance(
        config=Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}})
    )
    byzer_nb.load_ipython_extension(shell)
    try:
        yield shell
    finally:
        byzer_nb.unload_ipython_extension(shell)
        InteractiveShell.clear_instance()


@pytest.fixture
def cell(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """Runs a cell and gives what it printed, errors included."""

    def cell(code: str) -> str:
        shell.run_cell(code)
        printed = capsys.readouterr()
        return printed.out + printed.err

    return cell


@pytest.fixture
def deployed(shell: InteractiveShell) -> Iterator[Callable[[str, Engine], None]]:
    """Puts an engine under a name, for the time of the test."""
    names: list[str] = []

    def deploy(name: str, engine: Engine) -> None:
        names.append(name)
        run(shared_models().add(name, engine))

    yield deploy
    for name in names:
        run(shared_models().undeploy(name))


@pytest.fixture(scope="package")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel for the whole folder; tests name their models and variables apart."""
    with running_kernel(tmp_path_factory.mktemp("kernel")) as kernel:
        kernel.ok(SETUP)
        yield kernel


SETUP = """
import asyncio, time
import byzer_nb
from byzer_nb import ScriptedEngine
from byzer_nb._sync import run
from byzer_nb.client import shared_models

def deploy(name, *replies, **pace):
    engine = ScriptedEngine(*replies, **pace)
    run(shared_models().add(name, engine))
    return engine
"""

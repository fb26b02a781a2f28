"""Loading adds the magics and nothing else; unloading takes everything back."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable

import pytest
from IPython.core.interactiveshell import InteractiveShell

import byzer_nb

LINES = ("llm_connect", "llm_deploy", "llm_models", "llm_serve", "llm_stat", "llm_undeploy", "llm_use", "prompt")
MAGICS = {("cell", "llm_deploy"), ("cell", "prompt"), *(("line", name) for name in LINES)}


def magics_of(shell: InteractiveShell) -> set[tuple[str, str]]:
    return {(kind, name) for kind, names in shell.magics_manager.magics.items() for name in names}


@pytest.mark.contract("NB-01")
def test_unloading_leaves_nothing_behind(shell: InteractiveShell) -> None:
    byzer_nb.unload_ipython_extension(shell)
    before = (magics_of(shell), list(sys.meta_path), set(shell.user_ns), set(threading.enumerate()))
    byzer_nb.load_ipython_extension(shell)
    assert magics_of(shell) - before[0] == MAGICS
    shell.run_cell("%prompt Hello")  # starts the background loop and the bundled model
    byzer_nb.unload_ipython_extension(shell)
    assert (magics_of(shell), list(sys.meta_path), set(shell.user_ns), set(threading.enumerate())) == before
    assert "PromptMagics" not in shell.magics_manager.registry


@pytest.mark.contract("NB-01")
def test_loading_is_silent_and_starts_no_thread(cell: Callable[[str], str]) -> None:
    cell("%unload_ext byzer_nb")
    threads = threading.active_count()
    assert cell("%load_ext byzer_nb") == ""
    assert threading.active_count() == threads


@pytest.mark.contract("NB-01")
def test_loading_twice_and_reloading_are_harmless(shell: InteractiveShell, cell: Callable[[str], str]) -> None:
    loaded = magics_of(shell)
    byzer_nb.load_ipython_extension(shell)
    assert magics_of(shell) == loaded
    cell("%load_ext byzer_nb")
    assert cell("%reload_ext byzer_nb") == ""
    assert magics_of(shell) == loaded
    assert "byzer-tiny" in cell("%prompt Hello")


@pytest.mark.contract("NB-01")
def test_a_magic_that_somebody_else_put_in_its_place_stays(shell: InteractiveShell) -> None:
    def theirs(line: str) -> str:
        return line

    shell.register_magic_function(theirs, "line", "prompt")
    byzer_nb.unload_ipython_extension(shell)
    assert shell.magics_manager.magics["line"]["prompt"] is theirs


@pytest.mark.contract("NB-01", "COMPAT-01")
def test_loading_brings_the_alias_of_older_notebooks(shell: InteractiveShell) -> None:
    assert importlib.import_module("byzerllm").ByzerLLM is byzer_nb.ByzerLLM


@pytest.mark.parametrize("name", ["prompt", "llm_use"])
@pytest.mark.contract("NB-05")
def test_every_magic_has_help_with_an_example(shell: InteractiveShell, name: str) -> None:
    described = shell.object_inspect_text(f"%{name}")
    assert f"    %{name} " in described
    assert "In a script: byzer_nb." in described
    assert "--debug" in described

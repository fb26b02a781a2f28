"""A mistake in a call takes a screenful at most: the way through our own rooms is left out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from IPython.core.interactiveshell import InteractiveShell

import byzer_nb

MOST = 25
SET_UP = """
from byzer_nb import Client, ScriptedEngine, SimpleByzerLLM, ask, load, prompt, use

@prompt("byzer-tiny")
def f(name: str) -> str:
    "Hello {{ name }}"

@prompt("byzer-tiny")
def g(name: str) -> str:
    "Hello {{ nme }}"

load("far", "saas/openai", api_key="k", base_url="http://127.0.0.1:9/v1", max_retries=0);
"""
MISTAKES = {
    "load('x', 'saas/openai')": "api_key",
    "load('x', 'saas/opnai')": "Did you mean 'saas/openai'",
    "load('x', None)": "no engine",
    "use(3)": "no engine",
    "SimpleByzerLLM().deploy(udf_name='x', infer_params={})": "saas.api_key is required",
    "Client(model='far').chat('hi')": "cannot be reached",
    "list(Client(model='far').stream('hi'))": "cannot be reached",
    "Client(model='nope').chat('hi')": "Model nope not deployed",
    "f('Ada', 3)": "too many positional arguments",
    "g('Ada')": "Did you mean 'name'",
    "ask('{{ nme }}', variables={'name': 1})": "Did you mean 'name'",
    "ask('hi', temperature='hot')": "temperature cannot be 'hot'",
}


@pytest.fixture
def ready(shell: InteractiveShell) -> Iterator[InteractiveShell]:
    shell.run_cell(SET_UP)
    yield shell
    byzer_nb.unload("far")
    shell.run_line_magic("xmode", "Context")


@pytest.mark.parametrize("mode", ["Plain", "Context"])
def test_a_mistake_is_told_in_a_few_lines(
    ready: InteractiveShell, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ready.run_line_magic("xmode", mode)
    lengths = {}
    for call, sentence in MISTAKES.items():
        capsys.readouterr()
        ready.run_cell(call)
        told = "".join(capsys.readouterr())
        assert sentence in told
        lengths[call] = len(told.splitlines())
    most = MOST if mode == "Plain" else 2 * MOST  # where each frame comes with the code around it
    assert {call: length for call, length in lengths.items() if length > most} == {}

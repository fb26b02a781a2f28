"""A mistake is two lines: what failed, and what to type next. The whole traceback comes with --debug."""

from __future__ import annotations

import pickle
import re
import socket
import sys
from collections.abc import Callable, Iterator

import pytest
from IPython.core.interactiveshell import InteractiveShell

import byzer_nb
from byzer_nb import ScriptedEngine
from byzer_nb.types import Engine
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import KEY, Act

Cell = Callable[[str], str]


@pytest.fixture
def openai() -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn() as standin:
        yield standin


@pytest.fixture
def loaded(shell: InteractiveShell) -> Iterator[Callable[[str, str, str], None]]:
    """Loads an OpenAI-shaped model under a name, with an address and a key."""
    names: list[str] = []

    def load(name: str, url: str, key: str) -> None:
        names.append(name)
        byzer_nb.load(name, "saas/openai", base_url=url, api_key=key, model="gpt-4o", max_retries=0)

    yield load
    for name in names:
        byzer_nb.unload(name)


def two_lines(printed: str) -> tuple[str, str]:
    """The last two lines, which must be the error; a footer may stand above."""
    *above, what, then = printed.strip().split("\n")
    assert not any("Traceback" in line or "Error" in line for line in above)
    return what, then


@pytest.mark.contract("NB-05")
@pytest.mark.parametrize(
    ("typed", "what", "then"),
    [
        (
            "%%prompt\nHello,\nsay hi to {{ nmae }}",
            r"UndefinedVariableError: .*'nmae' is undefined, line 2: say hi to {{ nmae }}",
            r"Did you mean 'name'\? Set it in a cell above: nmae = \.\.\.",
        ),
        ("%prompt {{ name", "PromptError: The template of the cell cannot be read, line 1: .*", ".+"),
        ("%prompt {{ name.uper() }}", "UndefinedVariableError: .*has no attribute 'uper'.*", "Did you mean 'upper'.*"),
        ("%prompt --modle x Hi", "BadInputError: %prompt has no option '--modle'.", r"Did you mean '--model'\? .*"),
        ("%prompt --temperature hot Hi", "BadInputError: The option temperature cannot be 'hot'.", ".*number.*"),
        ("%prompt --temperature -1 Hi", "BadInputError: temperature cannot be negative, and -1.0 is.", ".+"),
        (
            "%prompt --set temprature=1 Hi",
            "BadInputError: There is no option 'temprature'.",
            'Did you mean --set temperature=1 .*extra={"temprature": ...}.*',
        ),
        ("%prompt --temp 1 Hi", "BadInputError: %prompt has no option '--temp'.", r"Did you mean '--temperature'\? .*"),
        ("%prompt --compare a Hi", "BadInputError: The option --compare is not in this version.", "Leave it out.*"),
        ("%prompt --dry Hi", "BadInputError: The option --dry is not in this version.", "Leave it out.*"),
        ("%prompt -m a --model b Hi", "BadInputError: More than one model is named: a, b.", "Comparing.* one: -m a"),
        ("%prompt -o a -o b Hi", "BadInputError: The option -o is given twice.", "Keep one of them.*"),
        ("%prompt --stop '' Hi", "BadInputError: --stop has no text to stop at.", "For example: --stop END"),
        (
            "%prompt --system 'Be {{ nmae }}' Hi",
            "UndefinedVariableError: The template of --system .*'nmae'.*",
            r"Did you mean 'name'\? Set .*",
        ),
        (
            "%prompt {{ nope }}",
            "UndefinedVariableError: .*'nope' is undefined.*",
            r"Set it in a cell above: nope = \.\.\.",
        ),
        ("%prompt {{ exti }}", "UndefinedVariableError: .*'exti' is undefined.*", r"Set it in a cell above: .*"),
        (
            "%%prompt\nA\n{{ 1/0 }}",
            r"PromptError: The prompt cannot be filled in: ZeroDivisionError: "
            r"division by zero, in the template of the cell, line 2: {{ 1/0 }}",
            ".*--debug.*",
        ),
        ("%prompt {{ 'a' + 1 }}", "PromptError: The prompt cannot be filled in: TypeError: .*", ".*--debug.*"),
        (
            "%prompt --show {{ broken() }}",
            "PromptError: The prompt cannot be filled in: KeyError: "
            "'lost', in the template of the cell, line 1: {{ broken.. }}",
            ".*--debug.*",
        ),
        ("%prompt --as Perso Hi", "BadInputError: No type is called 'Perso'.", r"Did you mean 'Personal'\? .*"),
        ("%prompt --set top_p Hi", "BadInputError: --set takes a name and a value, not 'top_p'.", ".*--set top_p=0.9"),
        ("%prompt -m ehco Hi", "UnknownModelError: Model ehco not deployed.*", r"Did you mean 'echo'\? .*"),
        ("%prompt --as Strory Hi", "BadInputError: No type is called 'Strory'.", r"Did you mean 'Story'\? .*"),
        ("%prompt --as print() Hi", r"BadInputError: 'print\(\)' is no type.", "For example: --as Story.*"),
        ("%prompt -o my-var Hi", "BadInputError: 'my-var' cannot be the name of a variable.", "For example: -o answer"),
        ("%%prompt gpt\nHi", "BadInputError: The line of %%prompt takes options only, not 'gpt'.", "Name a model.*"),
        ("%prompt", "BadInputError: There is no prompt.", "For example: %prompt Say hello to .*"),
        ("%%prompt\n\n", "BadInputError: There is no prompt.", "For example: %prompt Say hello to .*"),
        ("%llm_use ehco", "UnknownModelError: Model ehco not deployed.*", r"Did you mean 'echo'\? .*"),
        ("%llm_use --all", "BadInputError: %llm_use has no option '--all'.", "All options with examples: %llm_use.*"),
    ],
)  # fmt: skip
def test_a_mistake_is_two_lines(
    cell: Cell, shell: InteractiveShell, deployed: Callable[[str, Engine], None], typed: str, what: str, then: str
) -> None:
    deployed("echo", ScriptedEngine())
    shell.push({"name": "Ada", "Story": dict, "Personal": dict, "broken": lambda: {}["lost"]})
    printed = cell(typed)
    assert printed.count("\n") == 2
    lines = two_lines(printed)
    assert re.fullmatch(what, lines[0])
    assert re.fullmatch(then, lines[1])


@pytest.mark.contract("NB-05")
def test_debug_shows_the_whole_traceback(cell: Cell) -> None:
    printed = cell("%prompt --debug Hi {{ nmae }}")
    assert "Traceback (most recent call last)" in printed
    assert "UndefinedVariableError" in printed


def test_the_error_is_still_an_error(shell: InteractiveShell, cell: Cell) -> None:
    assert not shell.run_cell("%prompt Hi {{ nmae }}").success  # so that "Run all" stops here
    assert isinstance(sys.last_value, NameError)
    assert str(pickle.loads(pickle.dumps(sys.last_value))) == str(sys.last_value)


def test_debug_shows_the_traceback_of_the_notebooks_own_code(cell: Cell, shell: InteractiveShell) -> None:
    shell.run_cell("def broken():\n    return 1 / 0")
    printed = cell("%prompt --debug Hi {{ broken() }}")
    assert "Traceback (most recent call last)" in printed
    assert "return 1 / 0" in printed


@pytest.mark.contract("NB-05")
@pytest.mark.parametrize(
    "typed",
    [
        "%prompt {{ nmae }}", "%prompt {{ name", "%prompt {{ 1/0 }}", "%prompt --modle x Hi",
        "%prompt --temperature hot Hi",
        "%prompt --set temprature=1 Hi", "%prompt --set top_p Hi", "%prompt -m ehco Hi", "%prompt --as Strory Hi",
        "%prompt -o my-var Hi", "%prompt", "%prompt --dry Hi", "%prompt -m a -m b Hi", "%prompt --as int Hi",
        "%prompt --stop '' Hi",
        "%prompt --def -o x f(y)", "%%prompt --def\nf(\nx", "%prompt --seed 1 --seed 2 Hi", "%llm_use ehco",
    ],
)  # fmt: skip
def test_an_error_is_in_one_language(
    cell: Cell,
    shell: InteractiveShell,
    deployed: Callable[[str, Engine], None],
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
) -> None:
    monkeypatch.setenv("BYZER_NB_LANG", "zh")
    deployed("echo", ScriptedEngine())
    shell.push({"name": "Ada", "Story": dict})
    what, then = (bool(re.search("[\u4e00-\u9fff]", line)) for line in cell(typed).strip().split("\n")[-2:])
    assert what == then


@pytest.mark.contract("NB-05")
def test_a_refused_key_is_two_lines_without_the_key(
    cell: Cell, loaded: Callable[[str, str, str], None], openai: OpenAIStandIn
) -> None:
    refused = KEY.replace("canary", "canary-that-is-refused")
    loaded("gpt", openai.url, refused)
    printed = cell("%prompt -o said Hi")
    what, then = two_lines(printed)
    assert what.startswith("RefusedError: ")
    assert then
    printed += cell("%prompt --debug Hi") + cell("%tb") + cell("%llm_use") + cell("said")
    assert "canary" not in printed


@pytest.mark.contract("NB-05")
def test_an_unreachable_host_is_two_lines(cell: Cell, loaded: Callable[[str, str, str], None]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    loaded("gone", f"http://127.0.0.1:{port}/v1", KEY)
    printed = cell("%prompt Hi")
    what, then = two_lines(printed)
    assert what.startswith("UnreachableError: ")
    assert str(port) in what + then
    assert "gone · no answer" in printed
    assert KEY not in printed


@pytest.mark.contract("NB-05")
def test_a_good_key_is_shown_nowhere(
    cell: Cell, loaded: Callable[[str, str, str], None], openai: OpenAIStandIn
) -> None:
    loaded("gpt", openai.url, KEY)
    openai.always = Act(reply=["Hello", " there"])
    assert cell("%prompt -o said Hi").startswith("Hello there\ngpt · ")
    printed = cell("%llm_use") + cell("%llm_use gpt") + cell("%prompt --show Hi") + cell("said")
    assert KEY not in printed


def test_a_broken_connection_keeps_what_came(
    cell: Cell, loaded: Callable[[str, str, str], None], openai: OpenAIStandIn
) -> None:
    loaded("gpt", openai.url, KEY)
    openai.always = Act(reply=["Once ", "upon ", "a time"], rate=20, reset_at=2)
    printed = cell("%prompt -o said Tell me.")
    assert printed.startswith("Once upon \ngpt · ")
    assert two_lines(printed)[0].startswith("UnreachableError: ")

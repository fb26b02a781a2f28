"""`%%prompt --def` defines a prompt function from a signature and a template."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable

import pytest
from IPython.core.interactiveshell import InteractiveShell
from pydantic import BaseModel

from byzer_nb import ScriptedEngine
from byzer_nb.prompts.function import PromptFunction
from byzer_nb.types import Engine

Cell = Callable[[str], str]
Deploy = Callable[[str, Engine], None]


class Story(BaseModel):
    title: str


@pytest.mark.contract("NB-05", "PROMPT-01")
def test_a_definition_can_be_called_like_any_function(cell: Cell, shell: InteractiveShell, deployed: Deploy) -> None:
    engine = ScriptedEngine()
    deployed("echo", engine)
    printed = cell(
        "%%prompt --def --temperature 0 --stop END\n"
        "tell(topic: str, /, words: int = 100, *more: str, tone='dry', **rest) -> str\n\n"
        "    About {{ topic }} in {{ words }} words,\n"
        "      {{ tone }}, {{ more | join(' ') }}."
    )
    shown = "tell(topic: str, /, words: int = 100, *more: str, tone='dry', **rest) -> str"
    assert printed == f"Defined: {shown}\n"
    tell = shell.user_ns["tell"]
    assert isinstance(tell, PromptFunction)
    assert f"tell{inspect.signature(tell)}" == shown
    assert tell("a lamp", 5, "and", "more") == "About a lamp in 5 words,\n  dry, and more."
    assert engine.records[0].options.given() == {"temperature": 0, "stop": ("END",)}
    assert tell.prompt("a lamp", tone="warm") == "About a lamp in 100 words,\n  warm, ."


@pytest.mark.contract("NB-05")
def test_the_default_model_is_looked_up_when_the_function_is_called(
    cell: Cell, shell: InteractiveShell, deployed: Deploy
) -> None:
    deployed("first", ScriptedEngine("one"))
    cell("%%prompt --def\nask(q) -> str\n{{ q }}")
    cell("%%prompt --def -m first\nask_first(q)\n{{ q }}")
    deployed("second", ScriptedEngine("two"))
    assert (shell.user_ns["ask"]("?"), shell.user_ns["ask_first"]("?")) == ("two", "one")


@pytest.mark.contract("NB-05", "PROMPT-09", "PROMPT-10")
def test_a_definition_returns_classes_of_the_notebook_and_streams(
    cell: Cell, shell: InteractiveShell, deployed: Deploy
) -> None:
    deployed("typed", ScriptedEngine('{"title": "Lamp"}'))
    shell.push({"Story": Story})
    cell("%%prompt --def\ntell(topic: str) -> Story\nTell of {{ topic }}.")
    cell("%%prompt --def\npieces(topic: str) -> Generator[str, None, None]\nTell of {{ topic }}.")
    assert shell.user_ns["tell"]("a lamp") == Story(title="Lamp")
    assert "".join(shell.user_ns["pieces"]("a lamp")) == '{"title": "Lamp"}'
    assert asyncio.run(shell.user_ns["tell"].aio("a lamp")) == Story(title="Lamp")


@pytest.mark.contract("NB-05")
@pytest.mark.parametrize("first", ["def f(x: dict[str, int]) -> str:", "def f(x)", "f(x):", "  f(x) -> str :"])
def test_a_signature_may_be_written_as_in_python(
    cell: Cell, shell: InteractiveShell, deployed: Deploy, first: str
) -> None:
    deployed("echo", ScriptedEngine())
    cell(f"%%prompt --def\n{first}\nSay {{{{ x }}}}.")
    assert shell.user_ns["f"](1) == "Say 1."


@pytest.mark.contract("NB-05")
@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("Tell a story.\nNow.", "PromptError: The first line is no signature: 'Tell a story.'"),
        ("f(x): import os; y\nx", "PromptError: The first line is no signature: 'f(x): import os; y'"),
        ("f(x=print()) -> str\nx", "PromptError: The default 'print()' is no literal."),
        ("f(x: print()) -> str\nx", "BadInputError: 'print()' is no type."),
        ("f(x) -> Stroy\nx", "BadInputError: No type is called 'Stroy'."),
        ("f(x) -> int\nx", "PromptError: prompt function f should return a pydantic model or string, not"),
        ("f(x) -> str", "PromptError: prompt function f has no docstring template"),
        ("f(x, x) -> str\nx", "PromptError: The first line is no signature: 'f(x, x) -> str'"),
    ],
)
def test_a_wrong_definition_is_two_lines_and_defines_nothing(
    cell: Cell, shell: InteractiveShell, body: str, what: str
) -> None:
    told, then = cell(f"%%prompt --def\n{body}").strip().split("\n")
    assert told.startswith(what)
    assert then
    assert "f" not in shell.user_ns


@pytest.mark.parametrize("option", ["-o x", "--as int", "--system x", "--show"])
def test_what_belongs_to_a_call_does_not_go_with_a_definition(cell: Cell, option: str) -> None:
    assert cell(f"%%prompt --def {option}\nf(x)\n{{{{ x }}}}").startswith("BadInputError: --def and ")

"""`%%prompt --as` and `--def … -> Type` come to their value by the best means of the model, and ask again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from IPython.core.interactiveshell import InteractiveShell
from pydantic import BaseModel

from byzer_nb import ScriptedEngine
from byzer_nb.errors import ModelCallError
from byzer_nb.providers.scripted import CAPABILITIES, Scripted
from byzer_nb.types import Capabilities, ChatRequest, Engine, ModelCard, Reply, ToolCall
from tests.magics.kernel import Kernel

Cell = Callable[[str], str]
Deploy = Callable[[str, Engine], None]

GOOD = '{"name": "Ada", "age": 36}'
IN_WORDS = Capabilities()


class Person(BaseModel):
    name: str
    age: int


ADA = Person(name="Ada", age=36)


class OnThisMachine(ScriptedEngine):
    """A scripted engine that looks like a local one."""

    def describe(self) -> ModelCard:
        return replace(super().describe(), is_local=True)


@pytest.fixture(autouse=True)
def names(shell: InteractiveShell) -> None:
    shell.push({"Person": Person})


@pytest.mark.contract("NB-05", "STRUCT-07")
@pytest.mark.parametrize(
    ("engine", "means"),
    [
        (ScriptedEngine(GOOD), "by its schema"),
        (OnThisMachine(GOOD), "by constrained decoding"),
        (
            ScriptedEngine(
                [Reply(text="", tool_calls=(ToolCall(name="answer", arguments={"name": "Ada", "age": 36}),))],
                capabilities=Capabilities(tools=True),
            ),
            "by a tool",
        ),
        (ScriptedEngine(f"Here you are:\n```json\n{GOOD}\n```", capabilities=IN_WORDS), "asked in words"),
    ],
)
def test_the_best_means_of_the_model_is_used_and_told(
    cell: Cell, shell: InteractiveShell, deployed: Deploy, engine: ScriptedEngine, means: str
) -> None:
    deployed("typed", engine)
    printed = cell("%prompt --as Person -o it Who.")
    assert shell.user_ns["it"] == ADA
    assert printed.strip().endswith(f" · {means}")
    asked = engine.records[0]
    assert (asked.schema is not None, bool(asked.tools)) == (
        means in ("by its schema", "by constrained decoding"),
        means == "by a tool",
    )
    assert ("matching this schema" in asked.messages[-1].text) == (means != "by its schema")


@pytest.mark.contract("NB-05", "STRUCT-07")
def test_what_does_not_fit_is_asked_for_again_with_the_reason(
    cell: Cell, shell: InteractiveShell, deployed: Deploy
) -> None:
    engine = ScriptedEngine(['{"name": "Ada", "age": "old"}', GOOD])
    deployed("alone", ScriptedEngine(GOOD))
    deployed("typed", engine)
    first, why, second, value, footer = cell("%prompt --as Person -o it Who.").strip().split("\n")
    assert (first, second, value) == ('{"name": "Ada", "age": "old"}', GOOD, repr(ADA))
    assert why.startswith("asked again, for this does not fit: age: Input should be a valid integer")
    assert footer.endswith(" · by its schema · 2 tries")
    alone = cell("%prompt -m alone --as Person Who.").split(" tokens in")[0].split()[-1]
    assert int(footer.split(" tokens in")[0].split()[-1]) > 2 * int(alone)  # of both tries, the second with the first
    assert "age" in engine.records[1].messages[-1].text
    assert shell.user_ns["it"] == ADA


@pytest.mark.contract("NB-05", "STRUCT-07")
def test_after_the_last_try_the_footer_and_the_error_stand_below(cell: Cell, deployed: Deploy) -> None:
    deployed("typed", ScriptedEngine(["no", "no", "still no", GOOD]))
    *_, last, footer, what, then = cell("%prompt --as Person Who.").strip().split("\n")
    assert last == "still no"
    assert footer.endswith(" · by its schema · 3 tries")
    assert what.startswith("AnswerError: No JSON found in the answer: 'still no'")
    assert then


@pytest.mark.contract("NB-05")
def test_a_means_that_the_host_refuses_leaves_nothing_in_the_cell(cell: Cell, deployed: Deploy) -> None:
    def answer(request: ChatRequest) -> Scripted:
        return ModelCallError("no response_format here", status=400) if request.schema is not None else GOOD

    deployed("picky", ScriptedEngine(answer, capabilities=replace(CAPABILITIES, tools=False)))
    printed = cell("%prompt --as Person Who.")
    assert printed.startswith(f"{GOOD}\n{ADA!r}\npicky · ")
    assert printed.strip().endswith(" · asked in words")


@pytest.mark.contract("NB-05")
def test_text_says_nothing_of_means(cell: Cell, deployed: Deploy) -> None:
    deployed("chat", ScriptedEngine("Hello."))
    assert cell("%prompt Hi").strip().endswith("tokens/s")


@pytest.mark.contract("NB-05", "STRUCT-07")
def test_the_bundled_model_is_held_to_the_class(cell: Cell, shell: InteractiveShell) -> None:
    printed = cell("%prompt -m byzer-tiny --as Person -o it Ada is 36 years old.")
    assert shell.user_ns["it"] == ADA
    assert printed.strip().endswith(" · by constrained decoding")


@pytest.mark.contract("NB-05", "PROMPT-09", "STRUCT-11")
def test_a_defined_function_uses_the_same_means_and_asks_again(
    cell: Cell, shell: InteractiveShell, deployed: Deploy
) -> None:
    engine = ScriptedEngine(['{"name": "Ada"}', GOOD])
    deployed("typed", engine)
    cell("%%prompt --def\nwho(text: str) -> Person\n{{ text }}")
    assert shell.user_ns["who"]("Ada is 36.") == ADA
    first, second = engine.records
    assert first.schema is not None
    assert [message.text for message in first.messages] == ["Ada is 36."]
    assert "age" in second.messages[-1].text
    cell("%%prompt --def -m byzer-tiny\ntiny(text: str) -> Person\n{{ text }}")
    assert shell.user_ns["tiny"]("Ada is 36 years old.") == ADA


@pytest.mark.contract("NB-05")
def test_in_a_notebook_an_answer_that_did_not_fit_is_folded(kernel: Kernel) -> None:
    kernel.ok("_ = deploy('twice', ['{\"a\": \"<b>\"}', '{\"a\": 1}'], token_delay=0.05)")
    folded, text, value, footer = kernel.ok("%prompt -m twice --as dict[str,int] Which.").outputs
    assert folded["text/html"].startswith("<details><summary><small")
    assert "asked again, for this does not fit: " in folded["text/html"]
    assert "<pre>{&quot;a&quot;: &quot;&lt;b&gt;&quot;}</pre>" in folded["text/html"]
    assert "text/markdown" not in folded
    assert text["text/markdown"] == '```json\n{"a": 1}\n```'
    assert value["text/plain"] == "{'a': 1}"
    assert footer["text/plain"].endswith(" · by its schema · 2 tries")


@pytest.mark.contract("NB-05")
def test_a_class_fills_in_while_it_streams(kernel: Kernel) -> None:
    kernel.ok('_ = deploy(\'growing\', \'{"a": 1, "b": 2, "c": 3, "d": 4}\', token_delay=0.1)')
    ran = kernel.ok("%prompt -m growing --as dict[str,int] Which.")
    grown = [paint.content["data"]["text/markdown"] for paint in ran.paints]
    assert len(set(grown)) >= 4
    assert all(later.startswith(before.removesuffix("\n```")) for before, later in pairwise(grown))

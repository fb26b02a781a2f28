"""`%llm_use` shows and changes which model answers when none is named."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import byzer_nb
from byzer_nb import ScriptedEngine
from byzer_nb.magics.use import Choice
from byzer_nb.types import Engine

Cell = Callable[[str], str]
Deploy = Callable[[str, Engine], None]


@pytest.mark.contract("NB-03", "NB-05")
def test_the_chosen_model_answers_from_then_on(cell: Cell, deployed: Deploy) -> None:
    deployed("first", ScriptedEngine("one"))
    deployed("second", ScriptedEngine("two"))
    assert cell("%prompt Hi").startswith("two\nsecond · ")
    assert cell("%llm_use first") == "first answers from now on (saas/scripted).\n"
    assert cell("%prompt Hi").startswith("one\nfirst · ")


def test_alone_it_shows_what_can_be_chosen(cell: Cell, deployed: Deploy) -> None:
    deployed("first", ScriptedEngine())
    deployed("second", ScriptedEngine())
    byzer_nb.use("first")
    shown = [line for line in cell("%llm_use").splitlines() if line]
    assert shown[1:] == [
        "→ first",
        "  second",
        "  byzer-tiny",
        "→ answers when no model is named; change it with %llm_use NAME",
    ]


def test_names_are_escaped_where_html_is_made() -> None:
    html = Choice(default="a", names=["<b>a</b>"])._repr_mimebundle_()["text/html"]
    assert "<b>" not in html
    assert "&lt;b&gt;a&lt;/b&gt;" in html

"""A filled-in prompt tells which of its parts were inserted."""

from __future__ import annotations

from typing import Any

import pandas
import pytest

from byzer_nb.errors import UndefinedVariableError
from byzer_nb.prompts.marked import BEGIN, END, inserted_parts
from byzer_nb.prompts.template import Template


def parts(text: str, **variables: Any) -> list[tuple[str, bool]]:
    template = Template(text, owner="the test")
    found = [(part.text, part.is_inserted) for part in inserted_parts(template, variables)]
    assert "".join(text for text, _ in found) == template.fill(variables)
    return found


@pytest.mark.contract("NB-05")
def test_values_are_marked_and_words_are_not() -> None:
    assert parts("Hi {{ a }}, {{ b }}!", a="{{ x }}", b=3) == [
        ("Hi ", False), ("{{ x }}", True), (", ", False), ("3", True), ("!", False),
    ]  # fmt: skip


def test_a_prompt_without_holes_is_one_part() -> None:
    assert parts("Hello\n") == [("Hello\n", False)]


def test_loops_filters_and_macros_are_marked_where_they_insert() -> None:
    text = "{% macro m(x) %}<{{ x }}>{% endmacro %}{% for i in a %}- {{ i | upper }}\n{% endfor %}{{ m('q') }}."
    assert parts(text, a=["x", "y"]) == [
        ("- ", False), ("X", True), ("\n- ", False), ("Y", True), ("\n", False), ("<q>", True), (".", False),
    ]  # fmt: skip


def test_data_frames_are_inserted_whole() -> None:
    frame = pandas.DataFrame({"a": range(100)})
    assert parts("{{ frame }}", frame=frame) == [(frame.to_string(), True)]


def test_a_value_named_self_is_inserted_too() -> None:
    assert parts("{{ self }}", self="me") == [("me", True)]


@pytest.mark.parametrize(
    "text",
    ["{% set x %}{{ a }}{% endset %}{{ x | length }}", "{% set x %}{{ a }}{% endset %}{% if x == a %}same{% endif %}"],
)
def test_a_template_that_looks_at_its_own_output_is_shown_unmarked(text: str) -> None:
    [(_, is_inserted)] = parts(text, a="long")
    assert not is_inserted


def test_a_value_with_the_marks_in_it_is_shown_unmarked() -> None:
    assert parts("x {{ a }}", a=f"{END}{BEGIN}") == [(f"x {END}{BEGIN}", False)]


def test_an_undefined_name_is_an_error_as_in_a_call() -> None:
    with pytest.raises(UndefinedVariableError):
        inserted_parts(Template("{{ a }}", owner="the test"), {})

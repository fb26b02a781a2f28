"""The default words that offer functions to a model, or ask it to write one."""

from __future__ import annotations

import json
from typing import Annotated

import pydantic
import pytest

from byzer_nb.prompts.function_formats import function_calling_format, function_impl_format
from byzer_nb.prompts.function_json import serialize_function_to_json


def date_range(
    count: Annotated[int, "how many"], unit: Annotated[str, "the unit", {"enum": ["day", "week"]}]
) -> list[str]:
    """The first and last day."""
    return []


def now() -> str:
    """The current time."""
    return ""


class Time(pydantic.BaseModel):
    time: str


def tools_in(prompt: str) -> list[object]:
    """The tools that a prompt lists, one a line."""
    lines = prompt.split("Tools:\n", 1)[1].splitlines()
    return [json.loads(line) for line in lines[: lines.index("")]]


def test_each_tool_stands_on_a_line_of_its_own() -> None:
    asked = function_calling_format("最近三天", [date_range, now], None)
    assert asked.startswith("最近三天\n\nTools:\n")
    assert tools_in(asked) == [json.loads(serialize_function_to_json(tool)) for tool in (date_range, now)]


def test_it_shows_the_form_of_the_answer() -> None:
    asked = function_calling_format("Hello", [now])
    assert '{"tool_calls": [{"function": {"name": "...", "arguments": {...}}}]}' in asked
    assert "When no tool fits, answer in words." in asked


def test_a_tool_may_be_its_json() -> None:
    assert tools_in(function_calling_format("x", [serialize_function_to_json(now)])) == tools_in(
        function_calling_format("x", [now])
    )


@pytest.mark.parametrize("tools", [[], [date_range], [now, date_range], None])
def test_the_chosen_tool_is_offered_once_and_named(tools: list[object] | None) -> None:
    asked = function_calling_format("x", tools, now)  # type: ignore[arg-type]  # a list of functions
    names = [tool["name"] for tool in tools_in(asked)]  # type: ignore[index]  # a dict
    assert names.count("now") == 1
    assert "You must use now." in asked


def test_a_function_without_a_body_is_shown_with_its_docstring_and_its_result() -> None:
    asked = function_impl_format("last year", date_range, cls=Time)
    assert asked.startswith("last year\n\n")
    assert 'def date_range(count, unit):\n    """The first and last day."""' in asked
    assert '{"properties": {"time": {"type": "string"}}, "required": ["time"], "type": "object"}' in asked


def test_without_a_question_it_starts_with_the_request() -> None:
    assert function_impl_format("", now, Time).startswith("Write this Python function")


def test_the_seeds_import_both_by_name() -> None:
    from byzer_nb.seed import names_of_utils

    assert names_of_utils.function_calling_format is function_calling_format
    assert names_of_utils.function_impl_format is function_impl_format

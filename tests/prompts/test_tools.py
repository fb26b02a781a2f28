"""Functions as a model sees them, and its calls as they are checked."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import date
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from byzer_nb.errors import AnswerError, BadInputError, WrongTypeError
from byzer_nb.prompts.function_json import serialize_function_to_json
from byzer_nb.prompts.tools import Tool, as_tools, calls_in
from byzer_nb.types import ToolCall

pytestmark = pytest.mark.contract("STRUCT-01", "STRUCT-03", "STRUCT-06")


class Place(BaseModel):
    """A place on a map."""

    name: str
    east: float = 0.0


def compute_date_range(
    count: Annotated[int, "how many"],
    unit: Annotated[str, "time unit", {"enum": ["day", "week", "month"]}] = "day",
) -> list[str]:
    """The first and the last day of a stretch of time."""
    return [f"{count} {unit}s ago", "today"]


def at(place: Place, when: date, tags: list[str]) -> dict[str, Any]:
    """What happens at a place."""
    return {"place": place, "when": when, "tags": tags}


def test_annotations_become_the_schema_of_the_arguments() -> None:
    spec = Tool(compute_date_range).spec
    assert (spec.name, spec.description) == ("compute_date_range", "The first and the last day of a stretch of time.")
    assert spec.parameters["properties"] == {
        "count": {"type": "integer", "description": "how many"},
        "unit": {"type": "string", "description": "time unit", "enum": ["day", "week", "month"], "default": "day"},
    }
    assert spec.parameters["required"] == ["count"]
    assert spec.parameters["additionalProperties"] is False


async def test_arguments_are_checked_and_turned_into_what_the_function_takes() -> None:
    found = await Tool(at).call({"place": {"name": "Oslo"}, "when": "2026-01-31", "tags": ["a"]}, {})
    assert found == {"place": Place(name="Oslo"), "when": date(2026, 1, 31), "tags": ["a"]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"unit": "day"}, "count: Field required"),
        ({"count": "many"}, "count: Input should be a valid integer"),
        ({"count": 3, "unit": "year"}, "unit: Input should be 'day', 'week' or 'month'"),
        ({"count": 3, "units": "day"}, "units: Extra inputs are not permitted"),
    ],
)
async def test_wrong_arguments_are_told_by_name(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        await Tool(compute_date_range).call(arguments, {})


async def test_default_is_left_to_the_function() -> None:
    assert await Tool(compute_date_range).call({"count": 3}, {}) == ["3 days ago", "today"]


async def test_arguments_of_the_callers_own_are_neither_shown_nor_asked_for() -> None:
    def search(query: str, key: str) -> str:
        """Look something up."""
        return f"{query} with {key}"

    tool = Tool(search, beside=["key"])
    assert list(tool.spec.parameters["properties"]) == ["query"]
    assert await tool.call({"query": "a"}, {"key": "secret"}) == "a with secret"


async def test_plain_functions_run_at_once_and_beside_the_loop() -> None:
    meeting = threading.Barrier(2, timeout=5)

    def wait() -> int:
        """Wait for the other one."""
        return meeting.wait()

    async def later() -> str:
        """Answer later."""
        await asyncio.sleep(0)
        return "later"

    tools = [Tool(wait).call({}, {}), Tool(wait).call({}, {}), Tool(later).call({}, {})]
    assert sorted(map(str, await asyncio.gather(*tools))) == ["0", "1", "later"]


def test_json_of_a_function_is_a_tool_that_cannot_run_here() -> None:
    tool = Tool(serialize_function_to_json(compute_date_range))
    assert not tool.can_run
    assert tool.spec.parameters["properties"]["count"] == {"type": "integer", "description": "how many"}
    with pytest.raises(BadInputError, match="JSON with a name"):
        Tool("no json")


async def test_tool_that_came_as_json_is_not_run() -> None:
    with pytest.raises(BadInputError, match="nothing to run"):
        await Tool(serialize_function_to_json(compute_date_range)).call({"count": 3}, {})


def test_gaps_of_a_tool_are_told_once() -> None:
    def bare(x):  # type: ignore[no-untyped-def]
        return x

    with pytest.warns(UserWarning, match="'bare' has no docstring and no type for x"):
        Tool(bare)
    Tool(bare)  # warnings are errors here


def test_list_of_tools_is_checked() -> None:
    with pytest.raises(WrongTypeError, match="list of functions"):
        as_tools("compute_date_range")
    with pytest.raises(BadInputError, match="Two tools are called 'at'"):
        as_tools([at, at])
    with pytest.raises(WrongTypeError, match="function or its JSON"):
        as_tools([5])  # type: ignore[list-item]


CALL = {"name": "f", "arguments": {"a": 1}}
EXPECTED = (ToolCall(name="f", arguments={"a": 1}),)


@pytest.mark.parametrize(
    "answer",
    [
        json.dumps({"tool_calls": [{"function": CALL}]}),
        json.dumps({"id": "x", "type": "function", "tool_calls": [{"function": CALL}]}),
        "Sure:\n```json\n" + json.dumps({"tool_calls": [{"function": CALL}]}, indent=2) + "\n```",
        "First:\n```json\n{}\n```\nor rather\n```json\n" + json.dumps({"tool_calls": [{"function": CALL}]}) + "\n```",
        json.dumps([{"tool_calls": []}, {"tool_calls": [{"function": CALL}]}]),
        json.dumps(CALL),
        json.dumps([CALL]),
        json.dumps({"function": CALL}),
        json.dumps({"name": "f", "arguments": '{"a": 1}'}),
        json.dumps({"name": "f", "parameters": {"a": 1}}),
    ],
)
def test_calls_are_found_in_every_form_in_which_models_write_them(answer: str) -> None:
    assert calls_in(answer) == EXPECTED


@pytest.mark.parametrize("answer", ["Hello there.", '{"title": "The lamp"}', "[1, 2]", '{"name": "f", "arguments": 5}'])
def test_answer_that_calls_nothing_is_an_error(answer: str) -> None:
    with pytest.raises(AnswerError):
        calls_in(answer)

"""`serialize_function_to_json`: a signature for a prompt."""

from __future__ import annotations

import json
from typing import Annotated, Any, List  # noqa: UP035  # as the documents write it

import pytest

from byzer_nb.errors import BadInputError, WrongTypeError
from byzer_nb.prompts.function_json import serialize_function_to_json


def date_range(
    count: Annotated[int, "时间跨度"],
    unit: Annotated[str, "time unit", {"enum": ["day", "week"]}] = "day",
    names: List[str] = (),  # type: ignore[assignment]  # noqa: UP006
    free=None,  # type: ignore[no-untyped-def]
    *rest: int,
    **more: int,
) -> list[str]:
    """
    计算日期范围
    """
    return []


def described(function: Any) -> dict[str, Any]:
    """The JSON as a dict."""
    about: dict[str, Any] = json.loads(serialize_function_to_json(function))
    return about


@pytest.mark.contract("STRUCT-02")
def test_a_function_is_described_by_its_parameters() -> None:
    about = described(date_range)
    assert (about["name"], about["description"], about["parameters"]["type"]) == (
        "date_range",
        "计算日期范围",
        "object",
    )
    assert about["parameters"]["properties"] == {
        "count": {"type": "int", "description": "时间跨度"},
        "unit": {"type": "str", "description": "time unit", "enum": ["day", "week"], "default": "day"},
        "names": {"type": "typing.List[str]", "description": "", "default": []},
        "free": {"type": "Any", "description": "", "default": None},
    }


@pytest.mark.contract("STRUCT-02")
def test_the_text_is_indented_and_keeps_its_characters() -> None:
    text = serialize_function_to_json(date_range)
    assert '\n  "name": "date_range"' in text
    assert "时间跨度" in text


@pytest.mark.contract("STRUCT-02")
def test_a_default_stands_in_it() -> None:
    def most(count: int = 3) -> None: ...

    assert described(most)["parameters"]["properties"]["count"]["default"] == 3


@pytest.mark.contract("STRUCT-02")
def test_the_notes_of_a_parameter_come_in_any_order() -> None:
    def f(
        a: Annotated[str, {"enum": ["x"], "description": "in the dict"}], b: Annotated[float, {}, "words"]
    ) -> None: ...

    properties = described(f)["parameters"]["properties"]
    assert properties["a"] == {"type": "str", "description": "in the dict", "enum": ["x"]}
    assert properties["b"] == {"type": "float", "description": "words"}


@pytest.mark.contract("STRUCT-02")
def test_an_annotation_that_names_something_local_is_shown_as_it_is_written() -> None:
    class Local:
        """Known here only."""

    def f(a: Local) -> None: ...

    assert described(f)["parameters"]["properties"]["a"]["type"] == "Local"


@pytest.mark.contract("STRUCT-02")
def test_methods_and_callable_objects_are_functions_too() -> None:
    class Adder:
        """Adds."""

        def add(self, a: int) -> int:
            """Add one."""
            return a + 1

        def __call__(self, b: int) -> int:
            return b

    assert described(Adder().add)["parameters"]["properties"] == {"a": {"type": "int", "description": ""}}
    assert described(Adder())["name"] == "Adder"
    assert list(described(Adder())["parameters"]["properties"]) == ["b"]


@pytest.mark.contract("STRUCT-02", "STRUCT-01")
def test_json_is_taken_as_it_is() -> None:
    assert serialize_function_to_json('{"name": "f"}') == '{"name": "f"}'


@pytest.mark.contract("STRUCT-02", "STRUCT-01")
def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(WrongTypeError, match="not 5"):
        serialize_function_to_json(5)  # type: ignore[arg-type]


@pytest.mark.contract("STRUCT-02")
def test_a_builtin_without_signature_is_named() -> None:
    with pytest.raises(BadInputError, match="'max'"):
        serialize_function_to_json(max)

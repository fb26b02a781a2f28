"""The type of an answer: how it is asked for, and how the answer is checked."""

from __future__ import annotations

import enum
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, NotRequired, Optional, TypedDict

import pandas as pd
import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator

from byzer_nb.errors import AnswerError, WrongTypeError
from byzer_nb.prompts.formats import (
    response_class_format,
    response_class_format_after_chat,
    schema_text,
)
from byzer_nb.prompts.shape import Shape, to_model


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int = 0


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    born: date
    pair: tuple[int, int]


class Numbers(RootModel[list[int]]):
    pass


@dataclass
class Point:
    x: int
    y: float = 0.5


@dataclass
class Node:
    value: int
    next: Node | None = None


class Movie(TypedDict):
    title: str
    year: NotRequired[int]


class Shelf(TypedDict, total=False):
    movies: list[Movie]


class Tree(TypedDict):
    leaves: list[Tree]


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


# -- to_model -----------------------------------------------------------------------------------------------------


@pytest.mark.contract("PROMPT-15")
@pytest.mark.parametrize(
    ("answer", "cls", "value"),
    [
        ('{"name": "Ada"}', Person, Person(name="Ada")),
        ('[{"name": "Ada"}, {"name": "Bob", "age": 3}]', Person, [Person(name="Ada"), Person(name="Bob", age=3)]),
        ('[{"name": "Ada"}]', Person, [Person(name="Ada")]),
        ("[]", Person, []),
        ("[1, 2]", Numbers, Numbers([1, 2])),
        ("[1, 2]", list[int], [1, 2]),
        ("[1, 2]", int, [1, 2]),
        ('{"x": 1}', Point, Point(1)),
        ('{"born": "2020-01-02", "pair": [1, 2]}', Strict, Strict(born=date(2020, 1, 2), pair=(1, 2))),
        ('{"age": "3", "name": "x"}', Person, Person(name="x", age=3)),
    ],
)
def test_an_answer_becomes_an_instance_or_a_list_of_them(answer: str, cls: Any, value: Any) -> None:
    assert to_model(answer, cls) == value


@pytest.mark.contract("PROMPT-15")
def test_an_answer_that_does_not_fit_says_which_field_and_what_was_written() -> None:
    with pytest.raises(AnswerError) as failed:
        to_model('{"name": 5, "age": "old"}', Person)
    message = str(failed.value)
    assert message.startswith("The answer is JSON but no Person: name: Input should be a valid string; age: ")
    assert '{"name": 5, "age": "old"}' in message
    assert failed.value.answer == '{"name": 5, "age": "old"}'


def test_one_item_that_does_not_fit_fails_the_list() -> None:
    with pytest.raises(AnswerError, match="no Person: name"):
        to_model('[{"name": "Ada"}, {}]', Person)


def test_an_error_of_a_validator_goes_through() -> None:
    class Picky(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def never(cls, name: str) -> str:
            raise KeyError(name)

    with pytest.raises(KeyError):
        to_model('{"name": "x"}', Picky)


# -- shapes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "answer", "value"),
    [
        (str, "as {it} is", "as {it} is"),
        (int, '{"value": 3}', 3),
        (int, "3", 3),
        (int, "**3**.", 3),
        (int, "<think>3 or 4?</think>4", 4),
        (bool, '{"value": true}', True),
        (bool, "yes", True),
        (float, '{"value": 1}', 1.0),
        (float, "1.5", 1.5),
        (dict, '{"a": 1}', {"a": 1}),
        (dict, '{"value": 1}', {"value": 1}),
        (dict[str, int], '{"a": "1"}', {"a": 1}),
        (list, "[1]", [1]),
        (list[int], '{"value": [1, 2]}', [1, 2]),
        (list[int], "Sure: [1, 2]", [1, 2]),
        (list[str], '["a"]', ["a"]),
        (list[Person], '{"value": [{"name": "Ada"}]}', [Person(name="Ada")]),
        (tuple[int, str], '[1, "a"]', (1, "a")),
        (set[int], "[1, 1]", {1}),
        (Person, '{"name": "Ada"}', Person(name="Ada")),
        (Numbers, "[1]", Numbers([1])),
        (Point, '{"x": 1}', Point(1)),
        (Node, '{"value": {"value": 1, "next": {"value": 2}}}', Node(1, Node(2))),
        (Movie, '{"title": "T"}', {"title": "T"}),
        (Shelf, '{"movies": [{"title": "T", "year": "1"}]}', {"movies": [{"title": "T", "year": 1}]}),
        (list[Movie], '[{"title": "T"}]', [{"title": "T"}]),
        (Tree, '{"leaves": [{"leaves": []}]}', {"leaves": [{"leaves": []}]}),
        (dict[str, Movie | None], '{"a": {"title": "T"}, "b": null}', {"a": {"title": "T"}, "b": None}),
        (int | None, '{"value": null}', None),
        (int | None, "3", 3),
        (Optional[int], "3", 3),  # noqa: UP045
        (Person | None, '{"name": "Ada"}', Person(name="Ada")),
        (Literal["yes", "no"], '{"value": "yes"}', "yes"),
        (Literal["yes", "no"], '"yes".', "yes"),
        (Literal["yes", "no"], "`no`", "no"),
        (Literal[1, 2], "2", 2),
        (Mood, '{"value": "good"}', Mood.GOOD),
        (Mood, "bad", Mood.BAD),
        (date, '{"value": "2020-01-02"}', date(2020, 1, 2)),
        (date, "2020-01-02", date(2020, 1, 2)),
        (Annotated[int, Field(gt=0)], '{"value": 3}', 3),
        (Any, '{"a": [1]}', {"a": [1]}),
    ],
)
def test_an_answer_becomes_a_value_of_the_type(wanted: Any, answer: str, value: Any) -> None:
    found = Shape(wanted).value(answer)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("wanted", "answer", "message"),
    [
        (int, "three", "No JSON found"),
        (int, '{"value": "three"}', "no int: value: Input should be a valid integer"),
        (list[int], '["a"]', r"no list\[int\]: 0: "),
        (Literal["yes", "no"], "maybe", "No JSON found"),
        (Mood, '{"value": "so so"}', "no Mood: "),
        (Person, "Ada", "No JSON found"),
        (Person, '{"nmae": "Ada"}', "no Person: name: Field required"),
        (Point, "[1]", "no Point"),
        (Movie, '{"year": 1}', "no Movie: title: Field required"),
        (list[Movie], '[{"year": 1}]', "0.title: Field required"),
        (int | None, '{"value": "x"}', "no "),
        (Annotated[int, Field(gt=0)], '{"value": -3}', "greater than 0"),
    ],
)
def test_an_answer_that_is_no_such_value_says_why(wanted: Any, answer: str, message: str) -> None:
    with pytest.raises(AnswerError, match=message) as failed:
        Shape(wanted).value(answer)
    assert failed.value.answer == answer


@pytest.mark.parametrize("wanted", [threading.Thread, 5, lambda x: x, Callable[[int], int]])
def test_a_type_that_no_answer_can_have_is_refused(wanted: Any) -> None:
    with pytest.raises(WrongTypeError):
        Shape(wanted).schema()


def test_a_data_frame_is_made_of_rows_or_of_columns() -> None:
    wanted = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    shape = Shape(pd.DataFrame)
    for answer in (
        '{"value": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}',
        '[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]',
        '{"a": [1, 2], "b": ["x", "y"]}',
        '{"value": {"a": [1, 2], "b": ["x", "y"]}}',
    ):
        pd.testing.assert_frame_equal(shape.value(answer), wanted)
    assert shape.value("[]").empty
    with pytest.raises(AnswerError):
        shape.value("no rows")
    assert json.loads(shape.schema())["properties"]["value"]["type"] == "array"


@pytest.mark.parametrize("wanted", [int, list[int], int | None, Literal["a"], Mood, pd.DataFrame, Node])
def test_what_is_no_object_is_asked_for_under_a_key(wanted: Any) -> None:
    schema = json.loads(Shape(wanted).schema())
    assert (schema["type"], schema["required"]) == ("object", ["value"])


@pytest.mark.parametrize("wanted", [Person, Point, Movie, dict, dict[str, int]])
def test_what_is_an_object_is_asked_for_as_it_is(wanted: Any) -> None:
    schema = json.loads(Shape(wanted).schema())
    assert schema["type"] == "object"
    assert "value" not in schema.get("properties", {})


def test_definitions_stay_where_references_find_them() -> None:
    schema = json.loads(Shape(list[Person]).schema())
    assert list(schema["$defs"]) == ["Person"]
    assert schema["properties"]["value"]["items"] == {"$ref": "#/$defs/Person"}


def test_text_is_asked_for_without_any_words() -> None:
    assert Shape(str).request("Say hi") == "Say hi"
    request = Shape(int).request("How many?")
    assert request.startswith("How many?\n\n")
    assert Shape(int).schema() in request


# -- the words ----------------------------------------------------------------------------------------------------


@pytest.mark.contract("STRUCT-09")
def test_both_format_functions_name_the_fields() -> None:
    for text in (response_class_format("Who?", Person), response_class_format_after_chat(Person)):
        assert '"name"' in text
        assert '"age"' in text
    assert response_class_format("Who?", cls=Person).startswith("Who?\n\n")


@pytest.mark.contract("STRUCT-09")
def test_a_schema_may_be_given_as_text() -> None:
    assert response_class_format("Who?", '{"type": "object"}').endswith('\n{"type": "object"}')


@pytest.mark.contract("STRUCT-09")
@pytest.mark.parametrize("cls", [int, dict, 5, None, list[Person]])
def test_a_response_class_is_a_model(cls: Any) -> None:
    with pytest.raises(TypeError, match="pydantic model or a JSON schema string"):
        response_class_format("Who?", cls)


def test_a_schema_loses_pydantics_titles_and_nothing_else() -> None:
    class Page(BaseModel):
        """A page."""

        title: str = Field(description="What stands above.", examples=[{"title": "an example"}])
        properties: dict[str, str] = Field(default={"title": "a default"})
        kind: Literal["title"] = "title"

    schema = json.loads(schema_text(Page))
    assert schema == {
        "description": "A page.",
        "type": "object",
        "required": ["title"],
        "properties": {
            "title": {
                "type": "string",
                "description": "What stands above.",
                "examples": [{"title": "an example"}],
            },
            "properties": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "default": {"title": "a default"},
            },
            "kind": {"type": "string", "const": "title", "default": "title"},
        },
    }

"""Every type that an answer can have, read from clean and from dirty JSON, and refused where it is another."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, Optional, TypedDict, Union
from uuid import UUID

import pandas as pd
import pytest
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from byzer_nb.errors import AnswerError
from byzer_nb.prompts.shape import Shape
from byzer_nb.prompts.usual_forms import date_and_time_in, date_in, digits_in, time_in, yes_or_no

ID = UUID("12345678-1234-5678-1234-567812345678")


class Colour(enum.Enum):
    RED = "red"
    DARK_BLUE = "dark-blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Inner(BaseModel):
    """Something inside."""

    amount: Decimal
    colour: Colour = Colour.RED


class Outer(BaseModel):
    inner: Inner
    many: list[Inner] = []
    named: dict[str, Inner] = {}
    either: Inner | str | None = None


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str]


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    day: date
    id: UUID


class Splitting(BaseModel):
    tags: Annotated[list[str], BeforeValidator(lambda tags: tags.split(", ") if isinstance(tags, str) else tags)]


@dataclass
class Point:
    x: float
    y: float = 0.0
    near: list[Point] = field(default_factory=list)


class Movie(TypedDict):
    title: str
    releaseYear: NotRequired[int]  # as it stands in somebody's JSON


class Pair(NamedTuple):
    left: int
    right: str


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]

READ: list[tuple[Any, str, Any]] = [
    (str, "as it is", "as it is"),
    (int, '{"value": "1,234"}', 1234),
    (int, '{"Value": 3.0}', 3),
    (float, '{"value": "1.5e3"}', 1500.0),
    (float, '{"value": "-Infinity"}', float("-inf")),
    (bool, '{"value": "No."}', False),
    (bool, "否", False),
    (Colour, '{"value": "Dark Blue"}', Colour.DARK_BLUE),
    (Colour, "RED", Colour.RED),
    (Level, '{"value": "2"}', Level.HIGH),
    (Literal["a", 1, None], '{"value": "A"}', "a"),
    (Literal["a", 1, None], '{"value": "1"}', 1),
    (Literal["a", 1, None], '{"value": null}', None),
    (Optional[int], '{"value": "none"}', None),  # noqa: UP045
    (Optional[str], '{"value": "none"}', "none"),  # noqa: UP045
    (Union[int, str], '{"value": "3"}', "3"),  # noqa: UP007
    (int | list[int], '{"value": "3"}', 3),
    (int | list[int], '{"value": ["3"]}', [3]),
    (Inner | Point, '{"Amount": "3"}', Inner(amount=Decimal(3))),
    (Inner | Point, '{"X": "3"}', Point(3.0)),
    (Pet, '{"kind": "Cat", "lives": "9"}', Cat(kind="cat", lives=9)),
    (Pet, '{"kind": "dog", "tricks": "sit"}', Dog(kind="dog", tricks=["sit"])),
    (list[Pet], '{"pets": [{"kind": "cat", "lives": 9}]}', [Cat(kind="cat", lives=9)]),
    (dict, '{"A": {"b": [1, 2]}}', {"A": {"b": [1, 2]}}),
    (dict[str, float], "{'a': '1.5', 'b': 2}", {"a": 1.5, "b": 2.0}),
    (dict[int, str], '{"1": 2.50}', {1: "2.50"}),
    (list, '["a", 1]', ["a", 1]),
    (list[bool], '["yes", "no", true]', [True, False, True]),
    (list[list[int]], '{"rows": [["1"], [2, 3]]}', [[1], [2, 3]]),
    (tuple[int, str], '["1", 2]', (1, "2")),
    (set[str], '["a", "a"]', {"a"}),
    (Pair, '["1", "b"]', Pair(1, "b")),
    (Point, '{"X": "1", "near": {"x": 2}}', Point(1.0, 0.0, [Point(2.0)])),
    (Movie, '{"title": "Up", "release_year": "2009"}', {"title": "Up", "releaseYear": 2009}),
    (list[Movie], '{"title": "Up"}', [{"title": "Up"}]),
    (
        Outer,
        '{"inner": {"Amount": 1.10, "colour": "DARK_BLUE"}, "many": {"amount": 2}, "named": {"Key": {"amount": "3"}}}',
        Outer(
            inner=Inner(amount=Decimal("1.10"), colour=Colour.DARK_BLUE),
            many=[Inner(amount=Decimal(2))],
            named={"Key": Inner(amount=Decimal(3))},
        ),
    ),
    (Outer, '{"inner": {"amount": 1}, "either": "x"}', Outer(inner=Inner(amount=Decimal(1)), either="x")),
    (list[Inner], '[{"amount": "1"}, {"amount": 2}]', [Inner(amount=Decimal(1)), Inner(amount=Decimal(2))]),
    (Strict, '{"Day": "2020-01-31", "ID": "' + str(ID) + '"}', Strict(day=date(2020, 1, 31), id=ID)),
    (Splitting, '{"tags": "a, b"}', Splitting(tags=["a", "b"])),
    (date, '{"value": "31 January 2020"}', date(2020, 1, 31)),
    (date, "Jan 31, 2020", date(2020, 1, 31)),
    (date, '{"value": "2020-01-31T10:00:00"}', date(2020, 1, 31)),
    (datetime, '{"value": "2020-01-31 10:00"}', datetime(2020, 1, 31, 10)),
    (datetime, '{"value": "2020/1/31 10:00 pm UTC"}', datetime(2020, 1, 31, 22, tzinfo=timezone.utc)),  # noqa: UP017
    (datetime, '{"value": 1580464800}', datetime(2020, 1, 31, 10, tzinfo=timezone.utc)),  # noqa: UP017
    (time, '{"value": "1:30 PM"}', time(13, 30)),
    (timedelta, '{"value": "PT90S"}', timedelta(seconds=90)),
    (Decimal, '{"value": 0.12345678901234567890123}', Decimal("0.12345678901234567890123")),
    (Decimal, '{"value": "1,234.50"}', Decimal("1234.50")),
    (Decimal | None, '{"value": 2.50}', Decimal("2.50")),
    (UUID, '{"value": "' + str(ID) + '"}', ID),
    (UUID, f"`{ID}`", ID),
    (Path, '{"value": "/tmp/a b.txt"}', Path("/tmp/a b.txt")),
    (Annotated[int, Field(ge=0, le=10)], '{"value": "7"}', 7),
    (Any, '{"value": 1.10}', 1.1),
]  # fmt: skip


@pytest.mark.contract("STRUCT-07", "STRUCT-11")
@pytest.mark.parametrize(("wanted", "answer", "value"), READ)
def test_a_value_of_the_type_comes_out(wanted: Any, answer: str, value: Any) -> None:
    found = Shape(wanted).value(answer)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [
        (int, '{"value": "1.5"}'),
        (int, '{"value": true}'),
        (int, '{"value": null}'),
        (float, '{"value": "1,5"}'),
        (bool, '{"value": 2}'),
        (bool, '{"value": "perhaps"}'),
        (Colour, '{"value": "blue"}'),
        (Level, '{"value": 3}'),
        (Literal["a", "A"], '{"value": "á"}'),
        (int | bool, '{"value": "x"}'),
        (Cat | Dog, '{"kind": "fox", "lives": 1, "tricks": []}'),
        (dict[str, int], '{"a": "x"}'),
        (list[int], '["1", "x"]'),
        (tuple[int, str], "[1]"),
        (Point, '{"y": 1}'),
        (Movie, '{"name": "Up"}'),
        (list[Inner], '[{"amount": 1}, {}]'),
        (Strict, '{"day": "soon", "id": "x"}'),
        (date, '{"value": "03/04/2020"}'),
        (date, '{"value": 2020}'),
        (datetime, '{"value": 2020}'),
        (datetime, '{"value": "20201"}'),
        (time, '{"value": "25:00"}'),
        (Decimal, '{"value": "a lot"}'),
        (UUID, '{"value": "1234"}'),
        (Path, '{"value": ["a", "b"]}'),
        (Annotated[int, Field(ge=0, le=10)], '{"value": "70"}'),
        (pd.DataFrame, '{"value": 5}'),
    ],
)
def test_what_is_no_such_value_is_an_error_with_problems(wanted: Any, answer: str) -> None:
    with pytest.raises(AnswerError) as failed:
        Shape(wanted).value(answer)
    assert failed.value.problems


def test_numbers_come_out_as_ordinary_numbers() -> None:
    found = Shape(dict).value('{"a": 1.10, "b": [{"c": 1e5}], "d": 007}')
    assert found == {"a": 1.1, "b": [{"c": 100000.0}], "d": 7}
    assert {type(found["a"]), type(found["b"][0]["c"]), type(found["d"])} == {float, int}


def test_an_end_that_is_known_to_be_cut_is_no_value() -> None:
    shape = Shape(Inner)
    assert shape.value('{"amount": 12') == Inner(amount=Decimal(12))
    with pytest.raises(AnswerError, match="amount: Field required"):
        shape.value('{"amount": 12', was_cut=True)
    assert shape.value('{"amount": 12, "colour": "dark', was_cut=True) == Inner(amount=Decimal(12))


def test_an_answer_in_many_brackets_is_an_error_and_no_crash() -> None:
    for opened, closed in (('{"x": 1, "near": [', "]}"), ("[", "]")):
        with pytest.raises(AnswerError):
            Shape(Point).value(opened * 5000 + closed * 5000)


@pytest.mark.parametrize(
    ("text", "words", "digits"),
    [
        ("31 years", "age", "31"),
        ("31岁", "age", "31"),
        ("5 kg", "weight_kg", "5"),
        ("5 kg", "weight How heavy, in kg", "5"),
        ("12 pages", "pageCount", "12"),
        ("5 kg", "weight", None),
        ("5 g", "weight_kg", None),
        ("90%", "share", None),
        ("1.5 million", "count", None),
        ("$5", "price", None),
        ("5-6", "count", None),
        ("1 234 567", "count", "1234567"),
        ("1,234,567", "count", "1234567"),
        ("1.234.567", "count", None),
        ("−5.", "count", "-5"),
        ("five", "count", None),
        ("1" * 100, "count", None),
    ],
)
def test_digits_are_found_only_where_nothing_else_is_said(text: str, words: str, digits: str | None) -> None:
    assert digits_in(text, words=words) == digits


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (date_in, "2020-1-2", "2020-01-02"),
        (date_in, "20200102", "2020-01-02"),
        (date_in, "2nd of Feb. 2020", "2020-02-02"),
        (date_in, "2 Feb. 2020", "2020-02-02"),
        (date_in, "Thursday, 2 January 2020", "2020-01-02"),
        (date_in, "13/12/2020", "2020-12-13"),
        (date_in, "05/05/2020", "2020-05-05"),
        (date_in, "05/06/2020", None),
        (date_in, "2020-13-01", None),
        (date_in, "2020", None),
        (date_in, "tomorrow", None),
        (time_in, "12:05 am", "00:05:00"),
        (time_in, "13:05 pm", None),
        (time_in, "9:05:06.5+02:00", "09:05:06.5+02:00"),
        (date_and_time_in, "2020-01-02", "2020-01-02T00:00:00"),
        (date_and_time_in, "2 Jan 2020, 9:05", "2020-01-02T09:05:00"),
        (date_and_time_in, "9:05", None),
        (yes_or_no, "YES!", True),
        (yes_or_no, "not yet", None),
    ],
)
def test_usual_forms_are_read_only_where_they_mean_one_thing(read: Any, text: str, value: Any) -> None:
    assert read(text) == value

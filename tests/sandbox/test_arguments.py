"""What goes in arrives as it was, what comes out is JSON."""

from __future__ import annotations

import datetime
import enum
from collections import OrderedDict
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel, SecretStr

from byzer_nb.errors import BadInputError, SandboxError, WrongTypeError
from byzer_nb.sandbox import Limits, run_function
from byzer_nb.types import Secret

ROOMY = Limits(wall_seconds=60, cpu_seconds=20)


class Color(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    BIG = 3


class Word(str):
    pass


class Address(BaseModel):
    street: str
    since: datetime.date


class Person(BaseModel):
    name: str
    home: Address
    tags: list[str] = []


@dataclass
class Point:
    x: int
    y: list[Decimal] = field(default_factory=list)


ZONED = datetime.datetime(2025, 10, 26, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -(10**50),
        1.5,
        float("inf"),
        1 + 2j,
        "中文 \ud800 \0",
        b"\x00\xff",
        [1, [2, (3, "x")]],
        {"a": {1: 2, (1, 2): b"x", None: {3}}},
        {1, 2},
        frozenset({"a"}),
        Decimal("1.10"),
        Fraction(1, 3),
        UUID(int=5),
        datetime.datetime(2020, 1, 2, 3, 4, 5, 6),
        datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC),
        ZONED,
        datetime.date(2020, 1, 2),
        datetime.time(3, 4, 5, tzinfo=datetime.UTC),
        datetime.timedelta(days=-1, microseconds=3),
    ],
)
def test_a_value_arrives_with_its_type(value: Any) -> None:
    source = "def f(value, shown):\n    return [repr(value) == shown, type(value).__name__, repr(value)]"
    same, kind, shown = run_function(source, "f", {"value": value, "shown": repr(value)}, limits=ROOMY).value
    assert (same, kind) == (True, type(value).__name__), shown


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        (Color.RED, "'red'"),
        (Size.BIG, "3"),
        (Word("x"), "'x'"),
        (np.float64(1.5), "1.5"),
        (np.int32(3), "3"),
        (OrderedDict(a=1), "{'a': 1}"),
        (bytearray(b"x"), "b'x'"),
        (pd.Timestamp("2020-01-02"), "datetime.datetime(2020, 1, 2, 0, 0)"),
    ],
)
def test_a_value_of_a_special_class_arrives_as_its_plain_form(value: Any, arrives: str) -> None:
    assert run_function("def f(value): return repr(value)", "f", {"value": value}, limits=ROOMY).value == arrives


def test_of_objects_the_fields_arrive_by_key_and_as_attributes() -> None:
    source = """
def f(person, point):
    assert person.home.since.year == person["home"]["since"].year
    try:
        person.age
    except AttributeError as error:
        missing = str(error)
    return [person.name, person["home"]["street"], person.home.since.isoformat(), missing, sum(point.y) + point["x"]]
"""
    person = Person(name="Ada", home=Address(street="Main", since=datetime.date(2020, 1, 2)))
    ran = run_function(source, "f", {"person": person, "point": Point(1, [Decimal("0.5")])}, limits=ROOMY)
    assert ran.value == ["Ada", "Main", "2020-01-02", "there is no field 'age'", "1.5"]


class Account(BaseModel):
    key: SecretStr


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (object(), "value is of the type 'object'"),
        ([1, {"a": len}], "value[1]['a'] is of the type 'builtin_function_or_method'"),
        (Secret("sk-canary"), "value is of the type 'Secret'"),
        (Account(key=SecretStr("sk-canary")), "value.key is of the type 'SecretStr'"),
        (pd.DataFrame({"a": [1]}), "value is of the type 'DataFrame'"),
        (Person, "value is of the type 'ModelMetaclass'"),
        ({Point}, "value is of the type 'type'"),
    ],
)
def test_what_cannot_travel_is_told_before_anything_starts(value: Any, place: str) -> None:
    with pytest.raises(WrongTypeError) as caught:
        run_function("def f(value): pass", "f", {"value": value}, limits=Limits(wall_seconds=1e-9))
    assert place in str(caught.value)
    assert "sk-canary" not in str(caught.value)
    assert caught.value.hint


def test_objects_as_keys_cannot_travel() -> None:
    frozen = dataclass(frozen=True)(type("Key", (), {"__annotations__": {"a": int}}))
    with pytest.raises(WrongTypeError, match="as a key or in a set"):
        run_function("def f(value): pass", "f", {"value": {frozen(1)}})


def test_what_contains_itself_cannot_travel() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(BadInputError, match="nested too deeply"):
        run_function("def f(value): pass", "f", {"value": loop})


def test_arguments_are_named_by_strings() -> None:
    with pytest.raises(WrongTypeError, match="by name"):
        run_function("def f(value): pass", "f", {1: 2})  # type: ignore[dict-item]


def test_a_wrong_call_is_told_as_python_tells_it() -> None:
    with pytest.raises(SandboxError, match=r"TypeError: f\(\) got an unexpected keyword argument 'b'"):
        run_function("def f(a): pass", "f", {"b": 1}, limits=ROOMY)


RESULTS = {
    "None": None,
    "[True, 1, -2.5, 'é\"\\\\\\n', 10**30]": [True, 1, -2.5, 'é"\\\n', 10**30],
    "(1, 2)": [1, 2],
    "{1}": [1],
    "{'a': {}, 1: [], None: 2, True: 3, 1.5: 4}": {"a": {}, "1": 3, "null": 2, "1.5": 4},
    "{Color.RED: Color.RED, Size.BIG: Size.BIG}": {"red": "red", "3": 3},
    "datetime.datetime(2020, 1, 2, 3)": "2020-01-02T03:00:00",
    "{datetime.date(2020, 1, 2): datetime.time(3)}": {"2020-01-02": "03:00:00"},
    "datetime.timedelta(hours=1)": 3600.0,
    "decimal.Decimal('1.10')": "1.10",
    "uuid.UUID(int=5)": "00000000-0000-0000-0000-000000000005",
    "b'text'": "text",
    "Point(1, [decimal.Decimal('0.5')])": {"x": 1, "y": ["0.5"]},
    "collections.Counter('aab')": {"a": 2, "b": 1},
    "'{\"a\": 1}'": '{"a": 1}',
}


@pytest.mark.parametrize("written", RESULTS)
def test_results_come_back_as_json_values(written: str) -> None:
    source = f"""
from __future__ import annotations
import collections, dataclasses, datetime, decimal, enum, uuid

class Color(enum.Enum):
    RED = "red"

class Size(enum.IntEnum):
    BIG = 3

@dataclasses.dataclass
class Point:
    x: int
    y: list[decimal.Decimal]

def f():
    return {written}
"""
    assert run_function(source, "f", {}, limits=ROOMY).value == RESULTS[written]


def test_models_and_arrays_of_allowed_packages_come_back_too() -> None:
    source = """
import numpy, pydantic

class Person(pydantic.BaseModel):
    name: str = "Ada"

def f():
    return {"person": Person(), "array": numpy.arange(3), "number": numpy.int64(4)}
"""
    roomy = Limits(wall_seconds=120, cpu_seconds=60, memory_bytes=8 << 30)
    ran = run_function(source, "f", {}, limits=roomy, allowed_imports={"numpy", "pydantic"})
    assert ran.value == {"person": {"name": "Ada"}, "array": [0, 1, 2], "number": 4}

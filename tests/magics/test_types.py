"""A type is read from text, and nothing of the text is run."""

from __future__ import annotations

import sys
from collections.abc import Generator
from types import ModuleType, SimpleNamespace
from typing import Any, Generic, Literal, NewType, TypeVar

import pandas
import pytest
from pydantic import BaseModel

from byzer_nb.errors import BadInputError, MissingExtraError
from byzer_nb.magics._types import read_type

T = TypeVar("T")
UserId = NewType("UserId", int)


class Story(BaseModel):
    title: str

    class Chapter(BaseModel):
        text: str


class Box(BaseModel, Generic[T]):
    inside: T


class Trap:
    """An object that tells when it is touched."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was looked up")

    def __getitem__(self, key: object) -> Any:
        raise AssertionError("it was subscripted")


shop = ModuleType("shop")
shop.Order = Story  # type: ignore[attr-defined]
NAMES: dict[str, Any] = {
    "Story": Story, "Box": Box, "UserId": UserId, "shop": shop, "trap": Trap(), "number": 3,
    "thing": SimpleNamespace(kind=int), "Alias": dict[str, Story],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Story", Story),
        ("list[Story]", list[Story]),
        (" dict[str, list[int]] ", dict[str, list[int]]),
        ("int | None", int | None),
        ("Story | int", Story | int),
        ("Story.Chapter", Story.Chapter),
        ("shop.Order", Story),
        ("Box[Story]", Box[Story]),
        ("UserId", UserId),
        ("Alias", dict[str, Story]),
        ("tuple[int, str]", tuple[int, str]),
        ('Literal["a", -1, None]', Literal["a", -1, None]),
        ("Optional[int]", int | None),
        ("Generator[str, None, None]", Generator[str, None, None]),
        ("bool", bool),
        ("DataFrame", pandas.DataFrame),
    ],
)
def test_types_of_the_notebook_and_of_python(text: str, meant: object) -> None:
    assert read_type(text, NAMES) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "list[",
        "__import__('os').system('true')",
        "open('x')",
        "print",
        "(lambda: int)()",
        "[int][0]",
        "trap.kind",
        "trap[int]",
        "thing.kind",
        "number",
        "Story.__init__",
        "Story.__class__.__base__",
        "list['Story']",
        "int if 1 else str",
        "f'{1}'",
        "Literal[print()]",
        "int[str]",
        "1 | 2",
        "None | None",
        "(x := int)",
    ],
)
def test_whatever_is_no_type_is_refused_and_not_run(text: str) -> None:
    with pytest.raises(BadInputError) as told:
        read_type(text, NAMES)
    assert told.value.hint


def test_a_typo_is_answered_with_the_nearest_type() -> None:
    with pytest.raises(BadInputError, match="No type is called 'Storry'") as told:
        read_type("list[Storry]", NAMES)
    assert told.value.hint.startswith("Did you mean 'Story'? ")


def test_a_type_of_the_notebook_is_meant_rather_than_one_of_python() -> None:
    for names, meant in (({"Last": Story}, "Last"), ({}, "list")):
        with pytest.raises(BadInputError) as told:
            read_type("Lst", names)
        assert told.value.hint.startswith(f"Did you mean {meant!r}? ")


def test_without_pandas_a_data_frame_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match="needs 'pandas'") as told:
        read_type("DataFrame", {})
    assert told.value.hint == "Run: pip install pandas"


def test_a_name_of_the_notebook_hides_one_of_python() -> None:
    assert read_type("bool", {"bool": Story}) is Story

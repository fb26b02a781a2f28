"""The replies in `tests/golden`, and the types that they answer to."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

GOLDEN = Path(__file__).parents[1] / "golden"
ASK_AGAIN = "ask again: "


class Person(BaseModel):
    name: str
    age: int


class City(BaseModel):
    country: str
    name: str


class Address(BaseModel):
    city: str
    zip_code: str


class Employee(BaseModel):
    first_name: str
    last_name: str
    address: Address
    tags: list[str] = []
    is_active: bool = True


class Review(BaseModel):
    title: str
    text: str
    score: float
    mood: Literal["positive", "negative", "neutral"]


class Event(BaseModel):
    title: str
    day: date
    starts: datetime | None = None
    minutes: int | None = None


class Order(BaseModel):
    count: int
    total: Decimal
    version: str


class Settings(BaseModel):
    theme: str = "light"
    zoom: float = 1.0


class Aliased(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    full_name: str = Field(alias="fullName")


class Group(BaseModel):
    name: str
    members: list[str]


class Task(BaseModel):
    state: Literal["open", "in_progress", "done"]


class Node(BaseModel):
    value: int
    next: Node | None = None


class Twins(BaseModel):
    user_id: int
    userId: int = 0  # noqa: N815  # two names that sound the same


class Closed(BaseModel, extra="forbid"):
    name: str


class Snippet(BaseModel):
    title: str
    code: str = ""
    lines: int = 0


class Circle(BaseModel):
    radius: float


class Box(BaseModel):
    width: float
    height: float


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


_CLASSES: tuple[Any, ...] = (
    Person, City, Address, Employee, Review, Event, Order, Settings, Aliased, Group, Task, Node, Twins, Closed, Snippet,
    Mood, pd.DataFrame, int, bool,
)  # fmt: skip
TYPES: dict[str, Any] = {
    **{each.__name__: each for each in _CLASSES},
    "list[Person]": list[Person],
    "list[Group]": list[Group],
    "list[str]": list[str],
    "list[int]": list[int],
    "dict[str, int]": dict[str, int],
    "Shape2D": Circle | Box,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class DirtyReply:
    """What a model wrote, for which type, and the value as JSON or words of the reason to ask again."""

    name: str
    wanted: str
    answer: str
    value: str = ""
    reason: str = ""


def replies(folder: str) -> list[DirtyReply]:
    """Every reply of a folder in `tests/golden`."""
    return [reply for path in sorted((GOLDEN / folder).glob("*.txt")) for reply in _in_file(path)]


def _in_file(path: Path) -> Iterator[DirtyReply]:
    for entry in path.read_text(encoding="utf-8").removeprefix("=== ").split("\n=== "):
        head, _, rest = entry.partition("\n")
        name, _, wanted = head.partition(" | ")
        answer, _, end = ("\n" + rest).rpartition("\n--- ")
        is_value = not end.startswith(ASK_AGAIN)
        yield DirtyReply(
            name=name,
            wanted=wanted,
            answer=answer.removeprefix("\n"),
            value=end.strip() if is_value else "",
            reason="" if is_value else end.removeprefix(ASK_AGAIN).strip(),
        )

"""What a text can say of a person or a thing, and how a schema asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from byzer_nb.train.tiny import words

Json = Any  # Any: a value of a JSON document


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """Something that a text can say and a schema can ask for."""

    names: tuple[str, ...]
    schema: dict[str, Json]
    value: Callable[[Random], Json]
    says: tuple[str, ...]  # goes on after the name of a person or thing
    about: str = ""  # what the description in the schema says
    optional: bool = False  # the form takes null for it


TEXT: dict[str, Json] = {"type": "string"}
INTEGER: dict[str, Json] = {"type": "integer"}
BOOLEAN: dict[str, Json] = {"type": "boolean"}
NUMBER: dict[str, Json] = {"type": "number"}
TEXTS: dict[str, Json] = {"items": {"type": "string"}, "type": "array"}


def _few_things(rng: Random) -> list[str]:
    return [words.thing(rng) for _ in range(rng.randint(2, 3))]


PERSON = (
    Field(
        names=("age", "age", "years"),
        schema=INTEGER,
        value=lambda rng: rng.randint(1, 99),
        says=("is {v} years old", "is {v}"),
        about="Age in years",
    ),
    Field(
        names=("city", "city", "home", "town"),
        schema=TEXT,
        value=words.city,
        says=("lives in {v}", "comes from {v}"),
        about="Where they live",
    ),
    Field(
        names=("job", "job", "profession"),
        schema=TEXT,
        value=lambda rng: words.described(rng, words.JOBS, 0.6),
        says=("works as a {v}", "is a {v}"),
        about="What they do",
    ),
    Field(
        names=("colour", "color", "favourite_colour"),
        schema=TEXT,
        value=lambda rng: words.one_of(rng, words.COLOURS, 0.7),
        says=("likes the colour {v}", "loves {v} clothes"),
        about="The colour",
    ),
    Field(
        names=("drink",),
        schema=TEXT,
        value=lambda rng: words.described(rng, words.DRINKS),
        says=("likes to drink {v}", "drinks {v}"),
        about="A drink",
    ),
    Field(
        names=("pet", "pet_name"),
        schema=TEXT,
        value=words.name,
        says=("has a pet called {v}", "has a dog named {v}"),
        about="Name of the pet",
    ),
    Field(
        names=("happy", "is_happy"),
        schema=BOOLEAN,
        value=lambda rng: rng.random() < 0.5,
        says=("is {not}happy",),
        about="Whether they are happy",
    ),
    Field(
        names=("married",),
        schema=BOOLEAN,
        value=lambda rng: rng.random() < 0.5,
        says=("is {not}married",),
        about="Whether they are married",
    ),
    Field(
        names=("children",),
        schema=INTEGER,
        value=lambda rng: rng.randint(1, 9),
        says=("has {v} children",),
        about="How many children",
    ),
    Field(
        names=("height",),
        schema=NUMBER,
        value=lambda rng: rng.randint(100, 210) / 100,
        says=("is {v} m tall",),
        about="Height in metres",
    ),
    Field(names=("likes", "things"), schema=TEXTS, value=_few_things, says=("likes {v}",), about="What they like"),
)
THING = (
    Field(
        names=("price",),
        schema=NUMBER,
        value=words.price,
        says=("costs {v} dollars", "is sold for {v} dollars"),
        about="Price in dollars",
    ),
    Field(
        names=("count", "number"),
        schema=INTEGER,
        value=lambda rng: words.number(rng) + 2,
        says=("was sold {v} times",),
        about="How many",
    ),
    Field(
        names=("colour", "color"),
        schema=TEXT,
        value=lambda rng: rng.choice(words.COLOURS),
        says=("is {v}", "has a {v} cover"),
        about="The colour",
    ),
    Field(
        names=("author",), schema=TEXT, value=words.name, says=("was written by {v}", "is by {v}"), about="Who wrote it"
    ),
    Field(
        names=("year",),
        schema=INTEGER,
        value=lambda rng: rng.randint(1800, 2030),
        says=("came out in {v}", "is from {v}"),
        about="The year",
    ),
    Field(
        names=("in_stock", "available"),
        schema=BOOLEAN,
        value=lambda rng: rng.random() < 0.5,
        says=("is {not}in stock",),
        about="Can it be bought",
    ),
    Field(
        names=("pages",),
        schema=INTEGER,
        value=lambda rng: rng.randint(10, 999),
        says=("has {v} pages",),
        about="Number of pages",
    ),
)
CHINESE_PERSON = (
    Field(names=("age",), schema=INTEGER, value=lambda rng: rng.randint(1, 99), says=("今年{v}岁", "{v}岁")),
    Field(
        names=("city",),
        schema=TEXT,
        value=lambda rng: words.chinese_one_of(rng, words.CHINESE_CITIES),
        says=("住在{v}", "来自{v}"),
    ),
    Field(
        names=("job",),
        schema=TEXT,
        value=lambda rng: words.chinese_one_of(rng, words.CHINESE_JOBS),
        says=("是{v}", "是一名{v}"),
    ),
    Field(names=("drink",), schema=TEXT, value=lambda rng: rng.choice(words.CHINESE_DRINKS), says=("喜欢喝{v}",)),
    Field(names=("colour",), schema=TEXT, value=lambda rng: rng.choice(words.CHINESE_COLOURS), says=("喜欢{v}",)),
    Field(names=("children",), schema=INTEGER, value=lambda rng: rng.randint(1, 9), says=("有{v}个孩子",)),
    Field(names=("pet",), schema=TEXT, value=words.chinese_name, says=("的宠物叫{v}",)),
)

"""What of a JSON schema an answer is held to, and what is said of the rest."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field

from byzer_nb.backends.local_engine import LocalEngine
from byzer_nb.errors import BadInputError
from tests.backends.constraining import TEXT, WHOLE, asked, noisy_engine, on, record, said
from tests.backends.random_schemas import Schema
from tests.backends.speaking import speaking_engine


@pytest.fixture(scope="module")
def byzer_tiny() -> LocalEngine:
    return on("numpy")


class Owner(BaseModel):
    name: str
    age: int


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: Annotated[int, Field(ge=1, le=9)]


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    barks: bool = True


class Home(BaseModel):
    """Nearly everything that pydantic can write."""

    owner: Owner
    rent: Annotated[Decimal, Field(ge=0, le=5000)]
    since: date
    key: UUID
    place: Path
    colours: set[Colour]
    size: tuple[int, float]
    pets: list[Annotated[Cat | Dog, Field(discriminator="kind")]] = Field(max_length=2)
    phones: dict[str, Annotated[str, Field(pattern=r"^\+?[0-9]{3,6}$")]]
    notes: str | None = None
    rooms: list[Home] = Field(default=[], max_length=1)


async def test_pydantic_classes_come_back() -> None:
    engine = noisy_engine()
    for seed in range(20):
        text, _ = await said(engine, asked(Home.model_json_schema(), max_tokens=400, temperature=1.0, seed=seed))
        fields = json.loads(text)
        fields["since"] = "2024-01-01"  # noise knows no calendar, and not that money is no text
        fields["rent"] = "12.50"
        home = Home.model_validate_json(json.dumps(fields))
        assert home.owner.name is not None


async def test_an_object_has_the_listed_properties_only_unless_the_schema_wants_more(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, '{"a": "b", "c": 1}')
    closed = record(a=TEXT)
    assert json.loads((await said(engine, asked(closed)))[0]) == {"a": "b"}
    assert json.loads((await said(engine, asked({**closed, "additionalProperties": True})))[0]) == {"a": "b", "c": 1}
    both = {"allOf": [closed, record(c=WHOLE)]}
    assert json.loads((await said(engine, asked(both)))[0]) == {"a": "b", "c": 1}, "parts of one whole stay open"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "object", "properties": {"a": {"not": TEXT}}}, "'not'"),
        ({"type": "array", "contains": TEXT, "minContains": 1}, "'contains', 'minContains'"),
        ({"type": "object", "propertyNames": {"enum": ["a"]}}, "'propertyNames'"),
        ({"if": TEXT, "then": {"minLength": 1}}, "'if', 'then'"),
        ({"type": "string", "pattern": "^(?!x)"}, r"'pattern' '\^\(\?!x\)'.*look-around"),
        ({"oneOf": [{"type": "number"}, {"type": "integer"}]}, "'oneOf'.*overlap"),
        ({"type": "integer", "minimum": 3, "maximum": 1}, r"No answer can fit .* minimum \(3\)"),
        ({"$ref": "#/$defs/Missing"}, "/\\$defs/Missing"),
        ({"type": "tuple"}, "tuple"),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
async def test_what_cannot_be_held_to_is_named(byzer_tiny: LocalEngine, schema: Schema, words: str) -> None:
    with pytest.raises(BadInputError, match=words) as refused:
        await said(byzer_tiny, asked(schema))
    assert "'answer'" in str(refused.value)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("schema", "answer"),
    [
        ({"type": "array", "items": WHOLE, "uniqueItems": True}, "[1, 1]"),
        ({"type": "string", "format": "path"}, '"the cat"'),
        ({"anyOf": [{"type": "string", "pattern": "^(?!x)"}, WHOLE]}, "12"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}, "0.25"),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
async def test_what_the_grammar_leaves_out_stands_in_no_way(tiny_llama_dir: Path, schema: Schema, answer: str) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, answer)
    assert (await said(engine, asked(schema)))[0] == answer


async def test_an_open_end_of_a_short_range_stays_open(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, "10")
    value = float((await said(engine, asked({"type": "number", "exclusiveMinimum": 10, "maximum": 10.5})))[0])
    assert 10 < value <= 10.5

"""Schemas are closed for vendors that hold a model to them: nothing fits the closed one that does not fit the other."""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal

import jsonschema
import pytest
from hypothesis import given, settings, strategies
from pydantic import BaseModel, Field

from byzer_nb.providers.anthropic_tools import RULES as CLAUDE
from byzer_nb.providers.openai_tools import STRICT as OPENAI
from byzer_nb.providers.wire.closed_schema import Rules, closed_schema
from tests.standins.claude_tools import check_schema
from tests.standins.openai_tools import wrong_tools

pytestmark = pytest.mark.contract("STRUCT-07")

BOTH = pytest.mark.parametrize("rules", [OPENAI, CLAUDE], ids=["openai", "claude"])


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Sight(BaseModel):
    """A thing to see."""

    name: str = Field(min_length=2, description="Its name.")
    colour: Colour = Colour.RED
    height: float | None = Field(default=None, gt=0, le=9000)


class Guide(BaseModel):
    city: str
    kind: Literal["town", "village"] = "town"
    best: Sight = Field(description="The best one.")
    sights: list[Sight] = Field(default_factory=list, max_length=9)
    mixed: list[int | str] = []
    both: Literal[1, "a"] = 1


class Node(BaseModel):
    value: int
    children: list[Node] = []


class Open(BaseModel):
    name: str
    counts: dict[str, int] = {}


def fit_at_vendors(closed: dict[str, Any], rules: Rules) -> None:
    """What each vendor says of a schema, by its own reference."""
    if rules is OPENAI:
        wanted = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": closed}}
        assert wrong_tools({"messages": [], "response_format": wanted}) == ""
    else:
        check_schema(closed)


@BOTH
def test_class_with_all_kinds_of_fields_can_be_closed(rules: Rules) -> None:
    closed = closed_schema(Guide.model_json_schema(), rules)
    assert closed is not None
    fit_at_vendors(closed, rules)
    assert closed["properties"]["best"] == {"anyOf": [{"$ref": "#/$defs/Sight"}], "description": "The best one."}
    assert closed["$defs"]["Sight"]["properties"]["name"]["description"] == "Its name. (minLength: 2)"
    assert closed["properties"]["both"] == {"type": ["integer", "string"], "enum": [1, "a"]}


def test_every_field_is_needed_at_openai_and_only_those_that_are_at_claude() -> None:
    of_openai, of_claude = (closed_schema(Guide.model_json_schema(), rules) for rules in (OPENAI, CLAUDE))
    assert of_openai is not None
    assert of_claude is not None
    assert of_openai["required"] == list(Guide.model_fields)
    assert of_claude["required"] == ["city", "best"]


def test_limits_that_openai_knows_stay_and_others_are_told_in_words() -> None:
    of_openai, of_claude = (closed_schema(Sight.model_json_schema(), rules) for rules in (OPENAI, CLAUDE))
    assert of_openai is not None
    assert of_claude is not None
    (number, nothing) = of_openai["properties"]["height"]["anyOf"]
    assert (number, nothing) == ({"type": "number", "exclusiveMinimum": 0, "maximum": 9000}, {"type": "null"})
    (number, _) = of_claude["properties"]["height"]["anyOf"]
    assert number == {"type": "number", "description": "(exclusiveMinimum: 0, maximum: 9000)"}


def test_class_that_holds_itself_is_for_openai_alone() -> None:
    closed = closed_schema(Node.model_json_schema(), OPENAI)
    assert closed is not None
    assert closed["type"] == "object"
    fit_at_vendors(closed, OPENAI)
    assert closed_schema(Node.model_json_schema(), CLAUDE) is None


@BOTH
@pytest.mark.parametrize(
    "part",
    [
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {},
        True,
        {"type": "array"},
        {"type": "array", "prefixItems": [{"type": "integer"}]},
        {"allOf": [{"type": "integer"}, {"minimum": 2}]},
        {"$ref": "#/$defs/Nowhere"},
        {"$ref": "https://example.com/schema"},
        {"enum": [{"a": 1}]},
        {"type": "string", "anyOf": [{"type": "string"}, {"type": "integer"}]},
        {"oneOf": [{"type": "string"}], "anyOf": [{"type": "string"}]},
        {"allOf": [{"type": "integer", "minimum": 1}], "minimum": 5},
    ],
)
def test_part_that_stays_open_is_told(part: Any, rules: Rules) -> None:
    assert closed_schema({"type": "object", "properties": {"part": part}}, rules) is None


@BOTH
@pytest.mark.parametrize("root", [{"type": "array", "items": {"type": "integer"}}, {"type": "string"}])
def test_outermost_schema_must_be_an_object(root: Any, rules: Rules) -> None:
    assert closed_schema(root, rules) is None


@BOTH
def test_schema_that_was_given_is_not_changed(rules: Rules) -> None:
    for kind in (Guide, Node, Open):
        before = kind.model_json_schema()
        given = kind.model_json_schema()
        closed_schema(given, rules)
        assert given == before


SCHEMAS = strategies.recursive(
    strategies.sampled_from(
        [
            {"type": "string"},
            {"type": "integer", "title": "Title", "default": 3},
            {"type": ["number", "null"], "description": "words"},
            {"enum": ["a", 1, None]},
            {"const": "fixed"},
            {"$ref": "#/$defs/Inner"},
            {"$ref": "#/$defs/Inner", "description": "the inner one"},
        ]
    ),
    lambda inner: strategies.one_of(
        strategies.builds(lambda items: {"type": "array", "items": items}, inner),
        strategies.builds(lambda one, other: {"anyOf": [one, other]}, inner, inner),
        strategies.builds(lambda one: {"allOf": [one], "description": "merged"}, inner),
        strategies.builds(
            lambda fields, needed: {
                "type": "object",
                "properties": fields,
                "required": [name for name in fields if name in needed],
            },
            strategies.dictionaries(strategies.sampled_from("abc"), inner, max_size=3),
            strategies.sets(strategies.sampled_from("abc")),
        ),
    ),
    max_leaves=8,
)


def value_of(data: strategies.DataObject, node: dict[str, Any], root: dict[str, Any], depth: int = 0) -> Any:
    """Something that fits a closed schema."""
    if "$ref" in node:
        return value_of(data, root["$defs"][node["$ref"].rpartition("/")[2]], root, depth)
    if "anyOf" in node:
        return value_of(data, data.draw(strategies.sampled_from(node["anyOf"])), root, depth)
    if "enum" in node:
        return data.draw(strategies.sampled_from(node["enum"]))
    kinds = node["type"] if isinstance(node["type"], list) else [node["type"]]
    match data.draw(strategies.sampled_from(kinds)):
        case "object":
            fields = node["properties"].items()
            chosen = [name for name, _ in fields if name in node["required"] or data.draw(strategies.booleans())]
            return {name: value_of(data, each, root, depth + 1) for name, each in fields if name in chosen}
        case "array":
            return [value_of(data, node["items"], root, depth + 1) for _ in range(data.draw(strategies.integers(0, 2)))]
        case "string":
            return data.draw(strategies.text(max_size=3))
        case "integer" | "number":
            return data.draw(strategies.integers(-9, 9))
    return None


@BOTH
@settings(max_examples=150, deadline=None)
@given(fields=strategies.dictionaries(strategies.sampled_from("xyz"), SCHEMAS, max_size=3), data=strategies.data())
def test_what_fits_the_closed_schema_fits_the_other(
    rules: Rules, fields: dict[str, Any], data: strategies.DataObject
) -> None:
    inner = {"type": "object", "properties": {"n": {"type": "integer"}}}
    schema = {"$defs": {"Inner": inner}, "type": "object", "properties": fields, "required": list(fields)[:1]}
    closed = closed_schema(schema, rules)
    assert closed is not None
    fit_at_vendors(closed, rules)
    jsonschema.validate(value_of(data, closed, closed), schema)

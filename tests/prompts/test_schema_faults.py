"""What is wrong with a value by a JSON schema, beside the library that decides such things."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from byzer_nb.prompts.schema_faults import faults
from tests.backends.random_schemas import random_schema

ODD = (
    0,
    1,
    -1,
    2.5,
    1e9,
    "",
    "a",
    "abc",
    "2024-01-31",
    True,
    None,
    [],
    [1, "a"],
    [1, 1],
    {},
    {"a": 1},
    {"a": {"b": []}},
)

TREE = {
    "$ref": "#/$defs/Tree",
    "$defs": {
        "Tree": {
            "type": "object",
            "properties": {"value": {"type": "integer"}, "under": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}},
            "required": ["value"],
            "additionalProperties": False,
        }
    },
}


def is_right(value: Any, schema: Any) -> bool:
    return bool(Draft202012Validator(schema).is_valid(value))


def without_formats(schema: Any) -> Any:
    """The schema less its formats, at which the library does not look."""
    if isinstance(schema, list):
        return [without_formats(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: without_formats(each) for key, each in schema.items() if key != "format"}


def some_value(rng: Random, schema: Any, depth: int = 0) -> Any:
    """A value that comes near to a schema, and often fits it."""
    if not isinstance(schema, dict) or rng.random() < 0.1 or depth > 4:
        return rng.choice(ODD)
    if "enum" in schema:
        return rng.choice(schema["enum"])
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return some_value(rng, rng.choice(options), depth + 1)
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            return {key: some_value(rng, part, depth + 1) for key, part in fields.items() if rng.random() < 0.9}
        case "array":
            return [some_value(rng, schema.get("items"), depth + 1) for _ in range(rng.randint(0, 3))]
        case "integer":
            least = int(schema.get("minimum", -5))
            return rng.randint(least, int(schema.get("maximum", least + 10)))
        case "number":
            return rng.choice([0.5, 1, 3.25, 10])
        case "boolean":
            return rng.random() < 0.5
        case _:
            return rng.choice(["", "a", "abc", "red", "A1", "some longer text"])


def test_it_says_of_random_values_and_schemas_what_the_library_says() -> None:
    rng = Random(3)
    said = {True: 0, False: 0}
    for seed in range(400):
        schema = without_formats(random_schema(seed))
        for value in (*(some_value(rng, schema) for _ in range(12)), *ODD):
            right = is_right(value, schema)
            assert (faults(value, schema) == []) == right, (schema, value)
            said[right] += 1
    assert min(said.values()) > 300, "both kinds were there"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 1, "maxLength": 2},
        {"type": ["integer", "null"], "minimum": 1, "exclusiveMaximum": 2},
        {"type": "number", "exclusiveMinimum": 0, "maximum": 2.5, "multipleOf": 0.5},
        {"type": "array", "minItems": 1, "maxItems": 1, "uniqueItems": True},
        {"type": "array", "prefixItems": [{"type": "integer"}], "items": {"type": "string"}},
        {"type": "object", "minProperties": 1, "patternProperties": {"^a": {"type": "integer"}}},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": "array", "uniqueItems": True},
        {"const": 1},
        {"enum": [1, "a", None, [], {"a": 1}]},
        {"not": {"type": "string"}},
        {"allOf": [{"type": "integer"}, {"minimum": 1}]},
        {"oneOf": [{"type": "integer"}, {"type": "number"}]},
        {"pattern": "^a.?c?$"},
        {"$ref": "#/properties/a", "properties": {"a": {"type": "integer"}}},
        TREE,
        True,
        False,
        {},
    ],
)  # fmt: skip
def test_each_keyword_holds_as_it_does_in_the_library(schema: Any) -> None:
    for value in ODD:
        assert (faults(value, schema) == []) == is_right(value, schema), value


def test_a_fault_has_its_place_and_its_reason() -> None:
    value = {"value": 1, "under": [{"value": 2}, {"value": "x", "color": "red"}]}
    assert [(each.place, each.reason, each.value) for each in faults(value, TREE)] == [
        (("under", 1, "value"), '"x" is no integer', "x"),
        (("under", 1, "color"), "there is no such field", "red"),
    ]


def test_of_options_the_nearest_is_told() -> None:
    (fault,) = faults(
        {"value": 1, "under": [{}]}, {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/Tree"}], "$defs": TREE["$defs"]}
    )
    assert (fault.place, fault.reason) == (("under", 0), "the field 'value' is missing")


def test_dates_are_looked_at_and_other_formats_are_a_wish() -> None:
    assert faults("2024-02-30", {"format": "date"})[0].reason == '"2024-02-30" is no date'
    assert not faults("2024-02-29", {"format": "date"})
    assert not faults("no address", {"format": "email"})


@pytest.mark.parametrize(
    "schema",
    [{"type": "Story"}, {"$ref": "https://example.com/x"}, {"$ref": "#/$defs/none"}, {"pattern": "(?<=a)b"}, 5],
)
def test_what_is_no_schema_or_lies_elsewhere_holds_to_nothing(schema: Any) -> None:
    assert faults({"a": "x"}, schema) == []
    assert faults("x", schema) == []


def test_hostile_schemas_come_to_an_end() -> None:
    """Done plainly, each of these would take longer than the universe lasts."""
    twice: dict[str, Any] = {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}
    branching: dict[str, Any] = {"items": {"anyOf": [{"$ref": "#"}, {"$ref": "#", "type": "array"}]}, "type": "array"}
    deep: Any = "x"
    for _ in range(150):
        deep = [deep]
    assert faults({}, twice) == []
    assert faults(deep, branching)
    assert faults("a" * 40 + "!", {"pattern": "^(a+)+$"})
    for _ in range(100_000):
        deep = [deep]
    assert "too many brackets" in faults(deep, branching)[0].reason

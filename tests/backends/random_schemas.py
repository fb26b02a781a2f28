"""JSON schemas as people and pydantic write them, drawn at random: the same seed gives the same schema."""

from __future__ import annotations

import json
from random import Random
from typing import Any

LONGEST = 800  # characters of a schema
Schema = dict[str, Any]  # Any: JSON

NAMES = ("name", "age", "city", "tags", "kind", "first name", "价格", 'a "b"', "x-1", "notes", "price", "is_open")
WORDS = ("red", "green", "Blue", "two words", "猫", "a/b", 'quo"te', "back\\slash", "")
PATTERNS = (
    "^[a-z]+$",
    "^[A-Z]{2}-[0-9]{3}$",
    "^(red|green|blue)$",
    "^#[0-9a-f]{6}$",
    "^\\d{4}-\\d{2}$",
    "^ab*c$",
    "^[a-z]+@[a-z]+\\.(com|org)$",
    "[0-9]",
    "^\\+?[1-9]\\d{1,6}$",
    "^v(0|[1-9]\\d*)(\\.(0|[1-9]\\d*)){2}$",
)
FORMATS = ("date", "time", "date-time", "uuid", "email", "ipv4", "path", "binary")
LEAVES = ("string", "integer", "number", "boolean", "null", "enum", "const", "pattern", "format", "dict", "mixed")
BRANCHES = ("object", "object", "object", "array", "array", "tuple", "union", "optional", "tagged", "reference")


def random_schema(seed: int) -> Schema:
    """An object with a few properties, nested up to three deep and not too long for a small model."""
    random = Random(seed)
    while True:
        drawing = _Drawing(random)
        schema = drawing.object(depth=1 + seed % 3)
        if drawing.definitions:
            schema = {"$defs": drawing.definitions, **schema}
        if len(json.dumps(schema, ensure_ascii=False)) <= LONGEST:
            return schema


class _Drawing:
    """One schema under way, and the definitions that it refers to."""

    def __init__(self, random: Random) -> None:
        self.definitions: dict[str, Schema] = {}
        self._random = random

    def any(self, depth: int) -> Schema:
        kinds = LEAVES + (BRANCHES if depth else ())
        schema: Schema = getattr(self, self._random.choice(kinds))(depth)
        if self._random.random() < 0.1:
            schema = {"description": "One of the facts.", "title": "Fact", **schema}
        return schema

    def object(self, depth: int) -> Schema:
        names = self._random.sample(NAMES, self._random.randint(1, 4))
        properties = {name: self.any(max(depth - 1, 0)) for name in names}
        required = [name for name in names if self._random.random() < 0.7]
        schema: Schema = {"properties": properties, "type": "object"}
        if required:
            schema["required"] = required
        if self._random.random() < 0.3:
            schema["additionalProperties"] = self._random.choice([False, True, {"type": "integer"}])
        return schema

    def array(self, depth: int) -> Schema:
        schema: Schema = {"items": self.any(max(depth - 1, 0)), "type": "array"}
        least = self._random.randint(0, 2)
        if self._random.random() < 0.5:
            schema["minItems"] = least
        if self._random.random() < 0.5:
            schema["maxItems"] = least + self._random.randint(0, 3)
        return schema

    def tuple(self, depth: int) -> Schema:
        items = [self.any(0) for _ in range(self._random.randint(1, 3))]
        return {"prefixItems": items, "minItems": len(items), "maxItems": len(items), "type": "array"}

    def union(self, depth: int) -> Schema:
        return {"anyOf": [self.any(depth - 1) for _ in range(self._random.randint(2, 3))]}

    def optional(self, depth: int) -> Schema:
        return {"anyOf": [self.any(depth - 1), {"type": "null"}], "default": None}

    def tagged(self, depth: int) -> Schema:
        """A discriminated union in pydantic's form; the tag has a default, so pydantic does not require it."""
        options, mapping = [], {}
        for tag in self._random.sample(("cat", "dog", "fish"), 2):
            name = self._define(
                {
                    "properties": {"tag": {"const": tag, "default": tag, "type": "string"}, "more": self.any(0)},
                    "type": "object",
                    **({"required": ["more"]} if self._random.random() < 0.5 else {}),
                }
            )
            options.append({"$ref": name})
            mapping[tag] = name
        return {"discriminator": {"mapping": mapping, "propertyName": "tag"}, "oneOf": options}

    def reference(self, depth: int) -> Schema:
        """A definition; half of them hold themselves, as trees and chains do."""
        if self._random.random() < 0.5:
            return {"$ref": self._define(self.object(depth - 1))}
        name = f"Node{len(self.definitions)}"
        again: Schema = {"$ref": f"#/$defs/{name}"}
        again = self._random.choice(
            [{"items": again, "type": "array"}, {"anyOf": [again, {"type": "null"}], "default": None}]
        )
        self.definitions[name] = {
            "properties": {"next": again, "value": self.any(0)},
            "required": ["next", "value"],
            "type": "object",
        }
        return {"$ref": f"#/$defs/{name}"}

    def string(self, depth: int) -> Schema:
        schema: Schema = {"type": "string"}
        least = self._random.randint(0, 12)
        if self._random.random() < 0.4:
            schema["minLength"] = least
        if self._random.random() < 0.5:
            schema["maxLength"] = least + self._random.randint(0, 20)
        return schema

    def integer(self, depth: int) -> Schema:
        schema: Schema = {"type": "integer"}
        least = self._random.randint(-300, 300)
        if self._random.random() < 0.4:
            schema[self._random.choice(("minimum", "exclusiveMinimum"))] = least
        if self._random.random() < 0.4:
            schema[self._random.choice(("maximum", "exclusiveMaximum"))] = least + self._random.randint(8, 4000)
        if self._random.random() < 0.2:
            schema["multipleOf"] = self._random.choice((2, 3, 5))
        return schema

    def number(self, depth: int) -> Schema:
        schema: Schema = {"type": "number"}
        least = self._random.choice((-2.5, 0, 0.125, 10))
        if self._random.random() < 0.4:
            schema[self._random.choice(("minimum", "exclusiveMinimum"))] = least
        if self._random.random() < 0.4:
            schema[self._random.choice(("maximum", "exclusiveMaximum"))] = least + self._random.choice((0.5, 1, 99.75))
        return schema

    def boolean(self, depth: int) -> Schema:
        return {"type": "boolean"}

    def null(self, depth: int) -> Schema:
        return {"type": "null"}

    def enum(self, depth: int) -> Schema:
        values: list[object] = [*self._random.sample(WORDS, 3), self._random.randint(-5, 5), None, True, 2.5]
        return {"enum": self._random.sample(values, self._random.randint(1, 4))}

    def const(self, depth: int) -> Schema:
        return {"const": self._random.choice([*WORDS, 7, -1.5, False, None, {"a": [1, "猫"]}, []])}

    def pattern(self, depth: int) -> Schema:
        return {"type": "string", "pattern": self._random.choice(PATTERNS)}

    def format(self, depth: int) -> Schema:
        return {"type": "string", "format": self._random.choice(FORMATS)}

    def dict(self, depth: int) -> Schema:
        values = self.any(0) if self._random.random() < 0.5 else {"type": "integer"}
        return {"additionalProperties": values, "type": "object"}

    def mixed(self, depth: int) -> Schema:
        return {"type": self._random.sample(("string", "integer", "null", "boolean"), 2)}

    def _define(self, schema: Schema) -> str:
        name = f"Part{len(self.definitions)}"
        self.definitions[name] = schema
        return f"#/$defs/{name}"

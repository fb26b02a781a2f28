"""JSON schemas as vendors take them that hold a model to one, letter by letter.

They want every object closed, and know but a part of JSON Schema. What they do not know is said in the description, so
that the model at least reads it. Whatever fits the closed schema fits the original one too, as far as it could be said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]  # Any: JSON


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What a vendor asks of a schema, and the keywords that it knows beside those of structure."""

    needs_every_field: bool
    takes_circles: bool
    keywords: frozenset[str]
    formats: frozenset[str]


class _OpenError(Exception):
    """A part that cannot be closed, such as an object with any keys."""


_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
_STRUCTURE = frozenset(
    {"$ref", "$defs", "definitions", "type", "properties", "required", "additionalProperties", "items", "enum"}
    | {"const", "anyOf", "oneOf", "allOf", "description"}
)
_NEVER_BESIDE_UNIONS = frozenset({"type", "properties", "items", "enum", "const"})
_SAYS_NOTHING = frozenset({"title", "default", "examples", "example", "$schema", "$id", "$comment", "discriminator"})


def closed_schema(schema: Schema, rules: Rules) -> Schema | None:
    """The schema with every object closed; None where it has a part that stays open, such as a dict with any keys."""
    try:
        whole = _Closing(schema, rules).whole()
    except _OpenError:
        return None
    return whole if whole.get("type") == "object" else None


class _Closing:
    def __init__(self, root: Schema, rules: Rules) -> None:
        self._root = root
        self._rules = rules
        self._safe: set[str] = set()  # references from which no circle starts
        self._kinds = {kind: root[kind] for kind in ("$defs", "definitions") if isinstance(root.get(kind), dict)}

    def whole(self) -> Schema:
        root = {name: value for name, value in self._root.items() if name not in self._kinds}
        if "$ref" in root:  # a class that holds itself; the outermost schema must be an object and no reference
            root = {**self._target(root["$ref"]), **{name: value for name, value in root.items() if name != "$ref"}}
        if not self._rules.takes_circles:
            for path, kind in self._definitions():
                self._refuse_circles(kind, (path,))
        closed = self._closed(root)
        for place, definitions in self._kinds.items():
            closed[place] = {name: self._closed(each) for name, each in definitions.items()}
        return closed

    def _closed(self, node: object) -> Schema:
        if not isinstance(node, dict):
            raise _OpenError
        while "allOf" in node:
            node = _merged(node)
        if "$ref" in node:
            self._target(node["$ref"])
            found: Schema = {"$ref": node["$ref"]}
            return {"anyOf": [found], "description": node["description"]} if node.get("description") else found
        closed: Schema = {}
        unions = [*node.get("anyOf", ()), *node.get("oneOf", ())]
        if unions:
            if ("anyOf" in node and "oneOf" in node) or node.keys() & _NEVER_BESIDE_UNIONS:
                raise _OpenError
            closed["anyOf"] = [self._closed(each) for each in unions]
        else:
            closed |= self._typed(node)
        beside = {name: value for name, value in node.items() if name not in _STRUCTURE | _SAYS_NOTHING}
        known = {name: value for name, value in beside.items() if self._knows(name, value)}
        if said := _description(node, {name: value for name, value in beside.items() if name not in known}):
            closed["description"] = said
        return closed | known

    def _typed(self, node: Schema) -> Schema:
        values = node["enum"] if "enum" in node else [node["const"]] if "const" in node else None
        if values is not None:
            types = list(dict.fromkeys(_TYPES.get(type(value), "") for value in values))
            if not types or "" in types:
                raise _OpenError
            return {"type": node.get("type", types[0] if len(types) == 1 else types), "enum": values}
        kind = node.get("type")
        if kind is None:
            raise _OpenError
        typed: Schema = {"type": kind}
        kinds = kind if isinstance(kind, list) else [kind]
        if "object" in kinds:
            if "properties" not in node:
                raise _OpenError
            fields = {name: self._closed(each) for name, each in node["properties"].items()}
            needed = list(fields) if self._rules.needs_every_field else list(node.get("required", ()))
            typed |= {"properties": fields, "required": needed, "additionalProperties": False}
        if "array" in kinds:
            typed["items"] = self._closed(node.get("items"))
        return typed

    def _knows(self, name: str, value: object) -> bool:
        if name == "format":
            return value in self._rules.formats
        if name == "minItems" and "maxItems" not in self._rules.keywords:
            return value in (0, 1)  # those who know nothing of lengths tell empty lists from others
        return name in self._rules.keywords

    def _target(self, ref: object) -> Schema:
        for kind, definitions in self._kinds.items():
            head = f"#/{kind}/"
            if isinstance(ref, str) and ref.startswith(head) and isinstance(definitions.get(ref[len(head) :]), dict):
                target: Schema = definitions[ref[len(head) :]]
                return target
        raise _OpenError

    def _definitions(self) -> Iterator[tuple[str, Schema]]:
        for kind, definitions in self._kinds.items():
            for name, each in definitions.items():
                yield f"#/{kind}/{name}", each

    def _refuse_circles(self, node: object, path: tuple[str, ...]) -> None:
        for ref in _refs(node):
            if ref in path:
                raise _OpenError
            if ref not in self._safe:
                self._refuse_circles(self._target(ref), (*path, ref))
                self._safe.add(ref)


def _merged(node: Schema) -> Schema:
    """The schema and the only one inside it, as one; where they contradict each other it stays open."""
    inner, outer = node["allOf"], {name: value for name, value in node.items() if name != "allOf"}
    if len(inner) != 1 or not isinstance(inner[0], dict):
        raise _OpenError
    twice = inner[0].keys() & outer.keys() - _SAYS_NOTHING - {"description"}
    if any(inner[0][name] != outer[name] for name in twice):
        raise _OpenError
    return {**inner[0], **outer}


def _refs(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for each in node.values():
            yield from _refs(each)
    elif isinstance(node, list):
        for each in node:
            yield from _refs(each)


def _description(node: Schema, unsaid: Mapping[str, object]) -> str:
    """The words of the schema, with what its keywords would have said."""
    words = [str(node["description"])] if node.get("description") else []
    if unsaid:
        words.append(f"({', '.join(f'{name}: {value}' for name, value in unsaid.items())})")
    return " ".join(words)

"""What is wrong with a JSON value by a JSON schema. Small, because the libraries for it take a second to be imported.

It knows what schemas of answers are made of. Keywords that it does not know, and what is no schema, hold to nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, TypeAlias, TypeGuard

from pydantic_core import SchemaError, SchemaValidator, core_schema

from byzer_nb.prompts.json_values import is_same

Schema: TypeAlias = Any  # a JSON schema is an object, or true, or false
Json: TypeAlias = Any
Place: TypeAlias = tuple[str | int, ...]

SHOWN = 60  # characters of a value in a reason


@dataclass(frozen=True, slots=True)
class Fault:
    """A place in the value, why it does not fit, and what stands there."""

    place: Place
    reason: str
    value: Json


def faults(value: Json, schema: Schema) -> list[Fault]:
    """All that is wrong; of several options only with the one that comes nearest."""
    try:
        return _Check(schema).faults(value, schema)
    except RecursionError:
        return [Fault((), "it has too many brackets in one another", value)]


class _Check:
    """One value against one schema. Each part is looked at once, also where a schema refers to itself in many ways."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._known: dict[tuple[int, int], list[Fault]] = {}

    def faults(self, value: Json, schema: Schema) -> list[Fault]:
        if schema is False:
            return [Fault((), "nothing may stand here", value)]
        if not isinstance(schema, dict):
            return []
        key = (id(value), id(schema))
        if key not in self._known:
            self._known[key] = []  # a schema that is asked about itself holds to nothing more
            self._known[key] = list(self._found(value, schema))
        return self._known[key]

    def _found(self, value: Json, schema: dict[str, Json]) -> Iterator[Fault]:
        if "$ref" in schema:
            yield from self.faults(value, self._referred(schema["$ref"]))
        yield from (Fault((), reason, value) for reason in _own_faults(value, schema))
        for part in _listed(schema, "allOf"):
            yield from self.faults(value, part)
        for keyword in ("anyOf", "oneOf"):
            yield from self._options(value, _listed(schema, keyword), is_one=keyword == "oneOf")
        if "not" in schema and not self.faults(value, schema["not"]):
            yield Fault((), f"{_shown(value)} is what it must not be", value)
        if isinstance(value, dict):
            yield from self._of_object(value, schema)
        elif isinstance(value, list):
            first = _listed(schema, "prefixItems")
            for at, item in enumerate(value):
                kind = first[at] if at < len(first) else schema.get("items", True)
                yield from _inside(at, self.faults(item, kind))

    def _of_object(self, value: dict[str, Json], schema: dict[str, Json]) -> Iterator[Fault]:
        fields = _mapped(schema, "properties")
        patterns = _mapped(schema, "patternProperties")
        for key, inner in value.items():
            kinds = [fields[key]] if key in fields else []
            kinds += [part for pattern, part in patterns.items() if _matches(pattern, key)]
            others = schema.get("additionalProperties", True)
            if not kinds and others is False:
                yield Fault((key,), "there is no such field", inner)
                continue
            for kind in kinds or [others]:
                yield from _inside(key, self.faults(inner, kind))

    def _options(self, value: Json, options: list[Schema], *, is_one: bool) -> Iterator[Fault]:
        found = [self.faults(value, option) for option in options]
        fitting = sum(not each for each in found)
        if found and not fitting:
            # The nearest is the one whose faults lie deepest: there the value was at least of the right kind.
            yield from max(found, key=lambda each: (max(len(fault.place) for fault in each), -len(each)))
        elif is_one and fitting > 1:
            yield Fault((), "it fits several options, and one is wanted", value)

    def _referred(self, reference: Json) -> Schema:
        """What stands at a place such as `#/$defs/Person`; what lies elsewhere is not fetched, and holds to nothing."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            return True
        found = self._root
        for step in filter(None, reference.removeprefix("#").split("/")):
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name, True) if isinstance(found, dict) else True
        return found


def _inside(step: str | int, found: list[Fault]) -> Iterator[Fault]:
    return (Fault((step, *each.place), each.reason, each.value) for each in found)


def _own_faults(value: Json, schema: Mapping[str, Json]) -> Iterator[str]:
    """What is wrong with the value itself, whatever is in it."""
    kinds = schema.get("type", [])
    kinds = [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind in _KINDS]
    if kinds and not any(_KINDS[kind](value) for kind in kinds):
        yield f"{_shown(value)} is no {' and no '.join(kinds)}"
        return
    allowed = schema.get("enum")
    if isinstance(allowed, list) and not any(is_same(value, each) for each in allowed):
        yield f"{_shown(value)} is none of {', '.join(_shown(each) for each in allowed)}"
    if "const" in schema and not is_same(value, schema["const"]):
        yield f"{_shown(value)} is not {_shown(schema['const'])}"
    if isinstance(value, str):
        yield from _sizes(len(value), schema, "Length", "characters")
        pattern = schema.get("pattern")
        if isinstance(pattern, str) and not _matches(pattern, value):
            yield f"{_shown(value)} does not match {pattern!r}"
        read = _MOMENTS.get(str(schema.get("format")))
        if read is not None:
            try:
                read(value)
            except ValueError:
                yield f"{_shown(value)} is no {schema['format']}"
    elif isinstance(value, list):
        yield from _sizes(len(value), schema, "Items", "items")
        if schema.get("uniqueItems") is True and len({json.dumps(each, sort_keys=True) for each in value}) < len(value):
            yield "it has an item twice"
    elif isinstance(value, dict):
        yield from _sizes(len(value), schema, "Properties", "fields")
        required = schema.get("required")
        for name in required if isinstance(required, list) else ():
            if name not in value:
                yield f"the field {name!r} is missing"
    elif _KINDS["number"](value):
        yield from _bounds(value, schema)


def _sizes(size: int, schema: Mapping[str, Json], what: str, of: str) -> Iterator[str]:
    least, most = schema.get(f"min{what}"), schema.get(f"max{what}")
    if _is_number(least) and size < least:
        yield f"it has {size} {of}, and at least {least} are wanted"
    if _is_number(most) and size > most:
        yield f"it has {size} {of}, and at most {most} are wanted"


def _bounds(value: float, schema: Mapping[str, Json]) -> Iterator[str]:
    for keyword, holds, words in _BOUNDS:
        bound = schema.get(keyword)
        if _is_number(bound) and not holds(value, bound):
            yield f"{value} is not {words} {bound}"


def _is_multiple(value: float, of: float) -> bool:
    if not of:
        return True
    times = value / of
    return abs(times - round(times)) < 1e-9 * max(1.0, abs(times))


_BOUNDS: tuple[tuple[str, Callable[[Any, Any], bool], str], ...] = (
    ("minimum", lambda value, bound: value >= bound, "at least"),
    ("maximum", lambda value, bound: value <= bound, "at most"),
    ("exclusiveMinimum", lambda value, bound: value > bound, "more than"),
    ("exclusiveMaximum", lambda value, bound: value < bound, "less than"),
    ("multipleOf", _is_multiple, "a multiple of"),
)


def _is_number(value: Json) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


_KINDS: Mapping[str, Callable[[Json], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _is_number,
    "integer": lambda value: _is_number(value) and (isinstance(value, int) or value.is_integer()),
}
# Models write dates in many ways, so these are looked at; other formats are no more than a wish.
_MOMENTS: Mapping[str, Callable[[str], object]] = {"date": date.fromisoformat, "date-time": datetime.fromisoformat}


def _matches(pattern: str, text: str) -> bool:
    known = _pattern(pattern)
    return known is None or known.isinstance_python(text)


@lru_cache(maxsize=256)
def _pattern(source: str) -> SchemaValidator | None:
    """A pattern in the engine of pydantic, which takes no longer for a hostile one; what it does not know, is none."""
    try:
        return SchemaValidator(core_schema.str_schema(pattern=source, regex_engine="rust-regex"))
    except SchemaError:
        return None


def _listed(schema: Mapping[str, Json], keyword: str) -> list[Schema]:
    value = schema.get(keyword)
    return value if isinstance(value, list) else []


def _mapped(schema: Mapping[str, Json], keyword: str) -> dict[str, Schema]:
    value = schema.get(keyword)
    return value if isinstance(value, dict) else {}


def _shown(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"

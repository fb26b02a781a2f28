"""A JSON value made to fit a JSON schema: keys in another case, numbers in quotes, one thing where a list is wanted.

Only what has one meaning is changed. Whether the result is right is decided by the type itself, not here. One kind of
schema is no standard: `{"type": "decimal"}` is a number of which every digit counts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from byzer_nb.prompts import loose_json
from byzer_nb.prompts.json_values import JSON, is_same, is_small_number, plain, plain_name, spoken
from byzer_nb.prompts.loose_json import plain_number
from byzer_nb.prompts.usual_forms import NONE, date_and_time_in, date_in, digits_in, time_in, yes_or_no

Schema: TypeAlias = Any  # a JSON schema is an object, or true, or false
Unclear: TypeAlias = tuple[str, str]  # where, and why

_LISTED = re.compile(r"[,，、;；|\n]")  # a text with one of them may be several
_MOMENTS = ("date", "date-time")
_STRUCTURED = re.compile(r"\s*[\[{]")


@dataclass(frozen=True, slots=True)
class Fit:
    """The value as it may fit; `unclear` names places in it, each with why it has no one meaning."""

    value: JSON
    is_right: bool = True
    unclear: tuple[Unclear, ...] = ()


class Fitter:
    """Fits one value to one schema.

    Without `converts` only the names of keys are put right, and what is around the answer is taken away.
    """

    def __init__(self, schema: Schema, *, converts: bool) -> None:
        self._schema = schema
        self._definitions: Mapping[str, Schema] = schema.get("$defs", {}) if isinstance(schema, dict) else {}
        self._converts = converts
        self._done: dict[tuple[int, int], tuple[JSON, Schema, Fit]] = {}

    def fit(self, value: JSON) -> Fit:
        """The whole answer, taken out of `{"answer": …}` and the like."""
        try:
            direct = self._fit(value, self._schema, "")
            if not isinstance(value, dict) or not value or self.names_fields(value):
                return direct
            if direct.is_right and (self._takes_any_keys or (self._has_open_items and len(value) > 1)):
                return direct
            return self._unwrapped(value) or direct
        except RecursionError:
            return Fit(value, is_right=False, unclear=(("", "it has too many brackets in one another"),))

    def knows(self, value: JSON, *, depth: int = 3) -> bool:
        """Whether some of this may be meant as fields of the type; of a type without fields anything may be."""
        if not self._fields:
            return True
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return (isinstance(value, dict) and self.names_fields(value)) or (
            depth > 1 and any(self.knows(inner, depth=depth - 1) for inner in inside)
        )

    @property
    def has_fields(self) -> bool:
        """Whether the schema says which keys an object of it has."""
        return bool(self._fields)

    def names_fields(self, value: Mapping[str, JSON]) -> bool:
        """Whether one of the keys is the name of a field, in whatever way it is written."""
        return any(plain_name(key) in self._fields for key in value)

    @cached_property
    def _options(self) -> list[Schema]:
        """What the answer may be."""
        return [self._resolved(each) for each in options_of(self._resolved(self._schema))]

    @cached_property
    def _items(self) -> list[Schema]:
        """What the items of the answer may be, if it may be a list."""
        lists = [each for each in self._options if isinstance(each, dict) and each.get("type") == "array"]
        return [self._resolved(one) for each in lists for one in options_of(self._resolved(each.get("items", True)))]

    @cached_property
    def _fields(self) -> frozenset[str]:
        objects = [each for each in [*self._options, *self._items] if isinstance(each, dict)]
        return frozenset(plain_name(name) for each in objects for name in each.get("properties", ()))

    @cached_property
    def _takes_any_keys(self) -> bool:
        return any(map(_is_open, self._options))

    @cached_property
    def _has_open_items(self) -> bool:
        return any(map(_is_open, self._items))

    def _unwrapped(self, value: Mapping[str, JSON]) -> Fit | None:
        """The one part of an object that is the answer; words beside it explain it."""
        named = [inner for key, inner in value.items() if plain_name(key) == "value"]
        whole = [inner for inner in value.values() if isinstance(inner, dict | list)]
        inside = named or whole or list(value.values())
        if not named and not whole and len(value) > 1:
            return None
        fits = [
            self._fit(inner, self._schema, "") for inner in inside if not isinstance(inner, dict) or self.knows(inner)
        ]
        right = [each for each in fits if each.is_right and not each.unclear]
        return right[0] if len(right) == 1 else None

    # -- by the kinds of schemas ----------------------------------------------------------------------------------

    def _fit(self, value: JSON, schema: Schema, words: str) -> Fit:
        key = (id(value), id(schema))
        if key not in self._done:
            fit = self._fitted(value, self._resolved(schema), words)
            self._done[key] = (value, schema, fit)  # both are kept, for else their ids could become another's
        return self._done[key][2]

    def _fitted(self, value: JSON, schema: Schema, words: str) -> Fit:
        if not isinstance(schema, dict):
            return Fit(plain(value), is_right=schema is not False)
        options = options_of(schema)
        if len(options) > 1:
            return self._one_of(value, options, words)
        schema = self._resolved(options[0])
        if "const" in schema or "enum" in schema:
            return self._allowed(value, schema.get("enum", [schema.get("const")]))
        match schema.get("type"):
            case "object":
                return self._object(value, schema)
            case "array":
                return self._list(value, schema, words)
            case "string":
                return self._text(value, schema)
            case "integer" | "number" as kind:
                return self._number(value, kind, words)
            case "decimal":
                return self._decimal(value, words)
            case "boolean":
                return self._boolean(value)
            case "null":
                return self._null(value)
            case _:
                return Fit(plain(value))

    def _resolved(self, schema: Schema) -> Schema:
        for _ in range(20):  # a reference to a reference, and never one to itself
            if not isinstance(schema, dict):
                break
            if "$ref" in schema:
                schema = self._definitions.get(str(schema["$ref"]).rpartition("/")[2], {})
            elif len(schema.get("allOf", ())) == 1:
                schema = schema["allOf"][0]
            else:
                break
        return schema

    def _one_of(self, value: JSON, options: Iterable[Schema], words: str) -> Fit:
        """The option that the value fits as it is, or the only one that it can be made to fit."""
        fits = [self._fit(value, each, words) for each in options]
        right = [each for each in fits if each.is_right and not each.unclear]
        for each in right:
            if is_same(each.value, value):
                return each
        if right and all(is_same(each.value, right[0].value) for each in right):
            return right[0]
        if right:
            return Fit(plain(value), is_right=False)
        unclear = next((each for each in fits if each.unclear), None)
        return unclear or Fit(plain(value), is_right=False)

    def _allowed(self, value: JSON, allowed: list[JSON]) -> Fit:
        if any(is_same(value, each) for each in allowed):
            return Fit(plain(value))
        if not self._converts:
            return Fit(plain(value), is_right=False)
        if isinstance(value, list) and len(value) == 1:
            return self._allowed(value[0], allowed)
        meant = [each for each in allowed if spoken(each) == spoken(value)] if not isinstance(value, dict) else []
        return Fit(meant[0]) if len(meant) == 1 else Fit(plain(value), is_right=False)

    def _object(self, value: JSON, schema: Schema) -> Fit:
        if not isinstance(value, dict):
            inner = self._inside(value, list_of_one=True)
            return Fit(plain(value), is_right=False) if inner is None else self._fit(inner, schema, "")
        fields: Mapping[str, Schema] = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        names, unclear = self._names(value, fields)
        required = schema.get("required", ())
        found: dict[str, JSON] = {}
        is_right = True
        for key, inner in value.items():
            name: str = names.get(key) or key
            field = fields.get(name, others)
            if inner is None and self._may_be_left_out(name, fields, required):
                continue
            part = self._fit(inner, field, f"{name} {_description(field)}")
            found[name] = part.value
            unclear += _inside_of(name, part)
            is_right = is_right and part.is_right
        is_right = is_right and all(name in found for name in required)
        return Fit(found, is_right=is_right, unclear=tuple(unclear))

    def _may_be_left_out(self, name: str, fields: Mapping[str, Schema], required: Iterable[str]) -> bool:
        """Whether null is no value of the field but says what its absence says."""
        is_optional = self._converts and name in fields and name not in required
        return is_optional and not self._fit(None, fields[name], "").is_right

    def _names(self, value: Mapping[str, JSON], fields: Mapping[str, Schema]) -> tuple[dict[str, str], list[Unclear]]:
        """The field that each strange key stands for, and the keys of which nobody can tell."""
        if value.keys() <= fields.keys():
            return {}, []
        strange: dict[str, list[str]] = {}
        for key in value:
            if key not in fields:
                strange.setdefault(plain_name(key), []).append(key)
        missing: dict[str, list[str]] = {}
        for name in fields:
            if name not in value and plain_name(name) in strange:
                missing.setdefault(plain_name(name), []).append(name)
        names: dict[str, str] = {}
        unclear: list[Unclear] = []
        for sound, wanted in missing.items():
            keys = strange[sound]
            if len(wanted) == 1 and all(is_same(value[key], value[keys[0]]) for key in keys):
                names.update(dict.fromkeys(keys, wanted[0]))
            else:
                unclear.append((wanted[0], f"it is not clear which is meant of {', '.join(map(repr, keys))}"))
        return names, unclear

    def _list(self, value: JSON, schema: Schema, words: str) -> Fit:
        items = schema.get("items", True)
        first = schema.get("prefixItems", [])
        if not isinstance(value, list):
            inner = self._inside(value, list_of_one=False)
            if isinstance(inner, list):
                return self._fit(inner, schema, words)
            if not self._converts or value is None or first or (isinstance(value, str) and _LISTED.search(value)):
                return Fit(plain(value), is_right=False)
            only = self._fit(value, items, words)
            return Fit([only.value], unclear=only.unclear) if only.is_right else Fit(plain(value), is_right=False)
        parts = [self._fit(item, first[at] if at < len(first) else items, words) for at, item in enumerate(value)]
        return Fit(
            [part.value for part in parts],
            is_right=all(part.is_right for part in parts) and len(parts) >= len(first),
            unclear=tuple(each for at, part in enumerate(parts) for each in _inside_of(str(at), part)),
        )

    def _inside(self, value: JSON, *, list_of_one: bool) -> JSON:
        """What is in a list of one, or in a text that is JSON itself; None for anything else."""
        if not self._converts:
            return None
        if list_of_one and isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
            return value[0]
        if isinstance(value, str) and _STRUCTURED.match(value):
            try:
                return loose_json.loads(value, keeps_digits=True)
            except ValueError:
                return None
        return None

    # -- values without parts -------------------------------------------------------------------------------------

    def _text(self, value: JSON, schema: Schema) -> Fit:
        form = schema.get("format", "")
        if isinstance(value, str):
            text = self._formal(value, form) if self._converts else value
            if form in _MOMENTS and is_small_number(text):
                return Fit(text, is_right=False, unclear=(("", f"{text!r} is no whole date"),))
            return Fit(text)
        if self._converts and isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
            return self._text(value[0], schema)
        if not isinstance(value, int | float):
            return Fit(plain(value), is_right=False)
        if form in _MOMENTS and is_small_number(value):
            return Fit(plain(value), is_right=False, unclear=(("", f"{value!r} is no whole date"),))
        if not self._converts or form in (*_MOMENTS, "time", "duration"):
            return Fit(plain(value))
        return Fit(str(value).casefold() if isinstance(value, bool) else getattr(value, "written", str(value)))

    def _formal(self, text: str, form: str) -> str:
        match form:
            case "date":
                moment = None if date_in(text) else date_and_time_in(text)
                return date_in(text) or (moment.partition("T")[0] if moment else text)
            case "date-time":
                return date_and_time_in(text) or text
            case "time":
                return time_in(text) or text
            case "uuid" | "path" | "file-path" | "directory-path":
                return text.strip().strip("`")
            case _:
                return text

    def _number(self, value: JSON, kind: str, words: str) -> Fit:
        if isinstance(value, bool):
            return Fit(value, is_right=False, unclear=(("", f"{value!r} is no number"),))
        if self._converts and isinstance(value, list) and len(value) == 1:
            return self._number(value[0], kind, words)
        if self._converts and isinstance(value, str):
            digits = digits_in(value, words=words, is_whole=kind == "integer")
            return Fit(value, is_right=False) if digits is None else self._number(plain_number(digits), kind, words)
        is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        return Fit(plain(value), is_right=isinstance(value, int | float) and (kind == "number" or is_whole))

    def _decimal(self, value: JSON, words: str) -> Fit:
        """A number of which every digit counts, so that it is given as text."""
        if isinstance(value, loose_json.WrittenFloat):
            return Fit(value.written)
        if self._converts and isinstance(value, str) and (digits := digits_in(value, words=words)):
            return Fit(digits)
        return self._number(value, "number", words)

    def _boolean(self, value: JSON) -> Fit:
        if self._converts and isinstance(value, list) and len(value) == 1:
            return self._boolean(value[0])
        if self._converts and isinstance(value, str) and (said := yes_or_no(value)) is not None:
            return Fit(said)
        return Fit(plain(value), is_right=isinstance(value, bool))

    def _null(self, value: JSON) -> Fit:
        nothing = (isinstance(value, str) and value.strip().casefold() in NONE) or (
            isinstance(value, float) and math.isnan(value)
        )
        return Fit(None) if self._converts and nothing else Fit(plain(value), is_right=value is None)


def options_of(schema: Schema) -> list[Schema]:
    """The schemas of which one has to fit; of most there is only one, itself."""
    if not isinstance(schema, dict):
        return [schema]
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return [{**schema, "type": kind} for kind in kinds]
    options: list[Schema] = schema.get("anyOf") or schema.get("oneOf") or [schema]
    return options


def _is_open(schema: Schema) -> bool:
    """Whether an object with any keys fits."""
    if not isinstance(schema, dict) or not schema.keys() & {"type", "enum", "const"}:
        return True
    return schema.get("type") == "object" and not schema.get("properties")


def _inside_of(name: str, part: Fit) -> list[Unclear]:
    return [(f"{name}.{path}" if path else name, why) for path, why in part.unclear]


def _description(schema: Schema) -> str:
    return str(schema.get("description", "")) if isinstance(schema, dict) else ""

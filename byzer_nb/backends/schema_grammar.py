"""A JSON schema as the grammar to which an answer is held.

The JSON is written as models learn to write it, on one line with `, ` and `: `, and an object has its keys in the order
of the schema. Where a schema leaves room, the grammar is the stricter one:

- An object that lists its properties has no others, unless `additionalProperties` or the like says so: a small model
  would never stop inventing them.
- Of the options of an `anyOf`, those beyond the grammar engine are not on offer, as long as others are left.
- The options of a `oneOf` with a `discriminator` must carry it.

Two things are looser: `uniqueItems` is not watched, nor are names twice in an object whose keys are free; and a
`format` that the engine does not know is a remark. A keyword that cannot be held to is an error that names it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Never

from byzer_nb.errors import BadInputError
from byzer_nb.types import AnswerSchema

Schema = dict[str, Any]  # Any: JSON

_FORM = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
    "lenient": False,
    "coerce_one_of": False,
}
# Where schemas stand inside a schema; what stands elsewhere is data, also when it looks like one.
_BY_NAME = ("properties", "patternProperties", "$defs", "definitions")
_LISTED = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties")
_COMBINING = ("$ref", "anyOf", "oneOf", "allOf")
_DEFINITIONS = ("$defs", "definitions")

_SLIGHTLY = 1e-9
_MOST_ITEMS = 100_000  # all limits of all lists together; the engine writes each item out, into memory without end

# Characters of a pattern that stand for themselves, escaped ones too, but not those that are repeated or left out.
_LITERAL = re.compile(r"(?:(?:\\[^\w\s]|[^\\\[\](){}|.*+?^$])(?![*+?{]))+")

_HINT = "Leave it out of the schema, or ask without one and check the answer afterwards."


def grammar_of(schema: AnswerSchema) -> str:
    """The grammar of the answers that fit; `BadInputError` says what cannot be held to."""
    _check_items(schema)
    whole = _prepared(schema.schema, closes=not any(map(_is_mixed, _parts(schema.schema))))
    wrong = _fault(whole)
    if wrong:
        definitions = {key: whole[key] for key in _DEFINITIONS if key in whole}
        whole = _with_usable_options(whole, definitions)
        wrong = _fault(whole)
    if wrong:
        _refuse(schema.name, wrong)
    return _compiled(whole)


def _check_items(schema: AnswerSchema) -> None:
    limits = (part.get(key) for part in _parts(schema.schema) for key in ("minItems", "maxItems"))
    if sum(limit for limit in limits if isinstance(limit, int | float)) > _MOST_ITEMS:
        raise BadInputError(
            f"The lists of the schema {schema.name!r} may be too long for a local model.",
            hint=f"minItems and maxItems may be {_MOST_ITEMS:,} in all; leave out those that do not matter.",
        )


def literals_of(grammar: str) -> tuple[bytes, ...]:
    """The pieces of its patterns that stand for themselves, such as `.pdf` in `^[a-z]+[.]pdf$`."""
    whole: Schema = json.loads(grammar)["grammars"][0]["json_schema"]
    patterns = [part["pattern"] for part in _parts(whole) if isinstance(part.get("pattern"), str)]
    found = (piece.replace("\\", "") for pattern in patterns for piece in _LITERAL.findall(pattern))
    return tuple(dict.fromkeys(json.dumps(piece, ensure_ascii=False)[1:-1].encode() for piece in found))


def _prepared(schema: Schema, *, closes: bool) -> Schema:
    """The schema in the engine's words; `closes` says whether objects end with the properties that they list."""
    whole = _mapped(schema, lambda part: _prepared(part, closes=closes))
    whole.pop("uniqueItems", None)
    _narrow(whole)
    if "format" in whole and not _knows_format(str(whole["format"])):
        del whole["format"]
    tag = whole.get("discriminator")
    if isinstance(tag, dict) and "propertyName" in tag and isinstance(whole.get("oneOf"), list):
        whole["oneOf"] = [_with_required(option, tag["propertyName"]) for option in whole["oneOf"]]
    names = whole.get("properties")
    if closes and isinstance(names, dict) and names and not {"patternProperties", "additionalProperties"} & set(whole):
        whole |= {"additionalProperties": False} if set(names) >= set(whole.get("required", ())) else {}
    return whole


def _narrow(schema: Schema) -> None:
    """Move a whole bound that is not part of a short range a little inwards: the engine takes it for a part."""
    low, high = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    least, most = schema.get("minimum", low), schema.get("maximum", high)
    if not (isinstance(least, int | float) and isinstance(most, int | float) and 0 < most - least < 1):
        return
    if low == least and low == int(low):
        schema |= {"minimum": low + _SLIGHTLY}
        del schema["exclusiveMinimum"]
    if high == most and high == int(high):
        schema |= {"maximum": high - _SLIGHTLY}
        del schema["exclusiveMaximum"]


def _with_usable_options(schema: Schema, definitions: Schema) -> Schema:
    """The schema without those options that the engine cannot do, where others are left."""
    whole = _mapped(schema, lambda part: _with_usable_options(part, definitions))
    options = whole.get("anyOf")
    if isinstance(options, list):
        usable = [option for option in options if not isinstance(option, dict) or not _fault(definitions | option)]
        whole["anyOf"] = usable or options
    return whole


def _mapped(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """A copy with every schema directly inside it changed."""
    whole = dict(schema)
    for key, value in schema.items():
        if key in _BY_NAME and isinstance(value, dict):
            whole[key] = {name: change(part) if isinstance(part, dict) else part for name, part in value.items()}
        elif isinstance(value, list) and key in (*_LISTED, *_SINGLE):
            whole[key] = [change(part) if isinstance(part, dict) else part for part in value]
        elif isinstance(value, dict) and key in _SINGLE:
            whole[key] = change(value)
    return whole


def _parts(schema: Schema) -> Iterator[Schema]:
    """The schema and every one inside it."""
    inside: list[Schema] = []

    def keep(part: Schema) -> Schema:
        inside.append(part)
        return part

    _mapped(schema, keep)
    yield schema
    for part in inside:
        yield from _parts(part)


def _is_mixed(schema: Schema) -> bool:
    """Whether several schemas describe one object together, so that none of them alone knows all its properties."""
    own = "properties" in schema or "patternProperties" in schema
    return len(schema.get("allOf", ())) > 1 or sum(key in schema for key in _COMBINING) + own > 1


def _with_required(option: Any, name: str) -> Any:  # Any: a schema, or true or false
    if not isinstance(option, dict) or name in option.get("required", ()):
        return option
    return {**option, "required": [*option.get("required", ()), name]}


@lru_cache(maxsize=256)
def _knows_format(name: str) -> bool:
    return not _fault({"type": "string", "format": name})


def _fault(schema: Schema) -> str:
    """What the engine has against a schema, or nothing."""
    from llguidance import LLMatcher

    _, messages = LLMatcher.validate_grammar_with_warnings(_compiled(schema))
    return messages[0] if messages else ""


def _compiled(schema: Schema) -> str:
    from llguidance import LLMatcher

    return LLMatcher.grammar_from_json_schema(json.dumps(schema, ensure_ascii=False), overrides=_FORM)  # type: ignore[arg-type]  # its TypedDict


def _refuse(name: str, wrong: str) -> Never:
    first = wrong.splitlines()[0]
    if first.startswith("Unsatisfiable schema: "):
        raise BadInputError(
            f"No answer can fit the schema {name!r}: {first.removeprefix('Unsatisfiable schema: ')}.",
            hint="Is one of its limits the wrong way round?",
        )
    if first.startswith("Unimplemented keys: "):
        keywords = json.loads(first.removeprefix("Unimplemented keys: "))
        named = ", ".join(map(repr, sorted(keywords)))
        raise BadInputError(f"Answers of local models cannot be held to {named} in the schema {name!r}.", hint=_HINT)
    if first.startswith("regex parse error"):
        _, pattern, *_, reason = (line.strip() for line in wrong.splitlines())
        raise BadInputError(
            f"Answers of local models cannot be held to the 'pattern' {pattern!r} in the schema {name!r}: "
            f"{reason.removeprefix('error: ')}.",
            hint=_HINT,
        )
    if first.startswith("oneOf "):
        raise BadInputError(
            f"Answers of local models cannot be held to 'oneOf' in the schema {name!r}: its options overlap.",
            hint="Write anyOf, or give every option a property with a const of its own.",
        )
    raise BadInputError(f"Answers of local models cannot be held to the schema {name!r}: {first}.", hint=_HINT)

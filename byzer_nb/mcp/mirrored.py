"""Arguments that a server wants to see in the headers of a call too, where gateways read them."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

MARK = "x-mcp-header"
SAFE_INTEGER = 2**53 - 1

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PLAIN = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?")

Path = tuple[str, ...]


def mirrored_in(schema: Mapping[str, Any]) -> dict[Path, str]:  # Any: JSON
    """The header of each argument that has one, by its path; ValueError says what is wrong with them."""
    found = dict(_reachable(schema, ()))
    if len(found) != _marks(schema):
        raise ValueError(f"{MARK} stands where no argument is")
    names = [name.lower() for name in found.values()]
    if len(set(names)) != len(names):
        raise ValueError(f"two arguments have one {MARK}")
    return {path: f"Mcp-Param-{name}" for path, name in found.items()}


def headers_of(mirrored: Mapping[Path, str], arguments: Mapping[str, Any]) -> dict[str, str]:  # Any: JSON
    """The headers of one call."""
    headers = {}
    for path, header in mirrored.items():
        value: Any = arguments
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, bool):
            headers[header] = "true" if value else "false"
        elif isinstance(value, str) or (isinstance(value, int) and abs(value) <= SAFE_INTEGER):
            headers[header] = in_header(str(value))
    return headers


def in_header(text: str) -> str:
    """A text as a header may hold it."""
    is_marked = text.startswith("=?base64?") and text.endswith("?=")
    if _PLAIN.fullmatch(text) and not is_marked:
        return text
    return f"=?base64?{b64encode(text.encode('utf-8', 'replace')).decode()}?="


def _reachable(schema: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Arguments with a mark, down through objects alone."""
    if not isinstance(schema, dict):
        return
    if MARK in schema:
        name = schema[MARK]
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            raise ValueError(f"{MARK} is {name!r}, which is no name of a header")
        if not path or schema.get("type") not in ("string", "integer", "boolean"):
            raise ValueError(f"{MARK} {name!r} is not that of a text, an integer or a truth value")
        yield path, name
    properties = schema.get("properties")
    if isinstance(properties, dict):
        for name, inner in properties.items():
            yield from _reachable(inner, (*path, name))


def _marks(schema: Any) -> int:
    """How many marks there are anywhere."""
    if isinstance(schema, dict):
        own = MARK in schema and not isinstance(schema[MARK], dict)  # an argument of that very name is none
        return own + sum(_marks(inner) for inner in schema.values())
    return sum(_marks(inner) for inner in schema) if isinstance(schema, list) else 0

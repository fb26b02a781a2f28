"""Small questions about JSON values: whether two are the same, what a name is less its spelling."""

from __future__ import annotations

import math
import re
import unicodedata
from functools import lru_cache
from typing import Any, TypeAlias

from byzer_nb.prompts.loose_json import WrittenFloat, WrittenInt

JSON: TypeAlias = Any
EARLIEST = 100_000_000  # seconds; a smaller number in place of a date is a year, and nobody's timestamp


def plain(value: JSON) -> JSON:
    """The value with ordinary numbers, that remember nothing."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, WrittenInt):
        return int(value)
    return float(value) if isinstance(value, WrittenFloat) else value


@lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """A name less what differs between the ways of writing it: `first_name`, `firstName`, `First Name`."""
    return re.sub(r"[\s_\-.]+", "", unicodedata.normalize("NFKC", name)).casefold()


def is_small_number(value: JSON) -> bool:
    """Whether pydantic would take it for seconds since 1970, though it is a year or the like."""
    if isinstance(value, str):
        text = value.strip().removeprefix("-")
        return text.replace(".", "", 1).isdecimal() and float(text) < EARLIEST
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < EARLIEST


def is_same(one: JSON, other: JSON) -> bool:
    """Equal in JSON's sense, where true is no 1."""
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other):
        return True
    return (type(one) is type(other) and one == other) or (_is_number(one) and _is_number(other) and bool(one == other))


def _is_number(value: JSON) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def spoken(value: JSON) -> str:
    """A choice as one would say it: `In Progress.` and `in_progress` are the same."""
    text = str(value).strip(" \t\r\n.。!！*`\"'“”‘’")
    return plain_name(text)

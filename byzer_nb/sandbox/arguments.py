"""Arguments as plain values that can be written down and made anew in another process.

A tuple stands for what is not plain: its first item says what the second was. Of objects their fields travel, not their
class: the function finds them by key and as attributes.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from numbers import Integral, Real
from typing import Any  # arguments may be anything
from uuid import UUID

from pydantic import BaseModel

from byzer_nb.errors import BadInputError, WrongTypeError

DEEPEST = 200  # levels of lists in lists; what writes and reads them has limits of its own further up


def travelling(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call as plain values; what cannot travel is told with its place."""
    plain = {}
    for name, value in arguments.items():
        if not isinstance(name, str):
            raise WrongTypeError(f"Arguments are given by name, and {name!r} is no name.")
        try:
            plain[name] = _plain(value, name, 0)
        except RecursionError:
            raise BadInputError(
                f"The argument {name!r} is nested too deeply for the sandbox.", hint="Does it contain itself?"
            ) from None
    return plain


def _plain(value: Any, place: str, depth: int) -> Any:
    if depth > DEEPEST:
        raise RecursionError
    depth += 1
    kind = type(value)
    if value is None or kind in (bool, int, float, complex, str, bytes):
        return value
    if isinstance(value, Enum):
        return _plain(value.value, place, depth)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, BaseModel):
        return "record", [(name, _plain(inner, f"{place}.{name}", depth)) for name, inner in value]
    if is_dataclass(value) and not isinstance(value, type):
        names = [each.name for each in fields(value)]
        return "record", [(name, _plain(getattr(value, name), f"{place}.{name}", depth)) for name in names]
    if isinstance(value, Mapping):
        return "dict", [
            (_hashable(key, place, depth), _plain(inner, f"{place}[{key!r}]", depth)) for key, inner in value.items()
        ]
    if isinstance(value, list | tuple):
        name = "list" if isinstance(value, list) else "tuple"
        return name, [_plain(inner, f"{place}[{number}]", depth) for number, inner in enumerate(value)]
    if isinstance(value, set | frozenset):
        return ("set" if isinstance(value, set) else "frozenset"), [_hashable(inner, place, depth) for inner in value]
    return _standard(value, place)


def _hashable(value: Any, place: str, depth: int) -> Any:
    """A key or an item of a set; an object becomes a dict over there, which can be neither."""
    if isinstance(value, BaseModel) or (is_dataclass(value) and not isinstance(value, type)):
        raise WrongTypeError(
            f"{place} holds a {type(value).__qualname__!r} as a key or in a set, and dicts can be neither.",
            hint="Of an object its fields are handed over, as a dict. Hand over a list of them.",
        )
    return _plain(value, place, depth)


def _standard(value: Any, place: str) -> Any:
    """A value of a class of the standard library."""
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if isinstance(value, Decimal | UUID):
        return ("Decimal" if isinstance(value, Decimal) else "UUID"), str(value)
    if isinstance(value, Fraction):
        return "Fraction", (value.numerator, value.denominator)
    if isinstance(value, datetime.datetime):  # also a date, so it comes first
        return "datetime", (value.isoformat(), getattr(value.tzinfo, "key", None))
    if isinstance(value, datetime.date):
        return "date", value.isoformat()
    if isinstance(value, datetime.time):
        return "time", value.isoformat()
    if isinstance(value, datetime.timedelta):
        return "timedelta", (value.days, value.seconds, value.microseconds)
    if isinstance(value, Integral | Real):  # numpy's numbers
        return int(value) if isinstance(value, Integral) else float(value)
    raise WrongTypeError(
        f"{place} is of the type {type(value).__qualname__!r}, which cannot be handed to code in the sandbox.",
        hint="Hand over numbers, strings, bytes, dates, lists, dicts, dataclasses or pydantic models.",
    )

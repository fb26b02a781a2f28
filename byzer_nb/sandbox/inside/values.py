"""Arguments on the way in and results on the way out."""

from __future__ import annotations

from typing import Any  # the values of a function may be anything


class Verdict(Exception):  # noqa: N818  # not only errors end a run
    """The end of a run, with the reason that the parent is told."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Record(dict[str, Any]):
    """The fields of an object from outside, by key and as attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"there is no field {name!r}", name=name, obj=self) from None


def rebuilt(value: Any) -> Any:
    """An argument as it was before it travelled; a tuple says what comes after its first item."""
    if type(value) is not tuple:
        return value
    kind, inner = value
    if kind == "list":
        return [rebuilt(item) for item in inner]
    if kind == "tuple":
        return tuple(rebuilt(item) for item in inner)
    if kind == "set":
        return {rebuilt(item) for item in inner}
    if kind == "frozenset":
        return frozenset(rebuilt(item) for item in inner)
    if kind == "dict":
        return {rebuilt(key): rebuilt(item) for key, item in inner}
    if kind == "record":
        return Record((key, rebuilt(item)) for key, item in inner)
    return rebuilt_scalar(kind, inner)


def rebuilt_scalar(kind: str, inner: Any) -> Any:
    """A value of a class of the standard library, which is imported only for it."""
    if kind == "Decimal":
        from decimal import Decimal

        return Decimal(inner)
    if kind == "Fraction":
        from fractions import Fraction

        return Fraction(*inner)
    if kind == "UUID":
        from uuid import UUID

        return UUID(inner)
    import datetime

    if kind == "timedelta":
        return datetime.timedelta(*inner)
    if kind != "datetime":
        return getattr(datetime, kind).fromisoformat(inner)
    written, zone = inner
    moment = datetime.datetime.fromisoformat(written)
    if zone is None:
        return moment
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return moment.astimezone(ZoneInfo(zone))
    except ZoneInfoNotFoundError:  # it comes from a package that is not seen here; the offset is right all the same
        return moment


def json_text(value: Any) -> str:
    """A value as JSON; the json module would cost as much as all the rest of a start."""
    from _json import encode_basestring_ascii as quoted

    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if hasattr(type(value), "__members__"):
        return json_text(value.value)
    if isinstance(value, str):
        written: str = quoted(value)
        return written
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        shown = float.__repr__(value)
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(shown, shown)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key_text(key))}: {json_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ", ".join([json_text(item) for item in value]) + "]"
    return json_text(plain(value))


def key_text(key: Any) -> str:
    """A key of a dict as the string that JSON wants."""
    if hasattr(type(key), "__members__"):
        key = key.value
    if isinstance(key, str):
        return key
    if key is None or isinstance(key, bool | int | float):
        return json_text(key)
    return str(plain(key))


def plain(value: Any) -> Any:
    """What stands for a value of another class in JSON."""
    kind = type(value)
    if hasattr(kind, "model_dump"):
        return value.model_dump(mode="json")
    if hasattr(kind, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in kind.__dataclass_fields__}
    if hasattr(kind, "isoformat"):
        return value.isoformat()
    if hasattr(kind, "total_seconds"):
        return value.total_seconds()
    if hasattr(kind, "tolist"):
        return value.tolist()
    if kind.__module__ in ("decimal", "_pydecimal", "fractions", "uuid"):
        return str(value)
    if kind in (bytes, bytearray):
        return value.decode()
    raise Verdict("result", f"gave back a value of the type {kind.__name__!r}, which JSON cannot hold")

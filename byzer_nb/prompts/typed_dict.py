"""`typing.TypedDict` in the form that pydantic reads before Python 3.12."""

from __future__ import annotations

import sys
import types
import typing
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

import typing_extensions


def readable(wanted: Any, *, inside: tuple[Any, ...] = ()) -> Any:  # Any: a type in any of Python's forms
    """The same type, with every TypedDict in it as one of `typing_extensions`; one in itself is just a dict."""
    if sys.version_info >= (3, 12):
        return wanted
    if is_typeddict(wanted):
        if wanted in inside:
            return dict[str, Any]
        hints = get_type_hints(wanted, include_extras=True)
        fields = {name: readable(each, inside=(*inside, wanted)) for name, each in hints.items()}
        make: Any = typing_extensions.TypedDict  # Any: type checkers know it as a statement only
        return make(wanted.__name__, fields, total=wanted.__total__)
    inner = get_args(wanted)
    if get_origin(wanted) in (typing.Literal, typing.Annotated) or not any(map(_holds_one, inner)):
        return wanted
    changed = tuple(readable(each, inside=inside) for each in inner)
    if get_origin(wanted) in (typing.Union, types.UnionType):
        return typing.Union[changed]  # noqa: UP007  # its members are only known here
    return get_origin(wanted)[changed]


def _holds_one(wanted: Any) -> bool:
    return is_typeddict(wanted) or any(map(_holds_one, get_args(wanted)))

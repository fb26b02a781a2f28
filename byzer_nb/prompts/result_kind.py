"""What the return annotation of a prompt function asks for."""

from __future__ import annotations

import collections.abc
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from byzer_nb.errors import PromptError

_STREAMS = (collections.abc.Generator, collections.abc.Iterator, collections.abc.Iterable)
_ASYNC_STREAMS = (collections.abc.AsyncGenerator, collections.abc.AsyncIterator, collections.abc.AsyncIterable)

Scope = Mapping[str, Any]  # Any: what names stand for


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultKind:
    """Text, an instance of `model`, or text in pieces."""

    model: type[BaseModel] | None = None
    streams: bool = False
    is_async_stream: bool = False


TEXT = ResultKind()


def result_kind(function: Callable[..., object], *, name: str, scope: Scope | None = None) -> ResultKind:
    """The kind of result that the annotation names; none counts as text.

    An annotation that is written as text is looked up in `scope`, which `names_around` gives, and in the module.
    """
    wanted = _annotation(function, name, names_around(function) if scope is None else scope)
    if any(wanted is text for text in (inspect.Signature.empty, str, None, types.NoneType)):
        return TEXT
    if _is_model(wanted):
        return ResultKind(model=wanted)
    origin = typing.get_origin(wanted) or wanted
    inner = typing.get_args(wanted)
    if origin in _STREAMS + _ASYNC_STREAMS and (not inner or inner[0] is str):
        return ResultKind(streams=True, is_async_stream=origin in _ASYNC_STREAMS)
    if origin in (typing.Union, types.UnionType):  # `Story | None` says honestly that parsing can fail
        models = [each for each in inner if each is not types.NoneType]
        if len(models) == 1 and _is_model(models[0]):
            return ResultKind(model=models[0])
    raise PromptError(
        f"prompt function {name} should return a pydantic model or string, not {wanted!r}.",
        hint="Annotate it with str, Generator[str, None, None] or a class, or use with_return_type(...).",
    )


def names_around(function: Callable[..., object]) -> dict[str, Any]:
    """The names of the functions and classes in which a function is being defined, the nearest first.

    An annotation that is text does not capture them, so they are looked at while they are there.
    """
    found: dict[str, Any] = {}
    module = getattr(function, "__globals__", None)
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals is module and frame.f_locals is not module:
            found = {**frame.f_locals, **found}
        frame = frame.f_back
    return found


def _is_model(wanted: Any) -> bool:
    # list[int] passes for a class, and only one without arguments can be asked for its bases.
    return isinstance(wanted, type) and typing.get_origin(wanted) is None and issubclass(wanted, BaseModel)


def _annotation(function: Callable[..., object], name: str, scope: Scope) -> Any:  # Any: an annotation can be anything
    raw = inspect.signature(function).return_annotation
    shim = types.SimpleNamespace(__annotations__={"return": raw})  # the other annotations may be for type checkers only
    try:
        return typing.get_type_hints(shim, getattr(function, "__globals__", {}), {**_captured(function), **scope})[
            "return"
        ]
    except (NameError, AttributeError, TypeError, SyntaxError) as unknown:
        raise PromptError(
            f"The return annotation {raw!r} of prompt function {name} cannot be understood: {unknown}",
            hint="Define or import the class before the function.",
        ) from unknown


def _captured(function: Callable[..., object]) -> dict[str, Any]:
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    found = {}
    for name, cell in zip(names, getattr(function, "__closure__", None) or (), strict=False):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # still empty: it is filled when the class around the function is done
            continue
    return found

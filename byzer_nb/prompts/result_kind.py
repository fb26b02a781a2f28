"""What the return annotation of a prompt function asks for."""

from __future__ import annotations

import collections.abc
import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from byzer_nb.errors import PromptError

_STREAMS = (collections.abc.Generator, collections.abc.Iterator, collections.abc.Iterable)
_ASYNC_STREAMS = (collections.abc.AsyncGenerator, collections.abc.AsyncIterator, collections.abc.AsyncIterable)


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultKind:
    """Text, an instance of `model`, or text in pieces."""

    model: type[BaseModel] | None = None
    streams: bool = False
    is_async_stream: bool = False


def result_kind(function: Callable[..., object], *, name: str) -> ResultKind:
    """The kind of result that the annotation names; none counts as text."""
    wanted = _annotation(function, name)
    if wanted is inspect.Signature.empty or wanted is str or wanted is None:
        return ResultKind()
    if isinstance(wanted, type) and not isinstance(wanted, types.GenericAlias) and issubclass(wanted, BaseModel):
        return ResultKind(model=wanted)
    origin = typing.get_origin(wanted) or wanted
    if origin in _STREAMS or origin in _ASYNC_STREAMS:
        pieces = typing.get_args(wanted)
        if not pieces or pieces[0] is str:
            return ResultKind(streams=True, is_async_stream=origin in _ASYNC_STREAMS)
    raise PromptError(
        f"prompt function {name} should return a pydantic model or string, not {wanted!r}.",
        hint="Annotate it with str, Generator[str, None, None] or a class, or use with_return_type(...).",
    )


def _annotation(function: Callable[..., object], name: str) -> Any:  # Any: an annotation can be anything
    raw = inspect.signature(function).return_annotation
    if not isinstance(raw, str):
        return raw
    scope = {**getattr(function, "__globals__", {}), **inspect.getclosurevars(function).nonlocals}
    try:
        return typing.get_type_hints(function, globalns=scope, localns=_locals_around(function))["return"]
    except NameError as unknown:
        raise PromptError(
            f"The return annotation {raw!r} of prompt function {name} names something unknown: {unknown}",
            hint="Define or import the class before the function is called.",
        ) from unknown


def _locals_around(function: Callable[..., object]) -> dict[str, Any]:
    """Names of the function in which a prompt function was defined; an annotation as text does not capture them."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals is getattr(function, "__globals__", None):
            return dict(frame.f_locals)
        frame = frame.f_back
    return {}

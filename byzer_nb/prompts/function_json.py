"""A function's signature as JSON, for prompts that tell a model what it may call."""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Callable
from typing import Any

from byzer_nb.errors import BadInputError, WrongTypeError

__all__ = ["serialize_function_to_json"]


def serialize_function_to_json(func: Callable[..., Any] | str) -> str:
    """Name, description and parameters of a function; a string is taken to be such JSON already.

    `Annotated[str, "what it is", {"enum": ["day", "week"]}]` describes a parameter and lists its values.
    """
    if isinstance(func, str):
        return func
    if not callable(func):
        raise WrongTypeError(f"A tool is a function or its JSON, not {func!r}.")
    name = getattr(func, "__name__", type(func).__name__)
    try:
        signature = inspect.signature(func)
    except ValueError as unknown:
        raise BadInputError(
            f"The parameters of {name!r} are not known: it is written in C.", hint="Wrap it in a function of your own."
        ) from unknown
    hints = hints_of(func, signature)
    properties = {
        parameter.name: _property(parameter, hints.get(parameter.name, Any))
        for parameter in signature.parameters.values()
        if parameter.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    }
    about = {
        "name": name,
        "description": inspect.getdoc(func) or "",
        "parameters": {"type": "object", "properties": properties},
    }
    return json.dumps(about, indent=2, ensure_ascii=False, default=str)


def hints_of(func: Callable[..., Any], signature: inspect.Signature) -> dict[str, Any]:
    """The annotations of a function's parameters, as values where that can be."""
    try:
        return typing.get_type_hints(func, include_extras=True)
    except (NameError, TypeError):  # an annotation that names something local, or a callable object
        given = {name: parameter.annotation for name, parameter in signature.parameters.items()}
        return {name: hint for name, hint in given.items() if hint is not inspect.Parameter.empty}


def _property(parameter: inspect.Parameter, hint: Any) -> dict[str, Any]:
    kind: Any = hint
    notes: list[Any] = []
    if typing.get_origin(hint) is typing.Annotated:
        kind, *notes = typing.get_args(hint)
    more = [note for note in notes if isinstance(note, dict)]
    words = [note for note in notes if isinstance(note, str)]
    described = [note["description"] for note in more if "description" in note]
    found: dict[str, Any] = {"type": _name_of(kind), "description": next(iter([*words, *described]), "")}
    for note in more:
        if "enum" in note:
            found["enum"] = list(note["enum"])
    if parameter.default is not inspect.Parameter.empty:
        found["default"] = parameter.default
    return found


def _name_of(kind: Any) -> str:
    if isinstance(kind, type) and typing.get_origin(kind) is None:
        return kind.__name__
    return kind if isinstance(kind, str) else str(kind)

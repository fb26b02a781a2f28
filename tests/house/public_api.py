"""The public surface of byzer_nb as text; `python -m tests.house.public_api` writes it down anew."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

import byzer_nb
from tests.house.tree import ROOT

GOLDEN = ROOT / "tests" / "golden" / "api.txt"


def surface() -> str:
    """One block a name, sorted: signatures of functions, public members of classes."""
    blocks = ["\n".join(_block(name, getattr(byzer_nb, name))) for name in sorted(byzer_nb.__all__)]
    return "\n".join(blocks) + "\n"


def _block(name: str, value: object) -> Iterator[str]:
    if inspect.isclass(value):
        bases = ", ".join(base.__name__ for base in value.__bases__ if base is not object)
        yield f"class {name}({bases})" if bases else f"class {name}"
        yield from (f"    {line}" for line in _members(value))
    elif callable(value):
        yield _function(name, value)
    else:
        yield f"{name}: {type(value).__name__}"


def _members(cls: type) -> Iterator[str]:
    """What an instance offers, also what it has from our own base classes."""
    ours = [base for base in cls.__mro__ if base.__module__.startswith("byzer_nb")]
    members = {name: value for base in reversed(ours) for name, value in vars(base).items()}
    for name, value in sorted(members.items(), key=lambda member: member[0]):
        if name.startswith("_") and name not in ("__init__", "__call__"):
            continue
        if isinstance(value, staticmethod | classmethod):
            yield f"{type(value).__name__} {_function(name, value.__func__)}"
        elif isinstance(value, property):
            yield f"property {name}"
        elif inspect.isfunction(value):
            yield _function(name, value)
        else:
            yield name  # a field, a constant: its value may change


def _function(name: str, value: Callable[..., object]) -> str:
    kind = "async def" if inspect.iscoroutinefunction(value) or inspect.isasyncgenfunction(value) else "def"
    signature = inspect.signature(value)
    parameters = [
        each.replace(default=_default(each.default), annotation=_written(each.annotation))
        for each in signature.parameters.values()
    ]
    shown = signature.replace(parameters=parameters, return_annotation=_written(signature.return_annotation))
    return f"{kind} {name}{shown}"


class _Text:
    """Prints itself without quotes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _written(annotation: object) -> object:
    return _Text(annotation) if isinstance(annotation, str) else annotation


def _default(value: object) -> object:
    """The default itself where it prints the same in every run, else dots."""
    is_plain = value is inspect.Parameter.empty or value == () or isinstance(value, bool | int | float | str | None)
    return value if is_plain else _Text("...")


if __name__ == "__main__":
    GOLDEN.write_text(surface(), encoding="utf-8")

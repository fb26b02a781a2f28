"""Types as a magic's line names them; such text is read, never run."""

from __future__ import annotations

import ast
import builtins
import typing
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping
from operator import getitem, or_
from types import ModuleType
from typing import Any

from byzer_nb._lang import say
from byzer_nb.errors import BadInputError, ByzerError, MissingExtraError

from ._suggestions import suggestion

FORMS = {name: getattr(typing, name) for name in ("Any", "Literal", "Optional", "Union")}
STREAMS = {kind.__name__: kind for kind in (AsyncGenerator, AsyncIterator, Generator, Iterator)}
KINDS = (type, typing.NewType, getattr(typing, "TypeAliasType", type))  # the last since Python 3.12
PLAIN = {name: kind for name, kind in vars(builtins).items() if isinstance(kind, type)}


def read_type(text: str, names: Mapping[str, Any]) -> Any:  # Any: a type in any of Python's forms
    """The type that an expression such as `list[Story]`, `int | None` or `shop.Order` names.

    Names come from the notebook, then from Python. Only names, attributes, `[...]`, `|`, None and the values of
    `Literal[...]` are read; whatever else could run code is refused.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError) as wrong:
        raise _no_type(text) from wrong
    return _Reader(text, names).type_of(tree.body)


class _Reader:
    """Walks over one expression; `text` and `names` are what it was given."""

    def __init__(self, text: str, names: Mapping[str, Any]) -> None:
        self._text = text
        self._names = names

    def type_of(self, node: ast.expr) -> Any:
        """The type that a part of the expression stands for."""
        if isinstance(node, ast.Constant) and node.value is None:
            return None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return self._made(or_, self.type_of(node.left), self.type_of(node.right))
        if isinstance(node, ast.Subscript):
            return self._with_arguments(node)
        found = self._value(node)
        if not _is_type(found):
            raise BadInputError(
                say(
                    en=f"{ast.unparse(node)!r} is a value and no type: {type(found).__name__}.",
                    zh=f"{ast.unparse(node)!r} 是一个值，不是类型：{type(found).__name__}。",
                ),
                hint=_examples(),
            )
        return found

    def _value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name):
            return self._named(node.id)
        if isinstance(node, ast.Attribute) and not node.attr.startswith("_"):
            owner = self._value(node.value)
            # Looking into a module or a class runs nothing; an object could answer with anything.
            if isinstance(owner, ModuleType | type) and hasattr(owner, node.attr):
                return getattr(owner, node.attr)
        raise _no_type(self._text)

    def _named(self, name: str) -> Any:
        for names in (self._names, PLAIN, FORMS, STREAMS):
            if name in names:
                return names[name]
        if name == "DataFrame":
            return _data_frame()
        known = [known for known, value in self._names.items() if _is_type(value)]
        raise BadInputError(
            say(en=f"No type is called {name!r}.", zh=f"没有叫 {name!r} 的类型。"),
            hint=suggestion(name, known, [*PLAIN, *FORMS, *STREAMS, "DataFrame"])
            + say(en="Define it in a cell above, or import it.", zh="请先在上面的单元格里定义或导入它。"),
        )

    def _with_arguments(self, node: ast.Subscript) -> Any:
        outer = self._value(node.value)
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if not _is_type(outer):
            raise _no_type(self._text)
        read = self._literal if outer is typing.Literal else self.type_of
        arguments = tuple(read(value) for value in inner)
        return self._made(getitem, outer, arguments if len(arguments) > 1 else arguments[0])

    def _literal(self, node: ast.expr) -> Any:
        try:
            return ast.literal_eval(node)
        except ValueError as wrong:
            raise _no_type(self._text) from wrong

    def _made(self, make: Any, *parts: Any) -> Any:
        try:
            return make(*parts)
        except (TypeError, LookupError) as wrong:
            raise _no_type(self._text) from wrong


def _data_frame() -> Any:
    try:
        from pandas import DataFrame
    except ModuleNotFoundError as missing:
        if missing.name != "pandas":
            raise  # it is there and itself lacks something: its own words are clearer
        raise MissingExtraError(
            "A data frame as an answer needs 'pandas', which is not installed.", hint="Run: pip install pandas"
        ) from missing
    return DataFrame


def _is_type(value: object) -> bool:
    """Classes, `list[int]`, `int | None`, `Literal["a"]`, `NewType`s and the forms above."""
    return (
        isinstance(value, KINDS)
        or typing.get_origin(value) is not None
        or any(value is form for form in FORMS.values())
    )


def _no_type(text: str) -> ByzerError:
    return BadInputError(say(en=f"{text!r} is no type.", zh=f"{text!r} 不是类型。"), hint=_examples())


def _examples() -> str:
    return say(
        en="For example: --as Story, --as list[Story], --as int", zh="例如：--as Story，--as list[Story]，--as int"
    )

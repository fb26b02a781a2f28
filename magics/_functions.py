"""Functions that a magic's line names: the tools of a prompt, and who allows their calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from byzer_nb._lang import say
from byzer_nb.errors import BadInputError

from ._suggestions import suggestion

Names: TypeAlias = Mapping[str, Any]  # Any: the notebook's variables


def read_tools(
    texts: Sequence[str], names: Names, *, hidden: Names
) -> list[Any]:  # Any: functions, and servers of tools
    """What `weather,convert` names: functions, lists of them, or MCP servers, which bring tools along.

    `hidden` are the names that are IPython's own, which nobody means.
    """
    from byzer_nb.mcp import McpServer
    from byzer_nb.prompts.tools import as_tools

    found: list[Any] = []
    for name in (part.strip() for text in texts for part in text.split(",")):
        if not name:
            raise BadInputError(
                say(en="--tools has an empty name in it.", zh="--tools 里有空的名字。"), hint=_example()
            )
        value = _named(name, names, hidden)
        found += value if isinstance(value, list | tuple) else [value]
        if not (callable(value) or isinstance(value, list | tuple | McpServer)):
            kind = type(value).__name__
            raise BadInputError(
                say(
                    en=f"{name!r} is no function that could be called, but of the type {kind}.",
                    zh=f"{name!r} 不是可以调用的函数，它的类型是 {kind}。",
                ),
                hint=_example(),
            )
    as_tools(found)  # what cannot be a tool is said before anybody is asked
    return found


def read_approval(
    name: str, names: Names, *, hidden: Names
) -> Callable[..., Any]:  # Any: a truth value, or its promise
    """The function of that name, which is asked before each call."""
    value: Callable[..., Any] = _named(name, names, hidden)
    if not callable(value):
        raise BadInputError(
            say(en=f"{name!r} cannot decide on calls: it is no function.", zh=f"{name!r} 不是函数，不能用来批准调用。"),
            hint=say(
                en="It takes a call and says whether it may be made: def allowed(call): return call.name != 'delete'",
                zh="它接受一个调用并返回是否允许：def allowed(call): return call.name != 'delete'",
            ),
        )
    return value


def _named(name: str, names: Names, hidden: Names) -> Any:
    first, *inside = name.split(".")
    if first not in names:
        known = [
            each
            for each, value in names.items()
            if not each.startswith("_") and callable(value) and not (each in hidden and hidden[each] is value)
        ]
        raise BadInputError(
            say(en=f"No function is called {name!r}.", zh=f"没有名为 {name!r} 的函数。"),
            hint=suggestion(name, known)
            + say(en="Define it in a cell above, with a docstring.", zh="请在上面的单元格里定义它，并写上文档字符串。"),
        )
    value = names[first]
    for each in inside:
        try:
            value = getattr(value, each)
        except AttributeError as missing:
            raise BadInputError(
                say(
                    en=f"{name!r} is not there: there is no {each!r} in it.", zh=f"找不到 {name!r}：里面没有 {each!r}。"
                ),
                hint=suggestion(each, [known for known in dir(value) if not known.startswith("_")]) + _example(),
            ) from missing
    return value


def _example() -> str:
    return say(en="For example: --tools weather,convert", zh="例如：--tools weather,convert")

"""A prompt function from a signature and a template, without a line of code run."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from typing import Any

from byzer_nb._lang import say
from byzer_nb.client import Client
from byzer_nb.errors import PromptError
from byzer_nb.prompts.function import PromptFunction
from byzer_nb.prompts.result_kind import result_kind
from byzer_nb.seed.prompting import prompt

from ._types import read_type

EXAMPLE = "tell_story(topic: str, words: int = 100) -> Story"


def define(body: str, *, client: Client, names: Mapping[str, Any]) -> PromptFunction[..., Any]:
    """The prompt function whose signature is the first line of the text, and whose template is the rest.

    Types come from `names` and from Python; defaults are literals.
    """
    first, _, template = body.strip("\n").partition("\n")
    written = _read_signature(first)

    def function(*_positional: object, **_named: object) -> None:
        """Nothing to do: the template takes the arguments."""

    function.__name__ = function.__qualname__ = written.name
    function.__module__ = "__main__"
    function.__doc__ = template
    function.__signature__ = _signature(written, names)  # type: ignore[attr-defined]  # what inspect looks for first
    result_kind(function, name=written.name)  # a result that no prompt function can have is refused here
    return prompt(llm=client)(function)


def _read_signature(line: str) -> ast.FunctionDef:
    signature = line.strip().removeprefix("def ").removesuffix(":")  # Python's own way to write it will do
    try:
        tree = ast.parse(f"def {signature}: pass")
    except (SyntaxError, ValueError) as wrong:
        raise _no_signature(line) from wrong
    match tree.body:
        case [ast.FunctionDef(body=[ast.Pass()]) as written]:
            return written
    raise _no_signature(line)


def _no_signature(line: str) -> PromptError:
    return PromptError(
        say(en=f"The first line is no signature: {line.strip()!r}", zh=f"第一行不是函数签名：{line.strip()!r}"),
        hint=say(en=f"For example: {EXAMPLE}", zh=f"例如：{EXAMPLE}"),
    )


def _signature(written: ast.FunctionDef, names: Mapping[str, Any]) -> inspect.Signature:
    arguments = written.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
    kind = inspect.Parameter
    parameters = [
        _parameter(
            each, default, kind.POSITIONAL_ONLY if each in arguments.posonlyargs else kind.POSITIONAL_OR_KEYWORD, names
        )
        for each, default in zip(positional, defaults, strict=True)
    ]
    if arguments.vararg:
        parameters.append(_parameter(arguments.vararg, None, kind.VAR_POSITIONAL, names))
    for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        parameters.append(_parameter(each, default, kind.KEYWORD_ONLY, names))
    if arguments.kwarg:
        parameters.append(_parameter(arguments.kwarg, None, kind.VAR_KEYWORD, names))
    result = inspect.Signature.empty if written.returns is None else _type(written.returns, names)
    try:
        return inspect.Signature(parameters, return_annotation=result)
    except ValueError as wrong:  # a name twice, which the parser lets through
        raise _no_signature(ast.unparse(written).removeprefix("def ").partition(":\n")[0]) from wrong


def _parameter(written: ast.arg, default: ast.expr | None, kind: Any, names: Mapping[str, Any]) -> inspect.Parameter:
    return inspect.Parameter(
        written.arg,
        kind,
        default=inspect.Parameter.empty if default is None else _literal(default),
        annotation=inspect.Parameter.empty if written.annotation is None else _type(written.annotation, names),
    )


def _type(written: ast.expr, names: Mapping[str, Any]) -> Any:  # Any: a type in any of Python's forms
    return read_type(ast.unparse(written), names)


def _literal(written: ast.expr) -> object:
    try:
        return ast.literal_eval(written)
    except ValueError as wrong:
        shown = ast.unparse(written)
        raise PromptError(
            say(en=f"The default {shown!r} is no literal.", zh=f"默认值 {shown!r} 不是字面量。"),
            hint=say(
                en="Write a number, a text, a list or None; anything else is given in the call.",
                zh="请写数字、字符串、列表或 None；其他值在调用时给出。",
            ),
        ) from wrong

"""Arguments from a YAML file: `--file`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from byzer_nb.cli.infer_params import InferParams, as_text, read_pairs, read_values
from byzer_nb.cli.messages import did_you_mean, say
from byzer_nb.cli.parser import Parser
from byzer_nb.errors import BadInputError

FROM_ENVIRONMENT = "ENV "
YES, NO = ("true", "yes", "1"), ("false", "no", "0", "")


def read_file(path: str, parser: Parser) -> dict[str, Any]:  # Any: each flag has a type of its own
    """The arguments of a file by the names that the parser gives them; a value of null is none."""
    known = {name.lstrip("-"): action for action in parser.flags() for name in action.option_strings}
    given = {}
    for key, value in _mapping(path).items():
        if key == "file" or value is None:
            continue
        if key not in known:
            raise _unknown(path, key, known)
        action = known[key]
        try:
            given[action.dest] = _as_flag(action, _rendered(path, key, value))
        except argparse.ArgumentTypeError as wrong:
            raise BadInputError(f"{path}: {key}: {wrong}", hint=_see_help(parser)) from None
    return given


def _mapping(path: str) -> Mapping[Any, Any]:
    import yaml  # with the heavier half of what reading arguments takes, and seldom needed

    try:
        held = yaml.safe_load(Path(path).expanduser().read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as unreadable:
        why = unreadable.strerror if isinstance(unreadable, OSError) else "UTF-8"
        raise BadInputError(
            say(en=f"The file {path!r} cannot be read: {why}.", zh=f"无法读取文件 {path!r}：{why}。"),
            hint=say(en="Give a YAML file after --file.", zh="请在 --file 后面写一个 YAML 文件。"),
        ) from None
    except yaml.YAMLError as wrong:
        mark = getattr(wrong, "problem_mark", None)
        line = say(en=f", line {mark.line + 1}", zh=f"第 {mark.line + 1} 行") if mark is not None else ""
        # What YAML says quotes the line, in which a key may stand.
        raise BadInputError(
            say(en=f"{path!r}{line} is no valid YAML.", zh=f"{path!r}{line}不是有效的 YAML。"), hint=_example()
        ) from None
    if held is None:
        return {}
    if not isinstance(held, Mapping):
        raise BadInputError(
            say(en=f"{path!r} holds no names with values.", zh=f"{path!r} 里不是“名称: 值”的形式。"), hint=_example()
        )
    return held


def _unknown(path: str, key: object, known: Mapping[str, argparse.Action]) -> BadInputError:
    names = [name for name, action in known.items() if action.help != argparse.SUPPRESS and name != "file"]
    return BadInputError(
        say(en=f"{path}: there is no argument {key!r}.", zh=f"{path}：没有名为 {key!r} 的参数。"),
        hint=did_you_mean(key, names) + say(en="Known: ", zh="可用的有：") + ", ".join(names),
    )


def _as_flag(action: argparse.Action, value: Any) -> Any:
    """The value as the flag would have read it."""
    if isinstance(action, InferParams):
        if isinstance(value, Mapping):
            return read_values(value)
        return read_pairs([as_text(each) for each in value] if isinstance(value, list) else [as_text(value)])
    if isinstance(value, Mapping | list):
        raise argparse.ArgumentTypeError(say(en="it takes one value.", zh="只需要一个值。"))
    text = as_text(value)
    if action.nargs == 0:
        if text.lower() not in YES + NO:
            raise argparse.ArgumentTypeError(say(en="it is true or false.", zh="只能是 true 或 false。"))
        return text.lower() in YES
    if action.choices is not None and text not in action.choices:
        choices = ", ".join(map(str, action.choices))
        raise argparse.ArgumentTypeError(say(en=f"it is one of {choices}.", zh=f"只能是 {choices} 之一。"))
    return action.type(text) if callable(action.type) else text


def _rendered(path: str, key: object, value: Any) -> Any:
    """The same value with every text filled in that begins with `ENV `, however deep it stands."""
    if isinstance(value, Mapping):
        return {inner: _rendered(path, inner, each) for inner, each in value.items()}
    if isinstance(value, list):
        return [_rendered(path, key, each) for each in value]
    if isinstance(value, str) and value.startswith(FROM_ENVIRONMENT):
        return _filled(path, key, value.removeprefix(FROM_ENVIRONMENT).strip())
    return value


def _filled(path: str, key: object, template: str) -> str:
    from jinja2 import StrictUndefined, UndefinedError
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(undefined=StrictUndefined)
    environment.globals.clear()  # a name that is no variable of the environment is a mistake
    try:
        return environment.from_string(template).render(dict(os.environ))
    except Exception as wrong:  # an expression in it may raise anything, and its words may quote a value
        why = str(wrong) if isinstance(wrong, UndefinedError) else type(wrong).__name__
        raise BadInputError(
            say(en=f"{path}: {key} cannot be filled in: {why}.", zh=f"{path}：{key} 无法从环境变量填入：{why}。"),
            hint=say(
                en="Set the variable first, and write it as: ENV {{NAME}}",
                zh="请先设置该环境变量，写法是：ENV {{NAME}}",
            ),
        ) from None


def _example() -> str:
    return say(en="For example: model: chat", zh="例如：model: chat")


def _see_help(parser: Parser) -> str:
    return say(en=f"All arguments: {parser.prog} --help", zh=f"全部参数：{parser.prog} --help")

"""An argument parser that speaks two languages and never quotes what may be a key."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, NoReturn

from byzer_nb.cli.messages import did_you_mean, say
from byzer_nb.types.masking import shown

# The sentences of argparse that can come up here; it translates them only where a catalogue is installed.
IN_CHINESE = (
    ("the following arguments are required: ", "缺少必需的参数："),
    (": expected one argument", "：需要一个值"),
    (": expected at least one argument", "：至少需要一个值"),
    ("argument ", "参数 "),
)


class Parser(argparse.ArgumentParser):
    """The arguments of one command. A mistake shows the usage and ends the process with 2."""

    def __init__(self, *, prog: str, description: str) -> None:
        super().__init__(
            prog=prog,
            description=description,
            add_help=False,
            allow_abbrev=False,
            formatter_class=_Formatter,
        )
        self._offers: dict[str, tuple[str, ...]] = {}
        self._positionals.title = say(en="arguments", zh="参数")
        self._optionals.title = say(en="flags", zh="选项")
        self.add_argument("-h", "--help", action="help", help=say(en="Show this text.", zh="显示这段说明。"))

    def flags(self) -> list[argparse.Action]:
        """Everything that can be given by name, aliases included."""
        return [action for action in self._actions if action.option_strings and action.dest != "help"]

    def words(self) -> list[argparse.Action]:
        """Everything that is given by its place."""
        return [action for action in self._actions if not action.option_strings]

    def offer(self, dest: str, values: Iterable[str]) -> None:
        """Values that a shell may complete an argument with, which takes others too."""
        self._offers[dest] = tuple(values)

    def values(self, action: argparse.Action) -> tuple[str, ...]:
        """The values that are known for an argument."""
        return tuple(map(str, action.choices or self._offers.get(action.dest, ())))

    def read(self, words: Sequence[str], *, beforehand: Mapping[str, Any] | None = None) -> argparse.Namespace:
        """What the words say, under what was known beforehand."""
        required = [action for action in self.flags() if action.required]
        for action in required:
            action.required = False  # or a misspelt flag would be told as a missing one
        given, beyond = self.parse_known_args(words)
        for action in required:
            action.required = True
        if beyond:
            self.refuse(beyond)
        vars(given).update(beforehand or {})
        missing = ", ".join(each.option_strings[0] for each in required if getattr(given, each.dest) is None)
        if missing:
            self.error(f"the following arguments are required: {missing}")
        return given

    def refuse(self, beyond: Sequence[str]) -> NoReturn:
        """End with the first flag that does not exist; its value is not quoted, for it may be a key."""
        known = [name for action in self.flags() for name in action.option_strings if action.help != argparse.SUPPRESS]
        flag = next((word.partition("=")[0] for word in beyond if word.startswith("-")), None)
        if flag is not None:
            near = did_you_mean(flag, known)
            self.error(say(en=f"There is no flag {shown(flag)}. {near}", zh=f"没有选项 {shown(flag)}。{near}").rstrip())
        count = len(beyond)
        self.error(
            say(
                en=f"{count} words too many; a text with spaces stands in quotes.",
                zh=f"多出了 {count} 个词；带空格的文字请加引号。",
            )
        )

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {say(en=message, zh=_in_chinese(message))}\n")


class _Formatter(argparse.HelpFormatter):
    """Usage and help, with the heading in the reader's language."""

    def __init__(self, prog: str, **options: Any) -> None:  # Any: newer Pythons pass more
        super().__init__(prog, max_help_position=32, **{"width": 100, **options})

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, say(en="usage: ", zh="用法：") if prefix is None else prefix)


def _in_chinese(message: str) -> str:
    for english, chinese in IN_CHINESE:
        message = message.replace(english, chinese)
    return message


def whole(text: str) -> int:
    """A whole number of at least 1."""
    if not text.strip().isascii() or not text.strip().isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            say(en=f"{shown(text)} is no whole number of at least 1.", zh=f"{shown(text)} 不是大于等于 1 的整数。")
        )
    return int(text)


def amount(text: str) -> float:
    """A number of at least 0."""
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number) or number < 0:
        raise argparse.ArgumentTypeError(
            say(en=f"{shown(text)} is no number of at least 0.", zh=f"{shown(text)} 不是大于等于 0 的数。")
        )
    return number

"""The options at the beginning of a magic's line, and the text after them exactly as it was typed."""

from __future__ import annotations

import re
from argparse import Action, ArgumentParser, Namespace
from collections.abc import Collection
from dataclasses import dataclass

from byzer_nb._lang import say
from byzer_nb.errors import BadInputError

from ._suggestions import suggestion

_OPTION = re.compile(r"--|-[A-Za-z]")  # so that a prompt may begin with a list or a negative number


@dataclass(frozen=True, kw_only=True, slots=True)
class Arguments:
    """What a line says: its options, and the rest, in which quotes, braces and backslashes stay as they are."""

    options: Namespace
    rest: str


def read_arguments(
    parser: ArgumentParser, line: str, *, later: Collection[str] = (), has_text: bool = True
) -> Arguments:
    """The options of a line up to its first word that is none; `--` ends them too.

    A value with spaces stands in quotes or in brackets: `--system "Be brief."`, `--as dict[str, int]`. A value that may
    be left out stands behind `=` where text may follow. Options that are promised for a `later` version are refused as
    that, and not taken for a slip.
    """
    known = {flag: action for action in parser._actions for flag in action.option_strings}
    more = say(en=f"All options with examples: %{parser.prog}?", zh=f"全部选项和例子：%{parser.prog}?")
    found: list[str] = []
    given: set[str] = set()
    words = _Words(line)
    while words.is_at_option() and (word := words.take()) != "--":
        flag, equals, value = word.partition("=")
        if flag in later:
            raise BadInputError(
                say(en=f"The option {flag} is not in this version.", zh=f"这个版本还没有选项 {flag}。"),
                hint=say(en="Leave it out. ", zh="请去掉它。") + more,
            )
        if flag not in known:
            raise BadInputError(
                say(en=f"%{parser.prog} has no option {flag!r}.", zh=f"%{parser.prog} 没有选项 {flag!r}。"),
                hint=suggestion(flag, known) + more,
            )
        takes_value = known[flag].nargs != 0
        may_lack_it = known[flag].nargs == "?"
        if takes_value and not equals and not (may_lack_it and (has_text or words.is_at_option())):
            value = words.take()
        if may_lack_it and not value:
            takes_value = bool(equals)
        if takes_value != bool(equals or value):
            raise BadInputError(
                say(en=f"The option {flag} has no value.", zh=f"选项 {flag} 没有值。")
                if takes_value
                else say(en=f"The option {flag} takes no value.", zh=f"选项 {flag} 不需要值。"),
                hint=more,
            )
        long_name = known[flag].option_strings[-1]
        if long_name in given and not _may_be_repeated(known[flag]):
            raise BadInputError(
                say(en=f"The option {flag} is given twice.", zh=f"选项 {flag} 写了两次。"),
                hint=say(en="Keep one of them. ", zh="请只保留一个。") + more,
            )
        given.add(long_name)
        found.append(f"{long_name}={_unquoted(value)}" if takes_value else long_name)
    return Arguments(options=parser.parse_args(found), rest=words.rest)


def _may_be_repeated(option: Action) -> bool:
    return option.nargs == 0 or type(option).__name__ == "_AppendAction"  # argparse names its kinds nowhere else


class _Words:
    """A line from which words are taken one by one; spaces inside quotes and brackets belong to a word."""

    def __init__(self, line: str) -> None:
        self.rest = line.strip()

    def is_at_option(self) -> bool:
        """Whether the next word looks like an option."""
        return _OPTION.match(self.rest) is not None

    def take(self) -> str:
        """The next word, or nothing at the end of the line."""
        end = _end_of_word(self.rest)
        word, self.rest = self.rest[:end], self.rest[end:].lstrip()
        return word


def _end_of_word(line: str) -> int:
    depth = 0
    quote = ""
    at = 0
    while at < len(line):
        character = line[at]
        if quote:
            if character == "\\":
                at += 1
            elif character == quote:
                quote = ""
        elif character in "\"'" and (depth or at == 0 or line[at - 1] == "="):
            quote = character
        elif character in "[{(":
            depth += 1
        elif character in ")}]":
            depth -= 1
        elif character.isspace() and depth <= 0:
            break
        at += 1
    if quote or depth > 0:
        raise BadInputError(
            say(en=f"A quote or a bracket is not closed: {line}", zh=f"引号或括号没有闭合：{line}"),
            hint=say(en="Close it, or put the whole value in quotes.", zh="请闭合它，或者给整个值加上引号。"),
        )
    return at


def _unquoted(value: str) -> str:
    quote = value[:1]
    if len(value) < 2 or quote not in "\"'" or value[-1] != quote:
        return value
    return value[1:-1].replace("\\" + quote, quote)

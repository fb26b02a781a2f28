"""`byzerllm completion bash|zsh|fish`: a script by which the shell completes commands, flags and their values."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Callable, Iterable

from byzer_nb.cli.completion_scripts import SCRIPTS, Flag, Typed
from byzer_nb.cli.messages import say
from byzer_nb.cli.parser import Parser
from byzer_nb.cli.program import Command, Program

PATHS = frozenset({"file", "output_file", "model_path", "keys", "models", "ssl_keyfile", "ssl_certfile"})


def completion_command(programs: Callable[[], Iterable[Program]]) -> Command:
    """The sub-command that prints a script for these programs, of which its own is one."""

    def run(given: Namespace) -> int:
        for program in programs():
            print(SCRIPTS[given.shell](program.name, typed(program)))
        return 0

    return Command(name="completion", about=_about, add_flags=_add_flags, run=run, is_plain=True)


def typed(program: Program) -> list[Typed]:
    """The parsers of a program, as far as a shell can use them."""
    return [_typed(program.parser(command), command) for command in program.commands]


def _about() -> str:
    return say(
        en='Print what makes the shell complete: eval "$(byzerllm completion bash)".',
        zh='打印 shell 自动补全脚本：eval "$(byzerllm completion bash)"。',
    )


def _add_flags(parser: Parser) -> None:
    parser.add_argument("shell", choices=tuple(SCRIPTS), help=say(en="The shell.", zh="shell 的名字。"))


def _typed(parser: Parser, command: Command) -> Typed:
    flags = tuple(
        Flag(
            name=name,
            about=action.help or "",
            takes_value=action.nargs != 0,
            is_path=action.dest in PATHS,
            values=parser.values(action),
        )
        for action in parser.flags()
        if action.help != argparse.SUPPRESS
        for name in action.option_strings
    )
    words = tuple(value for action in parser.words() for value in parser.values(action))
    return Typed(name=command.name, about=command.about(), flags=flags, words=words)

"""A console script: its sub-commands, and what a line of words means to it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import NoReturn

from byzer_nb.cli.messages import did_you_mean, say
from byzer_nb.cli.parser import Parser
from byzer_nb.cli.yaml_file import read_file
from byzer_nb.types.masking import shown

HELP, VERSION = ("-h", "--help"), "--version"


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A sub-command: what it takes, and what it does, which gives the exit code.

    One that is `plain` joins no cluster, so it takes none of the flags for that and shows no banner.
    """

    name: str
    about: Callable[[], str]
    add_flags: Callable[[Parser], None]
    run: Callable[[Namespace], int]
    takes_file: bool = False
    is_plain: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A script with sub-commands."""

    name: str
    about: Callable[[], str]
    commands: tuple[Command, ...]

    def read(self, words: Sequence[str]) -> tuple[Command, Namespace]:
        """The sub-command that is meant and its arguments; help and mistakes of usage end the process."""
        first, *rest = words or [""]
        if first in HELP:
            print(self.help())
            raise SystemExit(0)
        if first == VERSION:
            print(f"{self.name} {version('byzer_nb')}")
            raise SystemExit(0)
        command = next((each for each in self.commands if each.name == first), None)
        if command is None:
            self._refuse(first)
        parser = self.parser(command)
        from_file = {}
        asks_for_help = not set(HELP).isdisjoint(rest)
        if command.takes_file and not asks_for_help and (path := _file_in(rest, parser.prog)):
            from_file = read_file(path, parser)
        given = parser.read(rest, beforehand=from_file)
        return command, Namespace(command=command.name, **vars(given))

    def parser(self, command: Command) -> Parser:
        """The parser of one sub-command."""
        parser = Parser(prog=f"{self.name} {command.name}", description=command.about())
        if not command.is_plain:
            parser.add_argument(
                "--ray_address",
                default="auto",
                metavar="ADDRESS",
                help=say(
                    en="The cluster: auto (the one on this machine, started when there is none), host:port or "
                    "ray://host:port.",
                    zh="集群：auto（本机的集群，没有时会自动启动）、host:port 或 ray://host:port。",
                ),
            )
        command.add_flags(parser)
        if command.takes_file:
            parser.add_argument(
                "--file",
                metavar="FILE",
                help=say(
                    en="A YAML file whose keys are the names of flags; it wins over the flags of the line. A value "
                    "'ENV {{NAME}}' is taken from the environment.",
                    zh="YAML 文件，键就是选项的名字，优先于命令行上的选项。值写成 'ENV {{NAME}}' 时从环境变量读取。",
                ),
            )
        if not command.is_plain:
            parser.add_argument(
                "--json", action="store_true", help=say(en="Give the outcome as JSON.", zh="用 JSON 输出结果。")
            )
            parser.add_argument(
                "--debug", action="store_true", help=say(en="Show where an error happened.", zh="显示出错的位置。")
            )
        return parser

    def help(self) -> str:
        """What `--help` shows."""
        width = max(len(command.name) for command in self.commands)
        rows = [f"  {command.name:<{width}}  {command.about()}" for command in self.commands]
        more = say(
            en=f"All flags of a command: {self.name} COMMAND --help",
            zh=f"某个命令的全部选项：{self.name} 命令 --help",
        )
        return "\n".join([self._usage(), "", self.about(), "", say(en="commands:", zh="命令："), *rows, "", more])

    def _usage(self) -> str:
        return say(en=f"usage: {self.name} COMMAND [flags]", zh=f"用法：{self.name} 命令 [选项]")

    def _refuse(self, word: str) -> NoReturn:
        names = [command.name for command in self.commands]
        known = ", ".join(names)
        if not word:
            what = say(en=f"A command is missing: {known}.", zh=f"缺少命令：{known}。")
        else:
            near = did_you_mean(word, names)
            what = say(
                en=f"There is no command {shown(word)}. {near}Known: {known}.",
                zh=f"没有命令 {shown(word)}。{near}可用的有：{known}。",
            )
        self._end(what)

    def _end(self, what: str) -> NoReturn:
        parser = Parser(prog=self.name, description="")
        parser.exit(2, f"{self._usage()}\n{self.name}: {what}\n")


def _file_in(words: Sequence[str], prog: str) -> str | None:
    """The file that the words name; it is read first, because required flags may stand in it."""
    parser = Parser(prog=prog, description="")
    parser.add_argument("--file")
    path: str | None = parser.parse_known_args(words)[0].file
    return path

"""Completion scripts in the languages of three shells."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

AT_FIRST = ("--help", "--version")  # what can stand in the place of a command


@dataclass(frozen=True, kw_only=True, slots=True)
class Flag:
    """A flag as a shell sees it; `values` are those that it may offer."""

    name: str
    about: str
    takes_value: bool
    is_path: bool
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Typed:
    """A sub-command, and what can be typed after it: flags, and words by their place."""

    name: str
    about: str
    flags: tuple[Flag, ...]
    words: tuple[str, ...]


def _bash(program: str, commands: Sequence[Typed]) -> str:
    function = _function(program)
    values, flags = [], []
    for command in commands:
        for flag in command.flags:
            if flag.takes_value:  # without a reply bash offers files
                reply = f'COMPREPLY=($(compgen -W "{" ".join(flag.values)}" -- "$word"))' if flag.values else ":"
                values.append(f'        "{command.name} {flag.name}") {reply}; return ;;')
        words = " ".join([*command.words, *(flag.name for flag in command.flags), "--help"])
        flags.append(f'        {command.name}) COMPREPLY=($(compgen -W "{words}" -- "$word")) ;;')
    first = " ".join([*(command.name for command in commands), *AT_FIRST])
    return "\n".join(
        [
            f"{function}() {{",
            '    local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"',
            "    COMPREPLY=()",
            "    if [[ $COMP_CWORD -eq 1 ]]; then",
            f'        COMPREPLY=($(compgen -W "{first}" -- "$word"))',
            "        return",
            "    fi",
            '    case "${COMP_WORDS[1]} $before" in',
            *values,
            "    esac",
            '    case "${COMP_WORDS[1]}" in',
            *flags,
            "    esac",
            "}",
            f"complete -o bashdefault -o default -F {function} {program}",
        ]
    )


def _zsh(program: str, commands: Sequence[Typed]) -> str:
    function = _function(program)
    lines = [f"{function}() {{", "    local -a commands"]
    described = " ".join(_quoted(f"{command.name}:{command.about}") for command in commands)
    lines += [
        f"    commands=({described})",
        "    if (( CURRENT == 2 )); then",
        "        _describe command commands",
        "        return",
        "    fi",
        "    local command=$words[2]",
        "    shift words; (( CURRENT-- ))",
        '    case "$command" in',
    ]
    for command in commands:
        arguments = [_zsh_flag(flag) for flag in command.flags]
        arguments += [_quoted(f"1:word:({' '.join(command.words)})")] if command.words else []
        lines.append(f"        {command.name}) _arguments {' '.join(arguments)} ;;")
    return "\n".join([*lines, "    esac", "}", f"compdef {function} {program}"])


def _zsh_flag(flag: Flag) -> str:
    about = re.sub(r"([\[\]:])", r"\\\1", flag.about)
    value = f"({' '.join(flag.values)})" if flag.values else "_files" if flag.is_path else ""
    return _quoted(f"{flag.name}[{about}]" + (f":value:{value}" if flag.takes_value else ""))


def _fish(program: str, commands: Sequence[Typed]) -> str:
    lines = [f"complete -c {program} -f"]
    for command in commands:
        lines.append(f"complete -c {program} -n __fish_use_subcommand -a {command.name} -d {_fish_word(command.about)}")
        here = f"complete -c {program} -n '__fish_seen_subcommand_from {command.name}'"
        lines += [f"{here} -a {_fish_word(' '.join(command.words))}"] if command.words else []
        for flag in command.flags:
            takes = (" -r -F" if flag.is_path else " -x") if flag.takes_value else ""
            values = f" -a {_fish_word(' '.join(flag.values))}" if flag.values else ""
            lines.append(f"{here} -l {flag.name.lstrip('-')}{takes}{values} -d {_fish_word(flag.about)}")
    return "\n".join(lines)


def _function(program: str) -> str:
    return "_" + program.replace("-", "_")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_word(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SCRIPTS: Mapping[str, Callable[[str, Sequence[Typed]], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}

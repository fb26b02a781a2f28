"""What others see of a command: keys in its arguments do not stay in the list of processes.

Everybody on a machine can read the arguments of a process with `ps`, and Ray writes those of a driver into its table of
jobs. So a command that finds a key among its arguments begins once more, in the same process, with masked ones, and
takes the real ones out of a pipe. The key is to be seen for the moment that reading the arguments takes.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence

from byzer_nb.cli.banner import readable
from byzer_nb.types.secret import Secret

PIPE = "BYZER_NB_ARGUMENTS"  # the variable that names the pipe
PIPE_HOLDS = 60_000  # bytes that can surely be written before anybody reads


def own_words() -> tuple[list[str], bool]:
    """The arguments of this process, and whether others see them masked."""
    pipe = os.environ.pop(PIPE, "")
    if not pipe.isdigit():
        return sys.argv[1:], False
    with open(int(pipe), encoding="utf-8") as file:
        words: list[str] = json.load(file)
    return words, True


def begin_again_masked(words: Sequence[str], given: Namespace) -> None:
    """Replace this process by one with masked arguments; it returns only where that cannot be done."""
    held = json.dumps(list(words)).encode()
    if os.name != "posix" or len(held) > PIPE_HOLDS:
        return
    reading, writing = os.pipe()
    os.write(writing, held)
    os.close(writing)
    os.set_inheritable(reading, True)
    interpreter = sys.orig_argv[: len(sys.orig_argv) - len(sys.argv) + 1]
    environment = {**os.environ, PIPE: str(reading)}
    os.execve(sys.executable, [*interpreter, *masked_words(given)], environment)


def has_secrets(given: Namespace) -> bool:
    """Whether there is anything to hide among the arguments."""
    return next(secrets_in(given), None) is not None


def secrets_in(given: Namespace) -> Iterator[Secret]:
    """Every key among the arguments."""
    for value in vars(given).values():
        yield from _secrets(value)


def _secrets(value: object) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _secrets(each)


def masked_words(given: Namespace) -> list[str]:
    """The arguments as `ps` may show them; they are for people, nobody reads them again."""
    shown = dict(readable(given))
    return [str(shown.pop("command")), *(f"--{name}={value}" for name, value in shown.items() if value)]

"""The list of arguments at the start of a command, with every secret masked."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping

from byzer_nb.types.masking import MASK
from byzer_nb.types.secret import Secret, with_secrets

LINE = "-" * 50
WIDTH = 20
HIDDEN_WORDS = ("key", "secret", "token", "password")
# Switches that the documents do not have; they are listed only when they are given.
OWN_SWITCHES = frozenset({"interval", "json", "debug"})


def show_banner(given: Namespace) -> None:
    """Print it where it disturbs nobody: on stdout for a person, on stderr when a program reads stdout."""
    stream = sys.stdout if sys.stdout.isatty() else sys.stderr
    print(banner(given), file=stream, flush=True)


def banner(given: Namespace) -> str:
    """The whole text."""
    rows = [f"{name:<{WIDTH}}: {value}" for name, value in readable(given)]
    return "\n".join(["Command Line Arguments:", LINE, *rows, LINE])


def readable(given: Namespace) -> Iterator[tuple[str, object]]:
    """Every argument that anybody may see, with the values that nobody may see masked."""
    for name, value in vars(given).items():
        if value or name not in OWN_SWITCHES:
            yield name, masked(name, value)


def masked(name: str, value: object) -> object:
    """A value as it may be shown; pairs are written as they are typed."""
    if isinstance(value, Mapping):
        return " ".join(f"{key}={masked(key, each)}" for key, each in value.items())
    if isinstance(value, list):
        return [masked(name, each) for each in value]
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str):
        hides = bool(value) and any(word in name.lower() for word in HIDDEN_WORDS)
        value = MASK if hides else with_secrets({name: value})[name]  # also what is a secret by its look
    return MASK if isinstance(value, Secret) else value

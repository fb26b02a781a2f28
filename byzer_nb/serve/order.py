"""What a process is told to serve, as a file that it reads when it starts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from byzer_nb.serve.settings import ServeSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A gateway to be run. It holds the hashes of keys, and no key.

    `ray_address` is the cluster whose models answer, and nothing without one; `models` is a file of models that each
    process holds itself. One that `ends_with_its_parent` serves for as long as its standard input is open.
    """

    settings: ServeSettings
    ray_address: str = ""
    models: str = ""
    ends_with_its_parent: bool = False

    def write(self, path: Path) -> None:
        """Put it where only its owner reads it."""
        write_private(path, msgspec.json.encode(self))


def read_order(path: Path) -> Order:
    """An order that was written."""
    return msgspec.json.decode(path.read_bytes(), type=Order)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that nobody else can read; whoever reads it sees all of it or what was there before."""
    half = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    half.replace(path)

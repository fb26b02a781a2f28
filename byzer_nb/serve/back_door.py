"""A door of a serving process for its owner: what it counts and does, over a socket that nobody else can open.

There is one for each process of a gateway, in the gateway's folder. By them the one that is asked for metrics knows
those of all, and a notebook watches without a key.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

ASK_SECONDS = 2.0
LONGEST_PATH = 100  # bytes that fit into the address of such a socket everywhere
SUFFIX = ".door"

Answers = dict[str, Callable[[], Awaitable[bytes]]]


class BackDoor:
    """Answers one word a connection."""

    def __init__(self, path: Path, answers: Answers) -> None:
        self.path = path
        self._answers = answers
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen; a door of an earlier process at this place is taken down."""
        self.path.unlink(missing_ok=True)
        door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            with _address(self.path) as address:
                door.bind(address)
        finally:
            os.umask(before)
        self._server = await asyncio.start_unix_server(self._answer, sock=door)

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            self.path.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer = self._answers.get((await reader.readline()).decode().strip())
            if answer is not None:
                writer.write(await answer())
                await writer.drain()
        except (OSError, UnicodeDecodeError):
            pass  # whoever asked is gone, or is none of us
        finally:
            writer.close()


async def ask(path: Path, word: str) -> bytes | None:
    """What one process says; nothing when it does not answer."""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(ASK_SECONDS):
            with _address(path) as address:
                reader, writer = await asyncio.open_unix_connection(address)
            try:
                writer.write(f"{word}\n".encode())
                return await reader.read()
            finally:
                writer.close()
    return None


class Siblings:
    """The other processes of the same gateway."""

    def __init__(self, folder: Path | None = None, *, but: str = "") -> None:
        self._folder = folder
        self._but = but

    async def ask(self, word: str) -> list[bytes]:
        """What each of them says, as far as it answers."""
        if self._folder is None:
            return []
        doors = [door for door in sorted(self._folder.glob(f"*{SUFFIX}")) if door.name != self._but]
        said = await asyncio.gather(*(ask(door, word) for door in doors))
        return [each for each in said if each]


class _address:  # noqa: N801  # it is used like a function
    """An address for a path, also for one that is too long: by way of its folder, where the system can do that."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder = -1

    def __enter__(self) -> str:
        if len(os.fsencode(self._path)) <= LONGEST_PATH:
            return str(self._path)
        self._folder = os.open(self._path.parent, os.O_RDONLY)
        return f"/proc/self/fd/{self._folder}/{self._path.name}"

    def __exit__(self, *_: object) -> None:
        if self._folder >= 0:
            os.close(self._folder)

"""A door of a serving process for its owner: what it counts and does, over a socket that nobody else can open.

There is one for each process of a gateway, in the gateway's folder. By them the one that is asked for metrics knows
those of all, and a notebook watches without a key.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from types import MappingProxyType

ASK_SECONDS = 2.0
LONGEST_PATH = 100  # bytes that fit into the address of such a socket everywhere
SUFFIX = ".door"
OUTSIDE = -1  # the number of a process that is none of a gateway's
SIZE = 4  # bytes before each piece of a talk: how large it is; an empty one is the end

Answers = Mapping[str, Callable[[], Awaitable[bytes]]]
Talks = Mapping[str, Callable[[bytes], AsyncGenerator[bytes, None]]]


class BackDoor:
    """Answers one word a connection, or talks piece by piece about what is said behind the word."""

    def __init__(self, path: Path, answers: Answers, talks: Talks = MappingProxyType({})) -> None:
        self.path = path
        self._answers = answers
        self._talks = talks
        self._talking: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._file = 0  # which one it is, among all that may come to stand at this path

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
        self._file = self.path.stat().st_ino
        self._server = await asyncio.start_unix_server(self._answer, sock=door)

    async def close(self) -> None:
        """Listen no more. The door of a process that has taken this place meanwhile stays."""
        if self._server is not None:
            self._server.close()
            with suppress(FileNotFoundError):
                if self.path.stat().st_ino == self._file:
                    self.path.unlink()

    async def quiet(self, seconds: float) -> None:
        """Wait for the end of the talks that go on, so long at most."""
        if self._talking:
            await asyncio.wait(self._talking, timeout=seconds)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            name, _, words = (await reader.readline()).rstrip().partition(b" ")
            answer, talk = self._answers.get(name.decode()), self._talks.get(name.decode())
            if answer is not None:
                writer.write(await answer())
                await writer.drain()
            elif talk is not None:
                await self._talk(talk(words), reader, writer)
        except (OSError, UnicodeDecodeError, ValueError):
            pass  # whoever asked is gone, or is none of us
        finally:
            writer.close()

    async def _talk(
        self, pieces: AsyncGenerator[bytes, None], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Say all pieces, unless whoever listens leaves."""
        talking = asyncio.create_task(_say(pieces, writer))
        self._talking.add(talking)
        talking.add_done_callback(self._talking.discard)
        leaving = asyncio.create_task(reader.read())
        try:
            await asyncio.wait((talking, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            talking.cancel()
        with suppress(asyncio.CancelledError):
            await talking


async def _say(pieces: AsyncGenerator[bytes, None], writer: asyncio.StreamWriter) -> None:
    async with aclosing(pieces):
        async for piece in pieces:
            writer.write(len(piece).to_bytes(SIZE) + piece)
            await writer.drain()
    writer.write(bytes(SIZE))
    await writer.drain()


async def converse(path: Path, word: str, words: bytes) -> AsyncGenerator[bytes, None]:
    """The pieces that one process says, to their end; one that breaks off is an `EOFError` or a `ConnectionError`."""
    with _address(path) as address:
        reader, writer = await asyncio.open_unix_connection(address)
    try:
        writer.write(f"{word} ".encode() + words + b"\n")
        while size := int.from_bytes(await reader.readexactly(SIZE)):
            yield await reader.readexactly(size)
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
    """The other processes of the same gateway; `worker` is the number of this one."""

    def __init__(self, folder: Path | None = None, *, worker: int = 0) -> None:
        self._folder = folder
        self.worker = worker

    def door(self, worker: int) -> Path | None:
        """The back door of the one with a number, unless that is this one."""
        return None if self._folder is None or worker == self.worker else self._folder / f"{worker}{SUFFIX}"

    async def ask(self, word: str) -> list[bytes]:
        """What each of them says, as far as it answers."""
        if self._folder is None:
            return []
        doors = [door for door in sorted(self._folder.glob(f"*{SUFFIX}")) if door.name != f"{self.worker}{SUFFIX}"]
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

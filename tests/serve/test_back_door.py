"""The doors by which the processes of a gateway hear of each other."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest

from byzer_nb.serve.back_door import BackDoor, ask, converse

pytestmark = pytest.mark.contract("SERVE-01")


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """Where the door is, which nobody else can open."""
    path = tmp_path / "0.door"
    yield path
    assert not path.exists()


def door_at(path: Path, says: bytes) -> BackDoor:
    """A door that says the same to everybody, and piece by piece what it is told, until it is told to fail."""

    async def answer() -> bytes:
        return says

    async def talk(words: bytes) -> AsyncGenerator[bytes, None]:
        for word in words.split():
            if word == b"fail":
                raise OSError
            yield word

    return BackDoor(path, {"who": answer}, {"talk": talk})


async def test_a_door_that_closes_leaves_that_of_its_successor(path: Path) -> None:
    before, after = door_at(path, b"before"), door_at(path, b"after")
    await before.open()
    assert await ask(path, "who") == b"before"
    await after.open()
    await before.close()
    assert await ask(path, "who") == b"after"
    await after.close()


async def test_pieces_come_one_by_one_and_an_end_that_is_none_is_told(path: Path) -> None:
    door = door_at(path, b"")
    await door.open()
    assert [piece async for piece in converse(path, "talk", b"one two")] == [b"one", b"two"]
    assert [piece async for piece in converse(path, "talk", b"")] == []
    broken = converse(path, "talk", b"one fail two")
    assert await anext(broken) == b"one"
    with pytest.raises(EOFError):
        await anext(broken)
    await door.close()

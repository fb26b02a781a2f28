"""Models of its own for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from byzer_nb import ScriptedEngine
from byzer_nb._sync import run
from byzer_nb.client import LocalTransport
from byzer_nb.engines import ENGINES

Known = Callable[[str, type[ScriptedEngine]], None]


@pytest.fixture
def models() -> Iterator[LocalTransport]:
    transport = LocalTransport()
    yield transport
    run(transport.close())


@pytest.fixture
def known_as(monkeypatch: pytest.MonkeyPatch) -> Known:
    """A function that gives a class of engines a name for the time of a test."""

    def name(engine: str, cls: type[ScriptedEngine]) -> None:
        monkeypatch.setitem(ENGINES._found, engine, cls)

    return name

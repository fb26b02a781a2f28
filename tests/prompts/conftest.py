"""Models of its own for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from byzer_nb import Client, ScriptedEngine
from byzer_nb._sync import run
from byzer_nb.client import LocalTransport

Fixed = Callable[..., Client]


@pytest.fixture
def models() -> Iterator[LocalTransport]:
    transport = LocalTransport()
    yield transport
    run(transport.close())


@pytest.fixture
def engine() -> ScriptedEngine:
    """An engine that answers with the last words of the user."""
    return ScriptedEngine()


@pytest.fixture
def echo(models: LocalTransport, engine: ScriptedEngine) -> Client:
    """The client of that engine."""
    run(models.add("echo", engine))
    return Client(models, model="echo")


@pytest.fixture
def fixed(models: LocalTransport) -> Fixed:
    """A function that gives the client of a model which always answers the same."""

    def client(answer: str, name: str = "fixed") -> Client:
        run(models.add(name, ScriptedEngine(answer)))
        return Client(models, model=name)

    return client

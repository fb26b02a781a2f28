"""Engines for a stand-in, closed at the end of a test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from byzer_nb.engines import build
from byzer_nb.types import DeploySpec

Make = Callable[..., Any]  # Any: the engine's own class


@asynccontextmanager
async def making(name: str, **usual: Any) -> AsyncIterator[Make]:
    """Makes engines of that name; settings can be added or replaced, or taken away with None."""
    made: list[Any] = []

    def make(**settings: Any) -> Any:
        made.append(build(DeploySpec(name="chat", engine=name, settings={"max_retries": 0, **usual, **settings})))
        return made[-1]

    yield make
    for engine in made:
        await engine.close()

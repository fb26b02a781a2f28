"""Prompt functions of a few kinds, and models that say what a test wants."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

from pydantic import BaseModel

from byzer_nb import Client, ScriptedEngine, prompt
from byzer_nb._sync import run
from byzer_nb.client import LocalTransport
from byzer_nb.providers.scripted import CAPABILITIES
from byzer_nb.types import Capabilities, Reply


@prompt()
def tell(about: str) -> str:
    """Tell me about {{ about }}."""


@prompt()
def stream(about: str) -> Generator[str, None, None]:
    """Tell me about {{ about }}."""


@prompt()
def stream_async(about: str) -> AsyncGenerator[str, None]:
    """Tell me about {{ about }}."""


@prompt()
def write() -> str:
    """Write a long story about a fox."""


class Story(BaseModel):
    """A story."""

    title: str


@prompt()
def story(about: str) -> Story:
    """Tell me about {{ about }}."""


class Sayings:
    """A client of an engine that says these things one after the other."""

    def __init__(self, *said: Any, script: Any = None, able: Capabilities = CAPABILITIES) -> None:
        self.engine = ScriptedEngine(list(said) if script is None else script, capabilities=able)
        models = LocalTransport()
        run(models.add("sayings", self.engine))
        self.client = Client(models, model="sayings")

    def turns(self, call: int = -1) -> list[tuple[str, str]]:
        """What a call sent."""
        return [(turn.role, turn.text) for turn in self.engine.records[call].messages]


def both(sayings: Callable[[], Sayings], change: Callable[[Any], Any]) -> str:
    """What a function gives that answers whole, which has to be what one that streams gives, sync or async."""
    whole: str = change(tell.with_llm(sayings().client)).run("foxes")
    pieces = list(change(stream.with_llm(sayings().client)).run("foxes"))
    later, awaited = sayings().client, sayings().client

    async def collect() -> list[str]:
        return [piece async for piece in change(stream_async.with_llm(later)).aio("foxes")]

    assert "".join(pieces) == "".join(run(collect())) == run(change(tell.with_llm(awaited)).aio("foxes")) == whole
    assert "" not in pieces
    return whole


def cut(text: str) -> Reply:
    return Reply(text=text, finish_reason="length")

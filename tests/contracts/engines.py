"""Every engine that must hold the contract in `test_engine.py`; a new one is one line in `CASES`.

An engine whose words nobody can choose (real weights) is added with

    EngineCase(name="byzer-tiny (numpy)", make=built(make_numpy_tiny), traits=frozenset())

where `make_numpy_tiny` is a function without arguments that returns a ready engine; it may import what it needs inside,
and `is_available` keeps a case out where an optional package is missing.
"""

from __future__ import annotations

from atexit import register
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Literal

from byzer_nb.engines import build
from byzer_nb.providers.scripted import ScriptedEngine
from byzer_nb.types import DeploySpec, Engine
from tests.backends.speaking import speaking_engine
from tests.providers.vendors import VENDORS, Vendor
from tests.standins.vendor import Act
from tests.tiny_models import write_tiny_llama

# What an engine can do beyond the protocol.
# scriptable: `make(text)` gives an engine that answers every question with exactly that text.
Trait = Literal["scriptable"]

Make = Callable[[str], AbstractAsyncContextManager["Stage"]]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A ready engine, and where it can be seen from outside whether it still works on an answer.

    `counts_apart` says that it tells how many tokens were read and how many written, and not their sum alone;
    `most_stops` is how many stop strings it takes, `takes_blanks` whether it answers a question of blanks alone, and
    `speaks_long` whether an answer may be longer than two thousand tokens.
    """

    engine: Engine
    counts_apart: bool = True
    most_stops: int = 2
    takes_blanks: bool = True
    speaks_long: bool = True
    is_busy: Callable[[], bool] | None = None


@dataclass(frozen=True, kw_only=True)
class EngineCase:
    """A way to get an engine. `make` is given the answer to speak; one that is not scriptable ignores it."""

    name: str
    make: Make
    traits: frozenset[Trait] = field(default_factory=frozenset)
    is_available: Callable[[], bool] = lambda: True


def built(build: Callable[[], Engine]) -> Make:
    """A `make` for an engine that says what it likes."""

    @asynccontextmanager
    async def make(reply: str) -> AsyncIterator[Stage]:
        engine = build()
        try:
            yield Stage(engine=engine)
        finally:
            await engine.close()

    return make


@asynccontextmanager
async def scripted(reply: str) -> AsyncIterator[Stage]:
    """The shipped fake, slow enough that it can be interrupted."""
    engine = ScriptedEngine(reply, token_delay=0.001 if len(reply) < 1000 else 0.0)
    yield Stage(engine=engine, is_busy=lambda: engine.running > 0)
    await engine.close()


def vendor(vendor: Vendor) -> Make:
    """A provider against a stand-in of the real thing."""

    @asynccontextmanager
    async def make(reply: str) -> AsyncIterator[Stage]:
        with vendor.standin() as standin:
            standin.always = Act(reply=reply, rate=1000 if len(reply) < 1000 else 0)
            engine = vendor.build(standin)
            yield Stage(
                engine=engine,
                counts_apart=vendor.counts_apart,
                most_stops=vendor.most_stops,
                takes_blanks=vendor.takes_blanks,
                speaks_long=vendor.speaks_long,
                is_busy=lambda: standin.busy > 0,
            )
            await engine.close()

    return make


@cache
def tiny_llama() -> Path:
    """A folder with a small Llama of random weights, for as long as the tests run."""
    folder = Path(mkdtemp(prefix="tiny-llama-"))
    register(rmtree, folder)
    return write_tiny_llama(folder)


@asynccontextmanager
async def chosen_words(reply: str) -> AsyncIterator[Stage]:
    """The loop that all local engines share, round a model that says what it is told to."""
    engine, _ = speaking_engine(tiny_llama(), reply, context_length=0, max_tokens=100_000)
    yield Stage(engine=engine)
    await engine.close()


def local(engine: str) -> Make:
    """Random weights on a local engine."""
    return built(lambda: build(DeploySpec(name="tiny", engine=engine, model_path=str(tiny_llama()))))


CASES: list[EngineCase] = [
    EngineCase(name="scripted", make=scripted, traits=frozenset({"scriptable"})),
    *(EngineCase(name=str(each), make=vendor(each), traits=frozenset({"scriptable"})) for each in VENDORS),
    EngineCase(name="local, chosen words", make=chosen_words, traits=frozenset({"scriptable"})),
    EngineCase(name="numpy", make=local("numpy")),
    EngineCase(
        name="transformers", make=local("transformers"), is_available=lambda: find_spec("transformers") is not None
    ),
]

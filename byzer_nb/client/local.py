"""Models inside this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import cache

from byzer_nb._registry import nearest
from byzer_nb.engines import build
from byzer_nb.errors import UnknownModelError, UnsupportedError
from byzer_nb.types import (
    ChatRequest,
    Delta,
    DeploySpec,
    EmbedReply,
    EmbedRequest,
    Embeds,
    Engine,
    ModelCard,
    Tokenizes,
)

BUNDLED = "byzer-tiny"


class LocalTransport:
    """Engines by name in this process. The bundled `byzer-tiny` is always there and loads on its first call.

    A name that is not found here is looked for in `beyond`, if there is one.
    """

    def __init__(self, *, beyond: LocalTransport | None = None) -> None:
        self._beyond = beyond
        self._engines: dict[str, Engine] = {}
        self._owned: set[str] = set()
        self._chosen = ""
        self._lock = threading.Lock()

    # -- what runs ------------------------------------------------------------------------------------------------

    async def deploy(self, spec: DeploySpec) -> Engine:
        """Build the engine of a spec and answer to its name; an engine of the same name is replaced."""
        engine = await asyncio.to_thread(build, spec)
        await self.undeploy(spec.name)
        self._owned.add(spec.name)
        self._engines[spec.name] = engine
        return engine

    async def add(self, name: str, engine: Engine) -> None:
        """Answer to a name with a ready engine, which whoever made it closes."""
        await self.undeploy(name)
        self._engines[name] = engine  # taken away first, so that the newest stands last

    async def undeploy(self, name: str) -> bool:
        """Forget the name, and close its engine if it was deployed here; false when there is none."""
        engine = self._engines.pop(name, None)
        if self._chosen == name:
            self._chosen = ""
        if engine is None:
            return False
        if name in self._owned:
            self._owned.discard(name)
            await engine.close()
        return True

    async def forget(self, engine: Engine) -> None:
        """Drop every name of an engine that its owner is about to close."""
        for name in [name for name, known in self._engines.items() if known is engine]:
            await self.undeploy(name)

    async def close(self) -> None:
        """Close every engine."""
        for name in list(self._engines):
            await self.undeploy(name)

    def __contains__(self, name: str) -> bool:
        return name in self._engines or (self._beyond is not None and name in self._beyond)

    def names(self) -> list[str]:
        """The deployed names, oldest first; the bundled model only when it has been used."""
        return [*self._engines, *(self._beyond.names() if self._beyond is not None else [])]

    def own_names(self) -> list[str]:
        """The names that live here and not beyond."""
        return list(self._engines)

    def choose(self, name: str) -> ModelCard:
        """Make a model the default one."""
        card = self.engine(name).describe()
        self._chosen = name
        return card

    def default_model(self) -> str:
        """The chosen model, else the newest deployed one, else the bundled one."""
        if self._chosen:
            return self._chosen
        deployed = [name for name in self._engines if name != BUNDLED]
        if deployed:
            return deployed[-1]
        return self._beyond.default_model() if self._beyond is not None else BUNDLED

    def engine(self, name: str) -> Engine:
        """The engine behind a name."""
        engine = self._engines.get(name)
        if engine is not None:
            return engine
        if self._beyond is not None:
            return self._beyond.engine(name)
        if name == BUNDLED:
            return self._bundled()
        known = [*self._engines, BUNDLED]
        raise UnknownModelError(
            f"Model {name} not deployed: no model of that name runs in this process.",
            hint=nearest(name, known) + "Running: " + ", ".join(known),
        )

    def _bundled(self) -> Engine:
        with self._lock:
            if BUNDLED not in self._engines:
                self._engines[BUNDLED] = build(DeploySpec(name=BUNDLED, engine=BUNDLED))
                self._owned.add(BUNDLED)
            return self._engines[BUNDLED]

    # -- Transport ------------------------------------------------------------------------------------------------

    async def models(self) -> list[str]:
        return self.names()

    async def describe(self, model: str) -> ModelCard:
        return self.engine(model).describe()

    async def chat(self, model: str, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        async with aclosing(self.engine(model).chat(request)) as deltas:
            async for delta in deltas:
                yield delta

    async def embed(self, model: str, request: EmbedRequest) -> EmbedReply:
        engine = self.engine(model)
        if not (isinstance(engine, Embeds) and engine.describe().capabilities.embed):
            raise UnsupportedError(
                f"The model {model!r} has no embedding service.", hint="Deploy an embedding model and name it."
            )
        return await engine.embed(request)

    async def tokenize(self, model: str, text: str) -> tuple[int, ...]:
        engine = self.engine(model)
        if not isinstance(engine, Tokenizes):
            raise UnsupportedError(f"The model {model!r} does not support tokenizer service.")
        return engine.tokenize(text)


@cache
def shared_models() -> LocalTransport:
    """The models that the whole process shares: what one cell deploys, the next one calls by name."""
    return LocalTransport()

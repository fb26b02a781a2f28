"""Models inside this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import cache

from byzer_nb._registry import nearest
from byzer_nb.client.governed import Governed
from byzer_nb.client.ready import check_engine, check_name, not_streaming
from byzer_nb.engines import build
from byzer_nb.errors import UnknownModelError
from byzer_nb.types import (
    ChatRequest,
    Delta,
    DeploySpec,
    DrawRequest,
    EmbedReply,
    EmbedRequest,
    Engine,
    Message,
    ModelCard,
    Picture,
    SpeakRequest,
    TranscribeRequest,
    Transcript,
)
from byzer_nb.types.abilities import able
from byzer_nb.types.policy import read_policy

BUNDLED = "byzer-tiny"


class LocalTransport:
    """Engines by name in this process. The bundled `byzer-tiny` is always there and loads on its first call.

    A name that is not found here is looked for in `beyond`, if there is one.
    """

    def __init__(self, *, beyond: LocalTransport | None = None) -> None:
        self._beyond = beyond
        self._engines: dict[str, Engine] = {}
        self._owned: set[str] = set()
        self._governed: dict[str, Governed] = {}
        self._chosen = ""
        self._lock = threading.Lock()

    # -- what runs ------------------------------------------------------------------------------------------------

    async def deploy(self, spec: DeploySpec) -> Engine:
        """Build the engine of a spec and answer to its name; an engine of the same name is replaced."""
        policy = read_policy(spec)
        building = asyncio.ensure_future(asyncio.to_thread(build, spec))
        try:
            engine = await asyncio.shield(building)
        except asyncio.CancelledError:
            building.add_done_callback(_close_unwanted)  # a thread cannot be stopped, and what it builds is not lost
            raise
        check_engine(engine)
        await self._put(spec.name, engine, is_owned=True)
        self._governed[spec.name] = Governed(policy)
        return engine

    async def add(self, name: str, engine: Engine, *, governed: Governed | None = None) -> None:
        """Answer to a name with a ready engine, which whoever made it closes; `governed` is the policy that it has."""
        check_name(name)
        check_engine(engine)
        await self._put(name, engine, is_owned=False)
        if governed is not None:
            self._governed[name] = governed

    async def _put(self, name: str, engine: Engine, *, is_owned: bool) -> None:
        self._governed.pop(name, None)
        old = self._engines.pop(name, None)  # taken away first, so that the newest stands last
        was_owned = name in self._owned
        self._engines[name] = engine
        self._owned.discard(name)
        if is_owned:
            self._owned.add(name)
        if old is not None and was_owned and old is not engine:
            await old.close()

    async def undeploy(self, name: str) -> bool:
        """Forget the name, and close its engine if it was deployed here; false when there is none."""
        engine = self._engines.pop(name, None)
        self._governed.pop(name, None)
        is_owned = name in self._owned
        self._owned.discard(name)
        if self._chosen == name:
            self._chosen = ""
        if engine is not None and is_owned:
            await engine.close()
        return engine is not None

    async def forget(self, engine: Engine) -> None:
        """Drop every name of an engine that its owner is about to close."""
        for name in [name for name, known in list(self._engines.items()) if known is engine]:
            self._owned.discard(name)
            await self.undeploy(name)

    async def close(self) -> None:
        """Close every engine; one that fails does not keep the others open."""
        closing = [self.undeploy(name) for name in list(self._engines)]
        outcomes = await asyncio.gather(*closing, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    def __contains__(self, name: str) -> bool:
        return name in self._engines or (name in self._beyond if self._beyond is not None else name == BUNDLED)

    def names(self) -> list[str]:
        """The deployed names, oldest first; the bundled model only when it has been used."""
        return list(dict.fromkeys([*self._engines, *(self._beyond.names() if self._beyond is not None else [])]))

    def own_names(self) -> list[str]:
        """The names that live here and not beyond."""
        return list(self._engines)

    def choose(self, name: str) -> ModelCard:
        """Make a model the default one."""
        card = self.engine(name).describe()
        self._chosen = name
        return card

    @property
    def chosen(self) -> str:
        """The model that somebody made the default one, or nothing."""
        return self._chosen if self._chosen in self else ""  # what stood beyond may have gone

    def default_model(self) -> str:
        """The chosen model, else the newest deployed one, else the bundled one."""
        if self.chosen:
            return self.chosen
        deployed = [name for name in list(self._engines) if name != BUNDLED]
        if deployed:
            return deployed[-1]
        return self._beyond.default_model() if self._beyond is not None else BUNDLED

    def engine(self, name: str) -> Engine:
        """The engine behind a name."""
        holder: LocalTransport | None = self
        while holder is not None:
            engine = holder._engines.get(name)
            if engine is not None:
                return engine
            if holder._beyond is None and name == BUNDLED:
                return holder._bundled()
            holder = holder._beyond
        known = list(dict.fromkeys([*self.names(), BUNDLED]))
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
        card = (await self._ready(model)).describe()
        governed = self.governed(model)
        return card if governed is None else governed.policy.on(card)

    def chat(self, model: str, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        deltas = self.engine(model).chat(request)
        if not hasattr(deltas, "aclose"):
            raise not_streaming(deltas, model=model)
        governed = self.governed(model)
        return deltas if governed is None or not governed.limit else governed.within(deltas)

    def governed(self, model: str) -> Governed | None:
        """The policy of a model that has one."""
        holder: LocalTransport | None = self
        while holder is not None:
            if model in holder._engines:
                return holder._governed.get(model)
            holder = holder._beyond
        return None

    async def embed(self, model: str, request: EmbedRequest) -> EmbedReply:
        embeds = able(await self._ready(model), "embed", name=model)
        await self._begin(model)
        reply: EmbedReply = await embeds.embed(request)
        if (governed := self.governed(model)) is not None:
            governed.spend(reply.usage)
        return reply

    async def speak(self, model: str, request: SpeakRequest) -> AsyncGenerator[bytes, None]:
        speaks = able(await self._ready(model), "speak", name=model)
        await self._begin(model)
        async with aclosing(speaks.speak(request)) as pieces:
            async for piece in pieces:
                yield piece

    async def transcribe(self, model: str, request: TranscribeRequest) -> Transcript:
        listens = able(await self._ready(model), "transcribe", name=model)
        await self._begin(model)
        words: Transcript = await listens.transcribe(request)
        return words

    async def draw(self, model: str, request: DrawRequest) -> tuple[Picture, ...]:
        draws = able(await self._ready(model), "draw", name=model)
        await self._begin(model)
        pictures: tuple[Picture, ...] = await draws.draw(request)
        return pictures

    async def tokenize(self, model: str, text: str) -> tuple[int, ...]:
        tokenizes = able(await self._ready(model), "tokenize", name=model)
        # Long texts take a while, and a gateway answers others meanwhile.
        ids: tuple[int, ...] = await asyncio.to_thread(tokenizes.tokenize, text)
        return ids

    async def detokenize(self, model: str, ids: tuple[int, ...]) -> str:
        tokenizes = able(await self._ready(model), "tokenize", name=model)
        text: str = await asyncio.to_thread(tokenizes.detokenize, ids)
        return text

    async def apply_template(self, model: str, messages: tuple[Message, ...]) -> str:
        tokenizes = able(await self._ready(model), "tokenize", name=model)
        text: str = await asyncio.to_thread(tokenizes.apply_template, messages)
        return text

    async def _begin(self, model: str) -> None:
        """Wait until the policy of a model allows one more request."""
        if (governed := self.governed(model)) is not None:
            await governed.begin()

    async def _ready(self, name: str) -> Engine:
        """The engine behind a name; the weights of the bundled one are read beside the loop, not in it."""
        if name == BUNDLED and name not in self.names():
            return await asyncio.to_thread(self.engine, name)
        return self.engine(name)


def _close_unwanted(building: asyncio.Future[Engine]) -> None:
    if not building.cancelled() and building.exception() is None:
        closing = asyncio.ensure_future(building.result().close())
        _closing.add(closing)
        closing.add_done_callback(_closing.discard)


_closing: set[asyncio.Future[None]] = set()  # a loop holds its tasks weakly


@cache
def shared_models() -> LocalTransport:
    """The models that the whole process shares: what one cell deploys, the next one calls by name."""
    return LocalTransport()

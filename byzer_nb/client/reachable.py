"""Every model that this process can call: its own, and behind them those of the cluster that it has joined."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from functools import cache
from typing import TYPE_CHECKING

from byzer_nb.client.local import BUNDLED, LocalTransport, shared_models
from byzer_nb.client.transport import Transport
from byzer_nb.cluster.directory import exists
from byzer_nb.cluster.session import is_connected
from byzer_nb.errors import UnknownModelError
from byzer_nb.types import (
    ChatRequest,
    Delta,
    DrawRequest,
    EmbedReply,
    EmbedRequest,
    Message,
    ModelCard,
    Picture,
    SpeakRequest,
    TranscribeRequest,
    Transcript,
)

if TYPE_CHECKING:
    from byzer_nb.client.deployed import RayTransport


class ReachableModels:
    """A name is looked for in this process first, and then on the cluster, if there is one."""

    def __init__(self, here: LocalTransport) -> None:
        self._here = here
        self._chosen_there = ""

    async def models(self) -> list[str]:
        there = await _deployed().models() if is_connected() else []
        return list(dict.fromkeys([*self._here.names(), *there]))

    async def describe(self, model: str) -> ModelCard:
        try:
            return await self._holder(model).describe(model)
        except UnknownModelError as gone:
            if model != self._chosen_there:
                raise
            self.forget(model)  # somebody else ended it
            raise UnknownModelError(
                f"{gone.message} It was the default model.",
                hint=f"Prompts that name no model go to {self.default_model()!r} from now on. {gone.hint}",
            ) from None

    def chat(self, model: str, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        return self._holder(model).chat(model, request)

    async def embed(self, model: str, request: EmbedRequest) -> EmbedReply:
        return await self._holder(model).embed(model, request)

    def speak(self, model: str, request: SpeakRequest) -> AsyncGenerator[bytes, None]:
        return self._holder(model).speak(model, request)

    async def transcribe(self, model: str, request: TranscribeRequest) -> Transcript:
        return await self._holder(model).transcribe(model, request)

    async def draw(self, model: str, request: DrawRequest) -> tuple[Picture, ...]:
        return await self._holder(model).draw(model, request)

    async def tokenize(self, model: str, text: str) -> tuple[int, ...]:
        return await self._holder(model).tokenize(model, text)

    async def detokenize(self, model: str, ids: tuple[int, ...]) -> str:
        return await self._holder(model).detokenize(model, ids)

    async def apply_template(self, model: str, messages: tuple[Message, ...]) -> str:
        return await self._holder(model).apply_template(model, messages)

    def default_model(self) -> str:
        """The chosen model, else the newest of this process, else the bundled one."""
        return (self._chosen_there if is_connected() else "") or self._here.default_model()

    @property
    def chosen(self) -> str:
        """The model that somebody made the default one, or nothing."""
        return self._chosen_there or self._here.chosen

    async def choose(self, name: str) -> ModelCard:
        """Make a model the default one."""
        card = await self.describe(name)
        if self._holder(name) is self._here:
            self._here.choose(name)
            self._chosen_there = ""
        else:
            self._chosen_there = name
        return card

    def forget(self, name: str) -> None:
        """A model on the cluster has ended, so it is no longer the default one."""
        if self._chosen_there == name:
            self._chosen_there = ""

    async def close(self) -> None:
        """Close the models of this process and the connections to those of the cluster, which go on."""
        self._chosen_there = ""
        try:
            await self._here.close()
        finally:
            if "byzer_nb.client.deployed" in sys.modules:
                await _deployed().close()

    def _holder(self, name: str) -> Transport:
        if not is_connected():
            return self._here
        # The bundled model is in every process, so one that was deployed under its name is meant instead.
        is_there = exists(name) if name == BUNDLED else name not in self._here
        return _deployed() if is_there else self._here


def _deployed() -> RayTransport:
    from byzer_nb.client.deployed import deployed_models  # with aiohttp, for which a first prompt need not wait

    return deployed_models()


@cache
def reachable_models() -> ReachableModels:
    """What every client talks to when nobody says otherwise."""
    return ReachableModels(shared_models())

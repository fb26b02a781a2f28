"""Models that are deployed on the Ray cluster of this process."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import cache

from yarl import URL

from byzer_nb.cluster import directory
from byzer_nb.cluster.direct import Direct, Door
from byzer_nb.cluster.over_ray import OverRay
from byzer_nb.cluster.session import connected
from byzer_nb.cluster.wire import error_from_bytes
from byzer_nb.errors import BadInputError, UnreachableError
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

RESTART_SECONDS = 15.0  # that a router which died may take to come back
PAUSE_SECONDS = 0.1


class RayTransport:
    """Finds a model by name through Ray, and then talks to its workers directly where that can be.

    `over_ray_alone` never tries sockets, as where a firewall would swallow them.
    """

    def __init__(self, *, over_ray_alone: bool = False) -> None:
        self._over_ray_alone = over_ray_alone
        self._job = ""  # of this process in the cluster that it is in
        self._ways: dict[str, Direct | OverRay] = {}

    async def models(self) -> list[str]:
        return directory.names()

    async def describe(self, model: str) -> ModelCard:
        way = await self._way(model)
        return await way.describe()

    def chat(self, model: str, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        known = self._known().get(model)
        return known.chat(request) if known is not None else self._first_chat(model, request)

    async def _first_chat(self, model: str, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        way = await self._way(model)
        async with aclosing(way.chat(request)) as deltas:
            async for delta in deltas:
                yield delta

    async def embed(self, model: str, request: EmbedRequest) -> EmbedReply:
        way = await self._way(model)
        return await way.embed(request)

    async def speak(self, model: str, request: SpeakRequest) -> AsyncGenerator[bytes, None]:
        way = await self._way(model)
        async with aclosing(way.speak(request)) as pieces:
            async for piece in pieces:
                yield piece

    async def transcribe(self, model: str, request: TranscribeRequest) -> Transcript:
        way = await self._way(model)
        return await way.transcribe(request)

    async def draw(self, model: str, request: DrawRequest) -> tuple[Picture, ...]:
        way = await self._way(model)
        return await way.draw(request)

    async def tokenize(self, model: str, text: str) -> tuple[int, ...]:
        way = await self._way(model)
        return await way.tokenize(text)

    async def detokenize(self, model: str, ids: tuple[int, ...]) -> str:
        way = await self._way(model)
        return await way.detokenize(ids)

    async def apply_template(self, model: str, messages: tuple[Message, ...]) -> str:
        way = await self._way(model)
        return await way.apply_template(messages)

    def default_model(self) -> str:
        """The only model that runs there; with none or several somebody has to choose."""
        names = directory.names()
        if len(names) == 1:
            return names[0]
        raise BadInputError(
            "No model is named, and the cluster does not run exactly one.", hint="Running: " + ", ".join(names)
        )

    async def close(self) -> None:
        """Close the connections."""
        while self._ways:
            await self._ways.popitem()[1].close()

    async def _way(self, name: str) -> Direct | OverRay:
        way = self._known().get(name)
        if way is None:
            door = await _find_door(name)
            fresh = OverRay(name) if self._over_ray_alone else await _way_through(name, door)
            way = self._ways.setdefault(name, fresh)
            if way is not fresh:  # another loop or task was quicker
                await fresh.close()
        return way

    def _known(self) -> dict[str, Direct | OverRay]:
        """The ways into this cluster; those into an earlier one are let go."""
        job = connected().get_runtime_context().get_job_id()
        if job != self._job:
            self._job = job
            self._ways = {}
        return self._ways


async def _way_through(name: str, door: Door) -> Direct | OverRay:
    """The direct way if this process gets through the door; tried once, and remembered."""
    if not _can_be_near(door):
        return OverRay(name)
    direct = Direct(name, door, find_door=lambda: _find_door(name))
    try:
        await direct.describe(tries=1)
    except UnreachableError:
        await direct.close()
        return OverRay(name)
    return direct


def _can_be_near(door: Door) -> bool:
    """Whether the address means the same machine here as there."""
    ray = connected()
    if ray.util.client.ray.is_connected():
        return False
    host = URL(door.address).host or ""
    return not ipaddress.ip_address(host).is_loopback or ray.get_runtime_context().get_node_id() == door.node


async def _find_door(name: str) -> Door:
    """Ask the cluster where a model's router is; one that just died is waited for."""
    ray = connected()
    deadline = asyncio.get_running_loop().time() + RESTART_SECONDS
    while True:
        try:
            door: Door | bytes = await directory.router(name).door.remote()
        except ray.exceptions.RayActorError as died:
            if asyncio.get_running_loop().time() > deadline:
                raise UnreachableError(
                    f"The router of {name!r} does not come back.", hint="Undeploy the model and deploy it again."
                ) from died
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            if isinstance(door, bytes):
                raise error_from_bytes(door)
            return door


@cache
def deployed_models() -> RayTransport:
    """The way to the cluster that the whole process shares."""
    return RayTransport()

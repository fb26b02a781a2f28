"""What is asked about a deployed model: its card and layout, what its workers do, what they printed."""

from __future__ import annotations

from byzer_nb.cluster import directory
from byzer_nb.cluster.deployment import DeployedModel
from byzer_nb.cluster.wire import error_from_bytes
from byzer_nb.types.pool import PoolPulse, PoolSpec, PoolStat


async def describe(name: str) -> DeployedModel:
    """A deployed model, as it introduces itself."""
    router = directory.router(name)
    door, pool = await router.door.remote(), await router.pool.remote()
    if isinstance(door, bytes):
        raise error_from_bytes(door)
    return DeployedModel(name=name, card=door.card, pool=pool)


async def layout(name: str) -> PoolSpec:
    """How a model was laid out."""
    pool: PoolSpec = await directory.router(name).pool.remote()
    return pool


async def stat(name: str) -> PoolStat:
    """What the workers of a model are doing; they are not asked, so it answers while they are busy."""
    stat: PoolStat = await directory.router(name).stat.remote()
    return stat


async def pulse(name: str) -> PoolPulse:
    """The same with what the workers have counted so far: two of them give rates."""
    pulse: PoolPulse = await directory.router(name).pulse.remote()
    return pulse


async def log(name: str, worker: int, *, lines: int = 100) -> list[str]:
    """The last lines that a worker printed."""
    printed: list[str] = await directory.router(name).log.remote(worker, lines)
    return printed

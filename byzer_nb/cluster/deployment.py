"""Start a model on the cluster, and end it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal

from byzer_nb._display import Displayed, key_value_table
from byzer_nb.cluster import directory
from byzer_nb.cluster.placement import check_fit, not_placed
from byzer_nb.cluster.router import CALLS, PLACE_SECONDS, Router
from byzer_nb.cluster.session import NAMESPACE, connected
from byzer_nb.cluster.wire import error_from_bytes
from byzer_nb.engines import ENGINES, build
from byzer_nb.errors import BadInputError, MissingModelError
from byzer_nb.types import DeploySpec, ModelCard, Secret
from byzer_nb.types.policy import read_policy
from byzer_nb.types.pool import PoolSpec

Phase = Literal["checking", "placing", "loading", "ready", "failed"]
LOOK_SECONDS = 0.2
LOG_LINES = 50
ANSWER_SECONDS = 5.0  # that a router has to answer a question about itself
GONE_SECONDS = 10.0
HEAD_NODE = "node:__internal_head__"  # a resource that Ray gives to the first node of a cluster
GONE_LOOK_SECONDS = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class DeployStep:
    """How far a deployment is. `log` is the end of what the workers printed, once it is over."""

    phase: Phase
    seconds: float
    workers: int
    placed: int = 0
    ready: int = 0
    log: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class DeployedModel(Displayed):
    """A model that runs on the cluster."""

    name: str
    card: ModelCard
    pool: PoolSpec

    def __repr__(self) -> str:
        return f"DeployedModel({self.name!r}, {self.card.engine!r}, {self._layout()})"

    def _html(self) -> str:
        facts: dict[str, object] = {
            "engine": self.card.engine,
            "model": self.card.model,
            "workers": self._layout(),
            "each takes": f"{self.pool.cpus:g} CPU, {self.pool.gpus:g} GPU",
            "balance": self.pool.balance,
        }
        return f"<b>{escape(self.name)}</b>{key_value_table(facts)}"

    def _layout(self) -> str:
        return f"{self.pool.workers} × {self.pool.slots} slots"


async def deploy(
    spec: DeploySpec,
    pool: PoolSpec,
    *,
    replace: bool = False,
    on_step: Callable[[DeployStep], None] | None = None,
) -> DeployedModel:
    """Start the workers of a model and wait until all of them are ready; on failure nothing is left behind.

    What is wrong with the settings, or does not fit, is said before anything is started.
    """
    tell = _Teller(pool, on_step)
    tell("checking")
    old = directory.handle(spec.name)
    if old is not None and spec.name not in directory.names():
        raise BadInputError(
            f"{spec.name!r} is the name of an actor on this cluster that is no model.", hint="Choose another name."
        )
    if old is not None and not replace:
        raise BadInputError(
            f"A model called {spec.name!r} is already deployed.",
            hint="Choose another name, undeploy it first, or deploy with replace=True.",
        )
    read_policy(spec)  # raises what is wrong with it
    await _check(spec)
    check_fit(spec.name, pool, freed=_held(await _layout_of(old)))
    if old is not None:
        await undeploy(spec.name)
    tell("placing")
    router = _make_router(spec, pool)
    async with _undone_on_failure(spec.name, router):
        starting = asyncio.ensure_future(_waited_for(router.start.remote()))
        try:
            while not (await asyncio.wait([starting], timeout=LOOK_SECONDS))[0]:
                placed, ready = await _progress(spec.name, pool, router)
                tell("loading" if placed == pool.workers else "placing", placed=placed, ready=ready)
            failure = starting.result()
        finally:
            starting.cancel()
        log = tuple(await router.log.remote(0, LOG_LINES))
        if failure is not None:
            tell("failed", log=log)
            raise error_from_bytes(failure)
        card = (await router.door.remote()).card  # loaded, so there is one
    tell("ready", placed=pool.workers, ready=pool.workers, log=log)
    return DeployedModel(name=spec.name, card=card, pool=pool)


async def deploying(
    spec: DeploySpec, pool: PoolSpec, *, replace: bool = False
) -> AsyncGenerator[DeployStep | DeployedModel, None]:
    """The same, step by step; the last item is the model. Leaving early undoes it."""
    steps: asyncio.Queue[DeployStep | None] = asyncio.Queue()
    work = asyncio.create_task(deploy(spec, pool, replace=replace, on_step=steps.put_nowait))
    work.add_done_callback(lambda _: steps.put_nowait(None))
    try:
        while (step := await steps.get()) is not None:
            yield step
        yield work.result()
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A model that was ended. `pool` is its layout, unless its router was past saying it."""

    pool: PoolSpec | None


async def undeploy(name: str) -> Ended | None:
    """End a model and wait until what it held is free; nothing when there was none of that name."""
    directory.check_name(name)
    ray = connected()
    router = directory.handle(name) if name in directory.names() else None
    pool = await _layout_of(router)
    try:
        if router is not None:
            with suppress(ray.exceptions.RayError, TimeoutError):  # one that hangs is killed all the same
                async with asyncio.timeout(GONE_SECONDS):
                    await router.stop.remote()
    finally:  # also when this is interrupted: half a model is none
        if router is not None:
            ray.kill(router, no_restart=True)
        for worker in directory.workers(name):
            ray.kill(worker, no_restart=True)
        if router is not None:
            directory.forget(name)
    await _until_gone(name)
    return None if router is None else Ended(pool=pool)


class _Teller:
    def __init__(self, pool: PoolSpec, on_step: Callable[[DeployStep], None] | None) -> None:
        self._workers = pool.workers
        self._on_step = on_step
        self._started = time.monotonic()

    def __call__(self, phase: Phase, *, placed: int = 0, ready: int = 0, log: tuple[str, ...] = ()) -> None:
        if self._on_step is not None:
            seconds = time.monotonic() - self._started
            self._on_step(
                DeployStep(phase=phase, seconds=seconds, workers=self._workers, placed=placed, ready=ready, log=log)
            )


async def _check(spec: DeploySpec) -> None:
    """Raise what the engine would say to these settings, as far as it can be told without its weights."""
    if spec.engine.startswith("saas/"):
        engine = await asyncio.to_thread(build, spec)
        await engine.close()
        return
    ENGINES.get(spec.engine)
    if spec.model_path and _is_one_node() and not _is_there(spec.model_path):
        raise MissingModelError(
            f"There is nothing at {spec.model_path!r}.", hint="Give the folder with config.json and the weights."
        )


async def _waited_for(ref: Any) -> bytes | None:  # Any: Ray's reference to a result
    result: bytes | None = await ref
    return result


async def _layout_of(router: Any | None) -> PoolSpec | None:  # Any: the handle of an actor
    """The layout of a model, if its router says so in time."""
    if router is None:
        return None
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            pool: PoolSpec = await router.pool.remote()
    except (TimeoutError, connected().exceptions.RayError):
        return None
    return pool


async def _progress(name: str, pool: PoolSpec, router: Any) -> tuple[int, int]:  # Any: the handle of an actor
    try:
        async with asyncio.timeout(PLACE_SECONDS):
            placed, ready = await router.progress.remote()
    except TimeoutError:
        raise not_placed(name, pool, PLACE_SECONDS) from None
    return placed, ready


def _make_router(spec: DeploySpec, pool: PoolSpec) -> Any:  # Any: the handle of an actor
    ray = connected()
    token = Secret(secrets.token_urlsafe(32))
    actor = ray.remote(Router).options(
        name=spec.name,
        namespace=NAMESPACE,
        lifetime="detached",
        num_cpus=0,
        resources={HEAD_NODE: 0.0001},  # which is there as long as the cluster is; never a node that only came to ask
        max_restarts=-1,
        max_concurrency=CALLS,
    )
    try:
        made = actor.remote(spec, pool, token)
    except (ValueError, ray.exceptions.RayError) as taken:
        raise _meanwhile(spec.name) from taken
    directory.note(spec.name)
    return made


@asynccontextmanager
async def _undone_on_failure(name: str, router: Any) -> AsyncIterator[None]:  # Any: the handle of an actor
    ray = connected()
    try:
        yield
    except BaseException as failed:  # also when the cell is interrupted
        now = directory.handle(name)
        if now is not None and now != router:  # somebody replaced the model, and it is not ours any more
            raise _meanwhile(name) from failed
        await asyncio.shield(undeploy(name))
        if isinstance(failed, ray.exceptions.RayActorError):
            raise _meanwhile(name) from failed
        raise


def _meanwhile(name: str) -> BadInputError:
    return BadInputError(
        f"{name!r} was deployed or undeployed by somebody else meanwhile.", hint="Look what runs, and deploy it again."
    )


async def _until_gone(name: str) -> None:
    for _ in range(round(GONE_SECONDS / GONE_LOOK_SECONDS)):
        if name not in directory.names() and not directory.workers(name):
            return
        await asyncio.sleep(GONE_LOOK_SECONDS)


def _is_one_node() -> bool:
    return sum(bool(node["Alive"]) for node in connected().nodes()) == 1


def _is_there(path: str) -> bool:
    return Path(path).expanduser().exists()


def _held(pool: PoolSpec | None) -> dict[str, float]:
    return {} if pool is None else {"CPU": pool.cpus * pool.workers, "GPU": pool.gpus * pool.workers}

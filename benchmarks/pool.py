"""What a call through a deployed model costs beside a bare Ray actor call, in one run on one private cluster.

Both sides answer the same words from an engine that does not think. Ours leases a worker for every call, balances two
of them and counts; the bare actor does nothing but answer. A deployed provider is measured beside the package whose
notebooks we run, where that is installed (`make rivals`). Ends with 1 when a threshold is missed.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that the file runs by its path

from benchmarks.prompt_overhead import upstream
from benchmarks.verdict import Promise, all_held
from byzer_nb._sync import run
from byzer_nb.client import AsyncClient
from byzer_nb.client.deployed import RayTransport
from byzer_nb.cluster import session
from byzer_nb.cluster.deployment import deploy
from byzer_nb.types import DeploySpec
from byzer_nb.types.pool import PoolSpec

CALLS = 300
WARM_UP = 30
IN_FLIGHT = 64
CALLS_A_ROUND = 1280
ROUNDS = 3
STREAMS = 64
ITEMS = 200
PACE = 0.02
PACED_ITEMS = 200
WORDS = [f"word{number} " for number in range(ITEMS)]
WORKERS = 2
SLOTS = 64
ORIGINAL = Path(__file__).resolve().parents[1] / "build" / "byzerllm-venv" / "bin" / "python"


@dataclass
class Figures:
    """What was measured of one way; seconds, or per second."""

    unary: float = 0.0
    rate: float = 0.0
    items: float = 0.0
    paced: float = 0.0
    first: float = 0.0


@dataclass(frozen=True)
class Way:
    """One way to ask: a whole answer, and a stream of pieces from an engine that hurries or takes its time."""

    name: str
    unary: Callable[[], Awaitable[object]]
    stream: Callable[[bool], AsyncIterator[object]]
    figures: Figures = field(default_factory=Figures)


def main() -> int:
    """Measure, print, judge."""
    with cluster(), upstream() as address:
        ways = [bare_actor(), *ours()]
        providers = provider_ways(address)
        run(measure(ways, providers))
        theirs = original(address)
    console = Console()
    show(console, [*ways, *providers])
    held = judge(console, ways)
    if theirs is None:
        console.print("byzerllm is not installed (make rivals), so nothing is said of it.")
        return 0 if held else 1
    return 0 if judge_provider(console, providers[0].figures, theirs) and held else 1


@contextmanager
def cluster() -> Iterator[None]:
    """A private cluster with room for all."""
    session.connect("local", init_options={"num_cpus": 4})
    try:
        yield
    finally:
        session.disconnect()


# -- the ways -----------------------------------------------------------------------------------------------------


class Echo:
    """The least that an actor can do."""

    async def unary(self, request: dict[str, Any]) -> dict[str, Any]:
        """One answer."""
        return {"text": "".join(WORDS[:20]), "finish_reason": "stop", "echo": request["text"][:1]}

    async def stream(self, pace: float) -> Any:
        """Pieces, one item each."""
        due = time.monotonic()
        for word in WORDS[: PACED_ITEMS if pace else ITEMS]:
            if pace:
                due += pace
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            yield {"text": word, "finish_reason": None}


def bare_actor() -> Way:
    """Ray calls and streaming generators."""
    ray = session.connected()
    actors = [ray.remote(Echo).options(num_cpus=0, max_concurrency=1000).remote() for _ in range(WORKERS)]
    turn = iter(range(10**9))
    request = {"text": "x" * 200}

    async def unary() -> object:
        return await actors[next(turn) % WORKERS].unary.remote(request)

    async def stream(is_paced: bool) -> AsyncIterator[object]:
        actor = actors[next(turn) % WORKERS]
        pieces = actor.stream.options(num_returns="streaming").remote(PACE if is_paced else 0.0)
        async for piece in pieces:
            yield await piece

    return Way("bare Ray actor", unary, stream)


def ours() -> list[Way]:
    """The same words from deployed models, over sockets and over Ray alone."""
    pool = PoolSpec(workers=WORKERS, slots=SLOTS, cpus=0.001)
    replies: dict[str, object] = {
        "whole": "".join(WORDS[:20]),
        "fast": Again(WORDS),
        "paced": Again(WORDS[:PACED_ITEMS]),
    }
    for name, reply in replies.items():
        settings = {"reply": reply, "token_delay": PACE if name == "paced" else 0.0}
        run(deploy(DeploySpec(name=name, engine="saas/scripted", settings=settings), pool))
    ways = []
    for label in ("byzer_nb", "byzer_nb, over Ray alone"):
        transport = RayTransport(over_ray_alone="alone" in label)
        ways.append(_way(label, AsyncClient(transport), whole="whole", fast="fast", paced="paced"))
    return ways


class Again:
    """A script that says the same pieces at every call; it travels to the worker."""

    def __init__(self, pieces: list[str]) -> None:
        self.pieces = pieces

    def __call__(self, request: object) -> list[str]:
        return self.pieces


def provider_ways(address: str) -> list[Way]:
    """A provider on this machine, through the cluster and from this process."""
    settings = {"api_key": "sk-bench", "base_url": address, "model": "bench"}
    spec = DeploySpec(name="provider", engine="saas/openai", settings=settings)
    run(deploy(spec, PoolSpec(workers=WORKERS, slots=SLOTS, cpus=0.001)))
    client = AsyncClient(RayTransport())
    return [_way("byzer_nb, a provider", client, whole="provider", fast="provider", paced="")]


def original(address: str) -> Figures | None:
    """The original's own path over Ray, in a process and an environment of its own; nothing where it is not there."""
    if not ORIGINAL.exists():
        return None
    script = Path(__file__).with_name("original_on_ray.py")
    told = subprocess.run([ORIGINAL, script, address], capture_output=True, text=True, check=True).stdout
    figures = json.loads(told.strip().splitlines()[-1])
    return Figures(unary=figures["unary"], rate=figures["rate"], first=figures["stream"])


def _way(label: str, client: AsyncClient, *, whole: str, fast: str, paced: str) -> Way:
    question = "x" * 200

    async def unary() -> object:
        return await client.chat(question, model=whole)

    def stream(is_paced: bool) -> AsyncIterator[object]:
        return client.stream(question, model=paced if is_paced else fast)

    return Way(label, unary, stream)


# -- measuring ----------------------------------------------------------------------------------------------------


async def measure(ways: list[Way], providers: list[Way]) -> None:
    """All ways in turn, round by round."""
    everyone = [*ways, *providers]
    await unary_in_turn(ways)
    await unary_in_turn(providers)  # by itself: it has no rival here
    for way in everyone:
        rates = [await rate(way) for _ in range(1 + ROUNDS)]
        way.figures.rate = median(rates[1:])
    for way in ways:
        way.figures.items = median([(await streams(way, is_paced=False))[0] for _ in range(ROUNDS)])
        paced = [await streams(way, is_paced=True) for _ in range(ROUNDS)]
        way.figures.paced = median(items for items, _ in paced)
    firsts: dict[str, list[float]] = {way.name: [] for way in ways}
    for _ in range(100):
        for way in ways:
            firsts[way.name].append(await first_piece(way))
    for way in ways:
        way.figures.first = median(firsts[way.name])
    for way in providers:
        whole = []
        for _ in range(CALLS):
            started = time.perf_counter()
            async for _ in way.stream(False):
                pass
            whole.append(time.perf_counter() - started)
        way.figures.first = median(whole)


async def unary_in_turn(ways: list[Way]) -> None:
    """The median of one call of each way, all of them made in turn."""
    seconds: dict[str, list[float]] = {way.name: [] for way in ways}
    for number in range(WARM_UP + CALLS):
        for way in ways:
            started = time.perf_counter()
            await way.unary()
            if number >= WARM_UP:
                seconds[way.name].append(time.perf_counter() - started)
    for way in ways:
        way.figures.unary = median(seconds[way.name])


async def rate(way: Way) -> float:
    """Calls a second while many are always on their way."""
    waiting = iter(range(CALLS_A_ROUND))

    async def again_and_again() -> None:
        for _ in waiting:
            await way.unary()

    started = time.perf_counter()
    await asyncio.gather(*(again_and_again() for _ in range(IN_FLIGHT)))
    return CALLS_A_ROUND / (time.perf_counter() - started)


async def streams(way: Way, *, is_paced: bool) -> tuple[float, float]:
    """Items a second over all streams together, and the seconds they took."""
    count = 0

    async def read() -> None:
        nonlocal count
        async for _ in way.stream(is_paced):
            count += 1

    started = time.perf_counter()
    await asyncio.gather(*(read() for _ in range(STREAMS)))
    seconds = time.perf_counter() - started
    return count / seconds, seconds


async def first_piece(way: Way) -> float:
    """Seconds until the first piece of a stream is there."""
    started = time.perf_counter()
    async for _ in way.stream(False):
        break
    return time.perf_counter() - started


# -- telling ------------------------------------------------------------------------------------------------------


def show(console: Console, ways: list[Way]) -> None:
    """One line a way."""
    table = Table(box=None, pad_edge=False)
    for heading in ("", "one call", f"{IN_FLIGHT} in flight", "items/s", "paced items/s", "first piece"):
        table.add_column(heading, justify="right" if heading else "left")
    for way in ways:
        one = way.figures
        table.add_row(
            way.name,
            f"{one.unary * 1000:.2f} ms",
            f"{one.rate:,.0f}/s",
            f"{one.items:,.0f}" if one.items else "-",
            f"{one.paced:,.0f}" if one.paced else "-",
            f"{one.first * 1000:.2f} ms",
        )
    console.print(table)
    console.print("[dim]of the provider, the last column is a whole stream of 20 tokens[/]\n")


def judge(console: Console, ways: list[Way]) -> bool:
    """Whether the pool holds what is promised of it."""
    bare, direct, over_ray = (way.figures for way in ways)
    ideal = STREAMS * PACED_ITEMS / (PACED_ITEMS * PACE)
    kept: list[Promise] = [
        (direct.unary / bare.unary, "at most", 0.8, "of a bare actor's time for one call"),
        (direct.rate / bare.rate, "at least", 2.5, f"times its calls a second at {IN_FLIGHT} in flight"),
        (direct.items / bare.items, "at least", 20.0, f"times its items a second over {STREAMS} streams"),
        (direct.paced / ideal, "at least", 0.96, "of the ideal rate of paced streams"),
        ((direct.first - bare.first) * 1000, "at most", 1.5, "ms later than a bare actor's first piece"),
        (over_ray.unary / bare.unary, "at most", 1.6, "of a bare actor's time, over Ray alone"),
        (over_ray.items / bare.items, "at least", 0.9, "of its stream rate, over Ray alone"),
    ]
    return all_held(console, kept)


def judge_provider(console: Console, provider: Figures, theirs: Figures) -> bool:
    """Whether a deployed provider is as much quicker than the original as is promised."""
    milliseconds = f"{theirs.unary * 1000:.1f} ms a call, {theirs.first * 1000:.1f} ms a stream"
    console.print(
        f"\nbyzerllm on Ray, the same upstream: {milliseconds}, {theirs.rate:,.0f}/s at {IN_FLIGHT} in flight"
    )
    kept: list[Promise] = [
        (provider.unary / theirs.unary, "at most", 0.15, "of byzerllm's time for a call to a provider on Ray"),
        (provider.first / theirs.first, "at most", 0.06, "of its time for a stream"),
        (provider.rate / theirs.rate, "at least", 10.0, f"times its calls a second at {IN_FLIGHT} in flight"),
    ]
    return all_held(console, kept)


if __name__ == "__main__":
    raise SystemExit(main())

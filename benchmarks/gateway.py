"""The gateway beside LiteLLM's proxy, in one run, before one upstream that does not think.

Ours twice: with the provider held in the server process, and with it deployed on Ray. LiteLLM's proxy takes part where
it is installed (`make bench` puts it into an environment of its own, because it pins what others need newer). The load
comes from this process over bare sockets. Ends with 1 when a threshold is missed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import yaml
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that the file runs by its path

from benchmarks.load import at_once, median_rate, one_by_one, request_to
from benchmarks.prompt_overhead import upstream
from benchmarks.verdict import Promise, all_held

MODEL = "bench"
PACED = "paced"
PACE = 0.02
PACED_TOKENS = 200
CALLS = 300
WARM_UP = 30
IN_FLIGHT = 64
ROUNDS = 3
START_SECONDS = 120.0
PROXY = Path(__file__).resolve().parents[1] / "build" / "litellm-venv" / "bin" / "litellm"
# No prices from the network, few words, and no keys, whose check would cost it time.
PROXY_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOG": "ERROR",
    "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
}


@dataclass
class Side:
    """A server and what was measured of it; seconds, or per second."""

    name: str
    port: int
    calls: int = 2560  # of a round at once; a slow server gets fewer
    unary: float = 0.0
    stream: float = 0.0
    first: float = 0.0
    rate: float = 0.0
    streams: float = 0.0
    paced: float = 0.0
    unaries: list[float] = field(default_factory=list)


def main() -> int:
    """Measure, print, judge."""
    console = Console()
    with ExitStack() as running:
        origin = running.enter_context(upstream())
        port = int(origin.rpartition(":")[2])
        sides = [
            Side("the upstream itself", port),
            Side("byzer_nb, held in the server", running.enter_context(ours(origin, on_ray=False))),
            Side("byzer_nb, deployed on Ray", running.enter_context(ours(origin, on_ray=True))),
        ]
        proxy = os.environ.get("LITELLM_PROXY") or (str(PROXY) if PROXY.exists() else shutil.which("litellm"))
        if proxy and (theirs := running.enter_context(litellm_proxy(proxy, origin))):
            sides.append(Side("LiteLLM proxy", theirs, calls=128))
        else:
            console.print("LiteLLM's proxy is not installed; the ratios to it are left out.")
        asyncio.run(measure(sides))
    show(console, sides)
    return 0 if judge(console, sides) else 1


# -- the servers --------------------------------------------------------------------------------------------------


@contextmanager
def ours(origin: str, *, on_ray: bool) -> Iterator[int]:
    """A gateway in a process of its own; the port."""
    port = free_port()
    words = [sys.executable, str(Path(__file__).with_name("gateway_server.py")), str(port), origin]
    with process([*words, *(["--ray"] if on_ray else [])], port) as ready:
        yield ready


@contextmanager
def litellm_proxy(command: str, origin: str) -> Iterator[int]:
    """LiteLLM's proxy with one model; the port, or 0 where it does not start."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        upstream_model = {"model": f"openai/{MODEL}", "api_base": f"{origin}/v1", "api_key": "none"}
        config.write_text(
            yaml.safe_dump(
                {
                    "model_list": [{"model_name": MODEL, "litellm_params": upstream_model}],
                    "litellm_settings": {"telemetry": False},
                }
            )
        )
        words = [command, "--config", str(config), "--port", str(port), "--host", "127.0.0.1"]
        with process(words, port, environment=PROXY_ENVIRONMENT) as ready:
            yield ready


@contextmanager
def process(words: list[str], port: int, *, environment: dict[str, str] | None = None) -> Iterator[int]:
    """A server that listens on a port, ended at the end; 0 where it does not come up."""
    with tempfile.TemporaryFile() as told:
        started = subprocess.Popen(
            words, stdout=told, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})}
        )
        try:
            yield port if listens(port, started) else 0
        finally:
            if started.poll() not in (None, 0):
                told.seek(0)
                sys.stderr.write(told.read()[-2000:].decode(errors="replace"))
            started.terminate()
            try:
                started.wait(30)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


def listens(port: int, started: subprocess.Popen[bytes]) -> bool:
    """Whether it answers in time."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and started.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.1)
    return False


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# -- measuring ----------------------------------------------------------------------------------------------------


async def measure(sides: list[Side]) -> None:
    """Everything, all sides in turn."""
    whole = {one.name: (one.port, request_to(one.port, MODEL, stream=False)) for one in sides}
    pieces = {one.name: (one.port, request_to(one.port, MODEL, stream=True)) for one in sides}
    unary = await one_by_one(whole, calls=CALLS, warm_up=WARM_UP)
    streams = await one_by_one(pieces, calls=CALLS, warm_up=WARM_UP)
    for one in sides:
        one.unary = median(answer.whole for answer in unary[one.name])
        one.stream = median(answer.whole for answer in streams[one.name])
        one.first = median(answer.first for answer in streams[one.name])
        one.rate = await rate(one, whole[one.name][1], one.calls)
        one.streams = await rate(one, pieces[one.name][1], one.calls // 2)
        if one.name.startswith("byzer_nb"):
            one.paced = await paced_rate(one)


async def rate(side: Side, request: bytes, calls: int) -> float:
    """Requests a second with many under way."""

    async def once() -> float:
        return (await at_once(side.port, request, in_flight=IN_FLIGHT, calls=calls))[0]

    return await median_rate(once, rounds=ROUNDS)


async def paced_rate(side: Side) -> float:
    """Tokens a second of many streams that take their time."""
    request = request_to(side.port, PACED, stream=True)

    async def once() -> float:
        answers_a_second, _ = await at_once(side.port, request, in_flight=IN_FLIGHT, calls=IN_FLIGHT)
        return answers_a_second * PACED_TOKENS

    return await median_rate(once, rounds=ROUNDS)


# -- telling ------------------------------------------------------------------------------------------------------


def show(console: Console, sides: list[Side]) -> None:
    """One line a side."""
    table = Table(box=None, pad_edge=False)
    headings = ("", "one call", "one stream", "first token", f"{IN_FLIGHT} in flight", "streams", "paced tokens/s")
    for heading in headings:
        table.add_column(heading, justify="right" if heading else "left")
    for one in sides:
        milliseconds = [f"{value * 1000:.2f} ms" for value in (one.unary, one.stream, one.first)]
        rates = [f"{one.rate:,.0f}/s", f"{one.streams:,.0f}/s", f"{one.paced:,.0f}" if one.paced else "-"]
        table.add_row(one.name, *milliseconds, *rates)
    console.print(table)
    console.print()


def judge(console: Console, sides: list[Side]) -> bool:
    """Whether the gateway holds what is promised of it."""
    origin, held, on_ray, *theirs = sides
    ideal = IN_FLIGHT / PACE
    kept: list[Promise] = [
        ((held.unary - origin.unary) * 1000, "at most", 0.9, "ms added to a call, held in the server"),
        ((on_ray.unary - origin.unary) * 1000, "at most", 2.0, "ms added to a call, on Ray"),
        ((held.first - origin.first) * 1000, "at most", 1.0, "ms added to the first token, held in the server"),
        ((on_ray.first - origin.first) * 1000, "at most", 2.0, "ms added to the first token, on Ray"),
        (held.paced / ideal, "at least", 0.97, "of the ideal rate of paced streams, held in the server"),
        (on_ray.paced / ideal, "at least", 0.97, "of the ideal rate of paced streams, on Ray"),
    ]
    for proxy in theirs:
        kept += [
            (held.rate / proxy.rate, "at least", 25.0, f"times the calls a second of {proxy.name}, held"),
            (held.streams / proxy.streams, "at least", 30.0, f"times the streams a second of {proxy.name}, held"),
            (on_ray.rate / proxy.rate, "at least", 12.0, f"times the calls a second of {proxy.name}, on Ray"),
            (on_ray.streams / proxy.streams, "at least", 20.0, f"times the streams a second of {proxy.name}, on Ray"),
        ]
    return all_held(console, kept)


if __name__ == "__main__":
    raise SystemExit(main())

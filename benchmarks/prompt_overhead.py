"""What a prompt function costs beside the raw openai SDK, against an upstream that does not think.

All ways of asking take turns in one run, so that what else the machine does falls on all of them alike. Ends with 1
when a threshold is missed.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that the file runs by its path

from benchmarks.contestants import Contestant, contestants
from benchmarks.upstream import TOKENS

CALLS = 200
WARM_UP = 20
IN_FLIGHT = 64
ROUNDS = 5
CALLS_A_ROUND = 1024

UNARY_AT_MOST = 0.6
STREAM_AT_MOST = 0.4
RATE_AT_LEAST = 10.0

WHOLE = "".join(TOKENS)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Medians in seconds; calls a second with many in flight, where that was possible."""

    unary: float
    stream: float
    rate: float | None


def main() -> int:
    """Measure, print, judge."""
    with upstream() as origin:
        asked = contestants(f"{origin}/v1")
        unary = taking_turns([lambda one=one: expect(one.unary() or "") for one in asked])
        stream = taking_turns([lambda one=one: expect("".join(one.stream())) for one in asked])
        rates = asyncio.run(all_at_once([one for one in asked if one.many is not None]))
    results = {
        one.name: Measured(unary=unary[place], stream=stream[place], rate=rates.get(one.name))
        for place, one in enumerate(asked)
    }
    console = Console()
    show(console, results)
    return 0 if judge(console, results) else 1


@contextmanager
def upstream(name: str = "upstream.py") -> Iterator[str]:
    """The address of a server in a process of its own, without a path."""
    script = Path(__file__).with_name(name)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()


def taking_turns(calls: list[Callable[[], None]]) -> list[float]:
    """The median of each call, all of them made in turn."""
    seconds: list[list[float]] = [[] for _ in calls]
    for number in range(WARM_UP + CALLS):
        for place, call in enumerate(calls):
            started = time.perf_counter()
            call()
            if number >= WARM_UP:
                seconds[place].append(time.perf_counter() - started)
    return [median(one) for one in seconds]


async def all_at_once(asked: list[Contestant]) -> dict[str, float]:
    """Calls a second of each with many in flight: the median of some rounds in turn, after one to warm up."""
    rates: dict[str, list[float]] = {one.name: [] for one in asked}
    for _ in range(1 + ROUNDS):
        for one in asked:
            rates[one.name].append(await rate(one))
    return {name: median(measured[1:]) for name, measured in rates.items()}


async def rate(one: Contestant) -> float:
    """Calls a second while `IN_FLIGHT` of them are always on their way."""
    waiting = iter(range(CALLS_A_ROUND))

    async def ask_again_and_again() -> None:
        for _ in waiting:
            assert one.many is not None
            expect(await one.many() or "")

    started = time.perf_counter()
    await asyncio.gather(*(ask_again_and_again() for _ in range(IN_FLIGHT)))
    return CALLS_A_ROUND / (time.perf_counter() - started)


def expect(answer: str) -> None:
    """A fast wrong answer is worth nothing."""
    if answer.strip() != WHOLE.strip():
        raise SystemExit(f"A wrong answer was measured: {answer!r}")


def show(console: Console, results: dict[str, Measured]) -> None:
    """One line a contestant, with its ratio to the first."""
    base = next(iter(results.values()))
    table = Table(box=None, pad_edge=False)
    for heading in ("", "one answer", f"{len(TOKENS)}-token stream", f"{IN_FLIGHT} in flight"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, one in results.items():
        many = f"{one.rate:,.0f}/s ({one.rate / base.rate:.1f}x)" if one.rate and base.rate else "-"
        table.add_row(
            name,
            f"{one.unary * 1000:.2f} ms ({one.unary / base.unary:.2f}x)",
            f"{one.stream * 1000:.2f} ms ({one.stream / base.stream:.2f}x)",
            many,
        )
    console.print(table)
    console.print(f"[dim]medians of {CALLS} calls, and of {ROUNDS} rounds of {CALLS_A_ROUND} calls in flight[/]\n")


def judge(console: Console, results: dict[str, Measured]) -> bool:
    """Whether our prompt function holds what is promised of it."""
    sdk, ours = list(results.values())[:2]
    assert sdk.rate is not None
    assert ours.rate is not None
    kept = [
        (ours.unary / sdk.unary, "at most", UNARY_AT_MOST, "of the SDK's time for one answer"),
        (ours.stream / sdk.stream, "at most", STREAM_AT_MOST, "of its time for a stream"),
        (ours.rate / sdk.rate, "at least", RATE_AT_LEAST, f"times its calls a second at {IN_FLIGHT} in flight"),
    ]
    for ratio, bound, threshold, what in kept:
        holds = ratio <= threshold if bound == "at most" else ratio >= threshold
        word = "[green]held[/]  " if holds else "[red]missed[/]"
        console.print(f"{word} {ratio:5.2f} {what} ({bound} {threshold:g})")
    return all(ratio <= threshold if bound == "at most" else ratio >= threshold for ratio, bound, threshold, _ in kept)


if __name__ == "__main__":
    raise SystemExit(main())

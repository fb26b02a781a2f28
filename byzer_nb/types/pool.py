"""The workers of one deployed model: how many there are, how requests are shared among them, what they are doing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from math import isfinite
from typing import Any, Literal, get_args

from byzer_nb._display import Displayed
from byzer_nb._registry import nearest
from byzer_nb.errors import BadInputError, WrongTypeError

Balance = Literal["lru", "round_robin"]
BALANCES: tuple[str, ...] = get_args(Balance)
KINDS = ("chat", "embedding", "tokenizer", "apply_chat_template", "meta")  # of requests; any but chat can be pinned


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolSpec:
    """How many workers a model has, what each of them takes, and how requests are shared among them.

    `slots` is how many requests a worker takes at a time. `pins` sends a kind of request to one worker. A request waits
    at most `wait_seconds` for a slot, and is refused at once when `queue_limit` others wait already. A stream that
    nobody reads for `stall_seconds` is ended, because it holds a slot.
    """

    workers: int = 1
    slots: int = 1
    cpus: float = 0.01
    gpus: float = 0.0
    balance: Balance = "lru"
    pins: Mapping[str, int] = field(default_factory=dict)
    queue_limit: int = 1000
    wait_seconds: float = 600.0
    stall_seconds: float = 120.0

    def __post_init__(self) -> None:
        for name in ("workers", "slots", "queue_limit"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise BadInputError(f"{name} is a whole number of at least 1, not {value!r}.")
        for name in ("cpus", "gpus", "wait_seconds", "stall_seconds"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < 0:
                raise BadInputError(f"{name} is a number of at least 0, not {value!r}.")
        if self.balance not in BALANCES:
            raise BadInputError(
                f"{self.balance!r} is no way to share requests; the ways are {', '.join(BALANCES)}.",
                hint=nearest(str(self.balance), BALANCES),
            )
        if not isinstance(self.pins, Mapping):
            raise WrongTypeError(f"pins is a dict, not {self.pins!r}.", hint="For example: {'embedding': 0}")
        for kind, index in self.pins.items():
            self._check_pin(kind, index)

    def _check_pin(self, kind: str, index: int) -> None:
        if kind not in KINDS[1:]:
            raise BadInputError(
                f"{kind!r} is no kind of request that can be pinned.",
                hint=nearest(str(kind), KINDS[1:]) + "Known: " + ", ".join(KINDS[1:]),
            )
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < self.workers:
            raise BadInputError(
                f"{kind!r} is pinned to worker {index!r}, and there are {self.workers}, counted from 0.",
                hint=f"For example: {{{kind!r}: 0}}",
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerStat:
    """One worker at a moment. `idle_seconds` is the time since it was last given a request, or since it started."""

    index: int
    is_up: bool
    running: int
    total: int
    idle_seconds: float
    restarts: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerTally:
    """What one worker has done since it started, and how long its newest first tokens took."""

    answers: int = 0
    errors: int = 0
    tokens: int = 0
    first_token_seconds: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolPulse:
    """A deployed model at a moment, with what its workers have counted so far; `at` is in seconds of one clock."""

    at: float
    stat: PoolStat
    tallies: tuple[WorkerTally, ...]

    def answers_per_second(self, before: PoolPulse) -> float:
        """Whole answers a second since an earlier moment."""
        return self._rate(before, "answers")

    def tokens_per_second(self, before: PoolPulse) -> float:
        """Tokens written a second since an earlier moment."""
        return self._rate(before, "tokens")

    def errors(self) -> int:
        """How often an engine failed."""
        return sum(each.errors for each in self.tallies)

    def first_token_quantile(self, share: float) -> float:
        """Seconds within which that share of the newest first tokens came; 0 when there was none."""
        seconds = sorted(one for each in self.tallies for one in each.first_token_seconds)
        return seconds[min(len(seconds) - 1, int(share * len(seconds)))] if seconds else 0.0

    def _rate(self, before: PoolPulse, what: str) -> float:
        now, then = (sum(int(getattr(each, what)) for each in pulse.tallies) for pulse in (self, before))
        made = now - then
        return max(0.0, made / max(self.at - before.at, 1e-6))  # a worker that was started again counts from nothing


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class PoolStat(Displayed):
    """A deployed model at a moment."""

    name: str
    balance: Balance
    slots: int
    workers: tuple[WorkerStat, ...]
    waiting: int = 0

    def free_slots(self) -> list[int]:
        """The free slots of each worker; none where one is down, and never fewer than none."""
        return [max(0, self.slots - each.running) if each.is_up else 0 for each in self.workers]

    def as_json(self) -> dict[str, Any]:  # Any: JSON values
        """The object that `stat` prints, with the keys of the documents in their order."""
        busy = sum(each.running > 0 for each in self.workers)
        return {
            "total_workers": len(self.workers),
            "busy_workers": busy,
            "idle_workers": len(self.workers) - busy,
            "load_balance_strategy": self.balance,
            "total_requests": [each.total for each in self.workers],
            "state": self.free_slots(),
            "worker_max_concurrency": self.slots,
            "workers_last_work_time": [f"{each.idle_seconds:.2f}s" for each in self.workers],
        }

    def __repr__(self) -> str:
        return f"PoolStat({', '.join(f'{key}={value!r}' for key, value in self.as_json().items())})"

    def _html(self) -> str:
        rows = "".join(
            f"<tr><td>{each.index}</td><td>{_bar(each, self.slots)}</td><td>{each.total}</td>"
            f"<td>{each.idle_seconds:.1f} s</td><td>{each.restarts}</td></tr>"
            for each in self.workers
        )
        head = "".join(f"<th>{title}</th>" for title in ("worker", "busy", "requests", "last", "restarts"))
        waiting = f", {self.waiting} waiting" if self.waiting else ""
        return (
            f"<b>{escape(self.name)}</b> ({self.balance}{waiting})<table><thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )


def _bar(worker: WorkerStat, slots: int) -> str:
    if not worker.is_up:
        return "down"
    shown = min(slots, 20)
    full = round(shown * min(worker.running, slots) / slots)
    return f"{'█' * full}{'░' * (shown - full)} {worker.running}/{slots}"

"""Counters of a gateway, in the text form that Prometheus reads."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from byzer_nb.serve.requests_log import Entry

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
TEXT = b"text/plain; version=0.0.4; charset=utf-8"
_LARGEST = 500  # models and routes that are told apart; a caller may name any


class Histogram:
    """How many values lay below each bound."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self.sum += value
        for position, bound in enumerate(BUCKETS):
            if value <= bound:
                self.counts[position] += 1
                return
        self.counts[-1] += 1


class Metrics:
    """What was counted since the gateway started."""

    def __init__(self) -> None:
        self.running = 0
        self._requests: Counter[tuple[str, str, str]] = Counter()
        self._tokens: Counter[tuple[str, str]] = Counter()
        self._gone = 0
        self._seconds: dict[str, Histogram] = {}
        self._first: dict[str, Histogram] = {}

    def ended(self, entry: Entry) -> None:
        """Count a request that is over."""
        model = entry.model if entry.asked is not None else ""  # a name that was only asked for is no model
        self._requests[entry.path, model, "gone" if entry.gone else str(entry.status)] += 1
        self._gone += entry.gone
        if entry.asked is None or entry.ended is None:
            return
        if model not in self._seconds and len(self._seconds) >= _LARGEST:
            return
        self._tokens[model, "read"] += entry.usage.input_tokens
        self._tokens[model, "written"] += entry.usage.output_tokens
        self._seconds.setdefault(model, Histogram()).add(entry.ended - entry.arrived)
        if entry.first is not None:
            self._first.setdefault(model, Histogram()).add(entry.first - entry.arrived)

    def text(self) -> bytes:
        """All of it."""
        lines = ["# TYPE byzer_nb_processes gauge", "byzer_nb_processes 1"]
        lines += ["# TYPE byzer_nb_requests_running gauge", f"byzer_nb_requests_running {self.running}"]
        lines.append("# TYPE byzer_nb_requests_total counter")
        for (route, model, status), count in sorted(self._requests.items()):
            labels = f'route="{_quoted(route)}",model="{_quoted(model)}",status="{status}"'
            lines.append(f"byzer_nb_requests_total{{{labels}}} {count}")
        lines += ["# TYPE byzer_nb_clients_gone_total counter", f"byzer_nb_clients_gone_total {self._gone}"]
        lines.append("# TYPE byzer_nb_tokens_total counter")
        for (model, kind), count in sorted(self._tokens.items()):
            lines.append(f'byzer_nb_tokens_total{{model="{_quoted(model)}",kind="{kind}"}} {count}')
        lines += _histograms("byzer_nb_request_seconds", self._seconds)
        lines += _histograms("byzer_nb_first_token_seconds", self._first)
        return ("\n".join(lines) + "\n").encode()


def _histograms(name: str, by_model: dict[str, Histogram]) -> list[str]:
    lines = [f"# TYPE {name} histogram"]
    for model, histogram in sorted(by_model.items()):
        label, total = _quoted(model), 0
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), histogram.counts, strict=True):
            total += count
            lines.append(f'{name}_bucket{{model="{label}",le="{bound}"}} {total}')
        lines.append(f'{name}_sum{{model="{label}"}} {histogram.sum:.6f}')
        lines.append(f'{name}_count{{model="{label}"}} {total}')
    return lines


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

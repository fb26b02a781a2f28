"""What the calls of this process took: tokens and money by model."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html import escape

from byzer_nb._display import Displayed
from byzer_nb.client.prices import price_of
from byzer_nb.types import ModelCard, Usage


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """The calls of one model; `cost` is None when its price is not known."""

    model: str
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None


class Ledger(Displayed):
    """Counts calls as they end. Left on a cell's last line it shows a table."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._lock = threading.Lock()  # clients run on any thread

    def add(self, name: str, card: ModelCard, usage: Usage) -> float | None:
        """Take a call in, and tell what it cost in US dollars, if that is known."""
        cost = cost_of(card, usage)
        with self._lock:
            before = self._entries.get(name) or Entry(model=name)
            known = [each for each in (before.cost, cost) if each is not None]
            self._entries[name] = Entry(
                model=name,
                calls=before.calls + 1,
                input_tokens=before.input_tokens + usage.input_tokens,
                output_tokens=before.output_tokens + usage.output_tokens,
                cost=sum(known) if known else None,
            )
        return cost

    def clear(self) -> None:
        """Count from nothing again."""
        with self._lock:
            self._entries.clear()

    @property
    def cost(self) -> float:
        """What all calls cost whose price is known, in US dollars."""
        return sum(each.cost or 0.0 for each in self)

    def __iter__(self) -> Iterator[Entry]:
        with self._lock:
            return iter(list(self._entries.values()))

    def __getitem__(self, model: str) -> Entry:
        return self._entries[model]

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        lines = [f"{each.model}: {_calls(each)}, {_tokens(each)}, {_money(each.cost)}" for each in self]
        return "\n".join([*lines, f"all: {_money(self.cost)}"]) if lines else "No model was asked yet."

    def _html(self) -> str:
        if not len(self):
            return f"<p>{escape(repr(self))}</p>"
        head = "".join(f"<th>{title}</th>" for title in ("model", "calls", "tokens in / out", "cost"))
        rows = "".join(
            f"<tr><td>{escape(each.model)}</td><td>{each.calls}</td>"
            f"<td>{each.input_tokens} / {each.output_tokens}</td><td>{_money(each.cost)}</td></tr>"
            for each in self
        )
        return (
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
            f"<tfoot><tr><td colspan=3>all</td><td>{_money(self.cost)}</td></tr></tfoot></table>"
        )


def cost_of(card: ModelCard, usage: Usage) -> float | None:
    """What a call cost in US dollars; None when nobody knows the price."""
    if card.is_local:
        return 0.0
    price = card.price or price_of(card.model)
    if price is None:
        return None
    return (usage.input_tokens * price.read + usage.output_tokens * price.written) / 1e6


def _calls(entry: Entry) -> str:
    return f"{entry.calls} call{'s' * (entry.calls != 1)}"


def _tokens(entry: Entry) -> str:
    return f"{entry.input_tokens} tokens in and {entry.output_tokens} out"


def _money(cost: float | None) -> str:
    if cost is None:
        return "price unknown"
    return f"${cost:.6f}" if 0 < cost < 0.01 else f"${cost:.4f}"


@cache
def ledger() -> Ledger:
    """What this process asked of its models so far, and what that cost."""
    return Ledger()

"""The requests of a gateway in a table that is repainted while somebody looks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any, Protocol
from unicodedata import east_asian_width

from IPython.display import display

from byzer_nb._display import Displayed
from byzer_nb._lang import say

from .footer import small

if TYPE_CHECKING:
    from byzer_nb.serve.gathering import Row
    from byzer_nb.serve.process import Served

PAINT_SECONDS = 0.25
SHOWN = 20  # rows; the rest are counted
LOOKING = ("/requests", "/metrics", "/health", "/version", "/v1/models")  # asked again and again by whoever looks


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestsTable(Displayed):
    """The running requests, and those that have just ended."""

    address: str
    rows: Sequence[Row]
    note: str = ""

    def __repr__(self) -> str:
        rows = [_head(), *map(_cells, self.rows[:SHOWN])]
        widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = [
            "  ".join(f"{cell}{' ' * (width - _width(cell))}" for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        return "\n".join([*lines, self._foot()])

    def _html(self) -> str:
        head = "".join(f"<th>{escape(title)}</th>" for title in _head())
        body = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _cells(row))}</tr>" for row in self.rows[:SHOWN]
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{small(self._foot())}"

    def _foot(self) -> str:
        from byzer_nb.serve.gathering import RUNNING

        running = sum(row["status"] in RUNNING for row in self.rows)
        facts = [self.address, say(en=f"{running} running", zh=f"进行中 {running}")]
        if (more := len(self.rows) - SHOWN) > 0:
            facts.append(say(en=f"{more} more have ended", zh=f"另有 {more} 个已结束"))
        return " · ".join([*facts, *([self.note] if self.note else [])])


def watch(shell: Any, served: Served) -> None:  # Any: IPython has no types
    """Show what a gateway does until the stop button is pressed, or until it ends."""
    from byzer_nb._sync import run
    from byzer_nb.serve.process import requests_of

    view = _InTerminal() if getattr(shell, "kernel", None) is None else _InNotebook()
    table = RequestsTable(address=served.address, rows=())
    note = ""
    view.show(table)
    try:
        while (rows := run(requests_of(served.place))) is not None:
            time.sleep(PAINT_SECONDS)
            table = replace(table, rows=[row for row in rows if row["route"] not in LOOKING])
            view.show(table)
    except KeyboardInterrupt:
        note = say(en="not watched any more", zh="已停止刷新")
    view.finish(replace(table, note=note or _end_of(served)))


def _end_of(served: Served) -> str:
    """How it ended: as it was told, or of itself."""
    from byzer_nb.serve.process import is_lost

    if is_lost(served):
        return say(
            en="it has ended without being told to; %llm_serve --list says more",
            zh="网关意外结束，详见 %llm_serve --list",
        )
    return say(en="it has ended", zh="网关已结束")


class _View(Protocol):
    """Where the table is shown."""

    def show(self, table: RequestsTable) -> None:
        """Repaint it, if it is another one."""
        ...

    def finish(self, table: RequestsTable) -> None:
        """Show it for the last time."""
        ...


class _InNotebook:
    """One output of the cell."""

    def __init__(self) -> None:
        self._handle: Any = None  # display handles have no types
        self._shown = ""

    def show(self, table: RequestsTable) -> None:
        if repr(table) == self._shown:
            return
        self._shown = repr(table)
        bundle = table._repr_mimebundle_()
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)

    def finish(self, table: RequestsTable) -> None:
        self.show(table)


class _InTerminal:
    """Lines that rich rewrites in place."""

    def __init__(self) -> None:
        from rich.live import Live

        self._live = Live(auto_refresh=False)
        self._live.start()

    def show(self, table: RequestsTable) -> None:
        from rich.text import Text

        self._live.update(Text(repr(table)), refresh=True)

    def finish(self, table: RequestsTable) -> None:
        self.show(table)
        self._live.stop()


def _head() -> list[str]:
    return [
        say(en="who", zh="谁"),
        say(en="model", zh="模型"),
        say(en="route", zh="接口"),
        say(en="status", zh="状态"),
        say(en="seconds", zh="秒"),
        say(en="first token", zh="首个 token"),
        say(en="tokens", zh="token"),
        say(en="tokens/s", zh="token/秒"),
    ]


def _cells(row: Row) -> list[str]:
    first, speed = row["first_token_seconds"], row["tokens_per_second"]
    return [
        row["who"] or "-",
        row["model"] or "-",
        row["route"],
        _state(row),
        f"{row['seconds']:.1f}",
        "-" if first is None else f"{first * 1000:.0f} ms",
        str(row["tokens"] or "-"),
        "-" if not speed else f"{speed:.0f}",
    ]


def _state(row: Row) -> str:
    states = {
        "reading": say(en="reading", zh="读取中"),
        "waiting": say(en="waiting", zh="等待中"),
        "answering": say(en="answering", zh="回答中"),
        "gone": say(en="client gone", zh="客户端断开"),
    }
    state = states.get(row["status"], row["status"])
    return f"{state} {row['error']}".rstrip()


def _width(text: str) -> int:
    """Columns of a text; Chinese characters take two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)

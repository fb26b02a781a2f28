"""`%llm_models` and `%llm_stat`: what runs, and what its workers do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from byzer_nb._display import Displayed
from byzer_nb._lang import say
from byzer_nb.errors import BadInputError, UnknownModelError

from ._arguments import read_arguments
from ._errors import short_errors

if TYPE_CHECKING:
    from byzer_nb.types.pool import PoolStat

LEAST_SECONDS = 0.2
CARD_SECONDS = 1.0  # that a table waits for the card of a model which may be loading

_WATCH = re.compile(r"--watch(?:[=\s]+([\d.]+))?(?=\s|$)")  # the seconds may be left out


@magics_class
class ModelMagics(Magics):
    """The magics `llm_models` and `llm_stat`."""

    @magic_arguments()
    @argument("--debug", action="store_true", help="Show the whole traceback of an error.")
    @no_var_expand
    @line_magic
    @short_errors
    def llm_models(self, line: str) -> ModelTable:
        """Every model that can be called from here: those of this kernel and those of the cluster.

            %llm_models

        In a script: byzer_nb.Client().models()
        """
        from byzer_nb._sync import run

        read_arguments(ModelMagics.llm_models.parser, line)
        return run(_table())

    @magic_arguments()
    @argument("--watch", default="", metavar="SECONDS", help="Keep the table up to date, each second if not said.")
    @argument("--stop", action="store_true", help="End an earlier --watch.")
    @argument("--json", action="store_true", help="Give the dict of the documents instead of a table.")
    @argument("--debug", action="store_true", help="Show the whole traceback of an error.")
    @no_var_expand
    @line_magic
    @short_errors
    def llm_stat(self, line: str) -> PoolStat | dict[str, Any] | None:
        """What the workers of a model on the cluster are doing; they are not asked, so it answers while they work.

            %llm_stat chat
            %llm_stat chat --watch
            %llm_stat chat --stop
            stat = %llm_stat --json chat

        With --watch it goes on while other cells run, with rates and latencies, until --stop or until the model ends.

        In a script: ByzerLLM().stat("chat")
        """
        from byzer_nb._sync import run
        from byzer_nb.cluster.inspection import stat

        from . import watching
        from .deploy import options_first

        line = _WATCH.sub(lambda found: f"--watch={found[1] or 1}", line)
        arguments = read_arguments(ModelMagics.llm_stat.parser, options_first(line))
        name = arguments.rest.strip()
        if not name:
            raise BadInputError(
                say(en="Which model?", zh="哪个模型？"),
                hint=say(en="For example: %llm_stat chat", zh="例如：%llm_stat chat"),
            )
        if arguments.options.stop:
            watching.stop(name)
            return None
        found = run(stat(name))
        if arguments.options.watch:
            watching.start(name, every=_seconds(arguments.options.watch))
            return None
        return found.as_json() if arguments.options.json else found


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds >= LEAST_SECONDS:
        raise BadInputError(
            say(en=f"--watch takes seconds, not {text!r}.", zh=f"--watch 需要秒数，而不是 {text!r}。"),
            hint=say(en=f"At least {LEAST_SECONDS:g}: --watch 2", zh=f"至少 {LEAST_SECONDS:g}：--watch 2"),
        )
    return seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelTable(Displayed):
    """Models, one a row."""

    rows: Sequence[Sequence[str]]

    def __repr__(self) -> str:
        rows = [self._head(), *self.rows]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)

    def _html(self) -> str:
        head = "".join(f"<th>{escape(title)}</th>" for title in self._head())
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in self.rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _head(self) -> list[str]:
        return [
            say(en="name", zh="名字"),
            say(en="engine", zh="引擎"),
            say(en="where", zh="位置"),
            say(en="workers", zh="worker"),
            say(en="busy", zh="忙"),
        ]


async def _table() -> ModelTable:
    from byzer_nb.client import shared_models
    from byzer_nb.cluster import directory, inspection
    from byzer_nb.cluster.session import is_connected

    here = shared_models()
    rows = [
        [name, here.engine(name).describe().engine, say(en="this kernel", zh="本内核"), "", ""] for name in here.names()
    ]
    for name in directory.names() if is_connected() else ():
        try:
            stat = await inspection.stat(name)
        except UnknownModelError:  # it was undeployed just now
            continue
        busy = sum(each.running > 0 for each in stat.workers)
        engine = say(en="still loading", zh="加载中")
        with suppress(TimeoutError):
            async with asyncio.timeout(CARD_SECONDS):
                engine = (await inspection.describe(name)).card.engine
        layout = f"{len(stat.workers)} × {stat.slots}"
        rows.append([name, engine, say(en="cluster", zh="集群"), layout, str(busy)])
    return ModelTable(rows=rows)

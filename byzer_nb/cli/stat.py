"""`byzerllm stat`: what the workers of a model are doing."""

from __future__ import annotations

import json
import time
from argparse import Namespace

from byzer_nb.cli.joining import join
from byzer_nb.cli.messages import say
from byzer_nb.cli.parser import Parser, amount
from byzer_nb.cli.program import Command
from byzer_nb.cli.progress import ProgressLine


def _about() -> str:
    return say(en="Show what the workers of a model are doing, as JSON.", zh="以 JSON 显示模型各 worker 的状态。")


def _add_flags(parser: Parser) -> None:
    parser.add_argument("--model", required=True, help=say(en="The name of the model.", zh="模型实例的名字。"))
    parser.add_argument(
        "--interval",
        type=amount,
        default=0.0,
        metavar="SECONDS",
        help=say(
            en="Show it again and again, so many seconds apart (default: 0, once); Ctrl-C ends it.",
            zh="每隔这么多秒再显示一次（默认 0，只显示一次）；Ctrl-C 结束。",
        ),
    )


def _run(given: Namespace) -> int:
    with ProgressLine() as progress:
        join(given, progress)
    _show(given)
    while given.interval:
        time.sleep(given.interval)
        _show(given)
    return 0


def _show(given: Namespace) -> None:
    from byzer_nb._sync import run
    from byzer_nb.cluster.inspection import stat

    now = run(stat(given.model)).as_json()
    print(json.dumps(now, indent=None if given.json else 4), flush=True)


STAT = Command(name="stat", about=_about, add_flags=_add_flags, run=_run, takes_file=True)

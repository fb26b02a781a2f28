"""`byzerllm undeploy`: end a model."""

from __future__ import annotations

from argparse import Namespace

from byzer_nb.cli.joining import join
from byzer_nb.cli.messages import say, tell
from byzer_nb.cli.parser import Parser
from byzer_nb.cli.program import Command
from byzer_nb.cli.progress import ProgressLine


def _about() -> str:
    return say(en="End a model and free what it held.", zh="停止一个模型并释放它占用的资源。")


def _add_flags(parser: Parser) -> None:
    parser.add_argument("--model", required=True, help=say(en="The name of the model.", zh="模型实例的名字。"))
    add_force(parser)


def add_force(parser: Parser) -> None:
    """The flag of the documents; a model is ended without waiting for its requests anyway."""
    parser.add_argument(
        "--force",
        action="store_true",
        help=say(en="Accepted for older scripts; changes nothing.", zh="为兼容旧脚本而保留，没有作用。"),
    )


def undeploy(given: Namespace) -> int:
    """End the model; one that does not run is no mistake."""
    with ProgressLine() as progress:
        join(given, progress)
        from byzer_nb._sync import run
        from byzer_nb.cluster import deployment

        progress.show(say(en=f"{given.model}: ending", zh=f"{given.model}：正在停止"))
        ended = run(deployment.undeploy(given.model))
    if ended is None:
        tell(
            say(en=f"{given.model} is not running.", zh=f"{given.model} 没有在运行。"),
            as_json=given.json,
            model=given.model,
            status="not running",
        )
        return 0
    tell(
        say(en=f"Undeployed {given.model}.", zh=f"已停止 {given.model}。"),
        as_json=given.json,
        model=given.model,
        status="undeployed",
    )
    return 0


UNDEPLOY = Command(name="undeploy", about=_about, add_flags=_add_flags, run=undeploy, takes_file=True)

"""`%llm_serve`: give the models of the cluster to other programs, behind OpenAI's and Anthropic's protocols."""

from __future__ import annotations

import os
import re
from argparse import Namespace
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from byzer_nb._display import Displayed
from byzer_nb._lang import say
from byzer_nb.errors import BadInputError, UnsupportedError

from ._arguments import read_arguments
from ._errors import short_errors

if TYPE_CHECKING:
    from byzer_nb.serve.order import Order
    from byzer_nb.serve.process import Lost, Served

PORT = 8000
KEY_NAME = "notebook"

_VARIABLE = re.compile(r"\$\{(\w+)\}")


@magics_class
class ServeMagics(Magics):
    """The magic `llm_serve`."""

    @magic_arguments()
    @argument("--port", default="", metavar="PORT", help="Where to listen, on this machine alone; 8000 if not said.")
    @argument("--key", default="", metavar="KEY", help="What clients need; ${NAME} takes it from the environment.")
    @argument("--workers", default="1", metavar="COUNT", help="How many processes share the port.")
    @argument("--watch", action="store_true", help="Show the requests, until the stop button is pressed.")
    @argument("--stop", action="store_true", help="End it; running answers are finished first.")
    @argument("--list", action="store_true", help="Show every gateway of yours on this machine.")
    @argument("--debug", action="store_true", help="Show the whole traceback of an error.")
    @no_var_expand
    @line_magic
    @short_errors
    def llm_serve(self, line: str) -> Gateways | None:
        """Serve the models of the cluster to other programs: a gateway in a process of its own.

            %llm_serve
            %llm_serve --port 8001 --key ${MY_KEY} --workers 4
            %llm_serve --watch
            %llm_serve --list
            %llm_serve --stop

        It speaks OpenAI's protocol and Anthropic's, finds models that are deployed later by itself, and outlives the
        kernel, unless the cluster is the kernel's own.

        In a shell: byzerllm serve
        """
        from byzer_nb._sync import run
        from byzer_nb.serve import process

        from . import requests_table
        from .deploy import be_in_a_cluster
        from .painter import painter_for

        arguments = read_arguments(ServeMagics.llm_serve.parser, line, has_text=False)
        options = arguments.options
        _check(options, arguments.rest)
        if options.list:
            return Gateways(served=tuple(run(process.list_served())), lost=tuple(process.list_lost()))
        painter = painter_for(self.shell)
        if options.stop:
            if (lost := _lost(options)) is not None:
                run(process.stop(lost.place))
                painter.note(
                    say(
                        en=f"The gateway at {lost.serving.address} had ended already; it is not listed any more.",
                        zh=f"{lost.serving.address} 的网关早已结束，不再列出。",
                    )
                )
                return None
            served = _one(options)
            run(process.stop(served.place))
            painter.note(
                say(en=f"Nothing is served at {served.address} any more.", zh=f"{served.address} 已停止服务。")
            )
            return None
        if options.watch:
            requests_table.watch(self.shell, _one(options))
            return None
        be_in_a_cluster(self.shell)
        order = _order(options)
        painter.note(say(en="starting a gateway …", zh="正在启动网关 …"))
        served = run(process.start(order))
        for note in _notes(order):
            painter.note(note)
        return Gateways(served=(served,))


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateways(Displayed):
    """Gateways that run: where, for whom, and which models answer there; and those that ended without being told to."""

    served: tuple[Served, ...]
    lost: tuple[Lost, ...] = ()

    def __repr__(self) -> str:
        told = [line for each in self.served for line in _lines(each)]
        told += [line for each in self.lost for line in _lines_of_lost(each)]
        return "\n".join(told) or _nothing()

    def _html(self) -> str:
        return (
            "".join([*map(_as_html, self.served), *map(_lost_as_html, self.lost)]) or f"<div>{escape(_nothing())}</div>"
        )


def _as_html(served: Served) -> str:
    title, *facts, curl = _lines(served)
    rows = "".join(f"<div>{escape(fact.strip())}</div>" for fact in facts)
    code = escape(curl[curl.index("curl ") :])
    return f"<div><b>{escape(title)}</b></div>{rows}<pre style='white-space:pre-wrap;margin:.3em 0'>{code}</pre>"


def _lost_as_html(lost: Lost) -> str:
    title, *facts = _lines_of_lost(lost)
    rows = "".join(f"<div>{escape(fact.strip())}</div>" for fact in facts)
    return f"<div><b>{escape(title)}</b></div>{rows}"


def _lines_of_lost(lost: Lost) -> list[str]:
    """That it is no more, where it said why, and how it is started again."""
    settings = lost.place.order().settings
    terminal = say(en="in the terminal that it was started in", zh="在启动它的终端里")
    words = f" --port {settings.port}" + (f" --workers {settings.workers}" if settings.workers > 1 else "")
    if lost.log is None:
        again = f"byzerllm serve{words}" + (" --api_key '${MY_KEY}'" if settings.keys else "")
    else:
        again = f"%llm_serve{words}" + (" --key ${MY_KEY}" if settings.keys else "")
    return [
        say(
            en=f"The gateway at {settings.address} has ended without being told to: it was killed, or its cluster "
            "ended.",
            zh=f"{settings.address} 的网关意外结束：进程被杀，或集群已停止。",
        ),
        f"  {say(en='log   ', zh='日志    ')} {lost.log or terminal}",
        f"  {say(en='again ', zh='重新启动')} {again}",
        f"  {say(en='forget', zh='不再列出')} %llm_serve --stop --port {settings.port}",
    ]


def _lines(served: Served) -> list[str]:
    from byzer_nb.serve.curl import curl_line

    keys = ", ".join(served.serving.keys)
    who = (
        say(en=f"whoever has a key: {keys}", zh=f"持有密钥者：{keys}")
        if keys
        else say(en="everybody on this machine, without a key", zh="本机所有人，无需密钥")
    )
    curl = curl_line(served.address, next(iter(served.models), ""), has_key=bool(keys))
    return [
        say(en=f"Serving at {served.address}/v1", zh=f"服务地址 {served.address}/v1"),
        f"  {say(en='who   ', zh='谁可用')} {who}",
        f"  {say(en='models', zh='模型  ')} {', '.join(served.models)}",
        f"  {say(en='try   ', zh='试一试')} {curl}",
    ]


def _nothing() -> str:
    return say(en="No gateway of yours runs on this machine.", zh="本机没有您的网关在运行。")


def _check(options: Namespace, rest: str) -> None:
    if rest:
        raise BadInputError(
            say(en=f"%llm_serve takes options only, not {rest!r}.", zh=f"%llm_serve 只接受选项，不能写 {rest!r}。"),
            hint=say(en="For example: %llm_serve --port 8001", zh="例如：%llm_serve --port 8001"),
        )
    doing = [name for name in ("watch", "stop", "list") if getattr(options, name)]
    if len(doing) > 1:
        raise BadInputError(
            say(en=f"--{doing[0]} and --{doing[1]} are two things.", zh=f"--{doing[0]} 和 --{doing[1]} 不能同时使用。"),
            hint=say(en="Write one line for each.", zh="请分两行写。"),
        )


def _one(options: Namespace) -> Served:
    """The gateway that is meant: the one at the port; without one that of this kernel, or the only one."""
    from byzer_nb._sync import run
    from byzer_nb.serve import process

    if not options.port:
        running = run(process.list_served())
        own = [each for each in running if process.was_started_here(each)]
        for found in (own, running):
            if len(found) == 1:
                return found[0]
    return run(process.served_at(_port(options.port)))


def _lost(options: Namespace) -> Lost | None:
    """The one at the port that has ended without being told to; without a port the only one, if none runs."""
    from byzer_nb._sync import run
    from byzer_nb.serve import process

    lost = process.list_lost()
    if options.port:
        return next((each for each in lost if each.port == _port(options.port)), None)
    return lost[0] if len(lost) == 1 and not run(process.list_served()) else None


def _port(text: str) -> int:
    if text and not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise BadInputError(
            say(en=f"{text!r} is no port; ports go from 1 to 65535.", zh=f"{text!r} 不是端口；范围是 1 到 65535。"),
            hint=say(en="For example: --port 8001", zh="例如：--port 8001"),
        )
    return int(text) if text else PORT


def _order(options: Namespace) -> Order:
    from byzer_nb.cluster.session import connection
    from byzer_nb.serve.keys import KeyEntry, hash_of
    from byzer_nb.serve.order import Order
    from byzer_nb.serve.settings import ServeSettings

    from .deploy import as_number

    found = connection()
    if ":" not in found.address or found.address.startswith("over"):
        raise UnsupportedError(
            say(
                en="This kernel is in its cluster from outside (ray://), so a process beside it cannot find the way.",
                zh="本内核通过 ray:// 从外部连接集群，旁边的进程无法找到它。",
            ),
            hint=say(
                en="In a terminal: byzerllm serve --ray_address ray://HOST:10001",
                zh="请在终端运行：byzerllm serve --ray_address ray://主机:10001",
            ),
        )
    key = _key(options.key)
    return Order(
        settings=ServeSettings(
            port=_port(options.port),
            keys=(KeyEntry(name=KEY_NAME, hash=hash_of(key)),) if key else (),
            workers=as_number("--workers", options.workers, int),
        ),
        ray_address=found.address,
        ends_with_its_parent=found.way == "started",
    )


def _key(text: str) -> str:
    """The key, or the variable of the environment that holds it."""
    reference = _VARIABLE.fullmatch(text)
    if reference is None:
        return text
    if reference[1] not in os.environ:
        raise BadInputError(
            say(en=f"There is no variable {reference[1]} in the environment.", zh=f"环境变量中没有 {reference[1]}。"),
            hint=say(en=f"Set it first: %env {reference[1]}=...", zh=f"请先设置：%env {reference[1]}=..."),
        )
    return os.environ[reference[1]]


def _notes(order: Order) -> list[str]:
    """What is special about a gateway that was started here."""
    from byzer_nb.client import shared_models
    from byzer_nb.client.local import BUNDLED

    notes = []
    if order.ends_with_its_parent:
        notes.append(
            say(
                en="It ends with this kernel, as its private cluster does. One that stays: ray start --head, and then "
                "%llm_connect.",
                zh="它和私有集群一样随本内核结束。要长期运行：先执行 ray start --head，再执行 %llm_connect。",
            )
        )
    here = [name for name in shared_models().own_names() if name != BUNDLED]
    if here:
        names = ", ".join(here)
        notes.append(
            say(
                en=f"Not served, for they live in this kernel alone: {names}. Deploy them: %%llm_deploy {here[0]} "
                "--type ...",
                zh=f"以下模型只在本内核中，不会对外提供：{names}。请部署它们：%%llm_deploy {here[0]} --type ...",
            )
        )
    return notes

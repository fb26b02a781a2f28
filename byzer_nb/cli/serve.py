"""`byzerllm serve`: every model that can be called, behind OpenAI's and Anthropic's protocols."""

from __future__ import annotations

import argparse
import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from byzer_nb.cli.joining import AUTO, join
from byzer_nb.cli.messages import did_you_mean, remark, say, tell
from byzer_nb.cli.parser import Parser, amount
from byzer_nb.cli.program import Command
from byzer_nb.cli.progress import ProgressLine
from byzer_nb.cli.serve_flags import KEY_VARIABLE, SECONDS, TIME_VARIABLE, add_flags
from byzer_nb.types.masking import shown
from byzer_nb.types.secret import Secret

if TYPE_CHECKING:
    from byzer_nb.serve.keys import KeyEntry
    from byzer_nb.serve.settings import Cors, ServeSettings

MEGABYTE = 1024 * 1024
NAME = "api_key"  # of a key that is given without one


def _about() -> str:
    return say(
        en="Serve all models to programs that speak OpenAI's or Anthropic's protocol.",
        zh="把所有模型提供给使用 OpenAI 或 Anthropic 协议的程序。",
    )


def serve(given: Namespace) -> int:
    """Serve until Ctrl-C."""
    settings = _settings(given)
    from byzer_nb.serve import serving
    from byzer_nb.serve.held_models import read_models
    from byzer_nb.serve.order import Order

    models = str(Path(given.models).expanduser().absolute()) if given.models else ""
    if models:
        read_models(Path(models))  # a mistake in it is told before anything is started
    order = Order(settings=settings, ray_address=_cluster(given, settings), models=models)
    serving.serve(order, when_ready=lambda names: _tell(given, settings, names))
    return 0


def _cluster(given: Namespace, settings: ServeSettings) -> str:
    """Where the cluster is for each of the processes."""
    if given.no_ray:
        return ""
    with ProgressLine() as progress:
        join(given, progress)
    from byzer_nb.cluster import session

    named = given.ray_address if given.ray_address != AUTO else os.environ.get("RAY_ADDRESS", "")
    address = named if named.startswith(session.CLIENT_PREFIX) else session.connection().address
    if settings.workers > 1:
        session.disconnect()  # each process joins by itself, and this one only looks after them
    return address


def _settings(given: Namespace) -> ServeSettings:
    from byzer_nb.errors import MissingFileError
    from byzer_nb.serve.settings import ServeSettings, is_loop_back

    keys = _keys(given)
    if bool(given.ssl_keyfile) != bool(given.ssl_certfile):
        missing = "--ssl_certfile" if given.ssl_keyfile else "--ssl_keyfile"
        _refuse(say(en=f"TLS needs both files; {missing} is missing.", zh=f"TLS 需要两个文件，缺少 {missing}。"))
    if not keys and not is_loop_back(given.host):
        _refuse(
            say(
                en=f"Without a key this machine alone is served, and not {given.host or 'every address'}. Set one with "
                f"--api_key or {KEY_VARIABLE}, or leave --host out.",
                zh=f"没有密钥时只能服务本机，不能监听 {given.host or '所有地址'}。请用 --api_key 或 {KEY_VARIABLE} "
                "设置密钥，或者去掉 --host。",
            )
        )
    for path in filter(None, (given.ssl_keyfile, given.ssl_certfile)):
        if not Path(path).expanduser().is_file():
            raise MissingFileError(
                say(en=f"There is no file {path!r}.", zh=f"没有文件 {path!r}。"),
                hint=say(en="Give the PEM files of key and certificate.", zh="请给出私钥和证书的 PEM 文件。"),
            )
    return ServeSettings(
        host=given.host,
        port=given.port,
        keys=keys,
        cors=_cors(given),
        ssl_keyfile=_absolute(given.ssl_keyfile),
        ssl_certfile=_absolute(given.ssl_certfile),
        served_model_name=given.served_model_name,
        prompt_template=_template(given),
        response_role=given.response_role,
        timeout=_timeout(given),
        drain_seconds=given.drain,
        largest_body=int(given.max_body * MEGABYTE),
        workers=given.workers,
        log_level=given.uvicorn_log_level,
    )


def _keys(given: Namespace) -> tuple[KeyEntry, ...]:
    from byzer_nb.serve.keys import KeyEntry, hash_of, read_keys

    key = Secret(given.api_key or os.environ.get(KEY_VARIABLE, ""))
    own = (KeyEntry(name=NAME, hash=hash_of(key.reveal())),) if key else ()
    return own + (read_keys(Path(given.keys).expanduser()) if given.keys else ())


def _cors(given: Namespace) -> Cors | None:
    from byzer_nb.serve.settings import Cors

    if given.allowed_origins is None:
        if given.allowed_methods or given.allowed_headers or given.allow_credentials:
            _refuse(
                say(
                    en="No page may call unless it is named: add --allowed_origins.",
                    zh="没有指定允许的网页来源，请加上 --allowed_origins。",
                )
            )
        return None
    return Cors(
        origins=given.allowed_origins,
        methods=given.allowed_methods or ("*",),
        headers=given.allowed_headers or ("*",),
        credentials=given.allow_credentials,
    )


def _template(given: Namespace) -> str:
    name: str = given.prompt_template if given.prompt_template != "auto" else given.template
    from byzer_nb.prompts.markup import MARKUPS

    known = ("auto", *MARKUPS)
    if name in known:
        return name
    near = did_you_mean(name, known)
    remark(
        say(
            en=f"There is no template {shown(name)}; the model's own is used. {near}Known: {', '.join(known)}.",
            zh=f"没有模板 {shown(name)}，将使用模型自带的模板。{near}可用的有：{', '.join(known)}。",
        )
    )
    return "auto"


def _timeout(given: Namespace) -> float:
    if given.timeout is not None:
        seconds, what = given.timeout, "--timeout"
    else:
        text, what = os.environ.get(TIME_VARIABLE, ""), TIME_VARIABLE
        try:
            seconds = amount(text) if text else SECONDS
        except argparse.ArgumentTypeError as wrong:
            _refuse(f"{what}: {wrong}")
    if not seconds:
        _refuse(say(en=f"{what} must be above 0.", zh=f"{what} 必须大于 0。"))
    return float(seconds)


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute()) if path else ""


def _refuse(what: str) -> NoReturn:
    """A mistake of usage that shows itself only when several flags are seen together."""
    parser = Parser(prog="byzerllm serve", description=_about())
    add_flags(parser)
    parser.error(what)


def _tell(given: Namespace, settings: ServeSettings, models: list[str]) -> None:
    """Say where it serves, whom, what, and how to try it."""
    from byzer_nb.serve.curl import curl_line

    names = [key.name for key in settings.keys]
    line = curl_line(settings.address, next(iter(models), ""), has_key=bool(names))
    who = (
        say(en=f"whoever has a key: {', '.join(names)}", zh=f"持有密钥者：{', '.join(names)}")
        if names
        else say(en="everybody on this machine, without a key", zh="本机所有人，无需密钥")
    )
    rows = [
        say(
            en=f"Serving at {settings.address}/v1; Ctrl-C ends it.", zh=f"服务地址 {settings.address}/v1，Ctrl-C 停止。"
        ),
        say(en="  who     ", zh="  谁可用  ") + who,
        say(en="  models  ", zh="  模型    ") + ", ".join(models),
        say(en="  try     ", zh="  试一试  ") + line,
    ]
    tell("\n".join(rows), as_json=given.json, address=settings.address, models=models, keys=names, pid=os.getpid())


SERVE = Command(name="serve", about=_about, add_flags=add_flags, run=serve, takes_file=True)

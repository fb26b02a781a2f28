"""`byzerllm key`: a new key for a gateway, shown once; what is kept is its hash."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

from byzer_nb.cli.messages import remark, say
from byzer_nb.cli.parser import Parser, amount
from byzer_nb.cli.program import Command
from byzer_nb.errors import BadInputError

LIMITS = ("requests_per_minute", "tokens_per_minute", "budget")


def _about() -> str:
    return say(en="Make a key for byzerllm serve --keys.", zh="为 byzerllm serve --keys 生成一个密钥。")


def _add_flags(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME", help=say(en="Whose it is.", zh="密钥的名字。"))
    about = {
        "requests_per_minute": say(en="Requests in any minute.", zh="每分钟的请求数。"),
        "tokens_per_minute": say(en="Tokens in any minute.", zh="每分钟的 token 数。"),
        "budget": say(en="US dollars until the gateway is started again.", zh="网关重启之前可用的美元预算。"),
    }
    for limit in LIMITS:
        parser.add_argument(
            f"--{limit}",
            type=amount,
            default=0.0,
            metavar="N",
            help=about[limit] + say(en=" Default: no limit.", zh="默认不限。"),
        )
    parser.add_argument(
        "--file",
        metavar="FILE",
        help=say(en="Add it to this file, which is made if need be.", zh="写入这个文件，没有时自动创建。"),
    )


def make_key(given: Namespace) -> int:
    """Print a key, and what is to be kept of it."""
    from byzer_nb.serve.keys import KeyEntry, hash_of, new_key, read_keys

    key = new_key()
    entry = KeyEntry(name=given.name, hash=hash_of(key), **{limit: getattr(given, limit) for limit in LIMITS})
    text = _as_yaml(entry)
    if not given.file:
        print(key)
        print(text, end="")
        remark(
            say(
                en="The key is shown this once. The lines below it go into the file of --keys.",
                zh="密钥只显示这一次；它下面的几行写入 --keys 的文件。",
            )
        )
        return 0
    path = Path(given.file).expanduser()
    held = path.read_text(encoding="utf-8") if path.exists() else ""
    if held.strip() and given.name in {each.name for each in read_keys(path)}:
        raise BadInputError(
            say(
                en=f"{given.file!r} has a key {given.name!r} already.", zh=f"{given.file!r} 里已有密钥 {given.name!r}。"
            ),
            hint=say(en="Take another name, or remove that one.", zh="请换一个名字，或者先删除它。"),
        )
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as file:
        file.write(("" if not held or held.endswith("\n") else "\n") + text)
    print(key)
    remark(
        say(
            en=f"The key is shown this once; its hash is in {path}. A gateway reads the file when it starts.",
            zh=f"密钥只显示这一次；它的哈希已写入 {path}。网关启动时读取该文件。",
        )
    )
    return 0


def _as_yaml(entry: object) -> str:
    import yaml

    fields = {name: getattr(entry, name) for name in ("name", "hash", *LIMITS)}
    kept = {name: value for name, value in fields.items() if value}
    return yaml.safe_dump([kept], sort_keys=False, allow_unicode=True)


KEY = Command(name="key", about=_about, add_flags=_add_flags, run=make_key, is_plain=True)

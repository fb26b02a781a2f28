"""The flags of `byzerllm serve`."""

from __future__ import annotations

import argparse
import json

from byzer_nb.cli.infer_params import Key
from byzer_nb.cli.messages import say
from byzer_nb.cli.parser import Parser, amount, whole
from byzer_nb.types.masking import shown

LEVELS = ("critical", "error", "warning", "info", "debug", "trace")
KEY_VARIABLE = "BYZERLLM_API_KEY"
TIME_VARIABLE = "BYZERLLM_APISERVER_HTTP_TIMEOUT"
SECONDS = 600.0


def add_flags(parser: Parser) -> None:
    """Those of the documents, in their spelling, and ours."""
    _add_place(parser)
    _add_doors(parser)
    _add_models(parser)
    _add_limits(parser)


def _add_place(parser: Parser) -> None:
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help=say(
            en="Where to listen (default: 127.0.0.1, this machine alone). '' or 0.0.0.0 is every address; it needs a "
            "key.",
            zh="监听地址（默认 127.0.0.1，仅限本机）。'' 或 0.0.0.0 表示所有地址，需要设置密钥。",
        ),
    )
    parser.add_argument(
        "--port", type=port, default=8000, help=say(en="The port (default: 8000).", zh="端口（默认 8000）。")
    )
    parser.add_argument(
        "--workers",
        type=whole,
        default=1,
        metavar="N",
        help=say(en="How many processes share the port (default: 1).", zh="共用端口的进程数（默认 1）。"),
    )
    parser.add_argument(
        "--uvicorn_log_level",
        default="info",
        choices=LEVELS,
        help=say(en="How much is logged (default: info).", zh="日志级别（默认 info）。"),
    )


def _add_doors(parser: Parser) -> None:
    parser.add_argument(
        "--api_key",
        action=Key,
        metavar="KEY",
        help=say(
            en=f"The key that clients need (default: the variable {KEY_VARIABLE}; without one only this machine is "
            "served). It is hidden from ps.",
            zh=f"客户端需要的密钥（默认取环境变量 {KEY_VARIABLE}；没有密钥时只服务本机）。ps 中看不到它。",
        ),
    )
    parser.add_argument(
        "--keys",
        metavar="FILE",
        help=say(
            en="A YAML file of keys with names, limits and budgets; byzerllm key makes them.",
            zh="YAML 密钥文件，每个密钥有名字、限额和预算；用 byzerllm key 生成。",
        ),
    )
    parser.add_argument(
        "--allowed_origins",
        type=listed,
        metavar="LIST",
        help=say(
            en="""Pages whose scripts may call, as JSON such as '["https://a.b"]' or '["*"]' (default: none).""",
            zh="""允许跨域调用的网页来源，JSON 列表，例如 '["https://a.b"]' 或 '["*"]'（默认不允许）。""",
        ),
    )
    parser.add_argument(
        "--allowed_methods",
        type=listed,
        metavar="LIST",
        help=say(en="""What they may do (default: '["*"]').""", zh="""允许的方法（默认 '["*"]'）。"""),
    )
    parser.add_argument(
        "--allowed_headers",
        type=listed,
        metavar="LIST",
        help=say(en="""What they may send (default: '["*"]').""", zh="""允许的请求头（默认 '["*"]'）。"""),
    )
    parser.add_argument(
        "--allow_credentials",
        action="store_true",
        help=say(en="Let them send cookies.", zh="允许携带 cookie。"),
    )
    for name, what in (("ssl_keyfile", say(en="key", zh="私钥")), ("ssl_certfile", say(en="certificate", zh="证书"))):
        parser.add_argument(
            f"--{name}",
            default="",
            metavar="FILE",
            help=say(en=f"The {what} for TLS, a PEM file.", zh=f"TLS {what}，PEM 文件。"),
        )


def _add_models(parser: Parser) -> None:
    parser.add_argument(
        "--served_model_name",
        default="",
        metavar="MODEL",
        help=say(en="This model answers, whatever a request names.", zh="无论请求写什么模型名，都由它回答。"),
    )
    parser.add_argument(
        "--models",
        metavar="FILE",
        help=say(
            en="A YAML list of models that this process holds itself: name, type, path, settings. For providers that "
            "is quicker than over Ray.",
            zh="YAML 列表，由本进程直接持有的模型：name、type、path、settings。对服务商来说比经过 Ray 更快。",
        ),
    )
    parser.add_argument(
        "--no_ray",
        action="store_true",
        help=say(en="Join no cluster: serve what this process holds.", zh="不加入集群，只服务本进程持有的模型。"),
    )
    for name in ("prompt_template", "template"):
        parser.add_argument(
            f"--{name}",
            default="auto",
            metavar="NAME",
            help=say(
                en="The chat template, for weights that bring none (default: auto).",
                zh="对话模板，用于没有自带模板的权重（默认 auto）。",
            )
            if name == "template"
            else say(en="The same, and it wins over --template.", zh="同 --template，优先于它。"),
        )
    parser.add_argument(
        "--response_role",
        default="assistant",
        metavar="ROLE",
        help=say(en="The role of answers (default: assistant).", zh="回答的角色（默认 assistant）。"),
    )


def _add_limits(parser: Parser) -> None:
    parser.add_argument(
        "--timeout",
        type=amount,
        metavar="SECONDS",
        help=say(
            en=f"For a whole answer (default: the variable {TIME_VARIABLE}, or {SECONDS:g}).",
            zh=f"一个完整回答的时限（默认取环境变量 {TIME_VARIABLE}，否则 {SECONDS:g}）。",
        ),
    )
    parser.add_argument(
        "--max_body",
        type=amount,
        default=64.0,
        metavar="MB",
        help=say(en="The largest request (default: 64).", zh="请求体的上限（默认 64）。"),
    )
    parser.add_argument(
        "--drain",
        type=amount,
        default=30.0,
        metavar="SECONDS",
        help=say(
            en="For answers that run when it is ended (default: 30).", zh="停止时等待正在生成的回答的时间（默认 30）。"
        ),
    )


def port(text: str) -> int:
    """The number of a port."""
    if not text.strip().isascii() or not text.strip().isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(
            say(
                en=f"{shown(text)} is no port; ports go from 1 to 65535.",
                zh=f"{shown(text)} 不是端口；范围是 1 到 65535。",
            )
        )
    return int(text)


def listed(text: str) -> tuple[str, ...]:
    """A JSON list of texts, or texts with commas between them."""
    try:
        values = json.loads(text)
    except ValueError:
        values = [part.strip() for part in text.split(",")]
    if not isinstance(values, list) or not all(isinstance(each, str) and each for each in values):
        raise argparse.ArgumentTypeError(
            say(en=f"""{shown(text)} is no list such as '["*"]'.""", zh=f"""{shown(text)} 不是 '["*"]' 这样的列表。""")
        )
    return tuple(values)

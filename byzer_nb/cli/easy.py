"""The sub-commands of `easy-byzerllm`: a well-known model with a key and nothing else."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from byzer_nb.cli.deploy import add_infer_params, deploy
from byzer_nb.cli.deployment import Deployment
from byzer_nb.cli.infer_params import Key
from byzer_nb.cli.known_models import KNOWN_MODELS
from byzer_nb.cli.messages import did_you_mean, say
from byzer_nb.cli.parser import Parser
from byzer_nb.cli.program import Command
from byzer_nb.cli.query import ask
from byzer_nb.cli.undeploy import add_force, undeploy
from byzer_nb.errors import UnknownNameError

CPUS = 0.001
SLOTS = 1000


def _about_deploy() -> str:
    return say(en="Start a well-known model of a provider.", zh="部署一个常用的服务商模型。")


def _add_deploy_flags(parser: Parser) -> None:
    parser.add_argument("model", metavar="MODEL", help=say(en="One of: ", zh="可用的有：") + ", ".join(KNOWN_MODELS))
    parser.offer("model", KNOWN_MODELS)
    parser.add_argument(
        "--token",
        action=Key,
        required=True,
        metavar="KEY",
        help=say(
            en="The provider's key; '${NAME}' in single quotes is taken from the environment.",
            zh="服务商的密钥；写成带单引号的 '${NAME}' 时从环境变量读取。",
        ),
    )
    parser.add_argument(
        "--alias", metavar="NAME", help=say(en="The name that it will answer to.", zh="模型实例的名字。")
    )
    parser.add_argument(
        "--base_url", metavar="URL", help=say(en="Another address of the provider.", zh="服务商的另一个地址。")
    )
    add_infer_params(parser)


def _run_deploy(given: Namespace) -> int:
    return deploy(deployment_of(given), given)


def deployment_of(given: Namespace) -> Deployment:
    """What the arguments mean; an unknown model is told with those that are known."""
    known = KNOWN_MODELS.get(given.model)
    if known is None:
        raise UnknownNameError(
            say(en=f"No well-known model is called {given.model!r}.", zh=f"常用模型里没有 {given.model!r}。"),
            hint=did_you_mean(given.model, KNOWN_MODELS) + say(en="Known: ", zh="可用的有：") + ", ".join(KNOWN_MODELS),
        )
    settings: dict[str, Any] = {"saas.api_key": given.token, "saas.model": given.model, **known.extra}
    if given.base_url:
        settings["saas.base_url"] = given.base_url
    return Deployment(
        name=given.alias or given.model,
        pretrained_model_type=known.type,
        infer_params={**settings, **(given.infer_params or {})},
        slots=SLOTS,
        cpus=CPUS,
    )


def _about_chat() -> str:
    return say(en="Ask any deployed model and print its answer.", zh="向任意一个已部署的模型提问并打印回答。")


def _add_chat_flags(parser: Parser) -> None:
    parser.add_argument("model", metavar="ALIAS", help=say(en="The name of the model.", zh="模型实例的名字。"))
    parser.add_argument("query", metavar="QUERY", help=say(en="The question, in quotes.", zh="问题，请加引号。"))


def _run_chat(given: Namespace) -> int:
    return ask(given, model=given.model, query=given.query)


def _about_undeploy() -> str:
    return say(en="End a model and free what it held.", zh="停止一个模型并释放它占用的资源。")


def _add_undeploy_flags(parser: Parser) -> None:
    parser.add_argument("model", metavar="MODEL", help=say(en="The name of the model.", zh="模型实例的名字。"))
    add_force(parser)


EASY_DEPLOY = Command(name="deploy", about=_about_deploy, add_flags=_add_deploy_flags, run=_run_deploy)
EASY_CHAT = Command(name="chat", about=_about_chat, add_flags=_add_chat_flags, run=_run_chat)
EASY_UNDEPLOY = Command(name="undeploy", about=_about_undeploy, add_flags=_add_undeploy_flags, run=undeploy)

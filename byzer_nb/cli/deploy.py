"""`byzerllm deploy`: start a model on the cluster."""

from __future__ import annotations

from argparse import SUPPRESS, Namespace
from typing import TYPE_CHECKING

from byzer_nb.cli.deployment import BACKENDS, DEFAULT_BACKEND, Deployment
from byzer_nb.cli.infer_params import InferParams
from byzer_nb.cli.joining import join
from byzer_nb.cli.messages import remark, say, tell
from byzer_nb.cli.parser import Parser, amount, whole
from byzer_nb.cli.program import Command
from byzer_nb.cli.progress import ProgressLine
from byzer_nb.errors import BadInputError, MissingSettingError

if TYPE_CHECKING:
    from byzer_nb.cluster.deployment import DeployedModel, DeployStep
    from byzer_nb.types import DeploySpec
    from byzer_nb.types.pool import PoolSpec

DEFAULT_TYPE = "custom/llama2"
OFTEN_USED_TYPES = ("byzer-tiny", "custom/auto", "saas/openai", "saas/official_openai", "saas/reasoning_openai")


def _about() -> str:
    return say(en="Start a model on the cluster.", zh="在集群上部署一个模型。")


def _add_flags(parser: Parser) -> None:
    parser.add_argument(
        "--model", required=True, help=say(en="The name that the model will answer to.", zh="模型实例的名字。")
    )
    parser.add_argument(
        "--pretrained_model_type",
        default=DEFAULT_TYPE,
        metavar="TYPE",
        help=say(
            en="saas/openai and other providers, custom/auto for weights of your own, byzer-tiny for the model that "
            f"is here already (default: {DEFAULT_TYPE}).",
            zh=f"saas/openai 等服务商、custom/auto 等自有权重，或自带的 byzer-tiny（默认 {DEFAULT_TYPE}）。",
        ),
    )
    parser.offer("pretrained_model_type", OFTEN_USED_TYPES)
    parser.add_argument(
        "--model_path",
        default="",
        metavar="PATH",
        help=say(en="The folder or GGUF file of the weights.", zh="权重所在的目录或 GGUF 文件。"),
    )
    parser.add_argument(
        "--infer_backend",
        default="",
        metavar="BACKEND",
        help=say(
            en=f"What runs the weights: {', '.join(BACKENDS)} (default: {DEFAULT_BACKEND}).",
            zh=f"推理后端：{', '.join(BACKENDS)}（默认 {DEFAULT_BACKEND}）。",
        ),
    )
    parser.offer("infer_backend", BACKENDS)
    add_infer_params(parser)
    parser.add_argument(
        "--num_workers",
        type=whole,
        default=1,
        metavar="N",
        help=say(en="How many workers (default: 1).", zh="worker 数量（默认 1）。"),
    )
    parser.add_argument(
        "--worker_concurrency",
        type=whole,
        metavar="N",
        help=say(
            en="Requests that a worker takes at a time (default: 1, and more for backends that batch).",
            zh="每个 worker 同时处理的请求数（默认 1，支持批处理的后端更多）。",
        ),
    )
    parser.add_argument(
        "--cpus_per_worker",
        type=amount,
        default=0.01,
        metavar="CPUS",
        help=say(en="CPUs of each worker (default: 0.01).", zh="每个 worker 的 CPU 数（默认 0.01）。"),
    )
    parser.add_argument(
        "--gpus_per_worker",
        type=amount,
        default=0.0,
        metavar="GPUS",
        help=say(en="GPUs of each worker (default: 0).", zh="每个 worker 的 GPU 数（默认 0）。"),
    )
    # The documents have these spellings too.
    parser.add_argument(
        "--gpu_gpus_per_worker",
        "--gpus_per_workers",
        dest="gpus_per_worker",
        type=amount,
        default=SUPPRESS,
        help=SUPPRESS,
    )


def add_infer_params(parser: Parser) -> None:
    """The flag for the engine's own settings."""
    parser.add_argument(
        "--infer_params",
        nargs="+",
        action=InferParams,
        metavar="KEY=VALUE",
        help=say(
            en="Settings of the engine, such as saas.model=gpt-4o. A value '${NAME}' in single quotes is taken from "
            "the environment, and so a key stays out of the history of the shell.",
            zh="引擎的参数，例如 saas.model=gpt-4o。值写成带单引号的 '${NAME}' 时从环境变量读取，"
            "密钥就不会留在 shell 历史里。",
        ),
    )


def _run(given: Namespace) -> int:
    wanted = Deployment(
        name=given.model,
        pretrained_model_type=given.pretrained_model_type,
        infer_params=given.infer_params or {},
        model_path=given.model_path,
        infer_backend=given.infer_backend,
        workers=given.num_workers,
        slots=given.worker_concurrency,
        cpus=given.cpus_per_worker,
        gpus=given.gpus_per_worker,
    )
    return deploy(wanted, given)


def deploy(wanted: Deployment, given: Namespace) -> int:
    """Start it, unless a model of that name runs already; the exit code."""
    spec, pool = wanted.specs()
    with ProgressLine() as progress:
        join(given, progress)
        from byzer_nb.cluster import directory

        is_new = not directory.exists(spec.name)
        deployed = _start(spec, pool, progress) if is_new else None
    name = spec.name
    if deployed is None:
        tell(
            say(en=f"{name} is already deployed; nothing was changed.", zh=f"{name} 已经部署过了，没有做任何改动。"),
            as_json=given.json,
            model=name,
            status="already deployed",
        )
        return 0
    tell(
        say(
            en=f"Deployed {name}: {deployed.card.engine}, {pool.workers} × {pool.slots} slots.",
            zh=f"已部署 {name}：{deployed.card.engine}，{pool.workers} × {pool.slots} 个并发。",
        ),
        as_json=given.json,
        model=name,
        status="deployed",
        engine=deployed.card.engine,
        workers=pool.workers,
        slots=pool.slots,
    )
    return 0


def _start(spec: DeploySpec, pool: PoolSpec, progress: ProgressLine) -> DeployedModel:
    from byzer_nb._sync import run
    from byzer_nb.cluster.deployment import deploy, undeploy

    has_begun = False

    def on_step(step: DeployStep) -> None:
        nonlocal has_begun
        has_begun = has_begun or step.phase != "checking"
        progress.show(in_words(spec.name, step))
        if step.phase == "failed":
            for line in step.log:
                remark(f"  {line}")

    try:
        return run(deploy(spec, pool, on_step=on_step))
    except MissingSettingError as missing:
        raise _missing(missing) from None
    except KeyboardInterrupt:
        if has_begun:
            # An interrupted call cleans up for some seconds only; a model must not be left half made.
            remark(say(en=f"Stopped; undoing {spec.name}.", zh=f"已中断，正在撤销 {spec.name}。"))
            run(undeploy(spec.name))
        raise


def in_words(name: str, step: DeployStep) -> str:
    """How far the deployment is, in one line."""
    doing = {
        "checking": say(en="checking", zh="检查"),
        "placing": say(en="placing", zh="分配资源"),
        "loading": say(en="loading", zh="加载"),
        "ready": say(en="ready", zh="就绪"),
        "failed": say(en="failed", zh="失败"),
    }[step.phase]
    counts = say(
        en=f"{step.placed} of {step.workers} workers placed, {step.ready} ready",
        zh=f"{step.workers} 个 worker 中 {step.placed} 个已分配，{step.ready} 个就绪",
    )
    return f"{name}: {doing}{say(en=', ', zh='，')}{counts}"


def _missing(missing: MissingSettingError) -> BadInputError:
    return BadInputError(
        missing.ways or f"saas.{missing.setting} is required for SaaS models",
        hint=say(
            en=f"Add it: --infer_params saas.{missing.setting}='${{NAME}}'; NAME is a variable of the environment.",
            zh=f"请加上：--infer_params saas.{missing.setting}='${{NAME}}'，NAME 是环境变量的名字。",
        ),
    )


DEPLOY = Command(name="deploy", about=_about, add_flags=_add_flags, run=_run, takes_file=True)

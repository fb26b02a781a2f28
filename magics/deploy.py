"""`%%llm_deploy` and `%llm_undeploy`: start a model on the cluster from a cell, and end it."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, TypeVar

from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from byzer_nb._lang import say
from byzer_nb.errors import BadInputError

from ._arguments import read_arguments
from ._errors import short_errors

if TYPE_CHECKING:
    from byzer_nb.cluster.deployment import DeployedModel
    from byzer_nb.types import DeploySpec
    from byzer_nb.types.pool import PoolSpec

Number = TypeVar("Number", int, float)

BUNDLED = "byzer-tiny"


@magics_class
class DeployMagics(Magics):
    """The magics `llm_deploy` and `llm_undeploy`."""

    @magic_arguments()
    @argument("--type", default="", metavar="TYPE", help="The kind of model: saas/openai, custom/auto, byzer-tiny, …")
    @argument("--path", default="", metavar="FOLDER", help="Where the weights are.")
    @argument("--backend", default="", metavar="NAME", help="The engine for weights: transformers, numpy, …")
    @argument("--workers", default="1", metavar="COUNT", help="How many workers to start.")
    @argument("--concurrency", default="", metavar="COUNT", help="How many requests each worker takes at a time.")
    @argument("--cpus", default="0.01", metavar="NUMBER", help="CPUs that Ray keeps for each worker.")
    @argument("--gpus", default="0", metavar="NUMBER", help="GPUs for each worker; fractions share one.")
    @argument("--balance", default="lru", metavar="WAY", help="lru (the one idle longest) or round_robin.")
    @argument("--replace", action="store_true", help="End a model of that name first.")
    @argument("--wait", action="store_true", help="Wait until it is ready, which is what happens anyway.")
    @argument("--no-wait", action="store_true", help="Go on with the next cell; the phases are shown as they come.")
    @argument("--default", action="store_true", help="Prompts that name no model go to it from then on.")
    @argument("--debug", action="store_true", help="Show the whole traceback of an error.")
    @no_var_expand
    @line_cell_magic
    @short_errors
    def llm_deploy(self, line: str, cell: str | None = None) -> DeployedModel | None:
        """Start a model on the Ray cluster; the cell's value is the model.

        The body holds the engine's settings as YAML; ${NAME} takes a variable of the environment:

            %%llm_deploy gpt --type saas/openai --concurrency 100 --default
            model: gpt-4o
            api_key: ${OPENAI_API_KEY}

            %llm_deploy chat --path /models/qwen --workers 2

            %llm_deploy byzer-tiny

        Without a cluster a private one is started, and ends with the notebook's kernel.

        In a script: ByzerLLM().setup_num_workers(2).deploy(model_path, pretrained_model_type, udf_name, infer_params)
        """
        from byzer_nb._sync import iterate, run
        from byzer_nb.client import reachable_models
        from byzer_nb.cluster.deployment import deploying

        from . import following
        from ._settings import read_settings
        from .deploy_view import view_for

        arguments = read_arguments(DeployMagics.llm_deploy.parser, options_first(line))
        name = arguments.rest.strip()
        spec = _spec(name, arguments.options, read_settings(cell or ""))
        pool = _pool(arguments.options)
        be_in_a_cluster(self.shell)
        view = view_for(self.shell, name)
        if arguments.options.no_wait:
            following.start(
                view, name, deploying(spec, pool, replace=arguments.options.replace), arguments.options.default
            )
            return None
        model: DeployedModel | None = None
        try:
            for step in iterate(deploying(spec, pool, replace=arguments.options.replace)):
                model = view.show(step)
        except BaseException:
            view.fail()
            raise
        assert model is not None  # the last item, or an error was raised
        if arguments.options.default:
            run(reachable_models().choose(name))
        return model

    @magic_arguments()
    @argument("--force", action="store_true", help="The same; it is here for older notebooks.")
    @argument("--debug", action="store_true", help="Show the whole traceback of an error.")
    @no_var_expand
    @line_magic
    @short_errors
    def llm_undeploy(self, line: str) -> None:
        """End a model on the cluster, and say what is free again.

            %llm_undeploy chat

        In a script: ByzerLLM().undeploy("chat")
        """
        from byzer_nb._sync import run
        from byzer_nb.client import reachable_models
        from byzer_nb.cluster.deployment import undeploy
        from byzer_nb.cluster.directory import names

        from ._suggestions import suggestion
        from .painter import painter_for

        name = read_arguments(DeployMagics.llm_undeploy.parser, options_first(line)).rest.strip()
        if not name:
            raise BadInputError(
                say(en="Which model?", zh="哪个模型？"),
                hint=say(en="For example: %llm_undeploy chat", zh="例如：%llm_undeploy chat"),
            )
        ended = run(undeploy(name))
        reachable_models().forget(name)
        if ended is None:
            told = say(en=f"{name} is not deployed. ", zh=f"{name} 没有部署。") + suggestion(name, names())
        else:
            told = say(en=f"{name} is undeployed", zh=f"{name} 已卸载") + _freed(ended.pool)
        painter_for(self.shell).note(told.strip())


def _freed(pool: PoolSpec | None) -> str:
    if pool is None:  # nobody was left who could say what it held
        return say(en=".", zh="。")
    gpus = pool.gpus * pool.workers
    free = f"{pool.cpus * pool.workers:g} CPU" + (f", {gpus:g} GPU" if gpus else "")
    return say(
        en=f": {pool.workers} workers ended, {free} free again.", zh=f"：结束了 {pool.workers} 个 worker，释放 {free}。"
    )


def options_first(line: str) -> str:
    """The same line with its first word last: the name of the model stands before the options."""
    name, _, options = line.strip().partition(" ")
    return line if name.startswith("-") else f"{options} {name}"


def _spec(name: str, options: Namespace, settings: dict[str, object]) -> DeploySpec:
    from byzer_nb.seed.deployments import AUTO, spec_of
    from byzer_nb.seed.infer_params import read_infer_params
    from byzer_nb.seed.setup import SHORT_BACKENDS, InferBackend

    if not name or " " in name:
        raise BadInputError(
            say(en="The model needs a name, of one word.", zh="模型需要一个名字（不含空格）。"),
            hint=say(
                en="For example: %%llm_deploy chat --type saas/openai", zh="例如：%%llm_deploy chat --type saas/openai"
            ),
        )
    kind = options.type or (AUTO if options.path else BUNDLED if name == BUNDLED else "")
    if not kind:
        raise BadInputError(
            say(en=f"It is not said what {name!r} is.", zh=f"没有说明 {name!r} 是什么模型。"),
            hint=say(
                en="Add --type saas/openai (or another type), or --path with a folder of weights.",
                zh="请加上 --type saas/openai（或其他类型），或者用 --path 指定权重目录。",
            ),
        )
    backend = SHORT_BACKENDS.get(options.backend, options.backend) or InferBackend.Transformers
    if kind == AUTO and backend not in (*SHORT_BACKENDS.values(), InferBackend.Transformers, InferBackend.LLAMA_CPP):
        kind = backend  # an engine under its own name
    return spec_of(name, kind, model_path=options.path, settings=read_infer_params(settings), infer_backend=backend)


def _pool(options: Namespace) -> PoolSpec:
    from byzer_nb.seed.setup import BATCHING_CONCURRENCY, SHORT_BACKENDS
    from byzer_nb.types.pool import PoolSpec

    slots = BATCHING_CONCURRENCY if options.backend in SHORT_BACKENDS else 1
    return PoolSpec(
        workers=as_number("--workers", options.workers, int),
        slots=as_number("--concurrency", options.concurrency, int) if options.concurrency else slots,
        cpus=as_number("--cpus", options.cpus, float),
        gpus=as_number("--gpus", options.gpus, float),
        balance=options.balance,
    )


def as_number(option: str, text: str, kind: type[Number]) -> Number:
    """The number that an option has."""
    try:
        return kind(text)
    except ValueError:
        raise BadInputError(
            say(en=f"{option} takes a number, not {text!r}.", zh=f"{option} 需要数字，而不是 {text!r}。"),
            hint=say(en=f"For example: {option} 2", zh=f"例如：{option} 2"),
        ) from None


def be_in_a_cluster(shell: object) -> None:
    """Join the cluster of this machine, or start one, and say so."""
    from byzer_nb.cluster.session import connect_or_start, is_connected

    from .painter import painter_for

    if not is_connected():
        painter_for(shell).note(say(en="connecting to Ray …", zh="正在连接 Ray …"))
        painter_for(shell).note(repr(connect_or_start()))

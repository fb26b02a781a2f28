"""`ByzerLLM` and `SimpleByzerLLM`: one class over two transports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

from byzer_nb._sync import run
from byzer_nb.client import LocalTransport, reachable_models, shared_models
from byzer_nb.cluster.deployment import deploy, undeploy
from byzer_nb.cluster.directory import exists
from byzer_nb.cluster.inspection import stat
from byzer_nb.cluster.session import connect, connected, is_connected
from byzer_nb.errors import BadInputError, MissingSettingError, WrongTypeError
from byzer_nb.prompts.function import PromptFunction
from byzer_nb.seed.chatting import Chatting
from byzer_nb.seed.deployments import SAAS, pool_of, spec_of
from byzer_nb.seed.embedding import Embedding
from byzer_nb.seed.infer_params import PREFIX, check_kind, read_infer_params
from byzer_nb.seed.speakers import speaker_for
from byzer_nb.seed.speaking import Config
from byzer_nb.seed.streaming import Streaming
from byzer_nb.seed.templates import AUTO, fitting_template
from byzer_nb.seed.tokens import Tokens
from byzer_nb.types import DeploySpec, ModelCard

# What a bare `saas/openai` means to the client without Ray: one model at one host, with that model's limit.
SIMPLE_TYPES = ("saas/openai", "saas/official_openai", "saas/reasoning_openai")
SIMPLE_BASE_URL = "https://api.deepseek.com/v1"
SIMPLE_MODEL: Mapping[str, Any] = {"model": "deepseek-chat", "max_output_tokens": 8096}
SIMPLE_MAX_MODEL_LEN = 8192


class SeedLLM(Chatting, Streaming, Embedding, Tokens):
    """What both clients of the documents can do."""

    def get_meta(self, model: str | None = None, llm_config: Config = None) -> dict[str, Any]:
        """What is known of a model; a missing key means no or unknown."""
        return self._meta_of(self.card(self._named(model)))

    def _meta_of(self, card: ModelCard) -> dict[str, Any]:
        able = card.capabilities
        return {
            "model_deploy_type": "proprietary" if card.is_local else "saas",
            "backend": card.engine if card.is_local else "saas",
            "max_model_len": card.context_length,
            "architectures": list(card.architectures),
            "support_stream": able.stream,
            "support_chat_template": able.chat_template,
            "message_format": able.chat,
            "model_name": card.model,
            "embedding_mode": able.embed and not able.chat,
            "support_assistant_prefix": able.continues,
        }

    def setup_auto(self, model: str | None = None) -> Self:
        """Read a local model's length and let its own chat template build the prompts; nothing to do for a provider."""
        name = self._named(model)
        card = self.card(name)
        if card.is_local:
            fitting_template(AUTO, card, name=name)  # raises when there is none
            if card.context_length:
                self.setup_max_model_length(name, card.context_length)
            self.setup_template(name, AUTO)
        return self

    def prompt(
        self,
        model: str | None = None,
        render: str = "jinja2",
        check_result: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> Callable[[Callable[..., object]], PromptFunction[..., Any]]:
        """A decorator: the function's docstring is the prompt, and this client answers it."""
        chosen = {**(options or {}), **({"model": model} if model else {})}

        def decorate(function: Callable[..., object]) -> PromptFunction[..., Any]:
            return PromptFunction(
                function,
                find_speaker=speaker_for,
                llm=self,
                render=render,
                check_result=check_result,
                options=chosen,
            )

        return decorate

    def __repr__(self) -> str:
        return f"{type(self).__name__}(default_model_name={self.default_model_name!r})"


class ByzerLLM(SeedLLM):
    """The client of models that run on a Ray cluster; making one needs no connection, calling a model does."""

    def __init__(self, url: str | None = None, **kwargs: Any) -> None:
        from byzer_nb.client.deployed import deployed_models  # with aiohttp, which loading the magics does not need

        if url is not None and not isinstance(url, str):
            raise WrongTypeError(f"ByzerLLM(url={url!r}): url is a string or None.")
        super().__init__(deployed_models(), verbose=bool(kwargs.get("verbose", False)))
        self.default_max_output_length = int(kwargs.get("default_max_output_length", 4000))

    @classmethod
    def from_default_model(cls, model: str, auto_connect_cluster: bool = True) -> Self:
        """A client whose default model is this one, in the cluster of this machine unless one is joined already."""
        if auto_connect_cluster and not is_connected():
            connect()
        return cls().setup_default_model_name(model)

    def deploy(
        self,
        model_path: str = "",
        pretrained_model_type: str = "",
        udf_name: str = "",
        infer_params: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Start a model on the cluster, laid out as the setters say, and wait until it is ready; its meta.

        A model of that name is replaced.
        """
        kind = type(infer_params)
        infer_params = read_infer_params(infer_params)  # at once: tracebacks may show the variables of this frame
        check_kind(kind)
        connected()
        spec = spec_of(
            udf_name,
            pretrained_model_type,
            model_path=model_path,
            settings=infer_params,
            infer_backend=self.sys_conf["infer_backend"],
        )
        is_saas = pretrained_model_type.startswith(SAAS)
        try:
            deployed = run(deploy(spec, pool_of(self.sys_conf, is_saas=is_saas), replace=True))
        except MissingSettingError as missing:
            raise _missing(missing) from None
        if not is_saas:
            self.setup_max_output_length(udf_name, self.default_max_output_length)
        return self._meta_of(deployed.card)

    def undeploy(self, udf_name: str, force: bool = False) -> None:
        """End a model and free what it held; one that is not there is no mistake."""
        run(undeploy(udf_name))
        reachable_models().forget(udf_name)

    def is_model_exist(self, udf_name: str) -> bool:
        """Whether the cluster runs a model of that name."""
        return exists(udf_name)

    def stat(self, udf_name: str | None = None) -> dict[str, Any]:
        """What the workers of a model are doing, in the shape that the documents print."""
        return run(stat(self._named(udf_name))).as_json()


class SimpleByzerLLM(SeedLLM):
    """The same client without Ray: what it deploys lives in this process, and other cells find it by name.

    So a model outlives the client that deployed it: it stays until `undeploy`, `byzer_nb.unload` or `%unload_ext`.
    """

    def __init__(self, default_model_name: str | None = None, **kwargs: Any) -> None:
        self._models_here = LocalTransport(beyond=shared_models())
        super().__init__(self._models_here, verbose=bool(kwargs.get("verbose", False)))
        self.default_model_name = default_model_name

    @classmethod
    def from_default_model(cls, model: str, auto_connect_cluster: bool = True) -> Self:
        """A client whose default model is this one; it never connects to anything."""
        return cls(default_model_name=model)

    def deploy(
        self,
        model_path: str = "",
        pretrained_model_type: str = "saas/openai",
        udf_name: str = "",
        infer_params: Mapping[str, Any] | None = None,
    ) -> dict[str, str]:
        """Answer to the name `udf_name` with a provider's model; a model of that name is replaced."""
        kind = type(infer_params)
        infer_params = read_infer_params(infer_params)  # at once: tracebacks may show the variables of this frame
        check_kind(kind)
        if not pretrained_model_type.startswith("saas/"):
            raise BadInputError(
                f"Unsupported pretrained_model_type: {pretrained_model_type}",
                hint="Without Ray only providers can be deployed, such as 'saas/openai'; "
                "load local weights with byzer_nb.load(name, engine, path=...).",
            )
        name = udf_name or self.default_model_name or ""
        settings = infer_params
        if pretrained_model_type in SIMPLE_TYPES:
            silent = {} if "model" in settings else SIMPLE_MODEL
            settings = {"base_url": SIMPLE_BASE_URL, **silent, **settings}
        spec = DeploySpec(name=name, engine=pretrained_model_type, model_path=model_path, settings=settings)
        try:
            run(self._deploy(spec))
        except MissingSettingError as missing:
            raise _missing(missing) from None
        if settings.get("max_output_tokens") is not None:
            self.setup_max_output_length(name, int(settings["max_output_tokens"]))
        return {"model": name, "status": "deployed"}

    async def _deploy(self, spec: DeploySpec) -> None:
        engine = await self._models_here.deploy(spec)
        await shared_models().add(spec.name, engine, governed=self._models_here.governed(spec.name))

    def undeploy(self, udf_name: str, force: bool = False) -> None:
        """Forget a model's name, and close the model if it was deployed here; one that is not there is no mistake."""
        run(self._undeploy(udf_name))

    async def _undeploy(self, name: str) -> None:
        if name in self._models_here.own_names():  # under the same name the others may have an engine of their own
            await shared_models().forget(self._models_here.engine(name))
            await self._models_here.undeploy(name)
        else:
            await shared_models().undeploy(name)

    def is_model_exist(self, udf_name: str) -> bool:
        """Whether a call of that name would reach a model."""
        if not udf_name:
            raise BadInputError("A model's name is never empty.")
        return udf_name in self._models_here

    def _meta_of(self, card: ModelCard) -> dict[str, Any]:
        meta = super()._meta_of(card)
        if not card.is_local:
            meta.update(backend="openai", max_model_len=card.context_length or SIMPLE_MAX_MODEL_LEN)
        return meta


def _missing(missing: MissingSettingError) -> BadInputError:
    return BadInputError(
        missing.ways or f"{PREFIX}{missing.setting} is required for SaaS models",
        hint=f'Add it: infer_params={{"{PREFIX}{missing.setting}": "..."}}',
    )

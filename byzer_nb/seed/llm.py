"""`ByzerLLM` and `SimpleByzerLLM`: one class over two transports."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, Self

from byzer_nb._sync import run
from byzer_nb.client import LocalTransport, shared_models
from byzer_nb.errors import BadInputError, NotConnectedError, WrongTypeError
from byzer_nb.prompts.function import PromptFunction
from byzer_nb.seed.speakers import speaker_for
from byzer_nb.seed.speaking import Config, Speaking
from byzer_nb.types import ChatRequest, Delta, DeploySpec, EmbedReply, EmbedRequest, ModelCard, Secret

SIMPLE_DEFAULTS = {"base_url": "https://api.deepseek.com/v1", "model": "deepseek-chat"}
SIMPLE_MAX_MODEL_LEN = 8192
SECRET_WORDS = ("key", "secret", "token", "password")


class SeedLLM(Speaking):
    """What both clients of the documents can do."""

    def get_meta(self, model: str | None = None, llm_config: Config = None) -> dict[str, Any]:
        """What is known of a model; a missing key means no or unknown."""
        name = model or self.default_model_name
        if not name:
            raise BadInputError("model name is required", hint="Pass it, or call setup_default_model_name(name) once.")
        return self._meta_of(self.card(name))

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
        name = model or self.default_model_name
        if not name:
            raise BadInputError("model name is required", hint="Pass it, or call setup_default_model_name(name) once.")
        card = self.card(name)
        if card.is_local:
            if card.context_length:
                self.setup_max_model_length(name, card.context_length)
            self.setup_template(name, "auto")
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


class ByzerLLM(SeedLLM):
    """The client of models that run on a Ray cluster; making one needs no connection, calling a model does."""

    def __init__(self, url: str | None = None, **kwargs: Any) -> None:
        if url is not None and not isinstance(url, str):
            raise WrongTypeError(f"ByzerLLM(url={url!r}): url is a string or None.")
        super().__init__(_NotConnected(), verbose=bool(kwargs.get("verbose", False)))
        self.default_max_output_length = int(kwargs.get("default_max_output_length", 4000))

    @staticmethod
    def from_default_model(model: str, auto_connect_cluster: bool = True) -> ByzerLLM:
        """A client whose default model is this one."""
        return ByzerLLM().setup_default_model_name(model)


class SimpleByzerLLM(SeedLLM):
    """The same client without Ray: what it deploys lives in this process, and other cells find it by name."""

    def __init__(self, default_model_name: str | None = None, **kwargs: Any) -> None:
        self._models_here = LocalTransport(beyond=shared_models())
        super().__init__(self._models_here, verbose=bool(kwargs.get("verbose", False)))
        self.default_model_name = default_model_name

    @staticmethod
    def from_default_model(model: str, auto_connect_cluster: bool = True) -> SimpleByzerLLM:
        """A client whose default model is this one; it never connects to anything."""
        return SimpleByzerLLM(default_model_name=model)

    def deploy(
        self,
        model_path: str = "",
        pretrained_model_type: str = "saas/openai",
        udf_name: str = "",
        infer_params: Mapping[str, Any] | None = None,
    ) -> dict[str, str]:
        """Answer to the name `udf_name` with a provider's model; a model of that name is replaced."""
        if not pretrained_model_type.startswith("saas/"):
            raise BadInputError(
                f"Unsupported pretrained_model_type: {pretrained_model_type}",
                hint="Without Ray only providers can be deployed, such as 'saas/openai'; "
                "load local weights with byzer_nb.load(name, engine, path=...).",
            )
        name = udf_name or self.default_model_name or ""
        settings = {**SIMPLE_DEFAULTS, **_settings(infer_params or {})}
        spec = DeploySpec(name=name, engine=pretrained_model_type, model_path=model_path, settings=settings)
        run(self._deploy(spec))
        limit = settings.get("max_output_tokens")
        if limit is not None:
            self.setup_max_output_length(name, int(limit))
        return {"model": name, "status": "deployed"}

    async def _deploy(self, spec: DeploySpec) -> None:
        engine = await self._models_here.deploy(spec)
        await shared_models().add(spec.name, engine)
        self._is_reasoning.discard(spec.name)
        if str(spec.settings.get("is_reasoning", "")).lower() == "true" or spec.engine == "saas/reasoning_openai":
            self._is_reasoning.add(spec.name)

    def undeploy(self, udf_name: str, force: bool = False) -> None:
        """Close a model and forget its name; one that is not there is no mistake."""
        run(self._undeploy(udf_name))

    async def _undeploy(self, name: str) -> None:
        if name in self._models_here.own_names():
            await shared_models().forget(self._models_here.engine(name))
            await self._models_here.undeploy(name)

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


class _NotConnected:
    """The transport of a process that joined no cluster: every way to a model ends in the same clear error."""

    async def models(self) -> list[str]:
        raise _no_cluster()

    async def describe(self, model: str) -> ModelCard:
        raise _no_cluster()

    async def chat(self, model: str, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        raise _no_cluster()
        yield Delta()  # makes this an async generator, as the protocol wants

    async def embed(self, model: str, request: EmbedRequest) -> EmbedReply:
        raise _no_cluster()

    async def tokenize(self, model: str, text: str) -> tuple[int, ...]:
        raise _no_cluster()

    def default_model(self) -> str:
        raise _no_cluster()


def _no_cluster() -> NotConnectedError:
    return NotConnectedError(
        "ByzerLLM is not connected to a Ray cluster: connect_cluster was not called.",
        hint="Without a cluster use SimpleByzerLLM: the same methods, with the models in this process.",
    )


def _settings(infer_params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters without the `saas.` prefix, keys and passwords behind `Secret`."""
    settings: dict[str, Any] = {}
    for key, value in infer_params.items():
        name = key.removeprefix("saas.")
        is_secret = isinstance(value, str) and any(word in name.split("_") for word in SECRET_WORDS)
        settings[name] = Secret(value) if is_secret else value
    return settings

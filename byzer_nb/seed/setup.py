"""The `setup_*` methods: they fill a deployment's settings and what is known of each model, and return their object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Self

from byzer_nb._registry import nearest
from byzer_nb.errors import BadInputError, UnknownNameError, WrongTypeError
from byzer_nb.seed.templates import AUTO, Template

LOAD_BALANCE_WAYS = ("lru", "round_robin")


class InferBackend:
    """The names of the local engines; the lower-case spellings mean the same."""

    Transformers = transformers = "transformers"
    VLLM = vllm = "ray/vllm"
    LLAMA_CPP = llama_cpp = "llama_cpp"
    DeepSpeed = deepspeed = "ray/deepspeed"


BACKENDS = (InferBackend.Transformers, InferBackend.VLLM, InferBackend.LLAMA_CPP, InferBackend.DeepSpeed)
SHORT_BACKENDS = {"vllm": InferBackend.VLLM, "deepspeed": InferBackend.DeepSpeed}
FORMATS_OF_TEMPLATE = {
    "function_calling": "function_calling_format_func",
    "response_class": "response_class_format_func",
    "response_class_after_chat": "response_class_format_after_chat_func",
}
BATCHING_CONCURRENCY = 100  # slots of a worker whose engine runs many requests in one batch


@dataclass(kw_only=True)
class ModelSetup:
    """What somebody set up for one model."""

    template: Template | str | None = None
    role_mapping: dict[str, str] | None = None
    generation: dict[str, Any] = field(default_factory=dict)
    max_model_length: int | None = None
    max_input_length: int | None = None
    max_output_length: int | None = None
    format_funcs: dict[str, Callable[..., str]] = field(default_factory=dict)
    base_system_message: str = ""


class Setup:
    """Settings in the dialect of the documents, checked when they are set."""

    def __init__(self) -> None:
        self.sys_conf: dict[str, Any] = {}
        self.default_model_name: str | None = None
        self.default_emb_model_name: str | None = None
        self.default_rerank_model_name: str | None = None
        self._models: dict[str, ModelSetup] = {}
        self._sub_clients: dict[str, Any] = {}
        self._has_own_concurrency = False
        self.setup_reset()

    # -- how a deployment is laid out -----------------------------------------------------------------------------

    def setup_reset(self) -> Self:
        """Back to the settings of a new object."""
        self.sys_conf = {
            "pythonMode": "ray",
            "maxConcurrency": 1,
            "num_gpus": 1,
            "masterMaxConcurrency": 1000,
            "workerMaxConcurrency": 1,
            "infer_backend": InferBackend.Transformers,
        }
        self._has_own_concurrency = False
        return self

    def setup(self, name: str, value: Any) -> Self:
        """Set a raw key of the system configuration."""
        self.sys_conf[name] = value
        return self

    def setup_gpus_per_worker(self, num_gpus: float) -> Self:
        """GPUs of each worker; fractions share one."""
        return self.setup("num_gpus", _number("setup_gpus_per_worker", num_gpus, least=0))

    def setup_cpus_per_worker(self, num_cpus: float) -> Self:
        """CPUs of each worker; a provider's worker needs next to none, such as 0.001."""
        return self.setup("num_cpus", _number("setup_cpus_per_worker", num_cpus, least=0))

    def setup_num_workers(self, num_workers: int) -> Self:
        """How many workers a deployment has."""
        return self.setup("maxConcurrency", _count("setup_num_workers", num_workers))

    def setup_worker_concurrency(self, num_requests: int) -> Self:
        """How many requests a worker takes at a time; this wins over what the backend would choose."""
        self._has_own_concurrency = True
        return self.setup("workerMaxConcurrency", _count("setup_worker_concurrency", num_requests))

    def setup_load_balance_way(self, load_balance_way: str) -> Self:
        """`lru` takes the worker that was idle longest, `round_robin` goes round."""
        if load_balance_way not in LOAD_BALANCE_WAYS:
            raise BadInputError(
                f"setup_load_balance_way({load_balance_way!r}): the ways are {', '.join(LOAD_BALANCE_WAYS)}.",
                hint=nearest(str(load_balance_way), list(LOAD_BALANCE_WAYS)),
            )
        return self.setup("load_balance", load_balance_way)

    def setup_infer_backend(self, backend: str) -> Self:
        """The local engine; those that batch also get room for many requests."""
        chosen = SHORT_BACKENDS.get(backend, backend)
        if chosen not in BACKENDS:
            raise BadInputError(
                f"setup_infer_backend({backend!r}): the backends are {', '.join(BACKENDS)}.",
                hint=nearest(str(backend), [*BACKENDS, *SHORT_BACKENDS]),
            )
        if not self._has_own_concurrency:
            batches = chosen in (InferBackend.VLLM, InferBackend.DeepSpeed)
            self.setup("workerMaxConcurrency", BATCHING_CONCURRENCY if batches else 1)
        self.setup("masterMaxConcurrency", 1000)
        return self.setup("infer_backend", chosen)

    def setup_pin_model_worker_mapping(self, pin_model_worker_mapping: Mapping[str, int]) -> Self:
        """Send kinds of requests, such as `embedding`, to one worker each."""
        if not isinstance(pin_model_worker_mapping, Mapping):
            raise WrongTypeError(f"setup_pin_model_worker_mapping takes a dict, not {pin_model_worker_mapping!r}.")
        return self.setup("pin_model_worker_mapping", dict(pin_model_worker_mapping))

    # -- which model is meant -------------------------------------------------------------------------------------

    def setup_default_model_name(self, model: str) -> Self:
        """The model of calls that name none."""
        self.default_model_name = model
        return self

    def setup_default_emb_model_name(self, model: str) -> Self:
        """The model of embeddings that name none."""
        self.default_emb_model_name = model
        return self

    def setup_default_re_rank_model_name(self, model: str) -> Self:
        """The model of rankings that name none."""
        self.default_rerank_model_name = model
        return self

    setup_default_rerank_model_name = setup_default_re_rank_model_name

    # -- what is known of a model ---------------------------------------------------------------------------------

    def setup_template(self, model: str, template: Template | str) -> Self:
        """A chat template for a model; `"auto"` leaves it to the model itself, as far as it can."""
        if not isinstance(template, Template) and template != AUTO:
            raise BadInputError(
                f"setup_template({model!r}, {template!r}): a template is 'auto' or one of Templates.",
                hint="For example: Templates.qwen()",
            )
        self._of(model).template = template
        return self

    def setup_max_model_length(self, model: str, max_model_length: int) -> Self:
        """Tokens that fit into the model, prompt and answer together."""
        self._of(model).max_model_length = _count("setup_max_model_length", max_model_length)
        return self

    def setup_max_input_length(self, model: str, max_input_length: int) -> Self:
        """Tokens that a prompt may have."""
        self._of(model).max_input_length = _count("setup_max_input_length", max_input_length)
        return self

    def setup_max_output_length(self, model: str, max_output_length: int) -> Self:
        """Tokens that an answer may have when the call does not say."""
        self._of(model).max_output_length = _count("setup_max_output_length", max_output_length)
        return self

    def get_max_model_length(self, model: str) -> int | None:
        """What `setup_max_model_length` set."""
        return self._of(model).max_model_length

    def get_max_input_length(self, model: str) -> int | None:
        """What `setup_max_input_length` set."""
        return self._of(model).max_input_length

    def get_max_output_length(self, model: str) -> int | None:
        """What `setup_max_output_length` set."""
        return self._of(model).max_output_length

    def setup_extra_generation_params(self, model: str, extra_generation_params: Mapping[str, Any]) -> Self:
        """Generation options under every later call to a model; repeated calls add up, a call's own options win."""
        if not isinstance(extra_generation_params, Mapping):
            raise WrongTypeError(f"setup_extra_generation_params takes a dict, not {extra_generation_params!r}.")
        self._of(model).generation.update(extra_generation_params)
        return self

    def setup_role_mapping(self, model: str, role_mapping: Mapping[str, str]) -> Self:
        """The strings that open the turns of a completion model."""
        if not isinstance(role_mapping, Mapping):
            raise WrongTypeError(f"setup_role_mapping takes a dict, not {role_mapping!r}.")
        self._of(model).role_mapping = dict(role_mapping)
        return self

    def setup_base_system_messages(self, model: str, base_system_message: str) -> Self:
        """A system message in front of every conversation that brings none."""
        self._of(model).base_system_message = base_system_message
        return self

    def setup_function_calling_format_func(self, model: str, func: Callable[..., str]) -> Self:
        """The function that writes tools into a prompt."""
        return self._format_func(model, "function_calling", func)

    def setup_response_class_format_func(self, model: str, func: Callable[..., str]) -> Self:
        """The function `(prompt, cls) -> str` that asks for an answer as a class."""
        return self._format_func(model, "response_class", func)

    def setup_response_class_format_after_chat_func(self, model: str, func: Callable[..., str]) -> Self:
        """The function `(cls) -> str` that asks for the last answer as a class."""
        return self._format_func(model, "response_class_after_chat", func)

    def setup_impl_func_format_func(self, model: str, func: Callable[..., str]) -> Self:
        """The function that asks for the body of a function."""
        return self._format_func(model, "impl_func", func)

    def setup_sys_function_calling_format_func(self, model: str, func: Callable[..., str]) -> Self:
        """As without `sys`, and it wins over that."""
        return self._format_func(model, "sys_function_calling", func)

    def setup_sys_response_class_format_func(self, model: str, func: Callable[..., str]) -> Self:
        """As without `sys`, and it wins over that."""
        return self._format_func(model, "sys_response_class", func)

    def setup_sys_response_class_format_after_chat_func(self, model: str, func: Callable[..., str]) -> Self:
        """As without `sys`, and it wins over that."""
        return self._format_func(model, "sys_response_class_after_chat", func)

    def setup_sys_impl_func_format_func(self, model: str, func: Callable[..., str]) -> Self:
        """As without `sys`, and it wins over that."""
        return self._format_func(model, "sys_impl_func", func)

    def _format_func(self, model: str, kind: str, func: Callable[..., str]) -> Self:
        if not callable(func):
            raise WrongTypeError(f"The format function of {model!r} for {kind} should be a function, not {func!r}.")
        self._of(model).format_funcs[kind] = func
        return self

    def format_func(self, model: str, kind: str, default: Callable[..., str]) -> Callable[..., str]:
        """The function in force for a kind of prompt: the `sys` one, the model's own, its template's, the built-in."""
        setup = self._of(model)
        of_template = getattr(setup.template, FORMATS_OF_TEMPLATE.get(kind, ""), None)
        return setup.format_funcs.get(f"sys_{kind}") or setup.format_funcs.get(kind) or of_template or default

    def _of(self, model: str) -> ModelSetup:
        return self._models.setdefault(model, ModelSetup())

    # -- helper clients -------------------------------------------------------------------------------------------

    def setup_sub_client(self, client_name: str, client: Any) -> Self:
        """Keep another client (or a list of them) under a name."""
        self._sub_clients[client_name] = client
        return self

    def get_sub_client(self, client_name: str) -> Any:
        """The client of that name, or None."""
        return self._sub_clients.get(client_name)

    def remove_sub_client(self, client_name: str) -> Self:
        """Forget a client."""
        if client_name not in self._sub_clients:
            raise UnknownNameError(
                f"There is no sub client {client_name!r}.", hint=nearest(client_name, self._sub_clients)
            )
        del self._sub_clients[client_name]
        return self


def _number(setter: str, value: float, *, least: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < least:
        raise BadInputError(f"{setter}({value!r}): it takes a number of at least {least:g}.")
    return value


def _count(setter: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadInputError(f"{setter}({value!r}): it takes a whole number of at least 1.")
    return value

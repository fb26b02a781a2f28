"""From the words of the documents to what is to be deployed: types of models, backends, `infer_params`, `sys_conf`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from byzer_nb._registry import nearest
from byzer_nb.engines import ENGINES
from byzer_nb.errors import BadInputError
from byzer_nb.seed.setup import InferBackend
from byzer_nb.types import DeploySpec
from byzer_nb.types.pool import PoolSpec

SAAS = "saas/"
CUSTOM = "custom/"
AUTO = "custom/auto"
BACKEND_PREFIX = "backend."
# The engine behind each backend of the documents.
ENGINES_OF_BACKENDS = {
    InferBackend.Transformers: "transformers",
    InferBackend.VLLM: "vllm",
    InferBackend.LLAMA_CPP: "llama_cpp",
    InferBackend.DeepSpeed: "deepspeed",
}
# Families of text models that the documents name; the weights themselves say what they are.
TEXT_FAMILIES = (
    "auto", "alpha_moss", "baichuan", "baichuan2", "chatglm2", "chatglm6b", "dolly",
    "falcon", "llama", "llama2", "moss", "qwen", "starcode", "zephyr",
)  # fmt: skip
DEFAULT_CPUS = 0.01


def spec_of(
    name: str, pretrained_model_type: str, *, model_path: str, settings: Mapping[str, Any], infer_backend: str
) -> DeploySpec:
    """The engine, weights and settings of a deployment; an unknown type is told with those that are known."""
    if not name:
        raise BadInputError("udf_name is required: the name that the model will answer to.", hint="udf_name='chat'")
    engine = engine_of(pretrained_model_type, infer_backend)
    bare = {key.removeprefix(BACKEND_PREFIX): value for key, value in settings.items()}
    return DeploySpec(name=name, engine=engine, model_path=model_path, settings=bare)


def engine_of(pretrained_model_type: str, infer_backend: str) -> str:
    """The engine for a type of model: a provider, a local engine by its own name, or the backend for its family."""
    engines = ENGINES.names()
    if pretrained_model_type in engines:
        return pretrained_model_type
    family = pretrained_model_type.removeprefix(CUSTOM)
    if pretrained_model_type.startswith(SAAS) or family not in TEXT_FAMILIES:
        known = [each for each in engines if each.startswith(SAAS)] + [CUSTOM + each for each in TEXT_FAMILIES]
        raise BadInputError(
            f"unknown pretrained_model_type {pretrained_model_type!r}; known: {', '.join(known)}",
            hint=nearest(pretrained_model_type, known),
        )
    if infer_backend in (InferBackend.VLLM, InferBackend.DeepSpeed) and pretrained_model_type != AUTO:
        raise BadInputError(
            f"The backend {infer_backend!r} takes pretrained_model_type={AUTO!r} only, not {pretrained_model_type!r}.",
            hint=f"Write: pretrained_model_type={AUTO!r}",
        )
    return ENGINES_OF_BACKENDS[infer_backend]


def pool_of(sys_conf: Mapping[str, Any], *, is_saas: bool) -> PoolSpec:
    """The workers of a deployment. A provider's worker needs no GPU, whatever the default of the setters is."""
    return PoolSpec(
        workers=sys_conf["maxConcurrency"],
        slots=sys_conf["workerMaxConcurrency"],
        cpus=sys_conf.get("num_cpus", DEFAULT_CPUS),
        gpus=0 if is_saas else sys_conf["num_gpus"],
        balance=sys_conf.get("load_balance") or "lru",
        pins=sys_conf.get("pin_model_worker_mapping") or {},
        queue_limit=sys_conf["masterMaxConcurrency"],
    )

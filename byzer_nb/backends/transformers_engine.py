"""Any chat model that transformers can load, from a folder on this machine."""

from __future__ import annotations

from typing import Any, Self

from byzer_nb._extras import require
from byzer_nb.backends.chat_template import ChatTemplate
from byzer_nb.backends.checkpoint import Checkpoint
from byzer_nb.backends.local_engine import LocalEngine, capabilities_with
from byzer_nb.backends.plan import Recommended
from byzer_nb.backends.torch_model import AutoTokenizer, TorchModel
from byzer_nb.errors import BadInputError
from byzer_nb.types import DeploySpec, ModelCard
from byzer_nb.types.settings import Settings

DEFAULT_MAX_TOKENS = 2048
DEFAULT_TIMEOUT = 300.0  # seconds
DTYPES = ("auto", "float32", "bfloat16", "float16")

_WHY = "Running weights with the 'transformers' engine"


class TransformersEngine(LocalEngine):
    """A causal language model on torch: bfloat16 on a GPU, float32 on a CPU unless the settings say otherwise."""

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> Self:
        """The engine with its weights loaded.

        Settings: `dtype` (or `torch_dtype`), `device` (or `device_map`: "cpu", "cuda:1", "auto"), `trust_remote_code`,
        `use_cache`, `max_model_len`.
        """
        checkpoint = Checkpoint(spec.model_path)
        torch = require("torch", extra="transformers", why=_WHY)
        transformers = require("transformers", extra="transformers", why=_WHY)
        settings = Settings(spec)
        device = settings.text("device", "device_map", default="auto")
        dtype = str(settings.value("dtype", "torch_dtype") or "").removeprefix("torch.")  # may be one of torch's own
        settings.flag("message_format", default=True)  # always so here: the chat template takes the turns as they are
        uses_cache = settings.flag("use_cache", default=True)
        trusts_code = settings.flag("trust_remote_code", default=False)
        max_model_len = settings.whole("max_model_len", default=0, least=1)
        settings.warn_about_the_rest()

        if device == "auto" and not torch.cuda.is_available():
            device = "cpu"
        dtype = dtype or ("float32" if device == "cpu" else "bfloat16")
        if dtype not in DTYPES:
            raise settings.refused("dtype", f"one of {', '.join(DTYPES)}", dtype, example="bfloat16")
        place = {"local_files_only": True, "trust_remote_code": trusts_code}
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint.folder, **place)
            weights = transformers.AutoModelForCausalLM.from_pretrained(
                checkpoint.folder, dtype=dtype, device_map=None if device == "cpu" else device, **place
            )
        except (OSError, ValueError, KeyError) as refused:  # what the library raises for a folder it cannot use
            raise BadInputError(
                f"transformers cannot load {str(checkpoint.folder)!r}: {refused}",
                hint="Is the checkpoint whole? A model with code of its own needs trust_remote_code=true.",
            ) from refused

        lengths = [length for length in (max_model_len, checkpoint.context_length) if length]
        context_length = min(lengths, default=0)
        template = ChatTemplate.or_plain(
            _template_of(tokenizer, "default"),
            model=checkpoint.name,
            special_tokens=_special_tokens_of(tokenizer),
            with_tools=_template_of(tokenizer, "tool_use"),
        )
        return cls(
            ModelCard(
                model=checkpoint.name,
                engine=spec.engine,
                is_local=True,
                context_length=context_length,
                architectures=checkpoint.architectures,
                capabilities=capabilities_with(template, schema=hasattr(tokenizer, "backend_tokenizer")),
            ),
            TorchModel(weights.eval(), torch=torch, context_length=context_length, uses_cache=uses_cache),
            tokenizer=AutoTokenizer(tokenizer),
            template=template,
            recommended=Recommended(
                max_tokens=checkpoint.generation.get("max_new_tokens") or DEFAULT_MAX_TOKENS,
                end_ids=checkpoint.end_ids() | ({tokenizer.eos_token_id} - {None}),
                timeout=DEFAULT_TIMEOUT,
                generation=checkpoint.generation,
            ),
        )


def _template_of(tokenizer: Any, name: str) -> str | None:  # Any: transformers is optional
    template = tokenizer.chat_template
    if isinstance(template, dict):  # several by name
        template = template.get(name)
    elif name != "default":
        return None
    return None if template is None else str(template)


def _special_tokens_of(tokenizer: Any) -> dict[str, str]:  # Any: transformers is optional
    return {name: token for name, token in tokenizer.special_tokens_map.items() if isinstance(token, str)}

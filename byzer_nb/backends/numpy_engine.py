"""Llama weights on numpy alone: the engine of the base install, for small models on any CPU."""

from __future__ import annotations

from typing import Self

from byzer_nb.backends.chat_template import ChatTemplate
from byzer_nb.backends.checkpoint import Checkpoint
from byzer_nb.backends.local_engine import LocalEngine, capabilities_with
from byzer_nb.backends.numpy_llama import NumpyLlama
from byzer_nb.backends.plan import Recommended
from byzer_nb.backends.tokenizer import FileTokenizer
from byzer_nb.types import DeploySpec, ModelCard
from byzer_nb.types.settings import Settings

DEFAULT_MAX_TOKENS = 256


class NumpyEngine(LocalEngine):
    """A Llama from a folder with config.json, safetensors and tokenizer.json."""

    @classmethod
    def from_spec(cls, spec: DeploySpec) -> Self:
        """The engine with its weights loaded. Settings: `max_model_len` makes the context shorter."""
        settings = Settings(spec)
        max_model_len = settings.whole("max_model_len", default=0, least=1)
        settings.warn_about_the_rest()
        checkpoint = Checkpoint(spec.model_path)
        tokenizer = FileTokenizer(checkpoint)
        model = NumpyLlama(checkpoint.config, checkpoint.tensors())
        model.context_length = min(max_model_len or model.context_length, model.context_length)
        special_tokens = checkpoint.special_tokens()
        end = tokenizer.id_of(special_tokens.get("eos_token", ""))
        template = ChatTemplate.or_plain(
            checkpoint.chat_template(),
            model=checkpoint.name,
            special_tokens=special_tokens,
            with_tools=checkpoint.tool_template(),
        )
        return cls(
            ModelCard(
                model=checkpoint.name,
                engine=spec.engine,
                is_local=True,
                context_length=model.context_length,
                architectures=checkpoint.architectures,
                capabilities=capabilities_with(template),
            ),
            model,
            tokenizer=tokenizer,
            template=template,
            recommended=Recommended(
                max_tokens=checkpoint.generation.get("max_new_tokens") or DEFAULT_MAX_TOKENS,
                end_ids=checkpoint.end_ids() | ({end} if end is not None else set()),
                generation=checkpoint.generation,
            ),
        )

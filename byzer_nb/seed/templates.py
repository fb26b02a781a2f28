"""Chat templates by name, for models whose own tokenizer brings none."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from byzer_nb.errors import BadInputError
from byzer_nb.prompts.formats import response_class_format, response_class_format_after_chat

FILL_HERE = "<｜fim▁hole｜>"

DEFAULT_SYSTEM = "You are a helpful assistant. Think it over first, and answer the user's question correctly.\n"


def _unchanged(text: str) -> str:
    return text


def _cut_at(*marks: str) -> Callable[[str], str]:
    pattern = re.compile("|".join(map(re.escape, marks)))
    return lambda text: pattern.split(text, maxsplit=1)[0]


@dataclass(kw_only=True)
class Template:
    """How turns become text for a completion model, what its sampler needs, and how its output is trimmed."""

    role_mapping: dict[str, str]
    generation_config: dict[str, Any] = field(default_factory=dict)
    clean_func: Callable[[str], str] = _unchanged
    function_calling_format_func: Callable[..., str] | None = None
    response_class_format_func: Callable[..., str] = response_class_format
    response_class_format_after_chat_func: Callable[..., str] = response_class_format_after_chat


class Templates:
    """The templates of well-known model families."""

    @staticmethod
    def default() -> Template:
        """`User:` and `Assistant:` lines."""
        return Template(role_mapping=_roles("User:", "Assistant:", DEFAULT_SYSTEM))

    @staticmethod
    def empty() -> Template:
        """No decoration at all."""
        return Template(role_mapping=_roles("", "", ""))

    @staticmethod
    def qwen() -> Template:
        """ChatML with Qwen's stop ids and a light repetition penalty."""
        return Template(
            role_mapping=_chatml(),
            generation_config={
                "generation.repetition_penalty": 1.1,
                "generation.stop_token_ids": [151643, 151645],
            },
            clean_func=_cut_at("<|im_end|>", "<|endoftext|>", "<|im_start|>"),
        )

    @staticmethod
    def yi() -> Template:
        """ChatML with Yi's stop id."""
        return Template(
            role_mapping=_chatml(),
            generation_config={"generation.stop_token_ids": [7]},
            clean_func=_cut_at("<|im_end|>", "<|endoftext|>", "<|im_start|>"),
        )

    @staticmethod
    def llama() -> Template:
        """The `[INST]` form of Llama 2."""
        return Template(
            role_mapping=_roles("<s>[INST]", "[/INST]", "<<SYS>>\nYou are a helpful assistant.\n<</SYS>>\n\n"),
            clean_func=_cut_at("</s>", "[INST]"),
        )

    @staticmethod
    def deepseek_code_chat() -> Template:
        """Instruction and response headings, as DeepSeek Coder was trained on."""
        return Template(
            role_mapping=_roles(
                "### Instruction:\n",
                "### Response:\n",
                "You are a programming assistant. You answer questions about computer science.\n",
            ),
            generation_config={"generation.stop_token_ids": [32021]},
        )

    @staticmethod
    def deepseek_code_completion() -> Template:
        """Code that goes on where the prompt ends."""
        return Template(role_mapping=_roles("", "", ""), generation_config={"generation.stop_token_ids": [32014]})

    @staticmethod
    def deepseek_code_insertion(system_msg: str = FILL_HERE) -> Template:
        """Code that fills the hole which the system text marks."""
        if FILL_HERE not in system_msg:
            raise BadInputError(
                "The text for code insertion does not mark the hole to fill.",
                hint=f"Put {FILL_HERE} where the code is missing.",
            )
        return Template(
            role_mapping=_roles("", "", f"<｜fim▁begin｜>{system_msg}<｜fim▁end｜>"),
            generation_config={"generation.stop_token_ids": [32014]},
        )


def _roles(user: str, assistant: str, system: str) -> dict[str, str]:
    return {"user_role": user, "assistant_role": assistant, "system_msg": system}


def _chatml() -> dict[str, str]:
    return _roles(
        "<|im_start|>user\n",
        "<|im_end|>\n<|im_start|>assistant\n",
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n",
    )

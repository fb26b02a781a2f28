"""Chat templates by name, for models whose own tokenizer brings none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from byzer_nb.errors import BadInputError, UnsupportedError
from byzer_nb.prompts.formats import response_class_format, response_class_format_after_chat
from byzer_nb.prompts.markup import DEFAULT, EMPTY, LLAMA, QWEN, YI
from byzer_nb.seed.trimming import CutAt, unchanged
from byzer_nb.types import ModelCard

AUTO = "auto"
FILL_HERE = "<｜fim▁hole｜>"
FIRST_QWEN = "QWenLMHeadModel"  # its tokenizer brings no template; every later Qwen does


@dataclass(kw_only=True)
class Template:
    """How turns become text for a completion model, what its sampler needs, and how its output is trimmed.

    `role_mapping` has the strings that open a turn, `user_role` and `assistant_role`, and `system_msg`, in which
    `{system_msg}` stands for the words of a system turn. A markup that closes its turns has them in `turn_end`.
    """

    role_mapping: dict[str, str]
    generation_config: dict[str, Any] = field(default_factory=dict)
    clean_func: Callable[[str], str] = unchanged
    function_calling_format_func: Callable[..., str] | None = None
    response_class_format_func: Callable[..., str] = response_class_format
    response_class_format_after_chat_func: Callable[..., str] = response_class_format_after_chat


class Templates:
    """The templates of well-known model families."""

    @staticmethod
    def default() -> Template:
        """`User:` and `Assistant:` lines."""
        return Template(role_mapping=dict(DEFAULT.roles))

    @staticmethod
    def empty() -> Template:
        """No decoration at all."""
        return Template(role_mapping=dict(EMPTY.roles))

    @staticmethod
    def qwen() -> Template:
        """ChatML with Qwen's stop ids and a light repetition penalty."""
        return Template(
            role_mapping=dict(QWEN.roles),
            generation_config={
                "generation.repetition_penalty": QWEN.repetition_penalty,
                "generation.stop_token_ids": list(QWEN.stop_token_ids),
            },
            clean_func=CutAt(*QWEN.stops),
        )

    @staticmethod
    def yi() -> Template:
        """ChatML with Yi's stop id."""
        return Template(
            role_mapping=dict(YI.roles),
            generation_config={"generation.stop_token_ids": list(YI.stop_token_ids)},
            clean_func=CutAt(*YI.stops),
        )

    @staticmethod
    def llama() -> Template:
        """The `[INST]` form of Llama 2."""
        return Template(role_mapping=dict(LLAMA.roles), clean_func=CutAt(*LLAMA.stops))

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


def fitting_template(wanted: Template | str | None, card: ModelCard, *, name: str) -> Template | None:
    """The template in force for a model; none when the model, or the provider behind it, needs no help."""
    if isinstance(wanted, Template):
        return wanted
    if wanted is None or not card.is_local:
        return None
    if FIRST_QWEN in card.architectures:
        return Templates.qwen()
    if card.capabilities.chat_template:
        return None
    raise UnsupportedError(
        f"The model {name!r} has no chat template of its own, so 'auto' finds none.",
        hint=f"Choose one: setup_template({name!r}, Templates.default()).",
    )


def _roles(user: str, assistant: str, system: str) -> dict[str, str]:
    return {"user_role": user, "assistant_role": assistant, "system_msg": system}

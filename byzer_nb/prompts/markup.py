"""Conversations as one text, for models that only complete: how well-known families have learnt to read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from byzer_nb.types import Message

DEFAULT_SYSTEM = "You are a helpful assistant. Think it over first, and answer the user's question correctly.\n"
HELPFUL = "You are a helpful assistant."
SYSTEM_TEXT = "{system_msg}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Markup:
    """How a family of models writes turns, where its answers end, and what its sampler needs.

    `roles` has the strings that open a turn, `user_role` and `assistant_role`, and `system_msg`, in which
    `{system_msg}` stands for the words of a system turn. A markup that closes its turns has them in `turn_end`.
    """

    roles: Mapping[str, str]
    stops: tuple[str, ...] = ()
    stop_token_ids: tuple[int, ...] = ()
    repetition_penalty: float | None = None

    def text_of(self, messages: tuple[Message, ...]) -> str:
        """The turns as one text, ending where the assistant is to speak."""
        return role_text(messages, self.roles)


def role_text(messages: tuple[Message, ...], role_mapping: Mapping[str, str]) -> str:
    """The turns with their opening strings, ending where the assistant is to speak."""
    user = role_mapping.get("user_role", "User:")
    assistant = role_mapping.get("assistant_role", "Assistant:")
    turn_end = role_mapping.get("turn_end", "")
    parts = [_system(messages, role_mapping.get("system_msg", ""))]
    for position, message in enumerate(messages):
        if message.role == "assistant":
            is_last = position == len(messages) - 1
            parts.append(assistant + message.text + ("" if is_last else turn_end))
        elif message.role != "system":
            parts.append(user + message.text)
    if messages[-1].role != "assistant":
        parts.append(assistant)
    # Markup that closes its turns brings its own line ends.
    between = "" if turn_end or not (user or assistant) else "\n"
    return between.join(part for part in parts if part)


def _system(messages: tuple[Message, ...], pattern: str) -> str:
    given = next((message.text for message in messages if message.role == "system"), None)
    if SYSTEM_TEXT in pattern:
        return pattern.replace(SYSTEM_TEXT, HELPFUL if given is None else given)
    return pattern if given is None else given


def _roles(user: str, assistant: str, system: str) -> dict[str, str]:
    return {"user_role": user, "assistant_role": assistant, "system_msg": system}


_CHATML = {
    "user_role": "<|im_start|>user\n",
    "assistant_role": "<|im_end|>\n<|im_start|>assistant\n",
    "system_msg": "<|im_start|>system\n{system_msg}<|im_end|>\n",
    "turn_end": "<|im_end|>\n",
}
_CHATML_STOPS = ("<|im_end|>", "<|endoftext|>", "<|im_start|>")

DEFAULT = Markup(roles=_roles("User:", "Assistant:", DEFAULT_SYSTEM))
EMPTY = Markup(roles=_roles("", "", ""))
QWEN = Markup(roles=_CHATML, stops=_CHATML_STOPS, stop_token_ids=(151643, 151645), repetition_penalty=1.1)
YI = Markup(roles=_CHATML, stops=_CHATML_STOPS, stop_token_ids=(7,))
LLAMA = Markup(
    roles=_roles("<s>[INST]", "[/INST]", "<<SYS>>\nYou are a helpful assistant.\n<</SYS>>\n\n"),
    stops=("</s>", "[INST]"),
)
MARKUPS: Mapping[str, Markup] = {"default": DEFAULT, "empty": EMPTY, "qwen": QWEN, "yi": YI, "llama": LLAMA}

"""How hosts that speak OpenAI's protocol differ from it; one line a host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# How an answer that is already begun is handed over: a mark on the last message, or its text beside the messages.
Continuation = Literal["prefix", "partial", "body"]

OPENAI_OPTIONS = frozenset(
    {
        "max_tokens",
        "temperature",
        "top_p",
        "stop",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "continue_last",
        "timeout",
        "extra",
    }
)
# Servers of open weights (vLLM, SGLang, Ollama behind a gateway) take these in the same body; OpenAI refuses them.
OPEN_SERVER_OPTIONS = OPENAI_OPTIONS | {"top_k", "repetition_penalty", "stop_token_ids"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """The habits of a host."""

    continuation: Continuation = "prefix"
    continuation_path: str = "chat/completions"
    always_continues: bool = False
    options: frozenset[str] = OPEN_SERVER_OPTIONS


HOSTS: dict[str, Host] = {
    "openai.com": Host(options=OPENAI_OPTIONS),
    "siliconflow": Host(continuation="body"),
    "moonshot": Host(continuation="partial"),
    "deepseek": Host(
        continuation_path="/beta/chat/completions", always_continues=True, options=OPENAI_OPTIONS - {"seed"}
    ),
}


def host_habits(host: str) -> Host:
    """The habits of a host by its name; one that nobody knows speaks the plain protocol."""
    return next((habits for mark, habits in HOSTS.items() if mark in host), Host())

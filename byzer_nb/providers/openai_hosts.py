"""How hosts that speak OpenAI's protocol differ from it; one line a host."""

from __future__ import annotations

import re
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


# Patterns for the names of models.
EVERY, NONE = "", r"(?!)"
_BEFORE_TOOLS = r"o1-(mini|preview)|chatgpt-|-0301|-0314"
_BEFORE_SCHEMAS = rf"gpt-3\.?5|gpt-4(?![.o])|gpt-4o-2024-05-13|audio|{_BEFORE_TOOLS}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """The habits of a host; `no_tools`, `no_forcing` and `no_schema` are patterns for the models that lack it.

    Forcing means that a model can be made to call a tool. `is_strict` is a host that takes closed schemas, and holds a
    model to them letter by letter. `wants_thoughts` says whether it takes its thoughts back with the calls.
    """

    continuation: Continuation = "prefix"
    continuation_path: str = "chat/completions"
    always_continues: bool = False
    options: frozenset[str] = OPEN_SERVER_OPTIONS
    no_tools: str = NONE
    no_forcing: str = NONE
    no_schema: str = EVERY
    is_strict: bool = False
    wants_thoughts: bool = True

    def takes_tools(self, model: str) -> bool:
        """Whether a model of that name is offered tools."""
        return not re.search(self.no_tools, model.lower())

    def forces(self, model: str) -> bool:
        """Whether a model of that name can be made to call one."""
        return not re.search(self.no_forcing, model.lower())

    def takes_schemas(self, model: str) -> bool:
        """Whether a model of that name can be held to a schema."""
        return not re.search(self.no_schema, model.lower())


HOSTS: dict[str, Host] = {
    "openai.com": Host(
        options=OPENAI_OPTIONS,
        no_tools=_BEFORE_TOOLS,
        no_schema=_BEFORE_SCHEMAS,
        is_strict=True,
        wants_thoughts=False,
    ),
    "siliconflow": Host(continuation="body", no_schema=NONE),
    "moonshot": Host(continuation="partial", no_forcing=EVERY),
    "ollama": Host(no_forcing=EVERY, no_schema="cloud"),  # in its cloud, schemas are taken and forgotten
    "deepseek": Host(
        continuation_path="/beta/chat/completions",
        always_continues=True,
        options=OPENAI_OPTIONS - {"seed"},
        no_forcing="reasoner|r1|v[4-9]",  # those that think refuse it
    ),
}


def host_habits(host: str) -> Host:
    """The habits of a host by its name; one that nobody knows speaks the plain protocol."""
    return next((habits for mark, habits in HOSTS.items() if mark in host), Host())

"""The body of a request in Anthropic's protocol, and the question that it asks."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from byzer_nb.serve.anthropic.blocks import AnthropicChoice, Text, Tool, Turn, as_messages, as_specs, chosen
from byzer_nb.serve.anthropic.dialect import THREAD_UNSUPPORTED
from byzer_nb.serve.asking import Question
from byzer_nb.serve.openai.fields import checked_options, refuse_fields, refused
from byzer_nb.serve.openai.messages import Json
from byzer_nb.types import AnswerSchema, ChatOptions, ModelCard

_PLAIN = ("max_tokens", "temperature", "top_p", "top_k")
_WITH_EFFORT = "saas/claude"  # of the providers it alone takes an effort in Anthropic's own words
_OF_CLAUDE = frozenset({"saas/claude", "saas/aws_bedrock"})
_ADAPTIVE = "adaptive"  # thinking as much as it takes: a word of Claude's, which other vendors refuse


class OutputFormat(msgspec.Struct):
    """JSON that fits a schema."""

    schema: Json
    type: Literal["json_schema"]


class OutputConfig(msgspec.Struct, forbid_unknown_fields=True):
    """How the answer shall look, and how much work shall go into it."""

    effort: str | None = None
    format: OutputFormat | None = None


class ConversationFields(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is told to a model, whether it shall answer or only count. What is said of caches promises nothing."""

    model: str
    messages: list[Turn]
    system: str | list[Text] | None = None
    tools: list[Tool] | None = None
    tool_choice: AnthropicChoice | None = None
    thinking: Json | None = None
    output_config: OutputConfig | None = None
    cache_control: Json | None = None
    context_management: Json | None = None
    mcp_servers: list[Json] | None = None
    speed: str | None = None


class MessagesBody(ConversationFields, kw_only=True, forbid_unknown_fields=True):
    """The body of a request for an answer."""

    max_tokens: int
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stream: bool | None = None
    metadata: Json | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    container: Any = None  # Any: refused whatever it is
    inference_geo: str | None = None
    diagnostics: Any = None  # Any: refused whatever it is
    thread: Any = None  # Any: refused whatever it is


def question_of(body: MessagesBody, model: str, card: ModelCard) -> tuple[Question, tuple[str, ...]]:
    """What is asked of a model, and a sentence about each field that changes nothing."""
    if body.thread is not None:
        raise refused(
            "thread",
            "This gateway keeps no conversations.",
            hint="Send the whole conversation, without thread.",
            code=THREAD_UNSUPPORTED,
        )
    refuse_fields(
        {
            "container": body.container,
            "diagnostics": body.diagnostics,
            "inference_geo": body.inference_geo,
            "mcp_servers": body.mcp_servers or None,
            "speed": None if body.speed == "standard" else body.speed,
        }
    )
    extra, told = _extra(body, card)
    name, tools, one_call = chosen(body.tool_choice, as_specs(body.tools))
    wanted = body.output_config.format if body.output_config else None
    question = Question(
        model=model,
        messages=as_messages(body.system, body.messages),
        options=_options(body, extra),
        tools=tools,
        tool_choice=name,
        one_call=one_call,
        schema=AnswerSchema(schema=wanted.schema) if wanted else None,
    )
    return question, told


def _options(body: MessagesBody, extra: dict[str, Any]) -> ChatOptions:  # Any: values of a provider's own body
    given: dict[str, Any] = {name: value for name in _PLAIN if (value := getattr(body, name)) is not None}
    if body.stop_sequences:
        given["stop"] = tuple(body.stop_sequences)
    if body.messages and body.messages[-1].role == "assistant":  # it is begun, and the model goes on with it
        given["continue_last"] = True
    if extra:
        given["extra"] = extra
    return checked_options(given)


def _extra(body: MessagesBody, card: ModelCard) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What a provider is told beside the options. A model that runs here is told nothing of it, and the caller that."""
    extra: dict[str, Any] = {}
    unheard = [name for name in ("metadata", "context_management") if getattr(body, name) is not None]
    if body.thinking is not None:
        if card.is_local or card.engine in _OF_CLAUDE or body.thinking.get("type") != _ADAPTIVE:
            extra["thinking"] = body.thinking
        else:
            unheard.append("thinking")
    effort = body.output_config.effort if body.output_config else None
    if effort is not None:
        extra |= {"output_config": {"effort": effort}} if card.engine == _WITH_EFFORT else {"reasoning_effort": effort}
    if card.is_local and extra:
        unheard += [name for name in ("thinking", "output_config") if getattr(body, name) is not None]
        extra = {}
    return extra, tuple(f"{name} has no effect here." for name in unheard)

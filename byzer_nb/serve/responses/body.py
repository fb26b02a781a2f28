"""The body of a request for a response: the question that it asks, and what the response repeats of it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from byzer_nb.serve.asking import Question
from byzer_nb.serve.exchange import misfit
from byzer_nb.serve.openai.fields import AnswerFields, options_of, refuse_fields, refused, unsupported
from byzer_nb.serve.openai.messages import (
    Choice,
    Format,
    Function,
    Json,
    JsonObjectFormat,
    JsonSchema,
    JsonSchemaFormat,
    NamedFunction,
    NamedTool,
    TextFormat,
    Tool,
    as_choice,
    as_schema,
    as_specs,
)
from byzer_nb.serve.responses.items import as_messages, read_items
from byzer_nb.types import ChatOptions, Message, ModelCard, ToolSpec

_NEUTRAL = (
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
    "client_metadata",
)
_REPEATED = ("instructions", "max_output_tokens", "max_tool_calls", "previous_response_id", "temperature", "top_p")
_IF_GIVEN = ("user", "safety_identifier", "prompt_cache_key")
_OF_NO_TOOL_HERE = "_call"  # results of tools that nobody here runs may be asked for, and there are none


class SchemaFormat(msgspec.Struct, tag="json_schema", tag_field="type"):
    """JSON that fits a schema."""

    name: str
    schema: Json
    description: str | None = None
    strict: bool | None = None


class TextWish(msgspec.Struct, forbid_unknown_fields=True):
    """How the words of the answer shall be."""

    format: TextFormat | JsonObjectFormat | SchemaFormat | None = None
    verbosity: str | None = None


class ReasoningWish(msgspec.Struct, forbid_unknown_fields=True):
    """How long a model shall think, and what it shall tell of it."""

    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


class StreamOptions(msgspec.Struct, forbid_unknown_fields=True):
    """How a stream shall be; it is never padded here."""

    include_obfuscation: bool = False


class ResponseBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of a request."""

    model: str
    input: str | list[Json] = ""
    instructions: str | None = None
    previous_response_id: str | None = None
    tools: list[Json] | None = None
    tool_choice: str | Json | None = None
    parallel_tool_calls: bool | None = None
    text: TextWish | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    reasoning: ReasoningWish | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None
    background: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    truncation: Literal["auto", "disabled"] | None = None
    include: list[str] | None = None
    top_logprobs: int | None = None
    max_tool_calls: int | None = None
    service_tier: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: Json | None = None
    client_metadata: Json | None = None  # what Codex tells of itself
    conversation: Any = None  # Any: refused whatever it is, like those that follow
    prompt: Any = None
    context_management: Any = None
    moderation: Any = None
    access_programs: Any = None
    image: Any = None
    background_options: Any = None

    @property
    def is_kept(self) -> bool:
        """Whether the response may be read again."""
        return self.store is not False


def question_of(
    body: ResponseBody, model: str, card: ModelCard, *, before: tuple[Message, ...]
) -> tuple[Question, tuple[str, ...]]:
    """What is asked of a model after what was said before, and a sentence about each field that changes nothing."""
    _refuse(body)
    options, told = _options(body, card)
    said = (*before, *as_messages(read_items(body.input)))
    if not said:
        raise refused("input", "There is no input.", hint="Give a text, or a list of items.")
    wanted = body.text.format if body.text else None
    schema, is_json = as_schema(_format(wanted))
    choice, tools = _choice(
        body.tool_choice, as_specs([_tool(raw, place) for place, raw in enumerate(body.tools or ())])
    )
    question = Question(
        model=model,
        messages=(Message(role="system", content=body.instructions), *said) if body.instructions else said,
        options=options,
        tools=tools,
        tool_choice=choice,
        one_call=body.parallel_tool_calls is False,
        schema=schema,
        is_json=is_json,
    )
    return question, told


def _refuse(body: ResponseBody) -> None:
    refuse_fields(
        {
            name: getattr(body, name)
            for name in (
                "access_programs",
                "background_options",
                "context_management",
                "conversation",
                "image",
                "moderation",
                "prompt",
                "top_logprobs",
            )
        }
    )
    if body.background and not body.is_kept:
        raise refused("background", "A response that is made in the background has to be kept: store cannot be false.")
    if body.max_output_tokens is not None and body.max_output_tokens < 1:
        raise refused("max_output_tokens", f"max_output_tokens must be at least 1, not {body.max_output_tokens!r}.")
    for name in body.include or ():
        if name == "message.output_text.logprobs":
            raise unsupported("include", f"asks for {name!r}, which")


def _options(body: ResponseBody, card: ModelCard) -> tuple[ChatOptions, tuple[str, ...]]:
    told = [name for name in _NEUTRAL if getattr(body, name) is not None]
    extra: Json = {}
    if body.reasoning is not None:
        if body.reasoning.effort is not None:
            extra["reasoning_effort"] = body.reasoning.effort
        told += [f"reasoning.{name}" for name in ("summary", "generate_summary") if getattr(body.reasoning, name)]
    if body.text is not None and body.text.verbosity is not None:
        extra["verbosity"] = body.text.verbosity
    if body.service_tier not in (None, "auto", "default"):
        extra["service_tier"] = body.service_tier
    if card.is_local:  # it knows nothing of them
        told += extra
        extra = {}
    told += [name for name in body.include or () if _OF_NO_TOOL_HERE not in name and "image" not in name]
    fields = AnswerFields(model=body.model, temperature=body.temperature, top_p=body.top_p, extra_body=extra or None)
    options, _ = options_of(fields, card, max_tokens=body.max_output_tokens)
    return options, tuple(f"{name} has no effect here." for name in told)


def _format(wanted: TextFormat | JsonObjectFormat | SchemaFormat | None) -> Format | None:
    if isinstance(wanted, SchemaFormat):
        return JsonSchemaFormat(json_schema=JsonSchema(name=wanted.name, schema=wanted.schema))
    return wanted


def _tool(raw: Json, position: int) -> Tool:
    place = f"tools[{position}]"
    if raw.get("type") != "function":
        raise unsupported(
            f"{place}.type", f"is {raw.get('type')!r}; this gateway takes functions, and runs no tools of its own"
        )
    try:
        return Tool(function=msgspec.convert(raw, Function))
    except msgspec.ValidationError as wrong:
        raise misfit(wrong, within=place) from None


def _choice(given: str | Json | None, tools: tuple[ToolSpec, ...]) -> tuple[str, tuple[ToolSpec, ...]]:
    wanted: Choice | None = None
    match given:
        case None | "none" | "auto" | "required":
            wanted = given
        case {"type": "function", "name": str(name)}:
            wanted = NamedTool(function=NamedFunction(name=name))
        case {"type": "allowed_tools", "mode": "auto" | "required" as mode, "tools": list(listed)}:
            names = [each.get("name") for each in listed if isinstance(each, dict)]
            wanted, tools = mode, tuple(tool for tool in tools if tool.name in names)
        case _:
            raise unsupported("tool_choice", "chooses what is not known here; it is none, auto, required or a function")
    return as_choice(wanted, tools)


def facts_of(body: ResponseBody) -> Json:
    """What a response repeats of its request."""
    wanted = body.text.format if body.text else None
    shape = {"type": "text"} if wanted is None else msgspec.to_builtins(wanted)
    text: Json = {"format": {name: value for name, value in shape.items() if value is not None}}
    if body.text is not None and body.text.verbosity is not None:
        text["verbosity"] = body.text.verbosity
    facts = {
        "model": body.model,
        **{name: getattr(body, name) for name in _REPEATED},
        "background": bool(body.background),
        "metadata": body.metadata or {},
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "reasoning": {
            "effort": body.reasoning.effort if body.reasoning else None,
            "summary": body.reasoning.summary if body.reasoning else None,
        },
        "service_tier": "default",
        "store": body.is_kept,
        "text": text,
        "tool_choice": body.tool_choice or "auto",
        "tools": [{"parameters": None, "strict": None, **tool} for tool in body.tools or ()],
        "top_logprobs": 0,
        "truncation": body.truncation or "disabled",
    }
    return facts | {name: value for name in _IF_GIVEN if (value := getattr(body, name)) is not None}

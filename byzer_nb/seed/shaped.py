"""Answers of `chat_oai` that are more than text: classes, and the results of functions that the model called."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from byzer_nb.client import Transport
from byzer_nb.prompts.answer_text import NO_JSON
from byzer_nb.prompts.formats import response_class_format
from byzer_nb.prompts.function_formats import function_calling_format
from byzer_nb.prompts.ladder import JsonShape, Shaped, ShapeError, Wanted, shaped_answer, with_text
from byzer_nb.prompts.shape import Shape
from byzer_nb.prompts.tool_loop import ToolLoop
from byzer_nb.prompts.tools import Function, Offer, Tool, as_tools
from byzer_nb.seed.content import shown
from byzer_nb.seed.responses import LLMClassResponse, LLMFunctionCallResponse, response_of
from byzer_nb.seed.speaking import Speaking
from byzer_nb.types import ChatOptions, ChatRequest, Message, ModelCard, Reply, ToolCall

NO_JSON_REASON = "No json block found"  # the documents' words


class Heard:
    """One model through a client of the documents: its events, its templates and its trimming hold here too."""

    def __init__(self, llm: Speaking, name: str) -> None:
        self.transport: Transport = llm.client.transport
        self._llm = llm
        self._name = name

    async def describe(self, *, model: str = "") -> ModelCard:
        """The card of a model."""
        return await self._llm.client.describe(model=model or self._name)

    async def chat(self, messages: ChatRequest, *, model: str = "", options: ChatOptions | None = None) -> Reply:
        """The whole answer to a request."""
        wanted = messages.options if options is None else options
        return await self._llm.reply(model or self._name, messages.messages, wanted, request=messages)

    def default_model(self) -> str:
        """The name that is meant when a call names none."""
        return self._name


async def class_response(
    llm: Speaking,
    name: str,
    messages: tuple[Message, ...],
    cls: type[BaseModel] | str,
    options: ChatOptions,
    *,
    is_worded: bool = False,
) -> LLMClassResponse:
    """The answer as an instance of a class; without a usable one the value is None, and the reason says why.

    Messages that are worded already ask for the shape themselves.
    """
    try:
        found = await shaped_by(llm, name, messages, cls, options, is_worded=is_worded)
    except ShapeError as wrong:
        how = {"reason": _documents_words(wrong.message), "rung": wrong.rung, "tries": wrong.tries}
        return LLMClassResponse(response=response_of(wrong.reply, shown(messages)), value=None, metadata=how)
    how = {"reason": "", "rung": found.rung, "tries": found.tries}
    return LLMClassResponse(response=response_of(found.reply, shown(messages)), value=found.value, metadata=how)


async def shaped_by(
    llm: Speaking,
    name: str,
    messages: tuple[Message, ...],
    cls: type[BaseModel] | str,
    options: ChatOptions,
    *,
    is_worded: bool = False,
) -> Shaped[Any]:
    """The answer as an instance of a class, asked for as was set up for the model; `ShapeError` where none fitted."""
    shape: Wanted[Any] = JsonShape(cls) if isinstance(cls, str) else Shape(cls)
    write = llm.format_func(name, "response_class", response_class_format)

    def in_words(turns: tuple[Message, ...]) -> tuple[Message, ...]:
        return turns if is_worded else with_text(turns, lambda text: write(text, cls))

    is_own = is_worded or write is not response_class_format
    asks = Heard(llm, name)
    return await shaped_answer(
        asks, messages, shape, model=name, options=options, in_words=in_words if is_own else None
    )


def _documents_words(reason: str) -> str:
    return NO_JSON_REASON if reason.startswith(NO_JSON) else reason


async def function_response(
    llm: Speaking,
    name: str,
    messages: tuple[Message, ...],
    tools: Sequence[Offer],
    choice: Function | None,
    options: ChatOptions,
    *,
    beside: Mapping[str, Any],
) -> LLMFunctionCallResponse:
    """What the functions returned that the model called, once; a failure is a reason and never raised."""
    loop = tool_loop(llm, name, messages, tools, choice, options, beside=beside)
    await loop.ask()
    asked = loop.pending
    made = await loop.answer() if asked else ()
    reasons = [each.error for each in made if each.error] if asked else [_documents_words(loop.reason)]
    response = response_of(loop.reply, shown(messages))
    if not response.output and asked:
        response.output = calls_as_text(asked)
    return LLMFunctionCallResponse(
        response=response,
        values=[each.value for each in made if not each.error],
        metadata={
            "reason": "\n".join(filter(None, reasons)),
            "selected_functions": [each.call.name for each in made if not each.error],
        },
    )


def tool_loop(
    llm: Speaking,
    name: str,
    messages: tuple[Message, ...],
    tools: Sequence[Offer],
    choice: Function | None,
    options: ChatOptions,
    *,
    beside: Mapping[str, Any],
) -> ToolLoop:
    """A loop over the functions of a call, worded as was set up for the model."""
    offered = as_tools(tools, beside=list(beside))
    wanted = None if choice is None else Tool(choice, beside=list(beside))
    write: Callable[..., str] = llm.format_func(name, "function_calling", function_calling_format)
    return ToolLoop(
        Heard(llm, name),
        messages,
        offered,
        model=name,
        options=options,
        choice=wanted,
        in_words=write if write is not function_calling_format else None,
        beside=beside,
    )


def calls_as_text(calls: Sequence[ToolCall]) -> str:
    """Calls that came beside the text, as a model without tools of its own would have written them."""
    if not calls:
        return ""
    written = [{"function": {"name": each.name, "arguments": each.arguments}} for each in calls]
    return json.dumps({"tool_calls": written}, ensure_ascii=False)

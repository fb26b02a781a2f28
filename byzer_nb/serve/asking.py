"""A question in no protocol's words, and its answer, also from a model that can do less than is asked."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from byzer_nb.client.client import BY_ANY_ENGINE, AsyncClient
from byzer_nb.errors import UnsupportedError
from byzer_nb.types import (
    AnswerSchema,
    ChatOptions,
    ChatRequest,
    Delta,
    Message,
    ModelCard,
    Reply,
    ToolCall,
    ToolSpec,
)
from byzer_nb.types.options import SILENT

ANY_OBJECT = '{"type": "object"}'


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What a caller wants of a model. `is_json` asks for any JSON object, `one_call` for at most one call of a tool.

    `is_raw` means that the one message is a text to go on with as it stands.
    """

    model: str
    messages: tuple[Message, ...]
    options: ChatOptions = SILENT
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: str = ""
    one_call: bool = False
    schema: AnswerSchema | None = None
    is_json: bool = False
    is_raw: bool = False


class Asking:
    """A question on its way: natively where the model can do what is asked, in words and by several tries elsewhere."""

    def __init__(self, client: AsyncClient, question: Question, card: ModelCard) -> None:
        self._client = client
        self._card = card
        self.options, self.warnings = _heard(question, card)
        able = card.capabilities
        if question.tools and (question.is_json or (question.schema is not None and not (able.schema and able.tools))):
            question = replace(question, schema=None, is_json=False)
            self.warnings += (f"The model {question.model!r} is held to no form of its answer beside tools.",)
        self._question = replace(question, options=self.options)
        has_tools = bool(question.tools) or any(turn.tool_calls or turn.role == "tool" for turn in question.messages)
        self._in_words = has_tools and not able.tools
        self._on_ladder = question.is_json or (question.schema is not None and not able.schema)

    @property
    def is_plain(self) -> bool:
        """Whether the model itself does all that is asked, so that its pieces can be handed on as they come."""
        return not (self._in_words or self._on_ladder) and self._card.capabilities.stream

    async def whole(self) -> Reply:
        """The whole answer."""
        if self._in_words:
            reply = await _with_tools_in_words(self._client, self._question)
        elif self._on_ladder:
            reply = await _shaped(self._client, self._question, self._card)
        else:
            reply = await self._client.chat(self._request(), model=self._question.model)
        return replace(reply, tool_calls=self._told(reply.tool_calls)) if reply.tool_calls else reply

    async def pieces(self) -> AsyncGenerator[Delta, None]:
        """The answer as it comes; where it has to be looked at as a whole first, in one piece."""
        if not self.is_plain:
            yield (await self.whole()).as_delta()
            return
        has_called = False
        async with aclosing(self._client.stream(self._request(), model=self._question.model)) as deltas:
            async for delta in deltas:
                if delta.tool_calls:
                    is_enough = self._question.one_call and has_called
                    delta = replace(delta, tool_calls=() if is_enough else self._told(delta.tool_calls))
                    has_called = True
                yield delta

    def _told(self, calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
        """As many calls as are wanted, each with an id, by which its result comes back."""
        wanted = calls[:1] if self._question.one_call else calls
        return tuple(call if call.id else replace(call, id=f"call_{secrets.token_hex(12)}") for call in wanted)

    def _request(self) -> ChatRequest:
        question = self._question
        return ChatRequest(
            messages=question.messages,
            options=question.options,
            tools=question.tools,
            tool_choice=question.tool_choice,
            schema=question.schema,
            is_raw=question.is_raw,
        )


def _heard(question: Question, card: ModelCard) -> tuple[ChatOptions, tuple[str, ...]]:
    """The options that the model honours, and a sentence about each of the others."""
    options, known = question.options, card.capabilities.options
    if options is SILENT or not known:
        return options, ()
    unheard = sorted(set(options.given()) - known - BY_ANY_ENGINE)
    if not unheard:
        return options, ()
    silent = {name: getattr(SILENT, name) for name in unheard}
    told = tuple(f"The model {question.model!r} does not know {name} and answers without." for name in unheard)
    return replace(options, **silent), told


async def _with_tools_in_words(client: AsyncClient, question: Question) -> Reply:
    from byzer_nb.prompts.tool_loop import ToolLoop  # with pydantic, for which a plain question need not wait
    from byzer_nb.prompts.tools import as_tools

    tools = as_tools([_as_json(spec) for spec in question.tools])
    chosen = next((tool for tool in tools if tool.spec.name == question.tool_choice), None)
    messages = _told_in_words(question.messages)
    if not tools:
        return await client.chat(ChatRequest(messages=messages, options=question.options), model=question.model)
    loop = ToolLoop(client, messages, tools, model=question.model, options=question.options, choice=chosen)
    reply = await loop.ask()
    offered = {tool.spec.name for tool in tools}
    calls = tuple(call for call in loop.pending if call.name in offered)  # an answer may be JSON of another kind
    if not calls:
        if question.tool_choice:
            raise UnsupportedError(
                f"The model {question.model!r} did not call {question.tool_choice!r}; it was asked in words.",
                hint="Ask a model that calls tools by itself, or leave tool_choice at auto.",
            )
        return reply
    return replace(reply, text="", tool_calls=calls, finish_reason="tool_calls")


def _as_json(spec: ToolSpec) -> str:
    return json.dumps({"name": spec.name, "description": spec.description, "parameters": spec.parameters})


def _told_in_words(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Calls and their results as plain turns, for a model that knows of no tools."""
    names = {call.id: call.name for turn in messages for call in turn.tool_calls}
    told: list[Message] = []
    for turn in messages:
        if turn.tool_calls:
            calls = [{"function": {"name": each.name, "arguments": each.arguments}} for each in turn.tool_calls]
            told.append(Message(role="assistant", content=json.dumps({"tool_calls": calls}, ensure_ascii=False)))
        elif turn.role == "tool":
            line = f"{names.get(turn.tool_call_id, 'A tool')}: {turn.text}"
            if told and told[-1].role == "user" and told[-1].text.startswith("Results:"):
                told[-1] = replace(told[-1], content=f"{told[-1].text}\n{line}")
            else:
                told.append(Message(role="user", content=f"Results:\n{line}"))
        else:
            told.append(turn)
    return tuple(told)


async def _shaped(client: AsyncClient, question: Question, card: ModelCard) -> Reply:
    from byzer_nb.prompts.ladder import JsonShape, ShapeError, shaped_answer

    schema = ANY_OBJECT if question.schema is None else json.dumps(question.schema.schema)
    is_wish_of_the_caller = question.schema is None and not card.is_local
    try:
        shaped = await shaped_answer(
            client,
            question.messages,
            JsonShape(schema),
            model=question.model,
            options=question.options,
            in_words=_unchanged if is_wish_of_the_caller else None,
        )
    except ShapeError as wrong:
        if wrong.reply.finish_reason == "length":  # the caller's own limit cut it, and says so
            return replace(wrong.reply, tool_calls=())
        raise
    answer = replace(shaped.reply, text=_as_text(shaped.value, shaped.reply.text))
    # The arguments of a tool of ours may be the answer, and the caller offered no such tool.
    return replace(answer, tool_calls=(), finish_reason="stop") if answer.tool_calls else answer


def _unchanged(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Whoever asks for any JSON object says in his own words which."""
    return messages


def _as_text(value: Any, text: str) -> str:
    """What the model wrote where it is JSON as it stands, and the value that was read out of it elsewhere."""
    try:
        json.loads(text)
    except ValueError:
        return json.dumps(value, ensure_ascii=False)
    return text

"""`/v1/chat/completions`."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from byzer_nb.serve.asking import Asking, Question
from byzer_nb.serve.exchange import Exchange
from byzer_nb.serve.merging import together
from byzer_nb.serve.openai.fields import AnswerFields, guided_schema, options_of, refuse_fields
from byzer_nb.serve.openai.messages import (
    Choice,
    Format,
    Json,
    Tool,
    Turn,
    as_choice,
    as_messages,
    as_schema,
    as_specs,
    call_as_json,
)
from byzer_nb.serve.openai.streaming import streamed
from byzer_nb.serve.prompt_template import as_template_says
from byzer_nb.types import AnswerSchema, Delta, ModelCard, Reply, Usage

if TYPE_CHECKING:
    from byzer_nb.serve.gateway import Gateway


class ChatBody(AnswerFields, kw_only=True, forbid_unknown_fields=True):
    """The body of a request."""

    messages: list[Turn]
    max_completion_tokens: int | None = None
    tools: list[Tool] | None = None
    tool_choice: Choice | None = None
    parallel_tool_calls: bool | None = None
    response_format: Format | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    functions: list[Json] | None = None
    function_call: Any = None  # Any: refused whatever it is
    reasoning_effort: str | None = None
    verbosity: str | None = None
    modalities: list[str] | None = None
    audio: Json | None = None
    prediction: Json | None = None
    web_search_options: Json | None = None
    thinking: Json | None = None
    enable_thinking: bool | None = None
    chat_template_kwargs: Json | None = None
    echo: bool | None = None
    add_generation_prompt: bool | None = None
    prompt_template: str | None = None


_read = msgspec.json.Decoder(ChatBody)


async def chat_completions(exchange: Exchange, gateway: Gateway) -> None:
    """Answer a conversation."""
    body = await exchange.read(_read)
    async with exchange.attended():
        model, card = await gateway.card(body.model)
        ask = _asking(body, model, card, gateway)
        exchange.entry.asking(model, is_stream=bool(body.stream))
        writing = Writing(
            f"cmpl-{exchange.entry.id}", model=body.model, role=gateway.settings.response_role, warnings=ask.warnings
        )
        if body.stream:
            answers = [ask.pieces() for _ in range(body.answers)]
            await exchange.stream(streamed(exchange.entry, answers, writing, tells_usage=body.wants_usage))
            return
        replies = await together([ask.whole() for _ in range(body.answers)])
        exchange.entry.heard()
        exchange.entry.usage = usage_of(replies)
        await exchange.answer(msgspec.json.encode(writing.whole(replies)))


def _asking(body: ChatBody, model: str, card: ModelCard, gateway: Gateway) -> Asking:
    refuse_fields(
        {
            "logprobs": body.logprobs,
            "top_logprobs": body.top_logprobs,
            "functions": body.functions,
            "function_call": body.function_call,
            "use_beam_search": body.use_beam_search,
            "guided_regex": body.guided_regex,
            "echo": body.echo,
        }
    )
    schema, is_json = _schema(body)
    choice, tools = as_choice(body.tool_choice, as_specs(body.tools))
    continues = body.add_generation_prompt is False or (bool(body.messages) and body.messages[-1].prefix)
    max_tokens = body.max_tokens if body.max_completion_tokens is None else body.max_completion_tokens
    options, told = options_of(body, card, max_tokens=max_tokens, continue_last=continues)
    if any(turn.name for turn in body.messages):
        told = (*told, "The name of a message has no effect here.")
    question = Question(
        model=model,
        messages=as_messages(body.messages),
        options=options,
        tools=tools,
        tool_choice=choice,
        one_call=body.parallel_tool_calls is False,
        schema=schema,
        is_json=is_json,
    )
    question, how = as_template_says(question, card, body.prompt_template or gateway.settings.prompt_template)
    ask = Asking(gateway.client, question, card)
    ask.warnings = (*told, *how, *ask.warnings)
    return ask


def _schema(body: ChatBody) -> tuple[AnswerSchema | None, bool]:
    rivals = () if body.response_format is None else ("response_format",)
    if (guided := guided_schema(body, rivals=rivals)) is not None:
        return guided, False
    return as_schema(body.response_format)


class Writing:
    """The words of one answer in OpenAI's form."""

    def __init__(self, name: str, *, model: str, role: str, warnings: tuple[str, ...] = ()) -> None:
        self._id = name
        self._model = model
        self._role = role
        self._warnings = list(warnings)
        self._created = int(time.time())
        self._calls: Counter[int] = Counter()  # that each answer has had so far
        head = msgspec.json.encode(self._head("chat.completion.chunk"))
        self._chunk = b"data: " + head[:-1] + b',"choices":[{"index":'

    def whole(self, replies: list[Reply]) -> Json:
        """The answer in one piece."""
        answer = self._head("chat.completion")
        answer["choices"] = [
            {
                "index": index,
                "message": self._message(reply),
                "logprobs": None,
                "finish_reason": "stop" if reply.finish_reason == "cancelled" else reply.finish_reason,
            }
            for index, reply in enumerate(replies)
        ]
        answer["usage"] = usage_as_json(usage_of(replies))
        if self._warnings:
            answer["warnings"] = self._warnings
        return answer

    def first(self, index: int) -> bytes:
        """The chunk that opens an answer."""
        return self._line(index, b'{"role":' + msgspec.json.encode(self._role) + b',"content":""}', b"null")

    def piece(self, index: int, delta: Delta) -> bytes:
        """The next chunk."""
        if not (delta.reasoning or delta.tool_calls):
            return self._line(index, b'{"content":' + msgspec.json.encode(delta.text) + b"}", b"null")
        told: Json = {}
        if delta.text:
            told["content"] = delta.text
        if delta.reasoning:
            told["reasoning_content"] = delta.reasoning
        if delta.tool_calls:
            places = range(self._calls[index], self._calls[index] + len(delta.tool_calls))
            self._calls[index] += len(delta.tool_calls)
            told["tool_calls"] = [
                {"index": place, **call_as_json(call)} for place, call in zip(places, delta.tool_calls, strict=True)
            ]
        return self._line(index, msgspec.json.encode(told), b"null")

    def last(self, index: int, delta: Delta) -> bytes:
        """The chunk that closes an answer."""
        reason = "stop" if delta.finish_reason == "cancelled" else delta.finish_reason
        line = self._line(index, b"{}", msgspec.json.encode(reason))
        if self._warnings and index == 0:
            line = line[:-3] + b',"warnings":' + msgspec.json.encode(self._warnings) + b"}\n\n"
        return line

    def usage(self, usage: Usage) -> bytes:
        """The chunk after the last one, with the tokens."""
        told = self._head("chat.completion.chunk") | {"choices": [], "usage": usage_as_json(usage)}
        return b"data: " + msgspec.json.encode(told) + b"\n\n"

    def _line(self, index: int, delta: bytes, reason: bytes) -> bytes:
        return b'%s%d,"delta":%s,"logprobs":null,"finish_reason":%s}]}\n\n' % (self._chunk, index, delta, reason)

    def _head(self, kind: str) -> Json:
        return {"id": self._id, "object": kind, "created": self._created, "model": self._model}

    def _message(self, reply: Reply) -> Json:
        message: Json = {"role": self._role, "content": reply.text, "refusal": None}
        if reply.tool_calls:
            message["content"] = reply.text or None
            message["tool_calls"] = [call_as_json(call) for call in reply.tool_calls]
        if reply.reasoning:
            message["reasoning_content"] = reply.reasoning
        return message


def usage_of(replies: list[Reply]) -> Usage:
    """The tokens of several answers to one question, which each of them read."""
    total = Usage()
    for reply in replies:
        total = total + reply.usage
    return total


def usage_as_json(usage: Usage) -> Json:
    """Tokens in OpenAI's words."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }

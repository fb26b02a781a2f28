"""`/v1/messages` and `/v1/messages/count_tokens`."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec

from byzer_nb.serve.anthropic.blocks import as_messages, as_specs
from byzer_nb.serve.anthropic.body import ConversationFields, MessagesBody, question_of
from byzer_nb.serve.anthropic.writing import Writing
from byzer_nb.serve.asking import Asking
from byzer_nb.serve.exchange import Exchange
from byzer_nb.serve.openai.messages import Json
from byzer_nb.types import FinishReason, ImagePart, Usage

if TYPE_CHECKING:
    from byzer_nb.serve.gateway import Gateway

_read = msgspec.json.Decoder(MessagesBody)
_read_conversation = msgspec.json.Decoder(ConversationFields)


async def messages(exchange: Exchange, gateway: Gateway) -> None:
    """Answer a conversation."""
    body = await exchange.read(_read)
    async with exchange.attended():
        model, card = await gateway.card(body.model)
        question, told = question_of(body, model, card)
        ask = Asking(gateway.client, question, card)
        exchange.entry.asking(model, is_stream=bool(body.stream))
        writing = Writing(exchange.entry.id, model=body.model, warnings=(*told, *ask.warnings))
        if body.stream:
            await exchange.stream(_stream(exchange, ask, writing))
            return
        reply = await ask.whole()
        exchange.entry.heard()
        exchange.entry.usage = reply.usage
        await exchange.answer_json(writing.whole(reply))


async def _stream(exchange: Exchange, ask: Asking, writing: Writing) -> AsyncGenerator[bytes, None]:
    finish: FinishReason = "cancelled"
    stopped_by = ""
    entry = exchange.entry
    async with aclosing(ask.pieces()) as deltas:
        async for delta in deltas:
            if not writing.has_begun:
                yield writing.begin()
            if delta.text or delta.reasoning or delta.tool_calls:
                entry.heard()
                for line in writing.pieces(delta):
                    yield line
            entry.usage = delta.usage or entry.usage
            finish = delta.finish_reason or finish
            stopped_by = delta.stopped_by or stopped_by
    if not writing.has_begun:
        yield writing.begin()
    yield writing.end(finish, entry.usage, stopped_by=stopped_by)


async def count_tokens(exchange: Exchange, gateway: Gateway) -> None:
    """How many tokens a model reads for a conversation, where its tokenizer is at hand."""
    body = await exchange.read(_read_conversation)
    async with exchange.attended():
        model, _ = await gateway.card(body.model)
        exchange.entry.asking(model)
        turns = as_messages(body.system, body.messages)
        told: list[str] = []
        text = await gateway.client.apply_template(turns, model=model)
        if tools := as_specs(body.tools):
            # Each model writes tools down in a way of its own, of which the JSON is the largest part.
            text += json.dumps([[tool.name, tool.description, tool.parameters] for tool in tools], ensure_ascii=False)
            told.append("The tools are counted as JSON; the model may write them down in other words.")
        if any(
            isinstance(part, ImagePart) for turn in turns if not isinstance(turn.content, str) for part in turn.content
        ):
            told.append("The pictures are not counted.")
        answer: Json = {"input_tokens": len(await gateway.client.tokenize(text, model=model))}
        if told:
            answer["warnings"] = told
        exchange.entry.heard()
        exchange.entry.usage = Usage()
        await exchange.answer_json(answer)

"""`/v1/completions`: texts that go on.

A model on this cluster goes on with the text as it stands, with no chat template laid over it. One behind a provider
takes turns alone: there the prompt is one turn of the user, and a warning in the answer says so.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from byzer_nb.serve.asking import Asking, Question
from byzer_nb.serve.exchange import Exchange
from byzer_nb.serve.merging import together
from byzer_nb.serve.openai.chat import usage_as_json, usage_of
from byzer_nb.serve.openai.fields import (
    MOST_ANSWERS,
    AnswerFields,
    guided_schema,
    options_of,
    refuse_fields,
    refused,
    unsupported,
)
from byzer_nb.serve.openai.inputs import Input, texts_of
from byzer_nb.serve.openai.messages import Json
from byzer_nb.serve.openai.streaming import streamed
from byzer_nb.types import Delta, Message, ModelCard, Reply, Usage

if TYPE_CHECKING:
    from byzer_nb.serve.gateway import Gateway


class CompletionBody(AnswerFields, kw_only=True, forbid_unknown_fields=True):
    """The body of a request."""

    prompt: Input
    best_of: int | None = None
    echo: bool | None = None
    suffix: str | None = None
    logprobs: int | None = None


_read = msgspec.json.Decoder(CompletionBody)


async def completions(exchange: Exchange, gateway: Gateway) -> None:
    """Go on with each text."""
    body = await exchange.read(_read)
    async with exchange.attended():
        model, card = await gateway.card(body.model)
        _refuse(body)
        texts = await texts_of(
            body.prompt, gateway.client, model=model, card=card, field="prompt", most=MOST_ANSWERS // body.answers
        )
        asks = _asks(body, texts, model, card, gateway)
        answers = [ask for ask in asks for _ in range(body.answers)]
        echoes = [text for text in texts for _ in range(body.answers)] if body.echo else [""] * len(answers)
        exchange.entry.asking(model, is_stream=bool(body.stream))
        writing = CompletionWriting(
            f"cmpl-{exchange.entry.id}", model=body.model, echoes=echoes, warnings=asks[0].warnings
        )
        if body.stream:
            pieces = [ask.pieces() for ask in answers]
            await exchange.stream(streamed(exchange.entry, pieces, writing, tells_usage=body.wants_usage))
            return
        replies = await together([ask.whole() for ask in answers])
        exchange.entry.heard()
        exchange.entry.usage = usage_of(replies)
        await exchange.answer_json(writing.whole(replies))


def _refuse(body: CompletionBody) -> None:
    refuse_fields({"use_beam_search": body.use_beam_search, "guided_regex": body.guided_regex})
    if body.suffix:
        raise unsupported("suffix", "asks for a text between two others, which no model here can do")
    if body.logprobs is not None:  # 0 asks for those of the chosen tokens
        raise unsupported("logprobs")
    if body.best_of is not None and body.best_of not in (1, body.answers):
        raise unsupported("best_of", "asks for answers that nobody will see, and that is not supported by this gateway")


def _asks(body: CompletionBody, texts: list[str], model: str, card: ModelCard, gateway: Gateway) -> list[Asking]:
    schema = guided_schema(body)
    if schema is not None and not card.capabilities.schema:
        field = "guided_json" if body.guided_json is not None else "guided_choice"
        raise unsupported(field, f"is not supported by the model {body.model!r}")
    options, told = options_of(body, card, max_tokens=body.max_tokens)
    is_raw = card.capabilities.completes
    if not is_raw:
        told = (*told, f"The model {body.model!r} takes turns alone: the prompt was sent as a turn of the user.")
    asks = []
    for position, text in enumerate(texts):
        if not text and not is_raw:
            place = "prompt" if isinstance(body.prompt, str) else f"prompt[{position}]"
            raise refused(place, f"{place} is empty, and the model {body.model!r} has nothing to answer.")
        question = Question(
            model=model, messages=(Message(role="user", content=text),), options=options, schema=schema, is_raw=is_raw
        )
        ask = Asking(gateway.client, question, card)
        ask.warnings = (*told, *ask.warnings)
        asks.append(ask)
    return asks


class CompletionWriting:
    """The words of one answer; `echoes` are the texts that each choice begins with."""

    def __init__(self, name: str, *, model: str, echoes: Sequence[str], warnings: tuple[str, ...] = ()) -> None:
        self._echoes = echoes
        self._warnings = list(warnings)
        self._head: Json = {"id": name, "object": "text_completion", "created": int(time.time()), "model": model}

    def whole(self, replies: list[Reply]) -> Json:
        """The answer in one piece."""
        choices = [
            _choice(index, self._echoes[index] + reply.text, reason=reply.finish_reason, reasoning=reply.reasoning)
            for index, reply in enumerate(replies)
        ]
        answer = self._head | {"choices": choices, "usage": usage_as_json(usage_of(replies))}
        return answer | {"warnings": self._warnings} if self._warnings else answer

    def first(self, index: int) -> bytes:
        """The text that an answer begins with, where it was asked for."""
        return self._line([_choice(index, self._echoes[index])]) if self._echoes[index] else b""

    def piece(self, index: int, delta: Delta) -> bytes:
        """The next chunk."""
        return self._line([_choice(index, delta.text, reasoning=delta.reasoning)])

    def last(self, index: int, delta: Delta) -> bytes:
        """The chunk that closes an answer."""
        told: Json = {"warnings": self._warnings} if self._warnings and index == 0 else {}
        return self._line([_choice(index, "", reason=delta.finish_reason)], **told)

    def usage(self, usage: Usage) -> bytes:
        """The chunk after the last one, with the tokens."""
        return self._line([], usage=usage_as_json(usage))

    def _line(self, choices: list[Json], **more: object) -> bytes:
        return b"data: " + msgspec.json.encode(self._head | {"choices": choices} | more) + b"\n\n"


def _choice(index: int, text: str, *, reason: str | None = None, reasoning: str = "") -> Json:
    choice: Json = {
        "index": index,
        "text": text,
        "logprobs": None,
        "finish_reason": "stop" if reason == "cancelled" else reason,
    }
    return choice | {"reasoning_content": reasoning} if reasoning else choice

"""`/v1/rerank` and `/v1/score`: how near texts are to each other.

Both turn every text into a vector and compare those: the score is the cosine of two vectors, as of a bi-encoder. A
cross-encoder, which reads both texts together, would judge better; no engine here is one.
"""

from __future__ import annotations

import time
from math import sqrt
from typing import TYPE_CHECKING

import msgspec

from byzer_nb.serve.exchange import Exchange
from byzer_nb.serve.openai.fields import refused
from byzer_nb.serve.openai.messages import Json
from byzer_nb.types import EmbedReply

if TYPE_CHECKING:
    from byzer_nb.serve.gateway import Gateway

MOST_TEXTS = 2048
HOW = "The cosine of the vectors of both texts."


class Document(msgspec.Struct, forbid_unknown_fields=True):
    """A text that is to be judged."""

    text: str


class RerankBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Texts, and the question that they may answer."""

    model: str
    query: str
    documents: list[str | Document]
    top_n: int | None = None
    return_documents: bool = True
    user: str | None = None


class ScoreBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Pairs of texts: one with one, one with several, or as many with as many."""

    model: str
    text_1: str | list[str]
    text_2: str | list[str]
    user: str | None = None


_read_rerank = msgspec.json.Decoder(RerankBody)
_read_score = msgspec.json.Decoder(ScoreBody)


async def rerank(exchange: Exchange, gateway: Gateway) -> None:
    """The texts, the nearest to the question first."""
    body = await exchange.read(_read_rerank)
    texts = [each if isinstance(each, str) else each.text for each in body.documents]
    if body.top_n is not None and body.top_n < 1:
        raise refused("top_n", f"top_n must be at least 1, not {body.top_n}.")
    reply = await _embedded(exchange, gateway, body.model, {"query": [body.query], "documents": texts})
    query, *others = reply.vectors
    scores = [cosine(query, each) for each in others]
    order = sorted(range(len(scores)), key=lambda index: -scores[index])[: body.top_n]
    results: list[Json] = [{"index": index, "relevance_score": scores[index]} for index in order]
    if body.return_documents:
        for result in results:
            result["document"] = {"text": texts[result["index"]]}
    head = {"id": f"rerank-{exchange.entry.id}", "object": "list", "model": body.model}
    await exchange.answer_json(head | {"results": results, **_told(reply, body.user)})


async def score(exchange: Exchange, gateway: Gateway) -> None:
    """A number a pair, in order."""
    body = await exchange.read(_read_score)
    ones, others = _listed(body.text_1), _listed(body.text_2)
    if len(ones) not in (1, len(others)):
        raise refused(
            "text_1",
            f"text_1 has {len(ones)} texts and text_2 has {len(others)}.",
            hint="One and several, or as many as many.",
        )
    reply = await _embedded(exchange, gateway, body.model, {"text_1": ones, "text_2": others})
    left, right = reply.vectors[: len(ones)], reply.vectors[len(ones) :]
    pairs = zip(left * len(right) if len(left) == 1 else left, right, strict=True)
    data = [{"index": index, "object": "score", "score": cosine(*pair)} for index, pair in enumerate(pairs)]
    head = {"id": f"score-{exchange.entry.id}", "object": "list", "created": int(time.time()), "model": body.model}
    await exchange.answer_json(head | {"data": data, **_told(reply, body.user)})


def cosine(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """How far two vectors point in the same direction, from -1 to 1; 0 where one points nowhere."""
    lengths = sqrt(sum(a * a for a in one)) * sqrt(sum(b * b for b in other))
    if not lengths:
        return 0.0
    return min(1.0, max(-1.0, sum(a * b for a, b in zip(one, other, strict=True)) / lengths))  # rounding may pass 1


async def _embedded(exchange: Exchange, gateway: Gateway, named: str, fields: dict[str, list[str]]) -> EmbedReply:
    texts: list[str] = []
    for field, values in fields.items():
        if not values:
            raise refused(field, f"{field} is an empty list.")
        if "" in values:
            raise refused(field, f"{field} has an empty text.", hint="Leave it out.")
        texts += values
        if len(texts) > MOST_TEXTS:
            raise refused(field, f"There are {len(texts)} texts; at most {MOST_TEXTS} are compared at once.")
    async with exchange.attended():
        model, _ = await gateway.card(named)
        exchange.entry.asking(model)
        reply = await gateway.client.embed(texts, model=model)
    exchange.entry.heard()
    exchange.entry.usage = reply.usage
    return reply


def _listed(texts: str | list[str]) -> list[str]:
    return [texts] if isinstance(texts, str) else texts


def _told(reply: EmbedReply, user: str | None) -> Json:
    tokens = reply.usage.input_tokens
    told: Json = {"usage": {"prompt_tokens": tokens, "total_tokens": tokens}, "scored_by": HOW}
    return told if user is None else told | {"warnings": ["user has no effect here."]}

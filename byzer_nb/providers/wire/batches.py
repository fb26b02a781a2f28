"""Any number of texts to embed, in calls of the size that a vendor takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from byzer_nb.types import EmbedReply, EmbedRequest, Usage

CALLS_AT_A_TIME = 8


async def in_batches(
    request: EmbedRequest, *, most: int, ask: Callable[[EmbedRequest], Awaitable[EmbedReply]]
) -> EmbedReply:
    """The vectors of all texts, `most` of them a call and a few calls at a time; the first failure ends all."""
    texts = request.texts
    if not texts:
        return EmbedReply(vectors=())
    parts = [replace(request, texts=texts[at : at + most]) for at in range(0, len(texts), most)]
    if len(parts) == 1:
        return await ask(parts[0])
    room = asyncio.Semaphore(CALLS_AT_A_TIME)

    async def one(part: EmbedRequest) -> EmbedReply:
        async with room:
            return await ask(part)

    asking = [asyncio.ensure_future(one(part)) for part in parts]
    try:
        replies = await asyncio.gather(*asking)
    finally:
        for each in asking:
            each.cancel()
    return EmbedReply(
        vectors=tuple(vector for reply in replies for vector in reply.vectors),
        usage=Usage(input_tokens=sum(reply.usage.input_tokens for reply in replies)),
        model=replies[0].model,
    )

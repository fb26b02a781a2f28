"""`/v1/embeddings`."""

from __future__ import annotations

import struct
from base64 import b64encode
from typing import TYPE_CHECKING, Literal

import msgspec

from byzer_nb.serve.exchange import Exchange
from byzer_nb.serve.openai.fields import refused
from byzer_nb.serve.openai.inputs import Input, texts_of
from byzer_nb.serve.openai.messages import Json

if TYPE_CHECKING:
    from byzer_nb.serve.gateway import Gateway

MOST_TEXTS = 2048
MOST_DIMENSIONS = 65_536  # several times what any model gives; more would only fill the memory


class EmbeddingBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of a request."""

    model: str
    input: Input
    dimensions: int | None = None
    encoding_format: Literal["float", "base64"] = "float"
    user: str | None = None


_read = msgspec.json.Decoder(EmbeddingBody)


async def embeddings(exchange: Exchange, gateway: Gateway) -> None:
    """One vector a text, in order."""
    body = await exchange.read(_read)
    async with exchange.attended():
        model, card = await gateway.card(body.model)
        client = gateway.client
        texts = await texts_of(body.input, client, model=model, card=card, field="input", most=MOST_TEXTS)
        if "" in texts:
            place = "input" if isinstance(body.input, str) else f"input[{texts.index('')}]"
            raise refused(place, f"{place} is an empty text.", hint="Leave it out.")
        if body.dimensions is not None and not 1 <= body.dimensions <= MOST_DIMENSIONS:
            raise refused(
                "dimensions", f"dimensions lies between 1 and {MOST_DIMENSIONS}, and {body.dimensions} does not."
            )
        exchange.entry.asking(model)
        reply = await client.embed(texts, model=model, dimensions=body.dimensions)
        exchange.entry.heard()
        exchange.entry.usage = reply.usage
        length = len(reply.vectors[0])
        if body.dimensions is not None and length != body.dimensions:
            raise refused(
                "dimensions",
                f"The model {body.model!r} gives {length} numbers, and not {body.dimensions}.",
                hint="Leave dimensions out.",
            )
    write = _in_base64 if body.encoding_format == "base64" else list
    tokens = reply.usage.input_tokens
    answer: Json = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": write(vector)}
            for index, vector in enumerate(reply.vectors)
        ],
        "model": body.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    if body.user is not None:
        answer["warnings"] = ["user has no effect here."]
    await exchange.answer_json(answer)


def _in_base64(vector: tuple[float, ...]) -> str:
    """Numbers of four bytes, the lowest byte first, as OpenAI's client reads them."""
    return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()

"""`/v1/images/generations`.

Pictures come in base64 unless an address is asked for. That address is a data URL, which holds the picture itself:
nothing is kept here that could be fetched later, or by somebody else.
"""

from __future__ import annotations

import time
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from byzer_nb.serve.exchange import Exchange
from byzer_nb.serve.openai.fields import refused, unsupported
from byzer_nb.serve.openai.messages import Json
from byzer_nb.types import DrawRequest, Picture

if TYPE_CHECKING:
    from byzer_nb.serve.gateway import Gateway

MOST_PICTURES = 10
# They go to a provider as they are, which knows them or says that it does not.
FOR_PROVIDERS = ("style", "background", "moderation", "output_compression", "output_format", "user")


class ImageBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of a request."""

    model: str
    prompt: str
    n: int | None = None
    size: str | None = None
    quality: str | None = None
    response_format: Literal["b64_json", "url"] | None = None
    style: str | None = None
    background: str | None = None
    moderation: str | None = None
    output_compression: int | None = None
    output_format: str | None = None
    user: str | None = None
    stream: bool | None = None
    partial_images: int | None = None


_read = msgspec.json.Decoder(ImageBody)


async def images(exchange: Exchange, gateway: Gateway) -> None:
    """Pictures of what the prompt says."""
    body = await exchange.read(_read)
    async with exchange.attended():
        model, card = await gateway.card(body.model)
        if body.stream:
            raise unsupported("stream")
        if body.partial_images:
            raise unsupported("partial_images")
        count = 1 if body.n is None else body.n
        if not 1 <= count <= MOST_PICTURES:
            raise refused("n", f"n lies between 1 and {MOST_PICTURES}, and {count} does not.")
        if not body.prompt.strip():
            raise refused("prompt", "There is nothing to draw: prompt is empty.")
        extra: dict[str, Any] = {}  # Any: values of a provider's own body
        for name in FOR_PROVIDERS:
            if (value := getattr(body, name)) is not None:
                if card.is_local:
                    raise unsupported(name, f"is not supported by the model {body.model!r}")
                extra[name] = value
        request = DrawRequest(
            prompt=body.prompt, size=_said(body.size), quality=_said(body.quality), count=count, extra=extra
        )
        exchange.entry.asking(model)
        pictures = await gateway.client.draw(request, model=model)
        exchange.entry.heard()
    data = [_written(each, body.response_format) for each in pictures]
    await exchange.answer_json({"created": int(time.time()), "data": data})


def _said(value: str | None) -> str:
    """What was asked for; `auto` leaves it to the model."""
    return "" if value in (None, "auto") else str(value)


def _written(picture: Picture, wanted: str | None) -> Json:
    return {"url": picture.url} if wanted == "url" else {"b64_json": b64encode(picture.data).decode()}

"""`/v1/audio/speech`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from byzer_nb.serve.exchange import Exchange
from byzer_nb.serve.openai.fields import refused, unsupported
from byzer_nb.types import SpeakRequest
from byzer_nb.types.media import SOUND_TYPES

if TYPE_CHECKING:
    from byzer_nb.serve.gateway import Gateway

SLOWEST, FASTEST = 0.25, 4.0


class Voice(msgspec.Struct, forbid_unknown_fields=True):
    """A voice that somebody made."""

    id: str


class SpeechBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of a request."""

    model: str
    input: str
    voice: str | Voice | None = None
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: float | None = None
    instructions: str | None = None
    stream_format: Literal["audio", "sse"] = "audio"


_read = msgspec.json.Decoder(SpeechBody)


async def speech(exchange: Exchange, gateway: Gateway) -> None:
    """A text read out; the sound goes on as it comes."""
    body = await exchange.read(_read)
    async with exchange.attended():
        model, card = await gateway.card(body.model)
        if body.stream_format == "sse":
            raise unsupported("stream_format", "'sse' is not supported by this gateway; the sound itself is streamed")
        if body.speed is not None and not SLOWEST <= body.speed <= FASTEST:
            raise refused("speed", f"speed lies between {SLOWEST} and {FASTEST}, and {body.speed} does not.")
        if not body.input.strip():
            raise refused("input", "There is nothing to say: input is empty.")
        if body.instructions and card.is_local:
            raise unsupported("instructions", f"are not supported by the model {body.model!r}")
        extra: dict[str, Any] = {"instructions": body.instructions} if body.instructions else {}  # Any: JSON
        request = SpeakRequest(
            text=body.input,
            voice=body.voice.id if isinstance(body.voice, Voice) else body.voice or "",
            format=body.response_format,
            speed=body.speed,
            extra=extra,
        )
        exchange.entry.asking(model, is_stream=True)
        pieces = gateway.client.stream_speech(request, model=model)
        kind = SOUND_TYPES.get(body.response_format, f"audio/{body.response_format}")
        await exchange.stream(_heard(exchange, pieces), media_type=kind.encode(), tells_failure=False)


async def _heard(exchange: Exchange, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(pieces):
        async for piece in pieces:
            exchange.entry.heard()
            yield piece

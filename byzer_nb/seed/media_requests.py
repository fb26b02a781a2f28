"""Speech and pictures, asked for as the documents do: with a JSON object as the last message."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from typing import Any, TypeAlias

from byzer_nb.errors import BadInputError
from byzer_nb.seed.llm_config import number, whole_number
from byzer_nb.seed.responses import LLMResponse
from byzer_nb.types import Capabilities, ChatOptions, DrawRequest, Message, Picture, Sound, SpeakRequest

MediaRequest: TypeAlias = "SpeakRequest | DrawRequest"

SPEECH = 'For example: json.dumps({"input": "Hello", "voice": "alloy", "response_format": "mp3"})'
PICTURE = 'For example: json.dumps({"input": "a white cat", "size": "1024x1024"})'
CHUNK = "chunk_size"


def media_request(messages: tuple[Message, ...], able: Capabilities, options: ChatOptions) -> MediaRequest | None:
    """What is asked of a model that speaks or draws; None where the model chats, or listens.

    Of the options of the call the time limit and the provider's own parameters hold here too.
    """
    if able.chat or not (able.speak or able.draw):
        return None
    wish = _wish(messages[-1].text)
    if not wish.get("input") or not isinstance(wish["input"], str) or not wish["input"].strip():
        raise BadInputError(
            "Invalid input: the message must be a JSON object with a text under 'input'.",
            hint=SPEECH if able.speak else PICTURE,
        )
    is_speech = able.speak and ("voice" in wish or not able.draw)
    request = _speech(wish) if is_speech else _picture(wish)
    return replace(request, timeout=options.timeout, extra={**options.extra, **request.extra})


def _wish(text: str) -> dict[str, Any]:
    try:
        wish = json.loads(text)
    except ValueError:
        return {}
    if isinstance(wish, list) and len(wish) == 1:
        wish = wish[0]
    return wish if isinstance(wish, dict) else {}


def _speech(wish: dict[str, Any]) -> SpeakRequest:
    known = ("input", "voice", "response_format", "language", "speed", CHUNK)
    speed = wish.get("speed")
    return SpeakRequest(
        text=wish["input"],
        voice=str(wish.get("voice") or ""),
        format=str(wish.get("response_format") or "mp3"),
        language=str(wish.get("language") or ""),
        speed=None if speed is None else number("speed", speed),
        extra={key: value for key, value in wish.items() if key not in known},
    )


def _picture(wish: dict[str, Any]) -> DrawRequest:
    known = ("input", "size", "quality", "n")
    return DrawRequest(
        prompt=wish["input"],
        size=str(wish.get("size") or ""),
        quality=str(wish.get("quality") or ""),
        count=whole_number("n", wish.get("n", 1)),
        extra={key: value for key, value in wish.items() if key not in known},
    )


def chunk_size(messages: tuple[Message, ...]) -> int:
    """How many bytes of sound the caller wants at a time; 0 takes them as they come."""
    return max(0, whole_number(CHUNK, _wish(messages[-1].text).get(CHUNK, 0)))


def response_with(medium: Sound | Picture, *, sent: Any, seconds: float) -> LLMResponse:
    """Sound or a picture as base64, which is what the documents write to a file."""
    kind = medium.media_type if isinstance(medium, Sound) else f"image/{medium.format or 'png'}"
    return LLMResponse(
        output=b64encode(medium.data).decode(),
        input=sent,
        metadata={
            "request_id": "",
            "input_tokens_count": 0,
            "generated_tokens_count": 0,
            "time_cost": seconds,
            "media_type": kind,
        },
    )

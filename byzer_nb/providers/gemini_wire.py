"""Gemini's requests: conversations and texts as Google's JSON."""

from __future__ import annotations

import re
from typing import Any, Literal

from byzer_nb.errors import UnsupportedError
from byzer_nb.providers import gemini_tools
from byzer_nb.providers.wire.asked import checked_extra, inline, words_alone
from byzer_nb.providers.wire.engine import tell
from byzer_nb.providers.wire.tool_calls import names_of_results
from byzer_nb.types import (
    AudioPart,
    ChatRequest,
    EmbedRequest,
    ImagePart,
    Message,
    Part,
    TextPart,
)
from byzer_nb.types.media import SOUND_TYPES

# What a model turned out not to take; learned from its 400 and kept for the calls to come.
Quirk = Literal["system", "penalties"]

_CONFIG_NAMES = {
    "max_tokens": "maxOutputTokens",
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
OPTIONS = frozenset({*_CONFIG_NAMES, "stop", "timeout", "extra"})
_PENALTIES = ("presencePenalty", "frequencyPenalty")
# Of the provider's own parameters these stand beside the configuration, and all others inside it.
_BESIDE_THE_CONFIG = frozenset({"safetySettings", "tools", "toolConfig", "cachedContent", "serviceTier", "store"})
_DECIDED_BY_THE_CALL = {
    "model": "Name the model when you ask: model='...'; a provider's other model is loaded under a name of its own.",
    "contents": "Give the messages to the call itself.",
    "systemInstruction": 'Give it as a message: {"role": "system", "content": "..."}',
    "generationConfig": 'Write its fields one by one: extra={"thinkingConfig": {...}}',
    "candidateCount": "Leave it out, and ask once for each answer.",
}
_ENDINGS = {**{kind: f"image/{kind}" for kind in ("png", "gif", "webp", "heic", "heif")}, **SOUND_TYPES}
# Google lists some kinds under other names than the world.
_KINDS = {
    "audio/mpeg": "audio/mp3",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/x-aiff": "audio/aiff",
}


def chat_body(request: ChatRequest, quirks: frozenset[Quirk], *, model: str) -> dict[str, Any]:  # Any: JSON
    """The body of a chat call, the same whether it is streamed or not."""
    turns = _turns(request.messages, model)
    system = [{"text": text} for turn in request.messages if turn.role == "system" and (text := turn.text)]
    body: dict[str, Any] = {"contents": turns}
    if system and "system" not in quirks:
        body["systemInstruction"] = {"parts": system}
    elif system and turns and turns[0]["role"] == "user":
        turns[0]["parts"] = system + turns[0]["parts"]
    elif system:
        turns.insert(0, {"role": "user", "parts": system})
    body |= gemini_tools.tool_fields(request)
    config = _config(request, quirks) | gemini_tools.schema_fields(request)
    extra = checked_extra(
        {_camel(name): value for name, value in request.options.extra.items()},
        _DECIDED_BY_THE_CALL | gemini_tools.decided_by(request),
    )
    for name, value in extra.items():
        (body if name in _BESIDE_THE_CONFIG else config)[name] = value
    if config:
        body["generationConfig"] = config
    return body


def embed_body(request: EmbedRequest, model: str) -> dict[str, Any]:  # Any: JSON
    """The body of a batch of texts; each names the model again."""
    size = {} if request.dimensions is None else {"outputDimensionality": request.dimensions}
    return {"requests": [{"model": model, "content": {"parts": [{"text": text}]}, **size} for text in request.texts]}


def quirk_behind(complaint: str) -> Quirk | None:
    """What to do differently after a 400 with these words, when there is something."""
    if "Developer instruction is not enabled" in complaint:
        return "system"
    return "penalties" if "Penalty is not enabled" in complaint else None


def _config(request: ChatRequest, quirks: frozenset[Quirk]) -> dict[str, Any]:
    config: dict[str, Any] = {
        theirs: value
        for ours, theirs in _CONFIG_NAMES.items()
        if (value := getattr(request.options, ours)) is not None
        and not (theirs in _PENALTIES and "penalties" in quirks)
    }
    if request.options.stop:
        config["stopSequences"] = list(request.options.stop)
    return config


def _turns(messages: tuple[Message, ...], model: str) -> list[dict[str, Any]]:
    """User and model by turns, for two turns of one speaker are refused, and so is a text with nothing in it."""
    turns: list[dict[str, Any]] = []
    names = names_of_results(messages)
    for place, message in enumerate(messages):
        if message.role == "system":
            continue
        role = "model" if message.role == "assistant" else "user"
        content = (TextPart(text=message.content),) if isinstance(message.content, str) else message.content
        parts = [_part(part) for part in content if not (isinstance(part, TextPart) and not part.text)]
        parts += gemini_tools.call_parts(message.tool_calls, model)
        if message.role == "tool" and names[place]:  # a result that belongs to no call is but words
            parts = [gemini_tools.result_part(message.tool_call_id, names[place], words_alone(message))]
        if turns and turns[-1]["role"] == role:
            turns[-1]["parts"] += parts
        elif parts:
            turns.append({"role": role, "parts": parts})
    return turns


def _part(part: Part) -> dict[str, Any]:
    match part:
        case TextPart():
            return {"text": part.text}
        case ImagePart():
            if part.extra:
                tell(f"Gemini takes no {', '.join(part.extra)} beside a picture; it is left out.")
            return _medium(part.url, usual="image/jpeg")
        case AudioPart():
            return _medium(part.url, usual="audio/wav")


def _medium(url: str, *, usual: str) -> dict[str, Any]:
    """A picture or sound: as it is, or its address, which Google fetches itself."""
    if data := inline(url):
        return {"inline_data": {"mime_type": _KINDS.get(data.kind, data.kind), "data": data.base64}}
    if not url.startswith(("https://", "http://", "gs://")):
        raise UnsupportedError(
            f"Pictures and sound are sent as a data URL or as an address; {url[:40]!r} is neither.",
            hint=f"Give it as data:{usual};base64,...",
        )
    kind = _ENDINGS.get(url.partition("?")[0].rpartition(".")[2].lower(), usual)
    return {"file_data": {"mime_type": _KINDS.get(kind, kind), "file_uri": url}}


def _camel(name: str) -> str:
    """Google takes both spellings of a name; with one of them here nothing is said twice."""
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)

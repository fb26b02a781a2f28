"""OpenAI's chat and embedding protocol: our requests as its JSON, its answers as our types."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from byzer_nb.errors import UnsupportedError
from byzer_nb.providers.openai_hosts import Host
from byzer_nb.providers.openai_tools import CallPiece, decided_by, schema_field, tool_fields, turn_fields
from byzer_nb.providers.wire.asked import checked_extra, is_begun, words_alone
from byzer_nb.types import (
    AudioPart,
    ChatRequest,
    EmbedRequest,
    FinishReason,
    ImagePart,
    Message,
    Part,
    TextPart,
    Usage,
)

# What a model or a gateway turned out not to take; learned from its 400 and kept for the calls to come.
Quirk = Literal["max_completion_tokens", "temperature", "top_p", "stream_options"]

_PLAIN_OPTIONS = (
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
)
_WITHHELD_FROM_REASONING = ("temperature", "top_p", "max_tokens")
_DECIDED_BY_THE_CALL = {
    "model": "Name the model when you ask: model='...'; a provider's other model is loaded under a name of its own.",
    "messages": "Give the messages to the call itself.",
    "stream": "Call stream(...) for an answer in pieces, and chat(...) for a whole one.",
    "stream_options": "Leave it out: the count of tokens is asked for already, and stands in the usage of the answer.",
    "n": "Leave it out, and ask once for each answer.",
}
_FINISH_REASONS: dict[str, FinishReason] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
}

_NOT_TAKEN = re.compile("unsupported|not support|only the default", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Speaker:
    """The model that is spoken to, with what it does differently."""

    model: str
    host: Host
    max_output_tokens: int | None = None
    is_reasoning: bool = False
    quirks: frozenset[Quirk] = frozenset()

    @property
    def options(self) -> frozenset[str]:
        """The options that it is sent."""
        return self.host.options.difference(_WITHHELD_FROM_REASONING) if self.is_reasoning else self.host.options


def chat_body(request: ChatRequest, speaker: Speaker) -> dict[str, Any]:  # Any: JSON
    """The body of a chat call."""
    messages = [_message(turn, speaker.host) for turn in request.messages]
    body: dict[str, Any] = {"model": speaker.model, "messages": messages}
    if continues(request, speaker.host):
        _continue_last(body, speaker.host)
    body |= tool_fields(request, can_force=speaker.host.forces(speaker.model), model=speaker.model)
    if request.schema is not None:
        body |= schema_field(request.schema, is_strict=speaker.host.is_strict)
    body |= _options(request, speaker)
    if request.stream:
        body["stream"] = True
        if "stream_options" not in speaker.quirks:
            body["stream_options"] = {"include_usage": True}
    return body | checked_extra(request.options.extra, _DECIDED_BY_THE_CALL | decided_by(request))


def embed_body(request: EmbedRequest, model: str) -> dict[str, Any]:  # Any: JSON
    """The body of an embedding call."""
    body: dict[str, Any] = {"model": model, "input": list(request.texts)}
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    return body


def continues(request: ChatRequest, host: Host) -> bool:
    """True when the model goes on with the last turn instead of answering it."""
    if "continue_last" not in host.options:
        return False
    return is_begun(request) and (request.options.continue_last or host.always_continues)


def _continue_last(body: dict[str, Any], host: Host) -> None:
    if host.continuation == "body":
        body["prefix"] = body["messages"].pop()["content"]
    else:
        body["messages"][-1][host.continuation] = True


def _options(request: ChatRequest, speaker: Speaker) -> dict[str, Any]:
    options = request.options
    given = {
        name: value
        for name in _PLAIN_OPTIONS
        if (value := getattr(options, name)) is not None and name in speaker.host.options
    }
    if speaker.max_output_tokens is not None:
        given.setdefault("max_tokens", speaker.max_output_tokens)
    if options.stop and "stop" in speaker.host.options:
        given["stop"] = list(options.stop)
    if options.stop_token_ids and "stop_token_ids" in speaker.host.options:
        given["stop_token_ids"] = list(options.stop_token_ids)
    if speaker.is_reasoning:
        for name in _WITHHELD_FROM_REASONING:
            given.pop(name, None)
    for quirk in speaker.quirks:
        if quirk == "max_completion_tokens":
            if "max_tokens" in given:
                given["max_completion_tokens"] = given.pop("max_tokens")
        else:
            given.pop(quirk, None)
    return given


def quirk_behind(complaint: str, body: dict[str, Any]) -> Quirk | None:
    """What to do differently after a 400 with these words, when there is something."""
    if "max_tokens" in body and "max_completion_tokens" in complaint:
        return "max_completion_tokens"
    if "stream_options" in body and "stream_options" in complaint:
        return "stream_options"
    if _NOT_TAKEN.search(complaint):  # and not merely a value out of range, which is the caller's to mend
        for name in ("temperature", "top_p"):
            if name in body and name in complaint:
                return name
    return None


def _message(turn: Message, host: Host) -> dict[str, Any]:
    about_tools = turn_fields(turn, shows_thoughts=host.wants_thoughts)
    if turn.role == "tool":
        return {"role": turn.role, "content": words_alone(turn), **about_tools}
    content = turn.content if isinstance(turn.content, str) else [_part(part) for part in turn.content]
    return {"role": turn.role, "content": content, **about_tools}


def _part(part: Part) -> dict[str, Any]:
    match part:
        case TextPart():
            return {"type": "text", "text": part.text}
        case ImagePart():
            # "image/jpg" is no media type, but what many a file name becomes.
            url = part.url.replace("data:image/jpg", "data:image/jpeg", 1)
            return {"type": "image_url", "image_url": {"url": url, **part.extra}}
        case AudioPart():
            return {"type": "input_audio", "input_audio": _sound(part.url)}


def _sound(url: str) -> dict[str, str]:
    head, comma, data = url.partition(",")
    kind = head.removeprefix("data:").partition(";")[0]
    if not comma or not head.startswith("data:audio/") or not head.endswith(";base64"):
        raise UnsupportedError(
            f"Sound is sent inside the request, as a data URL; {url[:40]!r} is none.",
            hint="Give it as data:audio/wav;base64,...",
        )
    return {"data": data, "format": {"mpeg": "mp3", "x-wav": "wav"}.get(kind[6:], kind[6:])}


class TextPiece(msgspec.Struct, gc=False):
    """A piece of content that some servers send instead of a string."""

    type: str = "text"
    text: str = ""


class Spoken(msgspec.Struct, gc=False):
    """What the model says: a whole message, or the next piece of it."""

    content: str | list[TextPiece] | None = None
    reasoning_content: str | None = None
    reasoning: Any = None  # Any: the same as text at some servers, an object at others
    tool_calls: list[CallPiece] | None = None

    def words(self) -> str:
        """The text, without reasoning."""
        content = self.content
        if isinstance(content, list):
            return "".join(piece.text for piece in content if piece.type == "text")
        return content or ""

    def thoughts(self) -> str:
        """The reasoning, under either of its names."""
        if self.reasoning_content:
            return self.reasoning_content
        return self.reasoning if isinstance(self.reasoning, str) else ""


class Choice(msgspec.Struct, gc=False):
    """One of the answers; we ask for one."""

    index: int = 0
    delta: Spoken | None = None
    message: Spoken | None = None
    finish_reason: str | None = None


class Spent(msgspec.Struct, gc=False):
    """Tokens, as the provider counts them."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    def usage(self) -> Usage:
        """The same in our words."""
        return Usage(input_tokens=self.prompt_tokens or 0, output_tokens=self.completion_tokens or 0)


class Answer(msgspec.Struct, gc=False):
    """A whole answer, or one chunk of a stream: they differ only in what a choice holds."""

    id: str | int | None = None
    choices: list[Choice] | None = None
    usage: Spent | None = None
    error: Any = None  # Any: every gateway has its own form


class Embedded(msgspec.Struct, gc=False):
    """One vector, with its place in the request."""

    embedding: tuple[float, ...]
    index: int | None = None


class Embeddings(msgspec.Struct, gc=False):
    """The answer of an embedding call."""

    data: list[Embedded] | None = None
    usage: Spent | None = None
    error: Any = None  # Any: every gateway has its own form


decode_answer = msgspec.json.Decoder(Answer).decode
decode_embeddings = msgspec.json.Decoder(Embeddings).decode


def finish_reason(reason: str | None) -> FinishReason:
    """The provider's reason in our words; most of those that nobody agreed on mean a plain end."""
    return _FINISH_REASONS.get(reason or "stop", "stop")

"""Requests, deltas and errors as bytes between a client and a worker. Nothing is unpickled that came over a socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from byzer_nb import errors
from byzer_nb.errors import ByzerError, ModelCallError, WrongTypeError
from byzer_nb.types import (
    AnswerSchema,
    AudioPart,
    ChatOptions,
    ChatRequest,
    Delta,
    DrawRequest,
    EmbedReply,
    EmbedRequest,
    ImagePart,
    Message,
    Part,
    Picture,
    Role,
    SpeakRequest,
    TextPart,
    ToolCall,
    ToolSpec,
    TranscribeRequest,
    Transcript,
)

T = TypeVar("T")

ERROR = b'{"error":'  # how the last line of an answer that failed begins; no other line begins so


# -- requests ---------------------------------------------------------------------------------------------------------


class WirePart(msgspec.Struct, omit_defaults=True):
    """A part of a message, of any kind."""

    kind: str
    text: str
    extra: dict[str, Any] = {}  # Any: values of a provider's own body; msgspec copies it for each instance


class WireMessage(msgspec.Struct, array_like=True):
    """One turn."""

    role: Role
    content: str | list[WirePart]
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


class WireChat(msgspec.Struct, array_like=True):
    """A conversation and how to go on."""

    messages: list[WireMessage]
    options: dict[str, Any]  # Any: checked by ChatOptions
    stream: bool
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: str = ""
    schema: AnswerSchema | None = None
    is_raw: bool = False


class WireEmbed(msgspec.Struct, array_like=True):
    """Texts to turn into vectors."""

    texts: tuple[str, ...]
    dimensions: int | None


_encode = msgspec.msgpack.Encoder().encode
_decode_chat = msgspec.msgpack.Decoder(WireChat).decode
_decode_embed = msgspec.msgpack.Decoder(WireEmbed).decode
_decode_messages = msgspec.msgpack.Decoder(list[WireMessage]).decode


def chat_to_bytes(request: ChatRequest) -> bytes:
    """The request as it travels; what cannot travel is named."""
    messages = [_packed(each) for each in request.messages]
    try:
        return _encode(
            WireChat(
                messages,
                request.options.given(),
                request.stream,
                request.tools,
                request.tool_choice,
                request.schema,
                request.is_raw,
            )
        )
    except TypeError as wrong:
        raise _cannot_travel(request.options) from wrong


def chat_from_bytes(body: bytes) -> ChatRequest:
    """What the client asked for."""
    chat = _decode_chat(body)
    messages = tuple(_unpacked(each) for each in chat.messages)
    return ChatRequest(
        messages=messages,
        options=ChatOptions(**chat.options),
        stream=chat.stream,
        tools=chat.tools,
        tool_choice=chat.tool_choice,
        schema=chat.schema,
        is_raw=chat.is_raw,
    )


def messages_to_bytes(messages: tuple[Message, ...]) -> bytes:
    """Turns alone, as they travel."""
    return _encode([_packed(each) for each in messages])


def messages_from_bytes(body: bytes) -> tuple[Message, ...]:
    """The turns."""
    return tuple(_unpacked(each) for each in _decode_messages(body))


def embed_to_bytes(request: EmbedRequest) -> bytes:
    """The texts, as they travel."""
    return _encode(WireEmbed(request.texts, request.dimensions))


def embed_from_bytes(body: bytes) -> EmbedRequest:
    """The texts to embed."""
    embed = _decode_embed(body)
    return EmbedRequest(texts=embed.texts, dimensions=embed.dimensions)


def _packed(message: Message) -> WireMessage:
    content = message.content
    parts = content if isinstance(content, str) else [_packed_part(part) for part in content]
    return WireMessage(message.role, parts, message.tool_calls, message.tool_call_id)


def _packed_part(part: Part) -> WirePart:
    if isinstance(part, TextPart):
        return WirePart("text", part.text)
    if isinstance(part, ImagePart):
        return WirePart("image", part.url, part.extra)
    return WirePart("audio", part.url)


def _unpacked(message: WireMessage) -> Message:
    content = message.content
    parts = content if isinstance(content, str) else tuple(_unpacked_part(part) for part in content)
    return Message(role=message.role, content=parts, tool_calls=message.tool_calls, tool_call_id=message.tool_call_id)


def _unpacked_part(part: WirePart) -> Part:
    if part.kind == "text":
        return TextPart(text=part.text)
    if part.kind == "image":
        return ImagePart(url=part.text, extra=part.extra)
    return AudioPart(url=part.text)


def _cannot_travel(options: ChatOptions) -> WrongTypeError:
    for name, value in options.extra.items():  # the other options are checked where they are made
        try:
            _encode(value)
        except TypeError:
            return WrongTypeError(
                f"{name} cannot be sent to a worker: it is or holds something else than texts and numbers.",
                hint=f"It is a {type(value).__name__}; options are texts, numbers, lists and dicts.",
            )
    return WrongTypeError("The request holds something that cannot be sent to a worker.", hint="Send texts only.")


# -- answers ----------------------------------------------------------------------------------------------------------


class SoundPiece(msgspec.Struct):
    """The next piece of sound."""

    sound: bytes


_encode_json = msgspec.json.Encoder().encode
_decode_deltas = msgspec.json.Decoder(Delta).decode_lines
_decode_sound = msgspec.json.Decoder(SoundPiece).decode_lines
speak_from_bytes = msgspec.msgpack.Decoder(SpeakRequest).decode
transcribe_from_bytes = msgspec.msgpack.Decoder(TranscribeRequest).decode
draw_from_bytes = msgspec.msgpack.Decoder(DrawRequest).decode
transcript_from_bytes = msgspec.msgpack.Decoder(Transcript).decode
pictures_from_bytes = msgspec.msgpack.Decoder(tuple[Picture, ...]).decode
_decode_vectors = msgspec.msgpack.Decoder(EmbedReply).decode
_decode_text = msgspec.msgpack.Decoder(str).decode
_decode_ids = msgspec.msgpack.Decoder(tuple[int, ...]).decode


def delta_to_line(delta: Delta) -> bytes:
    """One delta as a line of JSON; what nearly all of them are, a piece of text, travels without the empty fields."""
    if delta.finish_reason is None and not (delta.reasoning or delta.usage or delta.tool_calls or delta.model):
        return _encode_json({"text": delta.text, "request_id": delta.request_id}) + b"\n"
    return _encode_json(delta) + b"\n"


def sound_to_line(piece: bytes) -> bytes:
    """A piece of sound as a line of JSON."""
    return _encode_json(SoundPiece(piece)) + b"\n"


class Lines(Generic[T]):
    """Turns the bytes of an answer back into its pieces; an error line ends them."""

    __slots__ = ("_begun", "_decode")

    def __init__(self, decode: Callable[[bytes], list[T]]) -> None:
        self._begun = b""
        self._decode = decode

    def feed(self, chunk: bytes) -> tuple[list[T], ByzerError | None]:
        """What the lines that are whole say, and the error if one of them says so."""
        data = self._begun + chunk if self._begun else chunk
        end = data.rfind(b"\n") + 1
        self._begun = data[end:]
        data = data[:end]
        failure = None
        at = 0 if data.startswith(ERROR) else data.find(b"\n" + ERROR) + 1
        if at or data.startswith(ERROR):
            failure = error_from_bytes(data[at:])
            data = data[:at]
        return self._decode(data), failure

    @property
    def is_between_lines(self) -> bool:
        """Whether the answer could end here."""
        return not self._begun


def delta_lines() -> Lines[Delta]:
    """For an answer in words."""
    return Lines(_decode_deltas)


def sound_lines() -> Lines[SoundPiece]:
    """For an answer in sound."""
    return Lines(_decode_sound)


def to_bytes(value: SpeakRequest | TranscribeRequest | DrawRequest | Transcript | tuple[Picture, ...]) -> bytes:
    """A request for media or an answer to one, as it travels."""
    try:
        return _encode(value)
    except TypeError as wrong:
        raise WrongTypeError(
            "The option extra cannot be sent to a worker: it holds something else than texts and numbers.",
            hint="Options are texts, numbers, lists and dicts.",
        ) from wrong


def vectors_to_bytes(reply: EmbedReply) -> bytes:
    """Vectors, as they travel."""
    return _encode(reply)


def vectors_from_bytes(body: bytes) -> EmbedReply:
    """The vectors of a reply."""
    return _decode_vectors(body)


def text_to_bytes(text: str) -> bytes:
    """A text, in a form that no error has."""
    return _encode(text)


def text_from_bytes(body: bytes) -> str:
    """The text."""
    return _decode_text(body)


def ids_to_bytes(ids: tuple[int, ...]) -> bytes:
    """Token ids, as they travel."""
    return _encode(ids)


def ids_from_bytes(body: bytes) -> tuple[int, ...]:
    """The token ids."""
    return _decode_ids(body)


# -- errors -----------------------------------------------------------------------------------------------------------


class WireError(msgspec.Struct):
    """An error of ours: its class by name, and what it carries."""

    kind: str
    message: str
    carried: dict[str, Any]  # Any: the attributes of an error, as far as JSON has them


class _ErrorLine(msgspec.Struct):
    error: WireError


_decode_error = msgspec.json.Decoder(_ErrorLine).decode
PLAIN = (str, int, float, bool, type(None))


def error_to_line(error: BaseException) -> bytes:
    """An error as the last line of an answer; a stranger's error becomes one of ours that quotes it."""
    if not isinstance(error, ByzerError):
        error = ModelCallError(f"The engine failed: {type(error).__name__}: {error}", hint="Its log says more.")
    kind = next(cls.__name__ for cls in type(error).__mro__ if cls.__module__ == errors.__name__)
    carried = {name: value for name, value in vars(error).items() if isinstance(value, PLAIN)}
    return _encode_json(_ErrorLine(WireError(kind, error.message, carried))) + b"\n"


def error_from_bytes(line: bytes) -> ByzerError:
    """The error again, of the class that it had."""
    wire = _decode_error(line).error
    cls = getattr(errors, wire.kind, None)
    if not (isinstance(cls, type) and issubclass(cls, ByzerError)):
        cls = ModelCallError
    return cls.restored(wire.message, wire.carried)

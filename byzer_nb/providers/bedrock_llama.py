"""Meta's models on Bedrock: one prompt with the marks that the model learned, and the text that goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from byzer_nb.errors import UnsupportedError
from byzer_nb.providers.bedrock_dialect import BedrockDialect, chunk_in, request_id
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.asked import checked_extra, is_begun
from byzer_nb.providers.wire.decoding import decoded
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.sse import Event
from byzer_nb.types import ChatRequest, Delta, Message, TextPart, Usage

MOST_TOKENS = 2048  # what the service allows, and what is asked for where nobody says

_DECIDED_BY_THE_CALL = {"prompt": "Give the messages to the call itself."}


class LlamaOnBedrock(BedrockDialect):
    """A prompt, and how it goes on."""

    takes_pictures = False
    options = frozenset({"max_tokens", "temperature", "top_p", "continue_last", "timeout", "extra"})

    def body(self, request: ChatRequest) -> dict[str, Any]:  # Any: JSON
        """The prompt with its options; a limit above what the service allows is that of the service."""
        options = request.options
        wanted = options.max_tokens or self.model.max_output_tokens or MOST_TOKENS
        given = {"temperature": options.temperature, "top_p": options.top_p}
        withheld = self.withheld(request)
        return {
            "prompt": prompt(request, self.model.id),
            "max_gen_len": min(wanted, MOST_TOKENS),
            **{name: value for name, value in given.items() if value is not None and name not in withheld},
            **checked_extra(options.extra, _DECIDED_BY_THE_CALL),
        }

    def whole(self, body: bytes, headers: Mapping[str, str]) -> Delta:
        """An answer that came in one piece."""
        answer = decoded(_decode_piece, body, self.called)
        if answer.generation is None:
            raise failures.unreadable(body, self.called)
        reading = LlamaStream(self.called, headers)
        reading.take(answer)
        return replace(reading.last(), text=answer.generation)

    def reading(self, headers: Mapping[str, str]) -> LlamaStream:
        """A reader for one streamed answer."""
        return LlamaStream(self.called, headers)


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """How one line of models writes a turn down."""

    begin: str
    turn: str
    end: str


LLAMA_3 = Marks(
    begin="<|begin_of_text|>", turn="<|start_header_id|>{role}<|end_header_id|>\n\n{text}", end="<|eot_id|>"
)
LLAMA_4 = Marks(begin="<|begin_of_text|>", turn="<|header_start|>{role}<|header_end|>\n\n{text}", end="<|eot|>")


def prompt(request: ChatRequest, model: str) -> str:
    """The conversation as the one text that the model reads, open where its answer begins."""
    begun = is_begun(request)
    spoken = [(turn.role, _text(turn)) for turn in request.messages]
    if begun:
        role, text = spoken[-1]
        spoken[-1] = (role, text.rstrip())
    if "llama2" in model:
        return _llama_2(spoken, begun=begun)
    marks = LLAMA_4 if "llama4" in model else LLAMA_3
    if not begun:
        spoken.append(("assistant", ""))
    turns = [marks.turn.format(role=role, text=text) for role, text in spoken]
    return marks.begin + marks.end.join(turns)


def _llama_2(spoken: Sequence[tuple[str, str]], *, begun: bool) -> str:
    system = "\n\n".join(text for role, text in spoken if role == "system")
    before = f"<<SYS>>\n{system}\n<</SYS>>\n\n" if system else ""  # it stands inside the first question
    turns = []
    for role, text in spoken:
        if role == "assistant":
            turns.append(f" {text} </s><s>")
        elif role != "system":
            turns.append(f"[INST] {before}{text} [/INST]")
            before = ""
    if before:
        turns.append(f"[INST] {before}[/INST]")
    whole = "<s>" + "".join(turns)
    return whole.removesuffix(" </s><s>") if begun else whole


def _text(turn: Message) -> str:
    if not isinstance(turn.content, str) and any(not isinstance(part, TextPart) for part in turn.content):
        raise UnsupportedError(
            "This prompt of Llama's has room for text alone.", hint="Deploy it with api='converse' to send pictures."
        )
    return turn.text


class Metrics(msgspec.Struct, rename="camel", gc=False):
    """What the service counted; it comes with the last piece."""

    input_token_count: int = 0
    output_token_count: int = 0


class Piece(msgspec.Struct, gc=False):
    """A whole answer, or the next piece of it."""

    generation: str | None = None
    prompt_token_count: int | None = None
    generation_token_count: int | None = None
    stop_reason: str | None = None
    metrics: Metrics | None = msgspec.field(name="amazon-bedrock-invocationMetrics", default=None)


_decode_piece = msgspec.json.Decoder(Piece).decode


class LlamaStream:
    """What is known of a streamed answer so far."""

    __slots__ = ("_called", "_headers", "_read", "_reason", "_written", "is_done")

    def __init__(self, called: Called, headers: Mapping[str, str]) -> None:
        self.is_done = False
        self._called = called
        self._headers = headers
        self._reason = ""
        self._read: int | None = None
        self._written: int | None = None

    @property
    def is_whole(self) -> bool:
        """True when no more words will come."""
        return bool(self._reason)

    def read(self, event: Event) -> Delta | None:
        """What the frame adds, if anything that can be read."""
        data = chunk_in(event, self._headers, self._called)
        return self.take(decoded(_decode_piece, data, self._called)) if data else None

    def take(self, piece: Piece) -> Delta | None:
        """What the piece adds."""
        self._reason = piece.stop_reason or self._reason
        read, written = piece.prompt_token_count, piece.generation_token_count
        if piece.metrics is not None:
            read, written = piece.metrics.input_token_count, piece.metrics.output_token_count
            self.is_done = bool(self._reason)
        self._read = self._read if read is None else read
        self._written = self._written if written is None else written
        return Delta(text=piece.generation) if piece.generation else None

    def last(self) -> Delta:
        """The delta that closes the answer; a stream that stopped short has none."""
        if not self.is_whole:
            raise failures.cut_off(self._called)
        has_counts = self._read is not None or self._written is not None
        return Delta(
            finish_reason="length" if self._reason == "length" else "stop",
            usage=Usage(input_tokens=self._read or 0, output_tokens=self._written or 0) if has_counts else None,
            request_id=request_id(self._headers),
        )

"""Bedrock's Converse protocol: one body and one kind of answer, whoever made the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from byzer_nb.errors import UnsupportedError
from byzer_nb.providers import converse_tools
from byzer_nb.providers.bedrock_dialect import BedrockDialect, raise_failure, request_id
from byzer_nb.providers.converse_tools import ConverseCalls, Thought, Use
from byzer_nb.providers.wire import failures
from byzer_nb.providers.wire.asked import alternating, cannot_fetch, checked_extra, inline
from byzer_nb.providers.wire.decoding import decoded
from byzer_nb.providers.wire.failures import Called
from byzer_nb.providers.wire.sse import Event
from byzer_nb.providers.wire.tool_calls import ended
from byzer_nb.types import AudioPart, ChatRequest, Delta, FinishReason, ImagePart, Part, TextPart, Usage

OPTIONS = frozenset({"max_tokens", "temperature", "top_p", "stop", "continue_last", "timeout", "extra"})

# The protocol's own fields; what else an `extra` holds is meant for the model.
_OWN_FIELDS = frozenset(
    {
        "additionalModelRequestFields",
        "additionalModelResponseFieldPaths",
        "guardrailConfig",
        "outputConfig",
        "performanceConfig",
        "promptVariables",
        "requestMetadata",
        "serviceTier",
        "toolConfig",
    }
)
_NAMES = {"temperature": "temperature", "top_p": "topP"}
_DECIDED_BY_THE_CALL = {
    "messages": "Give the messages to the call itself.",
    "system": 'Give it as a message: {"role": "system", "content": "..."}',
    "modelId": "Name the model when you ask: model='...'; another model is loaded under a name of its own.",
    "inferenceConfig": "Use the options max_tokens, temperature, top_p and stop.",
}
_DECIDED_BY_TOOLS = {"toolConfig": "Give them as tools and tool_choice of the request."}
_FINISH_REASONS: dict[str, FinishReason] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}


class Converse(BedrockDialect):
    """The same words for every model."""

    whole_verb = "converse"
    stream_verb = "converse-stream"

    @property
    def takes_tools(self) -> bool:  # type: ignore[override]  # here the model tells
        """Whether it is offered tools."""
        return converse_tools.takes_tools(self.model.id)

    @property
    def takes_schemas(self) -> bool:  # type: ignore[override]  # here the model tells
        """Whether it can be held to a schema."""
        return converse_tools.takes_schemas(self.model.id)

    @property
    def options(self) -> frozenset[str]:
        """The options of every model; Converse has no top_k, and every maker a name of his own for it."""
        return OPTIONS | {"top_k"} if self.model.family == "anthropic" else OPTIONS

    def body(self, request: ChatRequest) -> dict[str, Any]:  # Any: JSON
        """The conversation, the options of every model, and those of this one."""
        body: dict[str, Any] = {
            "messages": alternating(
                request,
                _block,
                call_blocks=converse_tools.call_blocks,
                result_block=converse_tools.result_block,
            ),
            **converse_tools.tool_fields(request, model=self.model.id),
        }
        if system := [{"text": turn.text} for turn in request.messages if turn.role == "system" and turn.text]:
            body["system"] = system
        if config := self._config(request):
            body["inferenceConfig"] = config
        extra = checked_extra(
            request.options.extra, _DECIDED_BY_THE_CALL | (_DECIDED_BY_TOOLS if request.tools else {})
        )
        body |= {name: value for name, value in extra.items() if name in _OWN_FIELDS}
        if request.schema is not None:
            body |= converse_tools.output_config(request.schema, body.get("outputConfig", {}))
        if of_the_model := self._of_the_model(request, extra):
            body["additionalModelRequestFields"] = body.get("additionalModelRequestFields", {}) | of_the_model
        return body

    def parameters(self, body: dict[str, Any]) -> dict[str, Any]:  # Any: JSON
        """The options in a body, by the names that the model gives them."""
        config = body.get("inferenceConfig", {})
        named = {name: config[theirs] for name, theirs in _NAMES.items() if theirs in config}
        return {**named, **body.get("additionalModelRequestFields", {})}

    def whole(self, body: bytes, headers: Mapping[str, str]) -> Delta:
        """An answer that came in one piece."""
        answer = decoded(_decode_answer, body, self.called)
        message = answer.output.message if answer.output else None
        if message is None:
            raise failures.unreadable(body, self.called)
        thoughts = [block.reasoning_content for block in message.content]
        found = ConverseCalls()
        for place, block in enumerate(message.content):
            found.take(place, use=block.tool_use, thought=block.reasoning_content)
        calls = found.whole()
        return Delta(
            text="".join(block.text or "" for block in message.content),
            reasoning="".join(thought.words() for thought in thoughts if thought),
            finish_reason=ended(_finish_reason(answer.stop_reason), calls),
            usage=answer.usage.usage() if answer.usage else None,
            request_id=request_id(headers),
            tool_calls=calls,
        )

    def reading(self, headers: Mapping[str, str]) -> ConverseStream:
        """A reader for one streamed answer."""
        return ConverseStream(self.called, headers)

    def _config(self, request: ChatRequest) -> dict[str, Any]:
        options, withheld = request.options, self.withheld(request)
        config: dict[str, Any] = {}
        if limit := options.max_tokens or self.model.max_output_tokens:
            config["maxTokens"] = limit
        for name, theirs in _NAMES.items():
            value = getattr(options, name)
            if value is not None and name not in withheld:
                config[theirs] = value
        if options.stop:
            config["stopSequences"] = list(options.stop)
        return config

    def _of_the_model(self, request: ChatRequest, extra: Mapping[str, Any]) -> dict[str, Any]:
        found = {name: value for name, value in extra.items() if name not in _OWN_FIELDS}
        top_k = request.options.top_k
        if top_k is not None and "top_k" in self.options - self.model.withheld:
            found.setdefault("top_k", top_k)
        return found


def _block(part: Part) -> dict[str, Any]:
    match part:
        case TextPart():
            return {"text": part.text}
        case ImagePart():
            picture = inline(part.url)
            if picture is None:
                raise cannot_fetch(part.url)
            return {"image": {"format": picture.kind.rpartition("/")[2], "source": {"bytes": picture.base64}}}
        case AudioPart():
            raise UnsupportedError("Sound is not sent to Bedrock.", hint="Write it down first, with a speech model.")


class Block(msgspec.Struct, rename="camel", gc=False):
    """A piece of an answer, or what the next event adds to one."""

    text: str | None = None
    reasoning_content: Thought | None = None
    tool_use: Use | None = None


class Spoken(msgspec.Struct, gc=False):
    """What the model says."""

    content: list[Block]


class Output(msgspec.Struct, gc=False):
    """Where the message stands."""

    message: Spoken | None = None


class Spent(msgspec.Struct, rename="camel", gc=False):
    """Tokens; those that were found in a cache or put there are counted apart from the others."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_write_input_tokens: int = 0

    def usage(self) -> Usage:
        """The same in our words."""
        read = self.input_tokens + self.cache_read_input_tokens + self.cache_write_input_tokens
        return Usage(input_tokens=read, output_tokens=self.output_tokens)


class Answer(msgspec.Struct, rename="camel", gc=False):
    """A whole answer, or the payload of any frame: only the fields of its kind are there."""

    output: Output | None = None
    content_block_index: int = 0
    start: Block | None = None
    delta: Block | None = None
    stop_reason: str | None = None
    usage: Spent | None = None


_decode_answer = msgspec.json.Decoder(Answer).decode


class ConverseStream:
    """What is known of a streamed answer so far."""

    __slots__ = ("_called", "_found", "_headers", "_reason", "_usage", "is_done")

    def __init__(self, called: Called, headers: Mapping[str, str]) -> None:
        self.is_done = False
        self._called = called
        self._found = ConverseCalls()
        self._headers = headers
        self._reason = ""
        self._usage: Usage | None = None

    @property
    def is_whole(self) -> bool:
        """True when no more words will come; the count of tokens comes after them."""
        return bool(self._reason)

    def read(self, event: Event) -> Delta | None:
        """What the frame adds, if anything that can be read."""
        raise_failure(event, self._headers, self._called)
        frame = decoded(_decode_answer, event.data, self._called)
        match event.name:
            case "contentBlockStart" if frame.start is not None:
                self._found.take(frame.content_block_index, use=frame.start.tool_use)
            case "contentBlockDelta" if frame.delta is not None:
                thought = frame.delta.reasoning_content
                self._found.take(frame.content_block_index, use=frame.delta.tool_use, thought=thought)
                text, reasoning = frame.delta.text or "", thought.words() if thought else ""
                return Delta(text=text, reasoning=reasoning) if text or reasoning else None
            case "messageStop":
                self._reason = frame.stop_reason or "end_turn"
            case "metadata":
                self._usage = frame.usage.usage() if frame.usage else None
                self.is_done = self.is_whole
        return None  # where blocks end, and what is yet to be invented

    def last(self) -> Delta:
        """The delta that closes the answer; a stream that stopped short has none."""
        if not self.is_whole:
            raise failures.cut_off(self._called)
        calls = self._found.whole()
        return Delta(
            finish_reason=ended(_finish_reason(self._reason), calls),
            usage=self._usage,
            request_id=request_id(self._headers),
            tool_calls=calls,
        )


def _finish_reason(reason: str | None) -> FinishReason:
    return _FINISH_REASONS.get(reason or "end_turn", "stop")

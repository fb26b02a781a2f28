"""Tools and schemas in Bedrock's Converse protocol: how they are offered, called, answered and read."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from byzer_nb.errors import UnsupportedError
from byzer_nb.providers import anthropic_tools
from byzer_nb.providers.wire.asked import CallBlocks, checked_extra
from byzer_nb.providers.wire.tool_calls import CallsSoFar, parameters_of, plain, sealed, unsealed
from byzer_nb.types import AnswerSchema, ChatRequest, ToolCall

_WITHOUT_TOOLS = re.compile(
    r"titan|llama-?2|llama3-(8|70)b|mistral-7b|mixtral|j2-|gemma|claude-(2|instant|v\d)|deepseek\.r1"
)
_FORCED = re.compile(r"anthropic|nova")  # the others cannot be made to call a certain tool
_REASONING = "reasoningContent"


class ReasoningText(msgspec.Struct, gc=False):
    """Reasoning that may be read, and the seal of whoever wrote it."""

    text: str = ""
    signature: str | None = None


class Thought(msgspec.Struct, rename="camel", gc=False):
    """Reasoning: a text of its own in a whole answer, the next words in a stream."""

    text: str | None = None
    signature: str | None = None
    reasoning_text: ReasoningText | None = None
    redacted_content: str | None = None

    def words(self) -> str:
        """The text; a signature, or reasoning that was made unreadable, has none."""
        return self.reasoning_text.text if self.reasoning_text else self.text or ""


class Use(msgspec.Struct, rename="camel", gc=False):
    """A call, or the next piece of one."""

    tool_use_id: str | None = None
    name: str | None = None
    input: Any = None  # Any: JSON in a whole answer, text in a stream


def takes_tools(model: str) -> bool:
    """Whether a model of that name is offered tools."""
    return not _WITHOUT_TOOLS.search(model.lower())


def takes_schemas(model: str) -> bool:
    """Whether a model of that name can be held to a schema."""
    return anthropic_tools.takes_schemas(model)


def tool_fields(request: ChatRequest, *, model: str) -> dict[str, Any]:  # Any: JSON
    """The fields of a body that offer tools; none where there are none."""
    if not request.tools:
        return {}
    tools = [
        {
            "toolSpec": {
                "name": tool.name,
                **({"description": tool.description} if tool.description else {}),
                "inputSchema": {"json": parameters_of(tool)},
            }
        }
        for tool in request.tools
    ]
    if not request.tool_choice:
        return {"toolConfig": {"tools": tools}}
    if not _FORCED.search(model.lower()):
        raise UnsupportedError(
            f"{model!r} cannot be made to call a tool.",
            hint="Leave tool_choice out, offer the one tool alone, and say in the prompt that it is to be called.",
        )
    choice = {"any": {}} if request.tool_choice == "required" else {"tool": {"name": request.tool_choice}}
    return {"toolConfig": {"tools": tools, "toolChoice": choice}}


def output_config(schema: AnswerSchema, given: dict[str, Any]) -> dict[str, Any]:  # Any: JSON
    """The field of a body that holds the answer to a schema, which travels as text here."""
    given = checked_extra(given, {"textFormat": "Give it as the schema of the request."})
    text = msgspec.json.encode(anthropic_tools.closed(schema)).decode()
    wanted = {"type": "json_schema", "structure": {"jsonSchema": {"name": plain(schema.name), "schema": text}}}
    return {"outputConfig": {**given, "textFormat": wanted}}


def call_blocks(calls: tuple[ToolCall, ...]) -> CallBlocks:
    """The calls of a turn; the thoughts that led to them stand before its words, as they came."""
    thoughts = unsealed(_REASONING, calls[0])
    uses = [{"toolUse": {"toolUseId": plain(call.id), "name": call.name, "input": call.arguments}} for call in calls]
    return CallBlocks(before=msgspec.json.decode(thoughts) if thoughts else [], after=uses)


def result_block(call_id: str, blocks: list[dict[str, Any]]) -> dict[str, Any]:  # Any: JSON
    """What a tool gave; a result may also be empty."""
    return {"toolResult": {"toolUseId": plain(call_id), "content": blocks}}


class ConverseCalls:
    """The calls of an answer, block by block, with the thoughts that led to them."""

    __slots__ = ("_calls", "_thoughts")

    def __init__(self) -> None:
        self._calls = CallsSoFar()
        self._thoughts: dict[int, Thought] = {}

    def take(self, place: int, *, use: Use | None = None, thought: Thought | None = None) -> None:
        """Take in what a block, or the next piece of one, has of calls and of thoughts."""
        if use is not None:
            if use.name:
                self._calls.begin(place, name=use.name, call_id=use.tool_use_id or "")
            self._calls.add(place, use.input)
        if thought is not None:
            whole = self._thoughts.setdefault(place, Thought())
            whole.text = (whole.text or "") + thought.words()
            seal = thought.reasoning_text.signature if thought.reasoning_text else thought.signature
            whole.signature = seal or whole.signature
            whole.redacted_content = thought.redacted_content or whole.redacted_content

    def whole(self) -> tuple[ToolCall, ...]:
        """The calls, when nothing more comes."""
        thoughts = [_given_back(each) for each in self._thoughts.values()]
        proof = sealed(_REASONING, msgspec.json.encode(thoughts).decode()) if thoughts else ""
        return self._calls.whole(proof=proof)


def _given_back(thought: Thought) -> dict[str, Any]:  # Any: JSON
    if thought.redacted_content:
        return {"reasoningContent": {"redactedContent": thought.redacted_content}}
    seal = {"signature": thought.signature} if thought.signature else {}
    return {"reasoningContent": {"reasoningText": {"text": thought.text or "", **seal}}}

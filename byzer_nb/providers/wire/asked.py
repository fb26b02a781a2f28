"""What is read out of a request in the same way for every vendor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from byzer_nb.errors import BadInputError, UnsupportedError
from byzer_nb.types import ChatRequest, Message, Part, TextPart, ToolCall


class CallBlocks(NamedTuple):
    """What a turn that calls says before its words, and what after them."""

    before: list[dict[str, Any]]  # Any: JSON
    after: list[dict[str, Any]]  # Any: JSON


class Inline(NamedTuple):
    """A data URL taken apart: its media type, and its bytes still in base64."""

    kind: str
    base64: str


def inline(url: str) -> Inline | None:
    """The parts of a base64 data URL; None for an address."""
    head, comma, data = url.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        return None
    kind = head.removeprefix("data:").partition(";")[0].lower()
    return Inline("image/jpeg" if kind == "image/jpg" else kind, data)


def checked_extra(extra: dict[str, Any], decided: Mapping[str, str]) -> dict[str, Any]:  # Any: JSON
    """The parameters of the provider's own; `decided` are those that the call decides, each with the right way."""
    for name, right_way in decided.items():
        if name in extra:
            raise BadInputError(f"The option extra cannot hold {name!r}: the call itself decides it.", hint=right_way)
    return extra


def is_begun(request: ChatRequest) -> bool:
    """True when the last turn is an answer that was begun; an error when it should be continued and is none."""
    begun = bool(request.messages) and request.messages[-1].role == "assistant"
    if request.options.continue_last and not begun:
        raise BadInputError(
            "Only an answer that was begun can be continued: continue_last is set, but the last message is not "
            "the assistant's.",
            hint='Add the beginning as a last message: {"role": "assistant", "content": "..."}',
        )
    return begun


def system_text(request: ChatRequest) -> str:
    """What the system says, in one text, for vendors that have no place for it among the turns."""
    return "\n\n".join(text for turn in request.messages if turn.role == "system" and (text := turn.text))


def alternating(
    request: ChatRequest,
    block: Callable[[Part], dict[str, Any]],
    *,
    call_blocks: Callable[[tuple[ToolCall, ...]], CallBlocks] | None = None,
    result_block: Callable[[str, list[dict[str, Any]]], dict[str, Any]] | None = None,
) -> list[dict[str, Any]]:  # Any: JSON
    """User and assistant by turns, each turn a list of blocks: what one of them says twice in a row is one turn.

    `call_blocks` are the calls of a turn, and `result_block` is what one of them gave, by its id; the user says it.

    Texts with nothing to read in them, such as the empty answer of before, and a blank at the end of an answer that
    was begun are left out: vendors of this kind refuse both.
    """
    joined: list[dict[str, Any]] = []
    begins = is_begun(request)
    for position, turn in enumerate(request.messages, start=1):
        if turn.role == "system":
            continue
        role = "assistant" if turn.role == "assistant" else "user"
        blocks = [block(part) for part in _parts(turn, is_open=begins and position == len(request.messages))]
        if turn.role == "tool" and turn.tool_call_id and result_block is not None:
            blocks = [result_block(turn.tool_call_id, blocks)]
        elif turn.tool_calls and call_blocks is not None:
            before, after = call_blocks(turn.tool_calls)
            blocks = [*before, *blocks, *after]
        if joined and joined[-1]["role"] == role:
            joined[-1]["content"] += blocks
        elif blocks:
            joined.append({"role": role, "content": blocks})
    return joined


def _parts(turn: Message, *, is_open: bool) -> list[Part]:
    parts = [TextPart(text=turn.content)] if isinstance(turn.content, str) else list(turn.content)
    if is_open and parts and isinstance(parts[-1], TextPart):
        parts[-1] = TextPart(text=parts[-1].text.rstrip())
    return [part for part in parts if not isinstance(part, TextPart) or part.text.strip()]


def cannot_fetch(url: str) -> UnsupportedError:
    """The error of a picture's address, where the provider takes only the picture itself."""
    return UnsupportedError(
        f"A picture is sent inside the request here, and {url[:60]!r} is only its address.",
        hint="Fetch it and give it as data:image/png;base64,...",
    )


def words_alone(turn: Message) -> str:
    """The text of a turn, for vendors that take nothing else."""
    if not isinstance(turn.content, str) and any(not isinstance(part, TextPart) for part in turn.content):
        raise UnsupportedError(
            "This model takes neither pictures nor sound.", hint="Ask one that does, or leave them out."
        )
    return turn.text

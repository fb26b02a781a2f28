"""Conversations in the forms in which people write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from reprlib import repr as short
from typing import Any, TypeAlias, get_args

from byzer_nb._registry import nearest
from byzer_nb.client.tagged import parts_of
from byzer_nb.errors import BadInputError, WrongTypeError
from byzer_nb.types import AudioPart, ImagePart, Message, Part, Role, TextPart

Turns: TypeAlias = "str | Message | Sequence[Message | Mapping[str, Any]]"  # Any: content is checked below

ROLES: tuple[str, ...] = get_args(Role)
PARTS = "TextPart(text=...), ImagePart(url=...) or AudioPart(url=...)"
EXAMPLE = 'For example: [{"role": "user", "content": "Hello"}]'


def as_messages(turns: Turns) -> tuple[Message, ...]:
    """The turns as messages; a bare string is one turn of the user. The caller's own objects stay as they are.

    Pictures and sound between tags in a text are taken out of it.
    """
    if isinstance(turns, str):
        return (Message(role="user", content=parts_of(turns)),)
    if isinstance(turns, Message):
        turns = (turns,)
    if not isinstance(turns, Sequence):
        raise WrongTypeError(f"A conversation is a string or a list of messages, not {short(turns)}.", hint=EXAMPLE)
    if not turns:
        raise BadInputError("The conversation is empty.", hint=EXAMPLE)
    return tuple(_message(turn, position) for position, turn in enumerate(turns))


def _message(turn: object, position: int) -> Message:
    if isinstance(turn, Message):
        _check_role(turn.role, position)
        return turn
    if not isinstance(turn, Mapping):
        raise WrongTypeError(f"Message {position} is {short(turn)}; it should have a role and a content.", hint=EXAMPLE)
    if turn.get("role") is None:
        raise BadInputError(f"Message {position} has no 'role'.", hint="One of: " + ", ".join(ROLES))
    _check_role(turn["role"], position)
    if "content" not in turn:
        raise BadInputError(f"Message {position} has no 'content'.")
    return Message(role=turn["role"], content=_content(turn["content"], position))


def _check_role(role: object, position: int) -> None:
    if role not in ROLES:
        raise BadInputError(
            f"Message {position} has the role {short(role)}.", hint=nearest(role, ROLES) + "One of: " + ", ".join(ROLES)
        )


def _content(content: object, position: int) -> str | tuple[Part, ...]:
    if isinstance(content, str):
        return parts_of(content)
    if isinstance(content, Sequence) and all(isinstance(part, TextPart | ImagePart | AudioPart) for part in content):
        return tuple(content)
    is_json = isinstance(content, Sequence) and any(isinstance(part, Mapping) for part in content)
    raise WrongTypeError(
        f"The content of message {position} is neither text nor parts: {short(content)}",
        hint=f"Parts are objects, not dicts: {PARTS}, from byzer_nb.types." if is_json else f"A string, or {PARTS}.",
    )

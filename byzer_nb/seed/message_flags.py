"""What agents note on a message in its `metadata`, and turns made to alternate."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

__all__ = [
    "check_error_count",
    "copy_error_count",
    "fail_message",
    "get_error_count",
    "inc_error_count",
    "is_success",
    "padding_messages_expand",
    "padding_messages_merge",
    "success_message",
    "termindate_message",
    "un_termindate_message",
]

Message: TypeAlias = dict[str, Any]  # Any: JSON

GO_ON = "continue"
OTHER = {"user": "assistant", "assistant": "user"}


def termindate_message(message: Message) -> Message:
    """The message, marked as the last one of its conversation."""
    return _noted(message, "TERMINATE", True)


def un_termindate_message(message: Message) -> Message:
    """The message, marked as one that others follow."""
    return _noted(message, "TERMINATE", False)


def success_message(message: Message) -> Message:
    """The message, marked as a success."""
    return _noted(message, "code", 0)


def fail_message(message: Message) -> Message:
    """The message, marked as a failure."""
    return _noted(message, "code", 1)


def is_success(message: Message) -> bool:
    """Whether the message is marked as a success."""
    return bool(message.get("metadata", {}).get("code", 1) == 0)


def copy_error_count(message: Message, new_message: Message) -> Message:
    """The new message, with the error count of the other one."""
    return _noted(new_message, "error_count", get_error_count(message))


def get_error_count(message: Message) -> int:
    """How many errors were counted on the message."""
    return int(message.get("metadata", {}).get("error_count", 0))


def inc_error_count(message: Message) -> Message:
    """The message, with one error more."""
    return _noted(message, "error_count", get_error_count(message) + 1)


def check_error_count(message: Message, max_error_count: int = 3) -> bool:
    """Whether the message has reached that many errors."""
    return get_error_count(message) >= max_error_count


def padding_messages_merge(data: Sequence[Message]) -> list[Message]:
    """New messages in which user and assistant alternate: neighbours of one role are joined line by line."""
    joined: list[Message] = []
    for message in copy.deepcopy(list(data)):
        if joined and message["role"] in OTHER and joined[-1]["role"] == message["role"]:
            joined[-1]["content"] = f"{joined[-1]['content']}\n{message['content']}"
        else:
            joined.append(message)
    return padding_messages_expand(joined)


def padding_messages_expand(data: Sequence[Message]) -> list[Message]:
    """New messages in which user and assistant alternate: where one role follows itself, the other says `continue`."""
    return list(_alternating(copy.deepcopy(list(data))))


def _alternating(messages: list[Message]) -> Iterator[Message]:
    last = "assistant"  # so that the user begins
    for message in messages:
        role = message["role"]
        if role == last:
            yield {"role": OTHER[role], "content": GO_ON}
        if role in OTHER:
            last = role
        yield message
    if last == "assistant" and any(message["role"] == last for message in messages):
        yield {"role": "user", "content": GO_ON}


def _noted(message: Message, name: str, value: object) -> Message:
    message.setdefault("metadata", {})[name] = value
    return message

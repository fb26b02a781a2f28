"""A conversation as one text, for models that only complete."""

from __future__ import annotations

from collections.abc import Mapping

from byzer_nb.types import Message

HELPFUL = "You are a helpful assistant."
SYSTEM_TEXT = "{system_msg}"


def role_text(messages: tuple[Message, ...], role_mapping: Mapping[str, str]) -> str:
    """The turns with their opening strings, ending where the assistant is to speak."""
    user = role_mapping.get("user_role", "User:")
    assistant = role_mapping.get("assistant_role", "Assistant:")
    turn_end = role_mapping.get("turn_end", "")
    parts = [_system(messages, role_mapping.get("system_msg", ""))]
    for position, message in enumerate(messages):
        if message.role == "assistant":
            is_last = position == len(messages) - 1
            parts.append(assistant + message.text + ("" if is_last else turn_end))
        elif message.role != "system":
            parts.append(user + message.text)
    if messages[-1].role != "assistant":
        parts.append(assistant)
    # Markup that closes its turns brings its own line ends.
    between = "" if turn_end or not (user or assistant) else "\n"
    return between.join(part for part in parts if part)


def _system(messages: tuple[Message, ...], pattern: str) -> str:
    given = next((message.text for message in messages if message.role == "system"), None)
    if SYSTEM_TEXT in pattern:
        return pattern.replace(SYSTEM_TEXT, HELPFUL if given is None else given)
    return pattern if given is None else given

"""A conversation as one text, for models that only complete."""

from __future__ import annotations

from collections.abc import Mapping

from byzer_nb.types import Message


def role_text(messages: tuple[Message, ...], role_mapping: Mapping[str, str]) -> str:
    """The turns with their opening strings, ending where the assistant is to speak."""
    user = role_mapping.get("user_role", "User:")
    assistant = role_mapping.get("assistant_role", "Assistant:")
    system = next((message.text for message in messages if message.role == "system"), None)
    parts = [system if system is not None else role_mapping.get("system_msg", "")]
    for message in messages:
        if message.role != "system":
            parts.append((assistant if message.role == "assistant" else user) + message.text)
    if messages[-1].role != "assistant":
        parts.append(assistant)
    return "\n".join(part for part in parts if part) if user or assistant else "".join(parts)

"""Code blocks in Markdown text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from byzer_nb.errors import BadInputError, WrongTypeError

__all__ = ["CODE_BLOCK_PATTERN", "UNKNOWN", "extract_code"]

UNKNOWN = "unknown"
CODE_BLOCK_PATTERN = r"```[ \t]*([\w+#.-]*)[ \t]*\r?\n(?:(.*?)\r?\n)??[ \t]*```"

_INLINE_TOO = re.compile(CODE_BLOCK_PATTERN + r"|`([^`\n]+)`", re.DOTALL)


def extract_code(
    text: str | Sequence[Mapping[str, Any]] | None,
    pattern: str = CODE_BLOCK_PATTERN,
    detect_single_line_code: bool = False,
) -> list[tuple[str, str]]:
    """Pairs of language and code, in order; a text without any block is one pair of the language `unknown`.

    Args:
        text: Markdown, or the list of contents of a message.
        pattern: a regular expression whose two groups are the language and the code.
        detect_single_line_code: also take code between single backticks, and strip every code.
    """
    words = _words(text)
    if detect_single_line_code:
        found = [(language, (inline or code).strip()) for language, code, inline in _INLINE_TOO.findall(words)]
    else:
        found = re.findall(pattern, words, flags=re.DOTALL)
    return found or [(UNKNOWN, words)]


def _words(text: object) -> str:
    if text is None:
        return ""
    if isinstance(text, str):
        return text
    if not isinstance(text, list | tuple):
        raise WrongTypeError(f"Code is extracted from text or a list of contents, not from {text!r}.")
    return "".join(_content(item, position) for position, item in enumerate(text))


def _content(item: object, position: int) -> str:
    kind = item.get("type") if isinstance(item, Mapping) else None
    if kind == "text" and isinstance(item, Mapping):
        return str(item.get("text", ""))
    if kind == "image_url":
        return "<image>"
    raise BadInputError(
        f"Item {position} of the contents is neither a text nor an image: {item!r}",
        hint='For example: {"type": "text", "text": "..."}',
    )

"""Code blocks in Markdown text."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from byzer_nb.errors import AnswerError, BadInputError, WrongTypeError
from byzer_nb.prompts.answer_text import json_in

__all__ = [
    "CODE_BLOCK_PATTERN",
    "UNKNOWN",
    "check_target_codes_exists",
    "content_str",
    "extract_code",
    "get_target_codes",
    "get_value_from_llm_str",
    "infer_lang",
]

UNKNOWN = "unknown"
CODE_BLOCK_PATTERN = r"```[ \t]*([\w+#.-]*)[ \t]*\r?\n(?:(.*?)\r?\n)??[ \t]*```"

_COMMAND = re.compile(r"\s*(?:python|pip)[\d.]*[ \t]+[^\s=]")
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
    words = content_str(text)
    if detect_single_line_code:
        found = [(language, (inline or code).strip()) for language, code, inline in _INLINE_TOO.findall(words)]
    else:
        found = re.findall(pattern, words, flags=re.DOTALL)
    return found or [(UNKNOWN, words)]


def content_str(content: str | Sequence[Mapping[str, Any]] | None) -> str:
    """The words of a message's content, with `<image>` for each picture; nothing for None."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list | tuple):
        raise WrongTypeError(f"The content of a message is text or a list of contents, not {content!r}.")
    return "".join(_content(item, position) for position, item in enumerate(content))


def infer_lang(code: str) -> str:
    """The language that code seems to be in: `sh`, `python` or `unknown`. It is read, and never run."""
    if not isinstance(code, str):
        raise WrongTypeError(f"Code is text, not {code!r}.")
    if _COMMAND.match(code):
        return "sh"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the code's own style
            ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return UNKNOWN
    return "python"


def check_target_codes_exists(codes: Sequence[tuple[str, str]], langs: Sequence[str]) -> bool:
    """Whether any of these pairs of language and code is in one of the languages."""
    return any(language in langs for language, _ in codes)


def get_target_codes(codes: Sequence[tuple[str, str]], langs: Sequence[str]) -> list[str]:
    """The codes that are in one of the languages, in their order."""
    return [code for language, code in codes if language in langs]


def get_value_from_llm_str(text: str, key: str, default: Any) -> Any:
    """What the last `json` block that has this key says under it; the default when none has it."""
    value = default
    for code in get_target_codes(extract_code(text), ["json", "JSON"]):
        try:
            found = json_in(code)
        except AnswerError:
            continue
        if isinstance(found, Mapping) and key in found:
            value = found[key]
    return value


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

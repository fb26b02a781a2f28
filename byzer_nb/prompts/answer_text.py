"""Finding the JSON in what a model wrote."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

from byzer_nb.errors import AnswerError

_FENCE = re.compile(r"```[ \t]*([\w+-]*)[ \t]*\r?\n(.*?)(?:```|\Z)", re.DOTALL)
_THINKING = re.compile(r"<think>.*?</think>", re.DOTALL)
SHOWN = 300  # characters of an answer that an error quotes


def json_in(answer: str) -> Any:  # Any: a JSON value
    """The JSON value of an answer: the whole text, a fenced block, or the first object or list in the prose."""
    if not isinstance(answer, str):
        raise AnswerError(f"An answer is text, not {type(answer).__name__}.", answer=repr(answer))
    text = _THINKING.sub("", answer).strip().lstrip("\ufeff")
    failure: ValueError | None = None
    for candidate in _candidates(text):
        try:
            return _read(candidate)
        except ValueError as wrong:
            failure = failure or wrong
    reason = f" ({failure})" if failure is not None else ""
    raise AnswerError(
        f"No JSON found in the answer{reason}: {shortened(answer)!r}",
        answer=answer,
        hint="Ask for JSON in the prompt, or use a model that can hold to a schema.",
    )


def shortened(text: str) -> str:
    """The text, cut where an error message would get too long."""
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def _candidates(text: str) -> list[str]:
    found = [text] if text[:1] in ("{", "[", '"') or _is_scalar(text) else []
    blocks = [(language.lower(), body.strip()) for language, body in _FENCE.findall(text)]
    found += [body for language, body in blocks if language == "json"]
    if blocks:
        found.append(blocks[-1][1])
    start = min((at for at in (text.find("{"), text.find("[")) if at >= 0), default=-1)
    if start >= 0:
        found.append(_balanced(text[start:]))
    return found


def _is_scalar(text: str) -> bool:
    return text in ("true", "false", "null") or re.fullmatch(r"-?\d+(\.\d+)?", text) is not None


def _read(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except ValueError as wrong:
        try:
            value = ast.literal_eval(text)  # single quotes, True and None, trailing commas; never runs anything
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise wrong from None
        if not isinstance(value, dict | list):
            raise
        return value


def _balanced(text: str) -> str:
    """The text up to the bracket that closes its first one."""
    depth = 0
    quote = False
    escaped = False
    for at, character in enumerate(text):
        if quote:
            quote = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            quote = True
        elif character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
            if depth == 0:
                return text[: at + 1]
    return text

"""Finding the JSON in what a model wrote."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator
from itertools import islice
from typing import Any

from byzer_nb.errors import AnswerError
from byzer_nb.prompts import loose_json

NO_JSON = "No JSON found in the answer"  # how the error begins where there is none
SHOWN = 300  # characters of an answer that an error quotes
LEVELS = 3  # how deep in brackets that are no JSON themselves, such as \\boxed{…}, an answer is looked for

TRIED = 50  # stretches of each kind; beyond that it is no answer with some JSON in it, but something else

_FENCE = re.compile(r"[ \t]*(?:```|~~~)+[ \t]*([\w+-]*)")
_MARKS = re.compile(r'\\.|["{}\[\]]', re.DOTALL)
_SCALAR = re.compile(r'true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_OPENING = {"}": "{", "]": "["}
_LOOKS_LIKE_JSON = re.compile(r"""\{\s*["'\w]|\[\s*["'\[{\d-]""")


def json_in(answer: str) -> Any:  # Any: a JSON value
    """The JSON value of an answer: the whole text, the last fenced block, or the last object in the prose.

    What a model thought before it answered does not count.
    """
    if not isinstance(answer, str):
        raise AnswerError(f"An answer is text, not {type(answer).__name__}.", answer=repr(answer))
    failure: ValueError | None = None
    for candidate in candidates(answer):
        try:
            return loose_json.loads(candidate)
        except ValueError as wrong:
            failure = failure or wrong
    reason = f" ({failure})" if failure is not None else ""
    raise AnswerError(
        f"{NO_JSON}{reason}: {shortened(answer)!r}",
        answer=answer,
        hint="Ask for JSON in the prompt, or use a model that can hold to a schema.",
    )


def shortened(text: str) -> str:
    """The text, cut where an error message would get too long."""
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def without_thoughts(answer: str) -> str:
    """The answer less what stands before the last `</think>`, or after a `<think>` that was never closed."""
    text = answer.rpartition("</think>")[2]
    return text.partition("<think>")[0].strip().lstrip("\ufeff").strip()


def candidates(answer: str) -> Iterator[str]:
    """The texts that may be the JSON, the likeliest first."""
    whole = answer.strip().lstrip("\ufeff").strip()
    if whole[:1] in ("{", "[") or _SCALAR.fullmatch(whole):
        yield whole
    text = without_thoughts(answer)
    if text != whole and (text[:1] in ("{", "[") or _SCALAR.fullmatch(text)):
        yield text
    blocks = fenced_blocks(text)
    if blocks and text.startswith(("```", "~~~")) and blocks[0][0] == "json":
        yield blocks[0][1]  # begun with at once: what comes after it is an explanation
    if blocks:
        yield blocks[-1][1]
    yield from (body for language, body in reversed(blocks) if language == "json")
    yield from _in_prose(text)


def fenced_blocks(text: str) -> list[tuple[str, str]]:
    """Language and content of every fenced block; the last one may lack its end."""
    blocks: list[tuple[str, str]] = []
    language: str | None = None
    lines: list[str] = []
    for line in text.split("\n"):
        fence = _FENCE.match(line)
        if fence is None:
            lines.append(line)
        elif language is None:
            language, lines = fence[1].lower(), [line[fence.end() :]]
        else:
            blocks.append((language, "\n".join(lines).strip()))
            language = None
        if language is not None and lines[-1].rstrip().endswith("```"):
            blocks.append((language, "\n".join(lines).strip().removesuffix("```").strip()))
            language = None
    if language is not None:
        blocks.append((language, "\n".join(lines).strip()))
    return blocks


def _in_prose(text: str) -> Iterator[str]:
    """Whole bracketed stretches: objects before lists, for lists are also footnotes, and the last before the first."""
    for minds_quotes in (True, False) if '"' in text else (False,):  # a stray quote can hide the brackets after it
        stretches = regions(text, minds_quotes=minds_quotes)
        for level in range(LEVELS):
            here = [(start, end) for start, end, depth in stretches if depth == level]
            likely = [(start, end) for start, end in reversed(here) if _LOOKS_LIKE_JSON.match(text, start)]
            for bracket in "{[":
                yield from islice((text[start:end] for start, end in likely if text[start] == bracket), TRIED)
            if likely:
                break  # what is inside of something that looks like JSON is a part of the answer, not the answer


def regions(text: str, *, minds_quotes: bool) -> list[tuple[int, int, int]]:
    """Start, end and depth of every pair of brackets, in the order of their ends, in one pass over the text.

    What stands in a bracket that is never closed but looks like JSON is left out: it is half an answer.
    """
    found: list[tuple[int, int, int]] = []
    opened: list[int] = []
    in_quotes = False
    for mark in _MARKS.finditer(text):
        sign = mark.group()
        if sign == '"':
            in_quotes = minds_quotes and bool(opened) and not in_quotes
        elif in_quotes or sign[0] == "\\":
            continue
        elif sign in "{[":
            opened.append(mark.start())
        elif opened and text[opened[-1]] == _OPENING[sign]:
            found.append((opened.pop(), mark.end(), len(opened)))
    half = next((start for start in opened if _LOOKS_LIKE_JSON.match(text, start)), len(text))
    # What was never closed and is no JSON encloses nothing.
    return [(start, end, depth - bisect(opened, start)) for start, end, depth in found if start < half]

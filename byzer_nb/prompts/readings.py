"""All that an answer may be read as: the JSON in it, and where it is broken, what it was meant to be."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

from byzer_nb.errors import AnswerError
from byzer_nb.prompts import loose_json
from byzer_nb.prompts.answer_text import (
    NO_JSON,
    candidates,
    fenced_blocks,
    regions,
    shortened,
    without_thoughts,
)
from byzer_nb.prompts.mended_json import End, mended

_BRACKETS = "{[｛［【"
_INVISIBLE = " \t\r\n\ufeff\u200b\u200c\u200d"
_ENTITIES = re.compile(r"[{\[,:]\s*&(?:quot|apos|#34|#39|#x22|#x27);")
_ONLY_PAIRS = re.compile(r"""["“]\w[\w \-]{0,80}["”]\s*[:：]""")
_OBJECT = re.compile(r"""[{｛]\s*["“'‘＂\w]""")
_LIST = re.compile(r"""[\[［【]\s*[{｛\["“]""")
_BEGINNING = re.compile(f"{_OBJECT.pattern}|{_LIST.pattern}")
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
_DECODER = json.JSONDecoder(strict=False, parse_float=loose_json.written_number)
_BETWEEN = re.compile(r"[\s,;]*")


def readings(answer: str, *, was_cut: bool = False) -> Iterator[Any]:  # Any: a JSON value
    """The JSON values that an answer may mean, the likeliest first; `AnswerError` if there are none.

    Each part of the text is read as it is, and if that fails, mended. Numbers remember how they were written.
    """
    failure: ValueError | None = None
    has_some = False
    seen: set[str] = set()
    for candidate, end in _parts(answer, "cut" if was_cut else "meant"):
        if candidate in seen:
            continue
        seen.add(candidate)
        try:
            value = value_of(candidate, end)
        except ValueError as wrong:
            failure = failure or wrong
        else:
            has_some = True
            yield value
    if not has_some:
        reason = f" ({failure})" if failure is not None else ""
        raise AnswerError(
            f"{NO_JSON}{reason}: {shortened(answer)!r}",
            answer=answer,
            hint="Ask for JSON in the prompt, or use a model that can hold to a schema.",
            problems=(f"no JSON was found in it{reason}",),
        )


def in_a_row(answer: str) -> list[Any]:
    """The objects of an answer that is nothing but objects, one after another; none if there are fewer than two."""
    text = without_thoughts(answer)
    blocks = fenced_blocks(text) if "```" in text or "~~~" in text else []
    return _objects(text) or (_objects(blocks[0][1]) if len(blocks) == 1 else [])


def _objects(text: str) -> list[Any]:
    found: list[Any] = []
    at = 0
    while text[at : at + 1] == "{":
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return []
        found.append(value)
        between = _BETWEEN.match(text, at)
        at = between.end() if between else at
    return found if at == len(text) and len(found) > 1 else []


def value_of(candidate: str, end: End = "meant") -> Any:
    """The JSON value of a text that is nothing else, mended if it has to be; `ValueError` if it cannot be."""
    try:
        return loose_json.loads(candidate, keeps_digits=True)
    except ValueError as wrong:
        try:
            return mended(candidate, end=end)
        except ValueError:
            raise wrong from None  # the place where it is no JSON helps more than the place where mending gave up


def _parts(answer: str, end: End) -> Iterator[tuple[str, End]]:
    """The texts that may be the JSON, each with what is to be thought of an end that comes too early."""
    text = without_thoughts(answer).strip(_INVISIBLE)
    if text[:1] and text[:1] in _BRACKETS:
        yield text, end
    inside = _around_inner_fences(text)
    if inside:
        yield inside, end
    yield from ((half, end) for half in _half(text))
    # With fences in it, a string seems to end where the first of them ends the block.
    yield from ((each, "doubtful" if inside else end) for each in candidates(answer))
    if _ONLY_PAIRS.match(text):
        yield "{" + text, end
    yield from ((wide, end) for wide in _with_wide_brackets(text))
    if _ENTITIES.search(text):
        yield from ((each, end) for each in candidates(html.unescape(text)))


def _around_inner_fences(text: str) -> str:
    """What the outermost fences hold, where a string inside of it may have fences of its own."""
    fences = list(_FENCE.finditer(text))
    if len(fences) < 3:
        return ""
    inside = text[text.find("\n", fences[0].end()) + 1 : fences[-1].start()].strip()
    return inside if inside[:1] in ("{", "[") else ""


def _half(text: str) -> Iterator[str]:
    """What stands behind the last whole object and was never closed."""
    if text[:1] in ("{", "["):
        return  # that is the first candidate anyway
    for minds_quotes in (True, False) if '"' in text else (False,):
        closed = (end for _, end, _ in regions(text, minds_quotes=minds_quotes))
        found = _BEGINNING.search(text, max(closed, default=0))
        if found is not None:
            fence = text.rfind("\n```", found.start())
            yield text[found.start() : fence if fence > 0 else len(text)]


def _with_wide_brackets(text: str) -> Iterator[str]:
    """What follows the first bracket, also a Chinese one, that may begin an answer."""
    for form in (_LIST, _OBJECT):
        found = form.search(text)
        if found is not None and found.start() > 0:
            yield text[found.start() :]

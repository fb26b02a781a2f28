"""JSON as models write it: with single quotes, Python's words, trailing commas, comments and names without quotes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

DEEPEST = 200  # brackets in brackets; no answer is so deep, and Python's own stack is not much deeper

_SKIPPED = re.compile(r"(?:\s+|//[^\n]*|#[^\n]*|/\*.*?\*/)+", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_$][\w$-]*")
_NUMBER = re.compile(r"[+-]?(?:\d[\d_]*)(?:\.\d*)?(?:[eE][+-]?\d+)?|[+-]?\.\d+")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"' + r"|'[^'\\]*(?:\\.[^'\\]*)*'", re.DOTALL)
WORDS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_ESCAPE = re.compile(r"\\(?:u([\da-fA-F]{4})|x([\da-fA-F]{2})|U(000[\da-fA-F]{5}|0010[\da-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "\n": ""}
_WIDE = str.maketrans("０１２３４５６７８９．－＋", "0123456789.-+")
_CLOSING = {"{": "}", "[": "]", "(": ")"}


class WrittenInt(int):
    """A whole number that remembers its digits: a postcode `01234` is no 1234 where text is wanted."""

    written: str


class WrittenFloat(float):
    """A number that remembers its digits: version `1.10` is not `1.1` where text is wanted."""

    written: str


def loads(text: str, *, keeps_digits: bool = False) -> Any:  # Any: a JSON value
    """The value of a text that is JSON, or nearly so; `ValueError` with the place where it is not.

    With `keeps_digits`, numbers remember how they were written.
    """
    number = written_number if keeps_digits else plain_number
    try:
        return json.loads(text, strict=False, parse_float=number)
    except RecursionError:
        raise ValueError("too many brackets in one another") from None
    except ValueError as wrong:
        try:
            value, end = _Reader(text, number).value(0, 0)
        except (ValueError, RecursionError):
            raise wrong from None
        if _skip(text, end) < len(text) or not isinstance(value, dict | list):
            raise
        return value


class _Reader:
    """One pass over a text, value by value; every step goes forward, so the time is linear."""

    def __init__(self, text: str, number: Callable[[str], int | float]) -> None:
        self._text = text
        self._number = number

    def value(self, at: int, depth: int) -> tuple[Any, int]:
        """The value that begins here, and where it ends."""
        at = _skip(self._text, at)
        first = self._text[at : at + 1]
        if first in _CLOSING and first:
            if depth >= DEEPEST:
                raise ValueError("too many brackets in one another")
            return self._object(at + 1, depth) if first == "{" else self._list(at + 1, depth, closing=_CLOSING[first])
        if first in ("'", '"') and (string := _STRING.match(self._text, at)):
            return unquoted(string.group()[1:-1]), string.end()
        if number := _NUMBER.match(self._text, at):
            return self._number(number.group()), number.end()
        if (word := _NAME.match(self._text, at)) and word.group() in WORDS:
            return WORDS[word.group()], word.end()
        raise ValueError(f"no value at character {at}")

    def _object(self, at: int, depth: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        while True:
            at = _skip(self._text, at)
            if self._text[at : at + 1] == "}":
                return found, at + 1
            if name := _NAME.match(self._text, at):
                key, at = name.group(), name.end()
            else:
                value, at = self.value(at, depth + 1)
                key = value if isinstance(value, str) else json.dumps(value)
            at = self._expect(":", at)
            found[key], at = self.value(at, depth + 1)
            at = self._comma(at, closing="}")

    def _list(self, at: int, depth: int, *, closing: str) -> tuple[list[Any], int]:
        found: list[Any] = []
        while True:
            at = _skip(self._text, at)
            if self._text[at : at + 1] == closing:
                return found, at + 1
            value, at = self.value(at, depth + 1)
            found.append(value)
            at = self._comma(at, closing=closing)

    def _comma(self, at: int, *, closing: str) -> int:
        at = _skip(self._text, at)
        return at if self._text[at : at + 1] == closing else self._expect(",", at)

    def _expect(self, mark: str, at: int) -> int:
        at = _skip(self._text, at)
        if self._text[at : at + 1] != mark:
            raise ValueError(f"no {mark!r} at character {at}")
        return at + 1


def _skip(text: str, at: int) -> int:
    blank = _SKIPPED.match(text, at)
    return blank.end() if blank else at


def unquoted(literal: str) -> str:
    """What stands between the quotes of a string, which are no part of `literal`."""
    if "\\" not in literal:
        return literal
    text = _ESCAPE.sub(_unescaped, literal)
    # Characters beyond the first plane are written as two; alone, half of one cannot be sent anywhere.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if not text.isascii() else text


def _unescaped(escape: re.Match[str]) -> str:
    code = escape[1] or escape[2] or escape[3]
    return chr(int(code, 16)) if code else _ESCAPED.get(escape[4], escape[4])


def plain_number(literal: str) -> int | float:
    """The number that the digits stand for."""
    plain = literal.replace("_", "").translate(_WIDE)
    return int(plain) if plain.lstrip("+-").isdigit() else float(plain)


def written_number(literal: str) -> int | float:
    """The same; it keeps the digits where they say more than the number does."""
    number = plain_number(literal)
    if repr(number) == literal:
        return number
    kept = WrittenInt(number) if isinstance(number, int) else WrittenFloat(number)
    kept.written = literal.translate(_WIDE)
    return kept

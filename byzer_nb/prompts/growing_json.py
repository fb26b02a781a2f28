"""JSON that is read while it is being written: after every piece of text there is a value, and it only ever grows."""

from __future__ import annotations

import re
from typing import Any, Final

from byzer_nb.prompts.loose_json import plain_number
from byzer_nb.prompts.mended_json import NOTHING

ANY_VALUE: Final = '{["-0123456789tfnNI'

_BLANK = re.compile(r"(?:[\s\ufeff]+|//[^\n]*\n|#[^\n]*\n|/\*.*?\*/)+", re.DOTALL)
_COMMENT_BEGUN = re.compile(r"/\Z|(?:#|//)[^\n]*\Z|/\*", re.DOTALL)
_TOKEN = re.compile(r"[\w.+-]+")
_TEXT = {'"': re.compile(r'[^"\\]+'), "'": re.compile(r"[^'\\]+"), "”": re.compile(r"[^”\\]+")}
_QUOTES = {'"': '"', "'": "'", "“": "”"}
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_WORDS = {
    "true": True, "false": False, "null": None, "True": True, "False": False, "None": None,
    "NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf"),
}  # fmt: skip
_THINKING, _THOUGHT = "<think>", "</think>"


class GrowingJson:
    """One JSON value out of pieces of text, with words before and after it.

    `begins` has the characters with which the value may begin. Reading a piece takes time in proportion to the piece;
    a look at the value copies the objects and lists that are still open, and what is closed in them is shared.
    """

    def __init__(self, *, begins: str = ANY_VALUE) -> None:
        self.is_whole = False
        self.is_broken = False  # it is no JSON from here on; the value stays as it was
        self._begins = begins
        self._rest = ""  # what only makes sense together with the next piece
        self._root: Any = NOTHING
        self._open: list[tuple[Any, str]] = []  # objects and lists, each with its key in the one around it
        self._key: str | None = None  # the key of the value that comes next
        self._quote = ""  # what ends the string that is open
        self._is_key = False
        self._text: list[str] = []
        self._token: list[str] = []
        self._needs_comma = False
        self._is_thinking = False
        self._only_blank = True  # so far nothing but blanks has come, so that a scalar can be the whole

    @property
    def value(self) -> Any:  # Any: a JSON value
        """The value so far; None before it begins. Numbers and words such as `true` count once they are whole."""
        inner = NOTHING
        for container, key in reversed(self.growing):
            copy = container if not isinstance(container, dict | list) else container.copy()
            if isinstance(copy, dict) and key is not None and inner is not NOTHING:
                copy[key] = inner
            elif isinstance(copy, list) and inner is not NOTHING:
                copy.append(inner)
            inner = copy
        if inner is NOTHING:
            inner = self._root
        return None if inner is NOTHING else inner

    @property
    def growing(self) -> list[tuple[Any, str | None]]:
        """What is open, from the outside in, with the key under which the next stands if this is an object.

        These are the objects and lists that are read into, which have only what is whole, and at the end perhaps the
        string that has begun.
        """
        keys = [*(key for _, key in self._open), self._key][1:]  # each is kept with the value that stands under it
        found: list[tuple[Any, str | None]] = [(each, key) for (each, _), key in zip(self._open, keys, strict=False)]
        if self._quote and not self._is_key:
            found.append((self._string_so_far(), None))
        return found

    def feed(self, piece: str) -> None:
        """Take the next piece of text."""
        text, self._rest = self._rest + piece, ""
        at = 0
        while at < len(text) and not self.is_broken:
            done = self._step(text, at)
            if done == at:
                self._rest = text[at:]
                break
            at = done

    def end(self) -> Any:
        """The value, now that nothing comes any more."""
        if self._token:
            self._finish_token()
        return self.value

    # -- steps: each gives the place up to which it has read, or the same place if it needs more text ----------------

    def _step(self, text: str, at: int) -> int:
        if self._quote:
            return self._in_string(text, at)
        if self._token:
            return self._in_token(text, at)
        if not self._open:
            return self._outside(text, at)
        if blank := _BLANK.match(text, at):
            return blank.end()
        if _COMMENT_BEGUN.match(text, at):
            return at
        return self._inside(text, at)

    def _outside(self, text: str, at: int) -> int:
        if self._is_thinking:
            end = text.find(_THOUGHT, at)
            self._is_thinking = end < 0
            return end + len(_THOUGHT) if end >= 0 else max(at, len(text) - len(_THOUGHT) + 1)
        if text.startswith(_THINKING, at):
            self._is_thinking = True
            return at + len(_THINKING)
        if text[at] == "<" and _THINKING.startswith(text[at:]):
            return at
        if text.startswith(_THOUGHT, at):  # the template of the model had opened it: all so far was thought
            self._restart()
            return at + len(_THOUGHT)
        if text[at] == "<" and _THOUGHT.startswith(text[at:]):
            return at
        sign = text[at]
        if sign.isspace() or sign == "\ufeff":
            return at + 1
        is_open = self._root is NOTHING or not isinstance(self._root, dict | list)
        if sign in self._begins and is_open and (sign in "{[" or self._only_blank):
            self._root, self.is_whole = NOTHING, False
            self._only_blank = False
            return self._begin(text, at)
        self._only_blank = False
        return at + 1

    def _inside(self, text: str, at: int) -> int:
        sign = text[at]
        container = self._open[-1][0]
        is_object = isinstance(container, dict)
        if sign in "}]" and self._key is None and (sign == "}") == is_object:
            self._close()
        elif sign in ",，" and self._needs_comma:
            self._needs_comma = False
        elif sign in ":：" and is_object and self._is_key and self._key is not None:
            self._is_key = False
        elif is_object and self._key is None and not self._needs_comma:
            return self._begin_key(text, at)
        elif not self._needs_comma and not self._is_key:
            return self._begin(text, at)
        else:
            return self._give_up(at)
        return at + 1

    def _begin_key(self, text: str, at: int) -> int:
        if text[at] in _QUOTES:
            self._quote, self._is_key, self._text = _QUOTES[text[at]], True, []
            return at + 1
        word = _TOKEN.match(text, at)
        if word is None:
            return self._give_up(at)
        if word.end() == len(text):
            return at
        self._key, self._is_key = word.group(), True
        return word.end()

    def _begin(self, text: str, at: int) -> int:
        sign = text[at]
        if sign in "{[":
            self._open.append(({} if sign == "{" else [], self._key or ""))
            self._key = None
            self._needs_comma = False
        elif sign in _QUOTES:
            self._quote, self._text = _QUOTES[sign], []
        else:
            return self._in_token(text, at) if _TOKEN.match(sign) else self._give_up(at)
        return at + 1

    def _in_token(self, text: str, at: int) -> int:
        more = _TOKEN.match(text, at)
        if more is not None:
            self._token.append(more.group())
            return more.end()
        self._finish_token()
        return at if self.is_broken else self._step(text, at)

    def _finish_token(self) -> None:
        word, self._token = "".join(self._token), []
        try:
            value = _WORDS[word] if word in _WORDS else plain_number(word)
        except ValueError:
            self._give_up(0)
        else:
            self._put(value)

    def _in_string(self, text: str, at: int) -> int:
        if more := _TEXT[self._quote].match(text, at):
            self._text.append(more.group())
            return more.end()
        if text[at] == self._quote:
            self._finish_string()
            return at + 1
        escape = text[at + 1 : at + 2]
        if not escape:
            return at
        if escape != "u":
            self._text.append(_ESCAPED.get(escape, escape))
            return at + 2
        return self._unicode_escape(text, at)

    def _unicode_escape(self, text: str, at: int) -> int:
        digits = text[at + 2 : at + 6]
        if len(digits) < 4:
            return at
        code = _code(digits)
        if code is None:
            return self._give_up(at)
        follows = text[at + 6 : at + 12]
        if 0xD800 <= code < 0xDC00 and (not follows or (len(follows) < 6 and "\\u".startswith(follows[:2]))):
            return at  # half a character; the other half may come
        low = _code(follows[2:]) if follows.startswith("\\u") else None
        if 0xD800 <= code < 0xDC00 and low is not None and 0xDC00 <= low < 0xE000:
            self._text.append(chr(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)))
            return at + 12
        self._text.append(chr(code))
        return at + 6

    # -- what a step ends with ----------------------------------------------------------------------------------------

    def _string_so_far(self) -> str:
        self._text = ["".join(self._text)]
        return self._text[0]

    def _finish_string(self) -> None:
        text, self._text, self._quote = self._string_so_far(), [], ""
        if self._is_key:
            self._key = text
        else:
            self._put(text)

    def _put(self, value: Any) -> None:
        if not self._open:
            self._root, self.is_whole = value, True
            return
        container = self._open[-1][0]
        if isinstance(container, dict):
            container[self._key] = value
            self._key = None
        else:
            container.append(value)
        self._needs_comma = True

    def _close(self) -> None:
        container, key = self._open.pop()
        self._key = key if self._open and isinstance(self._open[-1][0], dict) else None
        self._put(container)

    def _give_up(self, at: int) -> int:
        """What seemed to be JSON is none: prose with a bracket in it if nothing was in the bracket yet."""
        if len(self._open) <= 1 and (not self._open or not self._open[0][0]):
            self._restart()
            return at + 1
        self.is_broken = True
        return at

    def _restart(self) -> None:
        self._root, self.is_whole = NOTHING, False
        self._open, self._key, self._quote, self._is_key = [], None, "", False
        self._text, self._token, self._needs_comma = [], [], False


def _code(digits: str) -> int | None:
    try:
        return int(digits, 16) if len(digits) == 4 else None
    except ValueError:
        return None

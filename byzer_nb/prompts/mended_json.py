"""JSON that is broken, read as its writer meant it: cut off, quotes in quotes, commas and brackets missing or Chinese.

What can be read in more than one way, or was left out with an ellipsis, is an error and no guess.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal, TypeAlias

from byzer_nb.prompts.loose_json import DEEPEST, WORDS, unquoted, written_number

End: TypeAlias = Literal["meant", "cut", "doubtful"]

NOTHING: Final = object()  # stands for a value that never came
LONGEST_WORDS = 200  # of text without quotes

_OPENING = {**dict.fromkeys("{｛", "}"), **dict.fromkeys("[［【(", "]")}
_CLOSING = {**dict.fromkeys("}｝", "}"), **dict.fromkeys("]］】)", "]")}
_PARTNERS = {
    **dict.fromkeys('"＂', '"＂'),
    **dict.fromkeys("“”", '”“"'),
    "'": "'",
    **dict.fromkeys("‘’", "’‘'"),
    "「": "」",
    "`": "`",
}
_SKIPPED = re.compile(r"(?:\s+|//[^\n]*|#[^\n]*|/\*.*?\*/)+", re.DOTALL)
_BETWEEN = re.compile(r"(?:[\s,，、;；]+|//[^\n]*|#[^\n]*|/\*.*?\*/)+", re.DOTALL)
_AFTER_THE_END = re.compile(r"[\s,;；。.)\]}｝］】]*")
_STRUCTURE = re.compile(r"[{}\[\]｛｝\"“]")

_QUOTED_KEY = r"""(?:["“”＂](?:[^"“”＂\\\n]|\\.){0,200}["“”＂]|['‘’`「](?:[^'‘’`」\\\n]|\\.){0,200}['‘’`」])\s*+[:：]"""
_HALF_QUOTED_KEY = r"""(?:["“'‘][\w$][\w$ \-]{0,80}|[\w$][\w$ \-]{0,80}["”'’])\s*+[:：]"""
_BARE_KEY = r"[\w$](?:[\w$ .\-]{0,80}[\w$])?\s*+[:：]"
_KEY = re.compile(f"(?P<quoted>{_QUOTED_KEY})|(?P<half>{_HALF_QUOTED_KEY})|(?P<bare>{_BARE_KEY})")
_NEXT_KEY = re.compile(f"{_QUOTED_KEY}|{_HALF_QUOTED_KEY}")
_CUT_KEY = re.compile(r"""["“'‘＂]?[^"“”＂'‘’:：{}\[\],，\n]{0,200}["”'’＂]?\s*\Z""")
_WORDS_OF_TEXT = re.compile(r'[^\n,，、{}\[\]｛｝［］【】"“”]{1,400}')
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?=\s*(?:[,}｝\n]|\Z))")
_NUMBER = re.compile(r"[+\-－＋]?(?:\d[\d_]*(?:[.．]\d*)?|[.．]\d+)(?:[eE][+-]?\d+)?")
_COMMENT = re.compile(r"\s+(?://|#).*")
_CUT_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*(\\(?:u[\da-fA-F]{0,3})?)\Z")
_JOINED = re.compile(r"""\s*\+\s*(?=["'])""")

# What follows a quote that ends a string; any other quote stands inside of it.
_END = r"""[}\]｝］】)]|\Z|//|\#|/\*|\+\s*+["']"""
_END_IN_OBJECT = re.compile(
    rf"""\s*+(?:{_END}|{_QUOTED_KEY}"""
    rf"""|[,，、;；]\s*+(?:[}}\]｝］】,]|\Z|//|\#|/\*|\.\.\.|…|{_QUOTED_KEY}|{_HALF_QUOTED_KEY}|{_BARE_KEY}"""
    r"""|["“'‘＂]?[^"“”＂'‘’\n]*\Z))"""
)
_END_IN_LIST = re.compile(
    rf"""\s*+(?:{_END}|(?<=\n)["“'{{\[]"""
    r"""|(?:[,，、;；]\s*+)(?:["“'‘＂`\d{\[｛［\]］}\-]|(?:true|false|null|None|True|False)\b|\Z|//|\#|/\*|\.\.\.|…))"""
)
_DOUBTFUL = re.compile(r"""\s*+(?:[:：]|[,，]\s*+["“])""")


def mended(text: str, *, end: End = "meant") -> Any:  # Any: a JSON value
    """The object or list that the text was meant to be; `ValueError` says where no meaning was found.

    A string or a number at the very end of a text that ends too early is a value if it was `meant` so, none if it was
    `cut`, and an error if it is `doubtful`.
    """
    return _Mender(text, end=end).root()


class _Mender:
    """One pass over a text. Each step goes forward and looks ahead by a bounded length, so the time is linear."""

    def __init__(self, text: str, *, end: End) -> None:
        self._text = text = text.replace("\u200b", "").replace("\ufeff", "")  # nobody sees them, nor means them
        self._end = end
        self._open: list[str] = []  # the closing brackets that are still to come
        self._last_mark = max(map(text.rfind, '{}[]｛｝"“'))  # behind it there are words only

    def root(self) -> Any:
        at = self._skip(0)
        if at >= len(self._text) or self._text[at] not in "{｛[［【":
            raise ValueError("it begins with no bracket")
        value, at = self._container(at)
        after = _AFTER_THE_END.match(self._text, at)
        if _STRUCTURE.search(self._text, after.end() if after else at):
            raise ValueError(f"there is more after its end at character {at}")
        return value

    def _container(self, at: int) -> tuple[Any, int]:
        if len(self._open) >= DEEPEST:
            raise ValueError("too many brackets in one another")
        kind = _OPENING[self._text[at]]
        self._open.append(kind)
        found: tuple[Any, int] = self._object(at + 1) if kind == "}" else self._list(at + 1)
        self._open.pop()
        return found

    def _object(self, at: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        while True:
            begun, at = at, self._skip(at, _BETWEEN)
            closed, at = self._closing(at, "}")
            if closed:
                return found, at
            key = _KEY.match(self._text, at)
            if key is None or (key["bare"] and found and "\n\n" in self._text[begun:at]):
                if _CUT_KEY.match(self._text, at) or (found and self._is_prose(at)):
                    return found, len(self._text)
                raise ValueError(f"no key at character {at}")
            value, at = self._value(key.end(), in_object=True)
            if value is not NOTHING:
                found[_name(key)] = value

    def _list(self, at: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        while True:
            begun, at = at, self._skip(at, _BETWEEN)
            closed, at = self._closing(at, "]")
            if closed:
                return found, at
            if found and begun == at and self._text[at] not in _OPENING:
                raise ValueError(f"no comma at character {at}")
            try:
                value, at = self._value(at, in_object=False)
            except ValueError:
                if found and self._is_prose(at):
                    return found, len(self._text)
                raise
            if value is not NOTHING:
                found.append(value)

    def _closing(self, at: int, kind: str) -> tuple[bool, int]:
        """Whether this object or list ends here, and where the text goes on."""
        if at >= len(self._text):
            return True, at
        bracket = _CLOSING.get(self._text[at])
        if bracket is None:
            return False, at
        if bracket == kind:
            return True, at + 1
        if bracket in self._open:
            return True, at  # its own bracket was forgotten; this one belongs to what is around it
        raise ValueError(f"a closing bracket at character {at} that nothing opened")

    def _value(self, at: int, *, in_object: bool) -> tuple[Any, int]:
        at = self._skip(at)
        first = self._text[at : at + 1]
        if not first or first in ",，" or first in _CLOSING:
            return NOTHING, at
        if first in _OPENING:
            return self._container(at)
        if first in _PARTNERS:
            return self._strings(at, in_object=in_object)
        return self._bare(at, in_object=in_object)

    # -- strings --------------------------------------------------------------------------------------------------

    def _strings(self, at: int, *, in_object: bool) -> tuple[Any, int]:
        """A string, or several joined with `+`."""
        value, at = self._string(at, in_object=in_object)
        while value is not NOTHING and (joint := _JOINED.match(self._text, at)):
            more, at = self._string(joint.end(), in_object=in_object)
            value = value if more is NOTHING else value + more
        return value, at

    def _string(self, at: int, *, in_object: bool) -> tuple[Any, int]:
        opened = self._text[at]
        if opened == '"' and self._text.startswith('"""', at):
            end = self._text.find('"""', at + 3)
            return (unquoted(self._text[at + 3 : end]), end + 3) if end >= 0 else self._cut_string(at + 3)
        ends = _END_IN_OBJECT if in_object else _END_IN_LIST
        partners = _PARTNERS[opened]
        strange = -1  # where a quote of another kind could have been the end
        inner = 0  # quotes inside of it
        for mark in _QUOTE_OR_ESCAPE.finditer(self._text, at + 1):
            sign, here = mark.group(), mark.start()
            if sign[0] == "\\":
                continue
            if sign in partners:
                if self._ends_at(here, ends):
                    return unquoted(self._text[at + 1 : here]), here + 1
                if strange >= 0:
                    return unquoted(self._text[at + 1 : strange]), strange + 1
                if in_object and not inner and (forgotten := self._end_before_key(here)) > at:
                    return unquoted(self._text[at + 1 : forgotten].rstrip()), forgotten
                inner += 1
                opens = inner % 2 == 1 and sign not in "'‘’" and not self._text[here - 1].isdigit()
                if (opens and self._text[here + 1].isspace()) or (in_object and _DOUBTFUL.match(self._text, here + 1)):
                    raise ValueError(f"a quote at character {here} that may or may not end its string")
            elif strange < 0 and opened in '"＂' and sign in "”“" and self._ends_at(here, ends):
                strange = here
        return self._cut_string(at + 1)

    def _ends_at(self, quote: int, ends: re.Pattern[str]) -> bool:
        found = ends.match(self._text, quote + 1)
        # A closing bracket ends the string only if there is one to be closed.
        return found is not None and _CLOSING.get(found.group()[-1:], self._open[-1]) in self._open

    def _end_before_key(self, quote: int) -> int:
        """Where a string ends whose own quote is missing, if this one begins the next key; else -1."""
        before = quote - 1
        while before > 0 and self._text[before].isspace():
            before -= 1
        if self._text[before] in ",，" and _NEXT_KEY.match(self._text, quote):
            return before
        return -1

    def _cut_string(self, at: int) -> tuple[Any, int]:
        """What there is of a string whose end is missing."""
        rest = self._text[at:]
        content = rest.rstrip("}] \t\r\n｝］")
        closing = "".join(rest[len(content) :].split())
        if closing and closing == "".join(reversed(self._open)):  # no more than the quote was forgotten
            return unquoted(content), at + len(content)
        if self._end == "doubtful":
            raise ValueError("a string without an end")
        if self._end == "cut":
            return NOTHING, len(self._text)
        if half := _CUT_ESCAPE.search(rest):
            rest = rest[: half.start(1)]
        return unquoted(rest), len(self._text)

    # -- what stands without quotes -------------------------------------------------------------------------------

    def _bare(self, at: int, *, in_object: bool) -> tuple[Any, int]:
        """A number, a word such as `true`, or in an object also text without quotes."""
        if in_object and (thousands := _THOUSANDS.match(self._text, at)):
            return written_number(thousands.group().replace(",", "")), thousands.end()
        found = _WORDS_OF_TEXT.match(self._text, at)
        text = _COMMENT.sub("", found.group()).strip() if found else ""
        if not found or not text or len(text) > LONGEST_WORDS or "..." in text or text[0] in "<…":
            raise ValueError(f"no value at character {at}")
        if found.end() == len(self._text) and (self._end == "cut" or _is_half(text)):
            return NOTHING, found.end()
        if text.casefold() in _WORDS:
            return _WORDS[text.casefold()], found.end()
        if _NUMBER.fullmatch(text):
            return written_number(text), found.end()
        if not in_object:
            raise ValueError(f"no value at character {at}")
        return text, found.end()

    def _is_prose(self, at: int) -> bool:
        """Whether nothing but words comes any more."""
        return at > self._last_mark

    def _skip(self, at: int, what: re.Pattern[str] = _SKIPPED) -> int:
        blank = what.match(self._text, at)
        return blank.end() if blank else at


_QUOTE_OR_ESCAPE = re.compile(r"""\\.|["＂“”'‘’「」`]""", re.DOTALL)
_WORDS = {
    **{word.casefold(): value for word, value in WORDS.items()},
    "undefined": None,
    "nan": float("nan"),
    "infinity": float("inf"),
    "-infinity": float("-inf"),
}


def _name(key: re.Match[str]) -> str:
    text = key.group().rstrip(":： \t\r\n")
    if key["quoted"]:
        return unquoted(text[1:-1])
    return text.strip("\"“”＂'‘’").strip()


def _is_half(text: str) -> bool:
    """Whether the text is the beginning of a number or of a word that has a meaning."""
    word = text.casefold()
    return (
        word[-1] in "+-.．e"
        if word[0] in "+-.0123456789"
        else any(each.startswith(word) and each != word for each in _WORDS)
    )

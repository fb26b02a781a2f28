"""The items of a list, each as soon as it is whole; the good ones are kept though others are broken."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from byzer_nb.errors import AnswerError
from byzer_nb.prompts.answer_text import shortened
from byzer_nb.prompts.checker import one_of
from byzer_nb.prompts.mended_json import End
from byzer_nb.prompts.readings import readings, value_of

T = TypeVar("T")
State: TypeAlias = Literal["words", "thoughts", "wrapper", "between", "item", "over"]

_MARKS = re.compile(r"""\\.?|["'{}\[\],:]|<think>|</think>""", re.DOTALL)
_HALF_MARK = re.compile(r"(?:<[/think]*|\\)\Z")
_CLOSING = {"{": "}", "[": "]"}


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokenItem:
    """An item that is no value of the type: its place in the list, why, and what was written."""

    index: int
    reason: str
    text: str


class ItemReader(Generic[T]):
    """Reads a list of one type of item while it streams, for example `ItemReader(Person)`.

    The list may stand under a key, as in `{"value": […]}`, or be no list at all but one object after another.
    `items` are the good ones and `broken` the others. Each character is looked at once, and each item read once.
    """

    def __init__(self, item: type[T]) -> None:
        self.items: list[T] = []
        self.broken: list[BrokenItem] = []
        self._checker = one_of(item)
        self._splitter = _Splitter(self._checker.names_field, has_fields=self._checker.has_fields)
        self._pieces: list[str] = []

    def feed(self, piece: str) -> list[T]:
        """Take the next piece of the answer; the good items that became whole with it."""
        self._pieces.append(piece)
        return [item for text in self._splitter.feed(piece) for item in self._read(f"[{text}]", text)]

    def end(self, *, was_cut: bool = False) -> list[T]:
        """The good items that only the end makes whole; `AnswerError` if there never was a list.

        `was_cut` says that the answer is known to end too early, so that its last item may lack something.
        """
        rest = self._splitter.rest()
        if rest.strip():
            return list(self._read(f"[{rest.strip()}", rest, "cut" if was_cut else "meant"))
        if self.items or self.broken or self._splitter.has_begun:
            return []
        answer = "".join(self._pieces)
        value = next(readings(answer, was_cut=was_cut))
        if isinstance(value, dict) and len(value) == 1:
            value = next(iter(value.values()))
        if not isinstance(value, list):
            raise AnswerError(
                f"The answer is no list: {shortened(answer)!r}", answer=answer, problems=("it is no list",)
            )
        return [item for each in value for item in self._check(each, str(each))]

    def _read(self, as_list: str, text: str, end: End = "meant") -> Iterator[T]:
        try:
            [value] = value_of(as_list, end)
        except ValueError as wrong:
            self._report(f"no JSON ({wrong})", text)
        else:
            yield from self._check(value, text)

    def _check(self, value: Any, text: str) -> Iterator[T]:
        try:
            item: T = self._checker.check(value, text)
        except AnswerError as wrong:
            self._report("; ".join(wrong.problems) or wrong.message, text)
        else:
            self.items.append(item)
            yield item

    def _report(self, reason: str, text: str) -> None:
        index = len(self.items) + len(self.broken)
        self.broken.append(BrokenItem(index=index, reason=reason, text=shortened(text.strip())))


def items_in(answer: str, item: type[T], *, was_cut: bool = False) -> ItemReader[T]:
    """The items of a whole answer, good and broken."""
    reader = ItemReader(item)
    reader.feed(answer)
    reader.end(was_cut=was_cut)
    return reader


class _Splitter:
    """Cuts the text of a list into the texts of its items."""

    def __init__(self, names_field: Callable[[str], bool], *, has_fields: bool) -> None:
        self.has_begun = False
        self._has_items = False
        self._has_fields = has_fields
        self._names_field = names_field
        self._state: State = "words"
        self._rest = ""
        self._open: list[str] = []  # the closing brackets that are still to come, within the item or the wrapper
        self._quote = ""  # what ends the string that is open
        self._sign = ""  # the last character that was no blank
        self._item: list[str] = []
        self._last = ""  # what stood last directly in the wrapper
        self._key = ""  # and before the last colon

    def feed(self, piece: str) -> Iterator[str]:
        """The texts of the items that this piece ends."""
        text = self._rest + piece
        half = _HALF_MARK.search(text)
        stop = half.start() if half else len(text)
        self._rest = text[stop:]
        at = 0
        for mark in _MARKS.finditer(text, 0, stop):
            self._gap(text[at : mark.start()])
            yield from self._mark(mark.group())
            at = mark.end()
        self._gap(text[at:stop])

    def rest(self) -> str:
        """The text of an item that was begun and not finished."""
        return "".join(self._item) + self._rest if self._state in ("item", "wrapper") else ""

    def _gap(self, gap: str) -> None:
        if self._state == "between" and gap.strip():
            if self._has_fields and not self._has_items:  # a footnote, [1], and not the list
                self._state, self.has_begun = "words", False
                return
            self._begin_item()
        if self._state in ("item", "wrapper"):
            self._item.append(gap)
            if not gap.isspace():
                self._last = gap.strip() or self._last
                self._sign = self._last[-1:]

    def _mark(self, mark: str) -> Iterator[str]:
        if mark in ("<think>", "</think>") and self._state in ("words", "thoughts"):
            self._state = "thoughts" if mark == "<think>" else "words"
        elif self._state == "words" and mark in ("{", "["):
            self._begin(mark)
        elif self._state == "between":
            yield from self._mark_between(mark)
        elif self._state in ("item", "wrapper"):
            yield from self._mark_inside(mark)

    def _begin(self, bracket: str) -> None:
        self._quote = self._key = self._last = ""
        if bracket == "{":
            self._state, self._item, self._open, self._sign = "wrapper", ["{"], ["}"], "{"
        else:
            self._state, self._item, self._open, self.has_begun = "between", [], [], True

    def _begin_item(self) -> None:
        self._state, self._item, self._open, self._has_items = "item", [], [], True
        self._quote, self._sign = "", ","

    def _mark_between(self, mark: str) -> Iterator[str]:
        if mark == "]":
            self._state = "over"
        elif mark != ",":
            self._begin_item()
            yield from self._mark_inside(mark)

    def _mark_inside(self, mark: str) -> Iterator[str]:
        before, self._sign = self._sign, mark
        if self._quote:
            self._quote = "" if mark == self._quote else self._quote
        elif mark == '"' or (mark == "'" and before in "{[,:"):  # elsewhere it is an apostrophe
            self._quote = mark
        elif mark in _CLOSING:
            if self._state == "wrapper" and mark == "[" and len(self._open) == 1 and not self._names_field(self._key):
                self._begin("[")
                return
            self._open.append(_CLOSING[mark])
        elif mark in ("}", "]"):
            yield from self._close(mark)
            return
        elif mark == ":" and len(self._open) == 1:
            self._key = self._last
        elif mark == "," and not self._open:
            yield self._finished("between")
            return
        self._item.append(mark)

    def _close(self, bracket: str) -> Iterator[str]:
        if bracket in self._open:
            while self._open.pop() != bracket:
                pass  # a bracket that was forgotten
            self._item.append(bracket)
            if not self._open:
                yield self._finished("words" if self._state == "wrapper" else "between")
        elif bracket == "]" and self._state == "item":
            yield self._finished("over")  # it is the list's own
        else:
            self._item.append(bracket)

    def _finished(self, state: State) -> str:
        text, self._item, self._open, self._state = "".join(self._item), [], [], state
        return text

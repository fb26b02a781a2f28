"""Values that fill in while they stream: they only grow, and end as what the whole text says."""

from __future__ import annotations

import copy
import enum
import json
import time
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, TypedDict

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, model_validator

from byzer_nb.errors import AnswerError
from byzer_nb.prompts.growing_json import GrowingJson
from byzer_nb.prompts.partial import PartialReader


class Mood(enum.Enum):
    GOOD = "good"
    GOODBYE = "goodbye"


class Page(BaseModel):
    text: str
    number: int | None = None


class Story(BaseModel):
    title: str
    day: date | None = None
    mood: Mood | None = None
    pages: list[Page] = []
    full_name: str = Field(default="", alias="fullName")

    @model_validator(mode="after")
    def never_half(self) -> Story:
        assert self.title.endswith(".")
        return self


@dataclass
class Point:
    x: int
    note: str = ""


class Movie(TypedDict):
    title: str
    year: int


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
containers = st.lists(values, max_size=4) | st.dictionaries(st.text(), values, max_size=4)


def pieces_of(text: str, borders: list[int]) -> list[str]:
    edges = [0, *sorted(border % (len(text) + 1) for border in borders), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


def grew(before: Any, after: Any) -> bool:
    """Whether the later value has all that the earlier one had; only the last thing in it may have become more."""
    if before is None:
        return True
    if isinstance(before, str):
        return isinstance(after, str) and after.startswith(before)
    if isinstance(before, list):
        same = isinstance(after, list) and before[:-1] == after[: max(0, len(before) - 1)]
        return same and (not before or grew(before[-1], after[len(before) - 1]))
    if isinstance(before, dict):
        keys = list(before)
        same = isinstance(after, dict) and keys == list(after)[: len(keys)]
        return same and all(grew(before[key], after[key]) for key in keys)
    return bool(before == after)


def growth(reader: Any, pieces: list[str]) -> list[Any]:
    """Every different value that is seen on the way."""
    seen: list[Any] = []
    for piece in pieces:
        reader.feed(piece)
        value = copy.deepcopy(reader.value)
        if not seen or seen[-1] != value:
            seen.append(value)
    return seen


# -- JSON -----------------------------------------------------------------------------------------------------------


@given(values, st.lists(st.integers(0, 1000), max_size=12), st.booleans(), st.sampled_from([None, 2]))
def test_the_last_value_is_the_whole_and_values_only_grow(
    value: Any, borders: list[int], is_ascii: bool, indent: int | None
) -> None:
    text = json.dumps(value, ensure_ascii=is_ascii, indent=indent)
    reader = GrowingJson()
    seen = growth(reader, pieces_of(text, borders))
    assert reader.end() == json.loads(text)
    assert reader.is_whole
    assert all(grew(before, after) for before, after in zip(seen, [*seen[1:], reader.value], strict=True))


@given(containers, st.lists(st.integers(0, 1000), max_size=8))
def test_words_and_thoughts_around_it_change_nothing(value: Any, borders: list[int]) -> None:
    text = f'<think>or {{"a": [1]}}?</think>Sure, {{here}} it is:\n```json\n{json.dumps(value)}\n```\nOK?'
    reader = GrowingJson()
    for piece in pieces_of(text, borders):
        reader.feed(piece)
    assert reader.end() == value


@given(st.text("{}[]\"'\\`ab:,1 \n<think>/*#tru.", max_size=60), st.lists(st.integers(0, 100), max_size=5))
def test_no_text_breaks_it_and_borders_make_no_difference(text: str, borders: list[int]) -> None:
    whole, cut = GrowingJson(), GrowingJson()
    whole.feed(text)
    for piece in pieces_of(text, borders):
        cut.feed(piece)
    assert repr(cut.end()) == repr(whole.end())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'a': 'it', 'b': True, \"c\": None,}", {"a": "it", "b": True, "c": None}),
        ('{a: 1, // one\n "b": 2 /* two */, # three\n}', {"a": 1, "b": 2}),
        ('{"a": "line\nbreak", "b": "\\_"}', {"a": "line\nbreak", "b": "_"}),
        ("{“a”：“x”，“b”：1}", {"a": "x", "b": 1}),
        ('Maybe {"a": 0}?</think>{"a": 1}', {"a": 1}),
        ('5 apples: {"a": 1}', {"a": 1}),
        ('{"a": "\\ud83d"}', {"a": "\ud83d"}),
    ],
)
def test_what_models_often_write_is_read_on_the_way(text: str, value: Any) -> None:
    reader = GrowingJson()
    for sign in text:
        reader.feed(sign)
    assert reader.end() == value


def test_what_is_no_json_stops_the_growth_and_keeps_what_there_is() -> None:
    reader = GrowingJson()
    reader.feed('{"a": 1, "b": [2, 3 4], "c": 5}')
    assert reader.is_broken
    assert reader.end() == {"a": 1, "b": [2, 3]}


@pytest.mark.parametrize(
    "unit", ['{"a":', "[", '"', "\\", "{x", "a", "1", "<", "<think>", "/*", "//", '["a",', "\\ud83d"]
)
def test_a_long_stream_takes_time_in_proportion(unit: str) -> None:
    def seconds(length: int) -> float:
        reader = GrowingJson()
        started = time.thread_time()  # a process has other threads
        for _ in range(length):
            reader.feed(unit)
        reader.end()
        return time.thread_time() - started

    assert min(seconds(20_000), seconds(20_000)) < 30 * max(seconds(2_000), seconds(2_000)) + 0.5


# -- types ----------------------------------------------------------------------------------------------------------


def test_a_class_fills_in_field_by_field() -> None:
    reader = PartialReader(Story)
    text = '{"Title": "Hi.", "day": "2020-01-02", "mood": "good", '
    text += '"pages": [{"text": "One"}, {"text": "Tw", "number": "2"}]}'
    seen = {repr(value) for value in growth(reader, list(text))}

    def shown(title: str, day: str = "None", mood: str = "None", pages: str = "None") -> str:
        return f"PartialStory(title={title}, day={day}, mood={mood}, pages={pages}, full_name=None)"

    day, mood = repr(date(2020, 1, 2)), repr(Mood.GOOD)
    first = "[Page(text='One', number=None)"
    assert seen == {
        shown("None"),
        *(shown(repr("Hi."[:end])) for end in range(4)),
        shown("'Hi.'", day),
        shown("'Hi.'", day, mood),
        shown("'Hi.'", day, mood, "[]"),
        shown("'Hi.'", day, mood, "[PartialPage(text=None, number=None)]"),
        *(shown("'Hi.'", day, mood, f"[PartialPage(text={'One'[:end]!r}, number=None)]") for end in range(4)),
        shown("'Hi.'", day, mood, f"{first}]"),
        shown("'Hi.'", day, mood, f"{first}, PartialPage(text=None, number=None)]"),
        *(shown("'Hi.'", day, mood, f"{first}, PartialPage(text={'Tw'[:end]!r}, number=None)]") for end in range(3)),
        shown("'Hi.'", day, mood, f"{first}, PartialPage(text='Tw', number=2)]"),
        shown("'Hi.'", day, mood, f"{first}, Page(text='Tw', number=2)]"),
        repr(reader.value),
    }
    story = reader.end()
    assert isinstance(story, Story)
    assert story.pages == [Page(text="One"), Page(text="Tw", number=2)]


def test_fields_that_came_can_be_told_from_those_that_did_not() -> None:
    reader = PartialReader(Story)
    reader.feed('{"title": "T", "fullName": "A. ')
    assert reader.value.model_fields_set == {"title", "full_name"}
    assert reader.value.full_name == "A. "
    assert reader.value.pages is None
    assert not isinstance(reader.value, Story)


def test_a_value_that_does_not_fit_is_none_on_the_way_and_an_error_at_the_end() -> None:
    reader = PartialReader(Page)
    reader.feed('{"text": "a", "number": "many", ')
    assert (reader.value.text, reader.value.number) == ("a", None)
    reader.feed('"x": 1}')
    assert reader.value.text == "a"
    with pytest.raises(AnswerError, match="number"):
        reader.end()


def test_the_end_reads_with_all_repairs() -> None:
    reader = PartialReader(Page)
    reader.feed('{"text": "say "hi"", "NUMBER": "1,234"')
    assert reader.end() == Page(text='say "hi"', number=1234)


@pytest.mark.parametrize(
    ("wanted", "text", "half", "whole"),
    [
        (str, "as it is", "as i", "as it is"),
        (int, "42", None, 42),
        (list[int], '{"value": [1, "2", 3]}', [1, 2], [1, 2, 3]),
        (list[int], '{"numbers": [1, "2", 3]}', [1, 2], [1, 2, 3]),
        (list[int], "[1, 2, 3]", [1, 2], [1, 2, 3]),
        (list[str], '["one", "two"]', ["one", "t"], ["one", "two"]),
        (dict[str, list[int]], '{"a": [1], "b": [2, 3]}', {"a": [1], "b": [2]}, {"a": [1], "b": [2, 3]}),
        (dict, '{"a": {"b": "cd"}}', {"a": {"b": "c"}}, {"a": {"b": "cd"}}),
        (Point, '{"x": "1", "note": "abc"}', {"x": 1, "note": "ab"}, Point(1, "abc")),
        (Movie, '{"title": "Up", "year": "2009"}', {"title": "Up"}, {"title": "Up", "year": 2009}),
        (Page | None, '{"text": "abcd"}', {"text": "abc"}, Page(text="abcd")),
        (Page | Point, '{"text": "abcd"}', {"text": "abc"}, Page(text="abcd")),
        (set[int], "[1, 2, 3]", [1, 2], {1, 2, 3}),
        (list[Page | None], '[null, {"text": "a"}]', [None], [None, Page(text="a")]),
        (Mood, '{"value": "goodbye"}', None, Mood.GOODBYE),
    ],
)
def test_every_type_has_a_partial_value(wanted: Any, text: str, half: Any, whole: Any) -> None:
    reader = PartialReader(wanted)
    halves = growth(reader, list(text))
    as_data = [value.model_dump(exclude_unset=True) if isinstance(value, BaseModel) else value for value in halves]
    assert half in as_data
    assert halves[-1] == whole or wanted in (int, set[int])
    assert reader.end() == whole


def test_a_data_frame_comes_row_by_row() -> None:
    reader = PartialReader(pd.DataFrame)
    seen = growth(reader, list('{"value": [{"a": 1}, {"a": 2}]}'))
    assert [{"a": 1}] in seen
    assert seen[-1] == [{"a": 1}, {"a": 2}]
    pd.testing.assert_frame_equal(reader.end(), pd.DataFrame({"a": [1, 2]}))


def test_looking_ten_times_a_second_at_a_long_list_costs_little() -> None:
    def seconds(count: int) -> float:
        text = json.dumps([{"text": f"page {at}", "number": at} for at in range(count)])
        reader = PartialReader(list[Page])
        started = time.perf_counter()
        for at in range(0, len(text), 100):
            reader.feed(text[at : at + 100])
            assert isinstance(reader.value, list)
        assert len(reader.value) == count
        return time.perf_counter() - started

    assert seconds(4000) < 30 * max(seconds(400), seconds(400)) + 0.5

"""The items of a list come one by one, and a broken one takes no other with it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from byzer_nb.errors import AnswerError
from byzer_nb.prompts.items import ItemReader, items_in
from tests.prompts.test_partial import containers, pieces_of


class Person(BaseModel):
    name: str
    age: int
    tags: list[str] = []


ADA, BOB = Person(name="Ada", age=36), Person(name="Bob", age=3)


def test_an_item_comes_with_the_piece_that_ends_it() -> None:
    reader = ItemReader(Person)
    assert reader.feed('Sure: {"value": [{"name": "Ada", "age": 3') == []
    assert reader.feed('6}, {"name": "Bob"') == [ADA]
    assert reader.feed(', "age": 3}') == [BOB]
    assert reader.feed("]}") == []
    assert reader.end() == []
    assert reader.items == [ADA, BOB]
    assert reader.broken == []


@pytest.mark.parametrize(
    "answer",
    [
        '[{"name": "Ada", "age": 36}, {"name": "Bob", "age": 3}]',
        '```json\n[{"name": "Ada", "age": 36},\n {"name": "Bob", "age": 3}]\n```\nAs in [1].',
        '{"value": [{"name": "Ada", "age": 36}, {"name": "Bob", "age": 3}]}',
        '{"count": 2, "people": [{"name": "Ada", "age": 36}, {"name": "Bob", "age": 3}], "more": [1]}',
        '{"name": "Ada", "age": 36}\n{"name": "Bob", "age": 3}\n',
        '<think>[{"name": "X", "age": 1}]</think>[{"name": "Ada", "age": 36}, {"name": "Bob", "age": 3}]',
        'As [1] says: [{"name": "Ada", "age": 36}, {"name": "Bob", "age": 3}]',
        "[{'name': 'Ada', 'AGE': '36 years',}, {name: \"Bob\", age: 3}",
        '[{"name": "Ada", "age": 36}, {"name": "Bob", "age": 3',
        '[{"name": "Ada", "age": 36, "tags": []} {"name": "Bob", "tags": [], "age": 3}]',
        '[{"name": "Ada", "age": 36, "tags": [}, {"name": "Bob", "age": 3}]',
        "［｛“name”：“Ada”，“age”：36｝，｛“name”：“Bob”，“age”：3｝］",
    ],
)
def test_lists_are_found_wherever_models_put_them(answer: str) -> None:
    read = items_in(answer, Person)
    assert read.items == [ADA, BOB]
    assert read.broken == []
    slow = ItemReader(Person)
    came = [item for sign in answer for item in slow.feed(sign)] + slow.end()
    assert came == slow.items == [ADA, BOB]


def test_good_items_are_kept_and_broken_ones_told_with_place_and_reason() -> None:
    read = items_in(
        '[{"name": "Ada", "age": 36}, {"name": "X"}, "Y", {"name": "Bob", "age": 3}, {"name": ?}, {"name": "Z", "a',
        Person,
    )
    assert read.items == [ADA, BOB]
    assert [each.index for each in read.broken] == [1, 2, 4, 5]
    assert [each.text for each in read.broken] == ['{"name": "X"}', '"Y"', '{"name": ?}', '{"name": "Z", "a']
    reasons = [each.reason for each in read.broken]
    assert reasons[0] == reasons[3] == "age: Field required"
    assert "Input should be a valid dictionary" in reasons[1]
    assert "age: Field required" in reasons[2]


def test_a_last_item_that_is_known_to_be_cut_is_no_item() -> None:
    answer = '[{"name": "Ada", "age": 36}, {"name": "Bob", "age": 3'
    assert items_in(answer, Person).items == [ADA, BOB]
    read = items_in(answer, Person, was_cut=True)
    assert read.items == [ADA]
    assert [each.index for each in read.broken] == [1]


@pytest.mark.parametrize(
    ("answer", "item", "items"),
    [
        ("[1, 2,3]", int, [1, 2, 3]),
        ('{"value": [1, "2", "x"', int, [1, 2]),
        ("['a', 'b]c', \"d, e\"]", str, ["a", "b]c", "d, e"]),
        ('["it\'s", "a \\"b\\""]', str, ["it's", 'a "b"']),
        ("[[1, 2], [3]]", list[int], [[1, 2], [3]]),
        ('[{"a": [1]}, {"b": {}}]', dict, [{"a": [1]}, {"b": {}}]),
        ("[]", int, []),
        ('{"people": []}', Person, []),
        ('{"name": "Ada", "age": 36}', Person, [ADA]),
    ],
)
def test_items_may_be_of_any_type(answer: str, item: Any, items: list[Any]) -> None:
    assert items_in(answer, item).items == items


@pytest.mark.parametrize("answer", ["no list", "", "<think>[1]"])
def test_an_answer_without_a_list_is_an_error(answer: str) -> None:
    with pytest.raises(AnswerError):
        items_in(answer, Person)


@given(st.lists(containers, min_size=1, max_size=5), st.lists(st.integers(0, 1000), max_size=8))
def test_any_items_come_whole_and_in_order_whatever_the_borders(wanted: list[Any], borders: list[int]) -> None:
    reader: ItemReader[Any] = ItemReader(dict | list)  # type: ignore[arg-type]  # a union is no class to mypy
    came = [item for piece in pieces_of(json.dumps(wanted), borders) for item in reader.feed(piece)]
    assert came + reader.end() == wanted
    assert reader.broken == []


@pytest.mark.parametrize("unit", ['{"name": "Ada", "age": 36}, ', "{", "[", '"', "\\", "1,", "<think>", "'", "{},"])
def test_a_long_list_takes_time_in_proportion(unit: str) -> None:
    def seconds(length: int) -> float:
        reader = ItemReader(Person)
        started = time.perf_counter()
        reader.feed("[")
        for _ in range(length):
            reader.feed(unit)
        return time.perf_counter() - started

    assert seconds(4000) < 30 * max(seconds(400), seconds(400)) + 0.5

"""Finding the JSON in what a model wrote, in all the ways in which models write it."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byzer_nb.errors import AnswerError
from byzer_nb.prompts.answer_text import SHOWN, json_in, shortened
from byzer_nb.prompts.loose_json import loads

FOUND = [
    '{"a": 1}',
    '\ufeff{"a": 1}\n',
    '```json\n{"a": 1}\n```',
    '```JSON\n{"a": 1}\n```',
    '```\n{"a": 1}\n```',
    '~~~json\n{"a": 1}\n~~~',
    '```json {"a": 1} ```',
    '```json\n{"a": 1}',  # cut off before the fence was closed
    '  ```json\n  {"a": 1}\n  ```',
    'Sure! Here it is:\n\n```json\n{"a": 1}\n```\n\nI hope {this} helps.',
    'Sure: ```json\n{"a": 1}\n```',
    'At first:\n```json\n{"a": 0}\n```\nbut better:\n```json\n{"a": 1}\n```',
    'At first:\n```\n{"a": 0}\n```\nbut better:\n```\n{"a": 1}\n```',
    '```json\n{"a": 1}\n```\nwhich one reads with\n```python\nprint({"a": 0})\n```',
    'With code:\n```python\nx = 5\n```\n```json\n{"a": 1}\n```\n```text\nbye\n```',
    'The answer is {"a": 1}.',
    'As in [1], the answer is {"a": 1} (see [2]).',
    'A 5" pipe: {"a": 1}',
    'First {"a": 0}, no: {"a": 1}',
    '\\boxed{{"a": 1}}',
    '<think>Maybe {"a": 0}?</think>{"a": 1}',
    '<think>\nMaybe\n```json\n{"a": 0}\n```\n</think>\n\n```json\n{"a": 1}\n```',
    'Maybe {"a": 0}?</think>{"a": 1}',  # the template of the model had opened it
    "{'a': 1}",
    "{a: 1}",
    '{"a": 1,}',
    '{"a": 1, // the first\n}',
    '{/* all */ "a": 1 # yes\n}',
    "Here: {'a': 1,}",
]


@pytest.mark.contract("PROMPT-15")
@pytest.mark.parametrize("answer", FOUND)
def test_the_json_is_found(answer: str) -> None:
    assert json_in(answer) == {"a": 1}


@pytest.mark.contract("PROMPT-15")
@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("[1, 2]", [1, 2]),
        ('Two: [{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
        ("{'a': True, 'b': None, \"c\": false, 'd': null}", {"a": True, "b": None, "c": False, "d": None}),
        ("{'it': 'it\\'s', 'say': \"\\\"hi\\\"\"}", {"it": "it's", "say": '"hi"'}),
        ('{"a": "line\nbreak\ttab"}', {"a": "line\nbreak\ttab"}),
        ("{'a': '\\ud83d\\ude00 \\n \\x41 \\d 中文'}", {"a": "😀 \n A d 中文"}),
        ('{"a": "{", "b": "]"}', {"a": "{", "b": "]"}),
        ('x {"a": "say \\"}\\" now"} y', {"a": 'say "}" now'}),
        ('{"a": {"b": [{"c": 1}]}}', {"a": {"b": [{"c": 1}]}}),
        ("r: {'a': (1, 2), 1: +.5, 'c': 1_000}", {"a": [1, 2], "1": 0.5, "c": 1000}),
        ('{"code": "```py\\nx = {}\\n```"}', {"code": "```py\nx = {}\n```"}),
        ("{}", {}),
        ("[]", []),
        ("42", 42),
        ("-1.5e3", -1500.0),
        ("true", True),
        ("null", None),
        ('"text"', "text"),
        ("<think>hm</think>42", 42),
        ('{"a": 1.0, "b": 12345678901234567890}', {"a": 1.0, "b": 12345678901234567890}),
    ],
)
def test_values_of_all_kinds_are_read(answer: str, value: Any) -> None:
    assert json_in(answer) == value


@pytest.mark.contract("PROMPT-15")
@pytest.mark.parametrize(
    "answer",
    [
        "no json",
        "",
        "   ",
        "5 apples",
        "see {note} and [x]",
        "{",
        '{"a": {"b": 1}, "c": ',  # half an answer; what is whole in it is not the answer
        '{"a": [1, 2}',
        'Sure: {"items": [{"a": 1}, {"a": 2}',
        '<think>{"a": 1}',
        "NaN",
        "use {} or [] here",
        "```python\nx = 5\n```",
    ],
)
def test_what_is_no_json_is_an_error_with_the_text(answer: str) -> None:
    with pytest.raises(AnswerError) as failed:
        json_in(answer)
    assert failed.value.answer == answer
    assert repr(answer) in str(failed.value)
    assert isinstance(failed.value, ValueError)


def test_a_long_answer_is_shortened_in_the_error_and_whole_in_it() -> None:
    answer = "no json " * 1000
    with pytest.raises(AnswerError) as failed:
        json_in(answer)
    assert len(str(failed.value)) < SHOWN + 200
    assert failed.value.answer == answer
    assert shortened("short") == "short"


@pytest.mark.contract("PROMPT-15")
@pytest.mark.parametrize("answer", [None, 5, {"a": 1}, b"{}"])
def test_an_answer_is_text(answer: Any) -> None:
    with pytest.raises(ValueError, match="An answer is text, not"):
        json_in(answer)


def test_the_reason_is_the_parsers_own() -> None:
    with pytest.raises(AnswerError, match=r"Expecting ',' delimiter: line 1 column 9"):
        json_in('{"a": 1 "b": 2}')


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
containers = st.lists(values, min_size=1, max_size=4) | st.dictionaries(st.text(), values, min_size=1, max_size=4)


@given(values)
def test_all_json_is_read_whole(value: Any) -> None:
    assert json_in(json.dumps(value)) == value
    assert json_in(json.dumps(value, ensure_ascii=False, indent=2)) == value


def quotes_no_thought(value: Any) -> bool:
    """Whether the value is free of marks of thinking: amid other words, what they enclose is no part of the answer."""
    return "think>" not in json.dumps(value)


@given(containers.filter(quotes_no_thought))
def test_all_json_is_found_in_a_fence(value: Any) -> None:
    assert json_in(f"Here it is:\n```json\n{json.dumps(value)}\n```\nDone.") == value


@given(st.dictionaries(st.text(min_size=1), values, min_size=1, max_size=4).filter(quotes_no_thought))
def test_objects_are_found_in_prose(value: Any) -> None:
    assert json_in(f"The answer [1] is {json.dumps(value)}, I think.") == value


@given(containers)
def test_all_python_is_read(value: Any) -> None:
    assert loads(repr(value)) == value


@given(st.text("{}[]\"'\\`ab:,1 \n<think>/*#", max_size=60))
def test_no_text_breaks_it(answer: str) -> None:
    with contextlib.suppress(AnswerError):
        json_in(answer)


@pytest.mark.parametrize(
    "unit",
    [
        "{", "[", "}", "{}", "[1] ", '{"a":', "{x} ", "{'a'} ", '"', "'", "`", "```", "```\n", "<think>", "{ ", "[[]]",
        "\\", "{/*", "-", "x {x:", "</think>", "{\"a\": 1} ", " ", "\n",
    ],
)  # fmt: skip
def test_a_long_answer_takes_time_in_proportion(unit: str) -> None:
    def seconds(length: int) -> float:
        answer = "{" + unit * (length // len(unit))
        started = time.perf_counter()
        with contextlib.suppress(AnswerError):
            json_in(answer)
        return time.perf_counter() - started

    assert seconds(200_000) < 30 * max(seconds(20_000), seconds(20_000)) + 0.5


@pytest.mark.parametrize("opened", ["[", '{"a":', "{a:", "[{'a':"])
def test_brackets_in_brackets_without_end_are_an_error_and_no_crash(opened: str) -> None:
    closed = {"[": "]", '{"a":': "}", "{a:": "}", "[{'a':": "}]"}[opened]
    with pytest.raises(AnswerError):
        json_in(opened * 100_000 + "1" + closed * 100_000)

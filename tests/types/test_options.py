"""Options of an answer: what was set, what wins, what cannot be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byzer_nb.errors import BadInputError, WrongTypeError
from byzer_nb.types import ChatOptions


def test_nothing_is_given_when_nothing_is_said() -> None:
    assert ChatOptions().given() == {}


@pytest.mark.parametrize(
    "said",
    [
        {"temperature": 0.0},
        {"temperature": 0},
        {"seed": 0},
        {"top_k": 0},
        {"presence_penalty": 0.0},
        {"stop": ("END",)},
        {"stop_token_ids": (0,)},
        {"continue_last": True},
        {"extra": {"x": None}},
    ],
)
def test_a_zero_is_said_as_much_as_any_number(said: dict[str, Any]) -> None:
    assert ChatOptions(**said).given() == said
    other = ChatOptions(temperature=0.7, seed=9, top_k=3, presence_penalty=1.0, stop=("x",), stop_token_ids=(7,))
    merged = ChatOptions(**said).over(other)
    assert {name: getattr(merged, name) for name in said} == said


def test_what_is_silent_is_taken_from_the_defaults() -> None:
    merged = ChatOptions(temperature=0.0).over(ChatOptions(temperature=0.7, max_tokens=5))
    assert merged == ChatOptions(temperature=0.0, max_tokens=5)


def test_extra_is_merged_key_by_key_and_nobodys_dict_changes() -> None:
    mine, theirs = ChatOptions(extra={"a": 1, "b": 1}), ChatOptions(extra={"b": 2, "c": 2})
    assert mine.over(theirs).extra == {"a": 1, "b": 1, "c": 2}
    assert (mine.extra, theirs.extra) == ({"a": 1, "b": 1}, {"b": 2, "c": 2})


options = st.builds(
    ChatOptions,
    max_tokens=st.none() | st.integers(1, 9),
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0.1, 1),
    seed=st.none() | st.integers(0, 3),
    stop=st.lists(st.text(min_size=1, max_size=2), max_size=2).map(tuple),
    continue_last=st.booleans(),
    timeout=st.none() | st.floats(0.1, 9),
    extra=st.dictionaries(st.sampled_from("abc"), st.integers(0, 2)),
)


@given(one=options, other=options, third=options)
def test_merging_is_a_matter_of_order_alone(one: ChatOptions, other: ChatOptions, third: ChatOptions) -> None:
    assert one.over(other).over(third) == one.over(other.over(third))
    assert one.over(ChatOptions()) == one
    assert ChatOptions().over(one) == one
    assert one.over(one) == one


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"max_tokens": 0}, "max_tokens must be at least 1, not 0"),
        ({"temperature": -1}, "temperature cannot be negative, and -1 is"),
        ({"temperature": float("nan")}, "temperature cannot be negative, and nan is"),
        ({"top_p": 0}, "top_p lies above 0 and at most at 1; 0 does not"),
        ({"top_p": 1.5}, "1.5 does not"),
        ({"timeout": 0}, "timeout must be above 0 seconds"),
        ({"timeout": float("nan")}, "timeout must be above 0 seconds"),
    ],
)
def test_a_value_that_cannot_work_is_refused(said: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message) as refused:
        ChatOptions(**said)
    assert refused.value.hint.startswith(f"For example: {next(iter(said))}=")


@pytest.mark.parametrize("said", [{"max_tokens": "5"}, {"temperature": "hot"}, {"seed": [1]}, {"timeout": "1s"}])
def test_a_number_is_a_number(said: dict[str, Any]) -> None:
    [(name, value)] = said.items()
    with pytest.raises(WrongTypeError) as refused:
        ChatOptions(**said)
    assert str(refused.value) == f"{name} is a number, not {value!r}."
    assert refused.value.hint.startswith(f"For example: {name}=")


@pytest.mark.parametrize("stop", [("",), ("a", ""), [""]])
def test_an_empty_stop_string_is_refused_before_any_engine_sees_it(stop: tuple[str, ...]) -> None:
    with pytest.raises(BadInputError, match="stop string cannot be empty") as refused:
        ChatOptions(stop=stop)
    assert "stop=('END',)" in refused.value.hint


def test_numbers_of_numpy_are_numbers() -> None:
    import numpy as np

    assert ChatOptions(seed=np.int64(3), temperature=np.float32(0.5)).given() == {"seed": 3, "temperature": 0.5}


def test_a_list_of_stops_becomes_a_tuple_and_one_text_is_no_list() -> None:
    assert ChatOptions(stop=["a", "b"]).stop == ("a", "b")  # type: ignore[arg-type]
    with pytest.raises(WrongTypeError, match="stop is a tuple, not 'END'") as refused:
        ChatOptions(stop="END")  # type: ignore[arg-type]
    assert refused.value.hint == "Write: stop=('END',)"

"""The text between two markers, however it is cut into pieces and rounds."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import pytest

from byzer_nb.errors import BadInputError, UndefinedVariableError, WrongTypeError
from byzer_nb.prompts.markers import Between, Markers

SAID = "Sure.<RESPONSE>a < b </ c</RESP d</RESPONSE> Anything else?"
TEXT = "a < b </ c</RESP d"


def usual() -> Between:
    return Between(Markers.of(None, None, owner="f"))


def read(between: Between, *pieces: str, rounds: bool = False) -> str:
    text = ""
    for piece in pieces:
        text += between.push(piece)
        if rounds:
            between.next_round()
    return text + between.finish()


@pytest.mark.contract("PROMPT-13")
@pytest.mark.parametrize("rounds", [False, True])
@pytest.mark.parametrize("cuts", [1, 2])
def test_text_is_the_same_wherever_it_is_cut(cuts: int, rounds: bool) -> None:
    for places in combinations(range(1, len(SAID)), cuts):
        edges = [0, *places, len(SAID)]
        pieces = [SAID[begin:end] for begin, end in pairwise(edges)]
        assert read(usual(), *pieces, rounds=rounds) == TEXT, pieces


@pytest.mark.contract("PROMPT-13")
def test_each_letter_comes_as_soon_as_it_can_be_no_marker() -> None:
    between, shown = usual(), []
    for letter in "x<RESPONSE>ab</c</RESPONSE>d":
        shown.append(between.push(letter))
    #                                                      a    b               </c
    assert [text for text in shown if text] == ["a", "b", "</c"]
    assert shown.index("a") == len("x<RESPONSE>")


@pytest.mark.contract("PROMPT-13")
@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("ab</RESPONSE>c", "ab"),
        ("<RESPONSE>ab", "ab"),
        ("ab", "ab"),
        ("", ""),
        ("<RESPONSE></RESPONSE>", ""),
        ("<RESPONSE>ab</RESPON", "ab</RESPON"),
        ("It ends with </RESPONSE>.\n<RESPONSE>ab</RESPONSE>", "ab"),
        ("<RESPONSE>a</RESPONSE><RESPONSE>b</RESPONSE>", "a"),
    ],
)
def test_marker_that_is_missing_leaves_that_end_open(said: str, text: str) -> None:
    assert read(usual(), said) == read(usual(), *said) == text


@pytest.mark.contract("PROMPT-13")
@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (["<RESPONSE>ab", "<RESPONSE>c</RESPONSE>"], "abc"),
        (["<RESPONSE>ab", "\n<RESPONSE>c</RESPONSE>"], "ab\nc"),
        (["<RESPONSE>ab</RESPO", "NSE>x"], "ab"),
        (["<RESPONSE>ab", "c <RESPONSE> d</RESPONSE>"], "abc <RESPONSE> d"),
        (["<RESPONSE>ab", "<RESP", "x</RESPONSE>"], "ab<RESPx"),
        (["<RES", "PONSE>ab</RESPONSE>"], "ab"),
    ],
)
def test_start_marker_that_opens_a_later_round_is_left_out(parts: list[str], text: str) -> None:
    assert read(usual(), *parts, rounds=True) == text
    letter_by_letter = usual()
    shown = ""
    for part in parts:
        shown += "".join(map(letter_by_letter.push, part))
        letter_by_letter.next_round()
    assert shown + letter_by_letter.finish() == text


@pytest.mark.contract("PROMPT-13")
def test_end_is_found_though_the_next_start_might_begin_there() -> None:
    between = Between(Markers.of(["##A", "A##"], None, owner="f"))
    assert between.push("##Axy A") == "xy "
    between.next_round()
    assert between.push("##") == ""  # the end, or the beginning of a start
    assert between.is_whole
    assert between.finish() == ""


@pytest.mark.contract("PROMPT-13")
def test_equal_markers_open_and_close() -> None:
    assert read(Between(Markers.of(["###", "###"], None, owner="f")), "a###b###c") == "b"


@pytest.mark.contract("PROMPT-13")
def test_end_marker_that_repeats_itself_is_found() -> None:
    for said in ("[xaaab", "[xaaaab"):
        assert read(Between(Markers.of(["[", "aab"], None, owner="f")), *said) == said[1:-3]


def test_long_text_before_the_start_is_searched_once() -> None:
    between = usual()
    assert not any(between.push("word ") for _ in range(20_000))
    assert between.push("<RESPONSE>ab") == "ab"


@pytest.mark.contract("PROMPT-13")
@pytest.mark.parametrize("markers", [["<A>"], ["<A>", "</A>", "x"], [], ["<A>", ""], [" ", "</A>"]])
def test_markers_are_two_and_not_empty(markers: list[str]) -> None:
    with pytest.raises(BadInputError, match="marker"):
        Markers.of(markers, None, owner="f")


@pytest.mark.contract("PROMPT-13")
@pytest.mark.parametrize("markers", ["<>", [1, 2], {"a", "b"}])
def test_markers_are_texts(markers: Any) -> None:
    with pytest.raises(WrongTypeError, match="list of two texts"):
        Markers.of(markers, None, owner="f")


@pytest.mark.contract("PROMPT-13")
def test_a_template_of_ones_own_asks_for_them() -> None:
    assert (
        Markers.of(["[", "]"], "From {{ RESPONSE_START }} to {{ RESPONSE_END }}.", owner="f").request == "From [ to ]."
    )
    assert "<RESPONSE>" in Markers.of(None, None, owner="f").request
    with pytest.raises(UndefinedVariableError, match="the response markers of f"):
        Markers.of(None, "{{ START }}", owner="f")
    with pytest.raises(WrongTypeError, match="is a text"):
        Markers.of(None, 5, owner="f")  # type: ignore[arg-type]

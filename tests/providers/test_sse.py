"""The splitter of server-sent events, fed in every possible way."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byzer_nb.providers.wire.sse import Event, EventSplitter

pytestmark = pytest.mark.contract("SAAS-05")

TEXT = st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=20)
LINE_END = st.sampled_from(["\n", "\r\n", "\r"])
NOISE = st.sampled_from(["", ": keep-alive\n\n", ":\n", "retry: 10\n\n", "id: 7\n", "\n", "unknown\n"])


def events_of(stream: bytes, cuts: list[int]) -> list[Event]:
    splitter = EventSplitter()
    events: list[Event] = []
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    for start, end in pairwise(edges):
        events += splitter.feed(stream[start:end])
    return events + splitter.finish()


@given(
    events=st.lists(st.tuples(NOISE, st.lists(TEXT, min_size=1, max_size=3), TEXT), max_size=5),
    line_end=LINE_END,
    has_last_blank_line=st.booleans(),
    cuts=st.lists(st.integers(min_value=0, max_value=10_000), max_size=40),
)
def test_events_are_the_same_wherever_the_bytes_are_cut(
    events: list[tuple[str, list[str], str]], line_end: str, has_last_blank_line: bool, cuts: list[int]
) -> None:
    stream = ""
    expected = []
    for noise, lines, name in events:
        stream += noise
        stream += f"event: {name}\n" if name else ""
        stream += "".join(f"data: {line}\n" for line in lines) + "\n"
        if lines != [""]:
            expected.append(Event("\n".join(lines).encode(), name))
    if not has_last_blank_line:
        stream = stream.rstrip("\n") if expected and expected[-1].data.strip() else stream
    assert events_of(stream.replace("\n", line_end).encode(), cuts) == expected


@given(st.binary(max_size=200), st.lists(st.integers(min_value=0, max_value=200), max_size=20))
def test_any_bytes_give_the_same_events_in_one_piece_and_in_many(stream: bytes, cuts: list[int]) -> None:
    assert events_of(stream, cuts) == events_of(stream, [])


def test_every_single_byte_alone() -> None:
    stream = "\ufeffdata: 你好 👩‍👩‍👧\r\n\r\n: comment\r\n\r\nevent: end\r\ndata:[DONE]\r\n\r\n".encode()
    assert events_of(stream, list(range(len(stream)))) == [
        Event("你好 👩‍👩‍👧".encode()),
        Event(b"[DONE]", "end"),
    ]


def test_several_events_in_one_packet_come_together() -> None:
    assert EventSplitter().feed(b"data: 1\n\ndata: 2\n\ndata: 3") == [Event(b"1"), Event(b"2")]


def test_event_is_given_as_soon_as_its_blank_line_is_here() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"data: 1\r") == []
    assert splitter.feed(b"\n\r") == [Event(b"1")]
    assert splitter.feed(b"\ndata: 2\n\n") == [Event(b"2")]


def test_only_one_space_after_the_colon_is_dropped() -> None:
    assert EventSplitter().feed(b"data:  two\n\ndata:none\n\n") == [Event(b" two"), Event(b"none")]


def test_comments_alone_are_no_event() -> None:
    assert EventSplitter().feed(b": still here\n\n:\n\n\n\n") == []


def test_data_of_no_length_is_no_event() -> None:
    assert EventSplitter().feed(b"data:\n\ndata: \n\ndata\n\nevent: ping\ndata:\n\n") == []


def test_json_without_its_field_is_an_event_too() -> None:
    error = b'{\n  "error": {\n    "code": 503\n  }\n}'
    assert events_of(b"data: 1\n\n" + error + b"\n", [9, 14]) == [Event(b"1"), Event(error)]

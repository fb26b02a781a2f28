"""Lines of JSON out of bytes that arrive in any pieces."""

from __future__ import annotations

import pytest

from byzer_nb.providers.wire.lines import LineSplitter

STREAM = '{"a": "你好"}\r\n\n  \n{"b": 1}\n{"c": "last"}'.encode()
LINES = ['{"a": "你好"}'.encode(), b'{"b": 1}', b'{"c": "last"}']


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_any_borders_give_the_same_lines(size: int) -> None:
    splitter = LineSplitter()
    events = [event for start in range(0, len(STREAM), size) for event in splitter.feed(STREAM[start : start + size])]
    events += splitter.finish()
    assert [event.data for event in events] == LINES


def test_line_is_given_as_soon_as_it_ends() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b'{"a"') == []
    assert splitter.waiting == 4
    assert [event.data for event in splitter.feed(b": 1}\n{")] == [b'{"a": 1}']
    assert splitter.waiting == 1


def test_nothing_is_left_after_the_end() -> None:
    splitter = LineSplitter()
    splitter.feed(b"x")
    assert [event.data for event in splitter.finish()] == [b"x"]
    assert splitter.finish() == []
    assert splitter.waiting == 0

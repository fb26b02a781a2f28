"""Streams of `saas/qianwen`: our deltas are pieces, whether the server sends pieces or each time the whole text."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from byzer_nb.types import Usage
from tests.providers.asking import answered, asked
from tests.providers.dashscope_asking import once, qianwen, texts_of
from tests.providers.failing import words_and_error
from tests.standins.dashscope import DashScopeStandIn, Habit, event
from tests.standins.vendor import Act

pytestmark = pytest.mark.contract("SAAS-20", "CHAT-04")

REPLIES = [
    ["你好", ",世界", "。", "很高兴", "见到你!"],
    ["one", " two"],
    ["one"],
    ["ha", "haha", "!"],  # pieces of which one begins with the other
    [],
]
WHOLES: dict[str, Any] = {"incremental_output": False}
WISHES: list[dict[str, Any]] = [{}, {"incremental_output": True}, WHOLES]
STREAMS = [
    (habit, wish, reply)
    for habit, wish, reply in product(("obeys", "wholes", "pieces"), WISHES, REPLIES)
    # Pieces that look like the whole texts that were asked for: nobody could tell them from those.
    if not (habit == "pieces" and wish is WHOLES and "haha" in reply)
]


@pytest.fixture
def dashscope() -> Iterator[DashScopeStandIn]:
    """DashScope in process."""
    with DashScopeStandIn() as standin:
        yield standin


async def streamed(standin: DashScopeStandIn, *frames: tuple[str, int, str]) -> list[str]:
    """The pieces read from events with that content, that count of tokens and that reason; pieces were asked for."""
    events = [
        event(
            place + 1,
            {
                "output": {
                    "choices": [{"finish_reason": reason, "message": {"role": "assistant", "content": content}}]
                },
                "usage": {"input_tokens": 1, "output_tokens": written},
                "request_id": "r",
            },
        )
        for place, (content, written, reason) in enumerate(frames)
    ]
    standin.next(Act(raw=b"".join(events), raw_type="text/event-stream"))
    return texts_of(await once(qianwen(standin), asked()))


@pytest.mark.parametrize(("habit", "wish", "reply"), STREAMS, ids=str)
async def test_deltas_are_pieces_whatever_the_server_sends(
    dashscope: DashScopeStandIn, habit: Habit, wish: dict[str, Any], reply: list[str]
) -> None:
    dashscope.habit = habit
    dashscope.always = Act(reply=reply)
    deltas = await once(qianwen(dashscope), asked(extra=wish))
    assert "".join(texts_of(deltas)) == "".join(reply)
    assert deltas[-1].finish_reason == "stop"
    assert deltas[-1].usage == Usage(input_tokens=1, output_tokens=len(reply))


async def test_pieces_are_handed_on_as_they_come(dashscope: DashScopeStandIn) -> None:
    dashscope.always = Act(reply=["ein", "s", " zwei", " drei"])
    engine = qianwen(dashscope)
    for wish in ({}, WHOLES):
        assert texts_of(await answered(engine, asked(extra=wish))) == ["ein", "s", " zwei", " drei"]
    dashscope.habit = "wholes"  # of which it is sure at the third event
    assert texts_of(await answered(engine, asked())) == ["ein", "s zwei", " drei"]
    await engine.close()


@pytest.mark.parametrize("wish", [{}, WHOLES], ids=str)
async def test_reasoning_comes_in_pieces_too(dashscope: DashScopeStandIn, wish: dict[str, Any]) -> None:
    dashscope.always = Act(reasoning=["first", " then", " last"], reply=["so", " be", " it"])
    deltas = await once(qianwen(dashscope), asked(extra=wish))
    assert [delta.reasoning for delta in deltas if delta.reasoning] == ["first", " then", " last"]
    assert texts_of(deltas) == ["so", " be", " it"]


async def test_same_word_again_and_again_is_no_whole_text(dashscope: DashScopeStandIn) -> None:
    assert await streamed(dashscope, ("ha", 1, "null"), ("ha", 2, "null"), ("ha", 3, "stop")) == ["ha"] * 3


async def test_whole_text_that_is_said_once_more_is_not_said_twice(dashscope: DashScopeStandIn) -> None:
    assert await streamed(dashscope, ("hello", 1, "null"), ("hello", 2, "stop")) == ["hello"]
    frames = [("hello", 1, "null"), ("hello", 1, "null"), ("hello you", 2, "null"), ("hello you", 2, "stop")]
    assert await streamed(dashscope, *frames) == ["hello", " you"]


async def test_end_lets_go_of_what_was_held_back(dashscope: DashScopeStandIn) -> None:
    assert await streamed(dashscope, ("hello", 1, "null"), ("hello you", 2, "stop")) == ["hello", " you"]


async def test_text_whose_end_changes_is_not_said_from_the_beginning(dashscope: DashScopeStandIn) -> None:
    frames = [("ab", 1, "null"), ("abc", 2, "null"), ("abc\ufffd", 3, "null"), ("abc😀", 4, "null"), ("", 4, "stop")]
    assert "".join(await streamed(dashscope, *frames)) == "abc\ufffd😀"


async def test_model_that_refuses_whole_texts_is_asked_for_pieces_from_then_on(dashscope: DashScopeStandIn) -> None:
    dashscope.habit = "refuses wholes"
    dashscope.always = Act(reply=["one", " two"])
    engine = qianwen(dashscope)
    for _ in range(2):
        assert texts_of(await answered(engine, asked(extra=WHOLES))) == ["one", " two"]
    await engine.close()
    asked_for = [seen.body["parameters"]["incremental_output"] for seen in dashscope.requests]
    assert asked_for == [False, True, True]


async def test_error_amid_the_words_is_none_of_them(dashscope: DashScopeStandIn) -> None:
    error = {"code": "DataInspectionFailed", "message": "Output data may contain inappropriate content."}
    dashscope.always = Act(reply=["one", " two"], error_at=1, error=error)
    words, caught = await words_and_error(qianwen(dashscope))
    assert words == ["one"]
    assert "inappropriate content" in str(caught)
    assert (caught.code, caught.retryable) == ("DataInspectionFailed", False)

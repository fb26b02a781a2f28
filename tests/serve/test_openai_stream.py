"""Answers that come piece by piece, as OpenAI's own client takes them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from openai import APIError, AsyncOpenAI, BadRequestError, NotFoundError, OpenAI

from tests.serve.engines import LONG, SECRET

HELLO: Any = [{"role": "user", "content": "hello there, and a good morning"}]


def lines(http: httpx.Client, **body: Any) -> list[str]:
    """The data of a stream's events, as they travel."""
    answer = http.post("/v1/chat/completions", json={"messages": HELLO, "stream": True, **body})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.endswith("\n\n")
    return [event.removeprefix("data: ") for event in answer.text.removesuffix("\n\n").split("\n\n")]


@pytest.mark.contract("SERVE-03")
@pytest.mark.parametrize("model", ["byzer-tiny", "echo", "tools", "thinker"])
def test_pieces_add_up_to_the_whole_answer(openai: OpenAI, model: str) -> None:
    asked: Any = {"model": model, "messages": HELLO, "max_tokens": 12, "temperature": 0}
    whole = openai.chat.completions.create(**asked).choices[0]
    pieces = list(openai.chat.completions.create(**asked, stream=True))
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == whole.message.content
    assert pieces[-1].choices[0].finish_reason == whole.finish_reason


@pytest.mark.contract("SERVE-03")
def test_stream_has_the_promised_form(http: httpx.Client) -> None:
    events = lines(http, model="echo", stream_options={"include_usage": True})
    assert events[-1] == "[DONE]"
    first, *middle, last, usage = [json.loads(event) for event in events[:-1]]
    assert first["choices"][0]["delta"]["role"] == "assistant"
    assert "".join(each["choices"][0]["delta"]["content"] for each in middle) == HELLO[0]["content"]
    assert all(each["choices"][0]["finish_reason"] is None for each in (first, *middle))
    assert last["choices"][0]["finish_reason"] == "stop"
    assert (usage["choices"], usage["usage"]["completion_tokens"] > 0) == ([], True)
    assert {each["id"] for each in (first, *middle, last, usage)} == {first["id"]}
    assert {each["object"] for each in (first, *middle, last, usage)} == {"chat.completion.chunk"}


def test_usage_comes_only_when_it_is_asked_for(openai: OpenAI) -> None:
    pieces = list(openai.chat.completions.create(model="echo", messages=HELLO, stream=True))
    assert all(piece.choices for piece in pieces)
    asked: Any = {"include_usage": True}
    last = list(openai.chat.completions.create(model="echo", messages=HELLO, stream=True, stream_options=asked))[-1]
    whole = openai.chat.completions.create(model="echo", messages=HELLO)
    assert last.usage == whole.usage


def test_thoughts_come_before_the_answer(openai: OpenAI) -> None:
    deltas: list[Any] = [
        piece.choices[0].delta for piece in openai.chat.completions.create(model="thinker", messages=HELLO, stream=True)
    ]
    kinds = ["thought" if getattr(delta, "reasoning_content", None) else "text" for delta in deltas[1:-1]]
    assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas) == "Two and two."
    assert kinds == sorted(kinds, reverse=True)


def test_answers_of_n_come_side_by_side(openai: OpenAI) -> None:
    said = {0: "", 1: "", 2: ""}
    ends: dict[int, str] = {}
    roles: dict[int, str] = {}
    usage: Any = None
    wants: Any = {"include_usage": True}
    for piece in openai.chat.completions.create(model="echo", messages=HELLO, stream=True, n=3, stream_options=wants):
        usage = piece.usage or usage
        for choice in piece.choices:
            said[choice.index] += choice.delta.content or ""
            if choice.delta.role:
                roles[choice.index] = choice.delta.role
            if choice.finish_reason:
                ends[choice.index] = choice.finish_reason
    assert set(said.values()) == {HELLO[0]["content"]}
    assert (roles, ends) == ({0: "assistant", 1: "assistant", 2: "assistant"}, {0: "stop", 1: "stop", 2: "stop"})
    one = openai.chat.completions.create(model="echo", messages=HELLO).usage
    assert one is not None
    assert usage.completion_tokens == 3 * one.completion_tokens


def test_slow_answer_comes_as_it_is_written(openai: OpenAI) -> None:
    with openai.chat.completions.create(model="slow", messages=HELLO, stream=True, max_tokens=6) as stream:
        words = [piece.choices[0].delta.content or "" for piece in stream]
    assert LONG.startswith("".join(words))
    assert sum(bool(word) for word in words) == 6


async def test_async_streams_run_beside_each_other(async_openai: AsyncOpenAI) -> None:
    async def said(text: str) -> str:
        stream = await async_openai.chat.completions.create(
            model="echo", messages=[{"role": "user", "content": text}], stream=True
        )
        return "".join([piece.choices[0].delta.content or "" async for piece in stream])

    texts = [f"this is text number {number} of many" for number in range(20)]
    assert await asyncio.gather(*[said(text) for text in texts]) == texts


def test_words_beyond_ascii_survive(openai: OpenAI) -> None:
    text = '你好，世界 🙂 "quoted" \\ and \u2028 a line\n\nwith data: in it'
    asked: Any = [{"role": "user", "content": text}]
    stream = openai.chat.completions.create(model="echo", messages=asked, stream=True)
    assert "".join(piece.choices[0].delta.content or "" for piece in stream) == text
    assert openai.chat.completions.create(model="echo", messages=asked).choices[0].message.content == text


def test_warnings_come_with_the_last_piece(http: httpx.Client) -> None:
    events = [json.loads(event) for event in lines(http, model="text_only", seed=3)[:-1]]
    told = [event["warnings"] for event in events if "warnings" in event]
    assert told == [events[-1]["warnings"]]
    assert "seed" in told[0][0]


@pytest.mark.parametrize("by", ["with", "helper"])
def test_stream_helper_of_the_client_collects_the_answer(openai: OpenAI, by: str) -> None:
    with openai.chat.completions.stream(model="echo", messages=HELLO) as stream:
        if by == "with":
            assert any(event.type == "content.delta" for event in stream)
        final = stream.get_final_completion()
    assert final.choices[0].message.content == HELLO[0]["content"]


# -- failures -------------------------------------------------------------------------------------------------------


@pytest.mark.contract("SERVE-03")
def test_failure_before_the_first_word_has_its_own_status(http: httpx.Client) -> None:
    for model, status in (("failing", 502), ("limited", 429), ("locked", 502), ("odd", 500), ("nobody", 404)):
        answer = http.post("/v1/chat/completions", json={"model": model, "messages": HELLO, "stream": True})
        assert (model, answer.status_code) == (model, status)
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["error"]["message"]


@pytest.mark.contract("SERVE-03")
def test_failure_in_the_middle_is_told_in_the_stream_and_ends_it(http: httpx.Client) -> None:
    events = lines(http, model="breaking")
    words = [json.loads(event)["choices"][0]["delta"]["content"] for event in events[1:-1]]
    assert words == ["one ", "two "]
    assert json.loads(events[-1])["error"]["message"].startswith("It broke.")


def test_client_raises_the_failure_in_the_middle(openai: OpenAI) -> None:
    stream = openai.chat.completions.create(model="breaking", messages=HELLO, stream=True)
    said = [next(stream).choices[0].delta.content or "" for _ in range(3)]
    assert "".join(said) == "one two "
    with pytest.raises(APIError, match="It broke"):
        next(stream)


def test_surprise_in_the_middle_tells_nothing_of_the_inside(http: httpx.Client) -> None:
    events = lines(http, model="odd_later")
    assert json.loads(events[-1])["error"]["code"] == "server_error"
    assert SECRET not in "".join(events)


def test_one_failing_answer_of_n_ends_all(http: httpx.Client) -> None:
    events = lines(http, model="breaking", n=3)
    assert "error" in json.loads(events[-1])
    assert sum("error" in json.loads(event) for event in events) == 1


def test_stream_of_an_unknown_model_raises_as_a_plain_call_does(openai: OpenAI) -> None:
    with pytest.raises(NotFoundError):
        openai.chat.completions.create(model="nobody", messages=HELLO, stream=True)
    with pytest.raises(BadRequestError):
        openai.chat.completions.create(model="echo", messages=[], stream=True)

"""Tools on `/v1/messages`, as Anthropic's own client offers them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic import Anthropic, beta_tool

from byzer_nb import ScriptedEngine
from byzer_nb.types import Reply, ToolCall
from tests.serve.conftest import OpenGateway
from tests.serve.test_anthropic_messages import HELLO, TOOLS


def test_calls_are_blocks_with_ids_and_inputs(anthropic: Anthropic) -> None:
    message = anthropic.messages.create(model="tools", max_tokens=50, messages=HELLO, tools=TOOLS)
    assert message.stop_reason == "tool_use"
    assert [block.to_dict() for block in message.content] == [
        {"type": "tool_use", "id": f"call_{number}", "name": name, "input": {"city": "Paris"}}
        for number, name in enumerate(("weather", "time"))
    ]


def test_calls_in_a_stream_bring_their_arguments_as_json(anthropic: Anthropic) -> None:
    events = list(anthropic.messages.create(model="tools", max_tokens=50, messages=HELLO, tools=TOOLS, stream=True))
    block = ["content_block_start", "content_block_delta", "content_block_stop"]
    assert [event.type for event in events] == ["message_start", *block, *block, "message_delta", "message_stop"]
    assert [event.content_block.input for event in events if event.type == "content_block_start"] == [{}, {}]
    pieces = [event.delta.partial_json for event in events if event.type == "content_block_delta"]
    assert [json.loads(piece) for piece in pieces] == [{"city": "Paris"}] * 2


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ({"type": "auto"}, ["weather", "time"]),
        ({"type": "any"}, ["weather", "time"]),
        ({"type": "any", "disable_parallel_tool_use": True}, ["weather"]),
        ({"type": "tool", "name": "time"}, ["time"]),
        ({"type": "none"}, []),
    ],
)
@pytest.mark.parametrize("is_stream", [False, True])
def test_the_choice_of_a_tool_is_kept(anthropic: Anthropic, choice: Any, names: list[str], is_stream: bool) -> None:
    ask: Any = {"model": "tools", "max_tokens": 50, "messages": HELLO, "tools": TOOLS, "tool_choice": choice}
    if is_stream:
        with anthropic.messages.stream(**ask) as stream:
            message = stream.get_final_message()
    else:
        message = anthropic.messages.create(**ask)
    assert [block.name for block in message.content if block.type == "tool_use"] == names


def test_the_result_of_a_call_goes_back(anthropic: Anthropic) -> None:
    called = anthropic.messages.create(model="tools", max_tokens=50, messages=HELLO, tools=TOOLS)
    results = [
        {"type": "tool_result", "tool_use_id": block.id, "content": "sunny"}
        for block in called.content
        if block.type == "tool_use"
    ]
    turns: Any = [*HELLO, {"role": "assistant", "content": called.content}, {"role": "user", "content": results}]
    message = anthropic.messages.create(model="tools", max_tokens=50, messages=turns, tools=TOOLS)
    assert message.content[0].text == "It says sunny."


def test_calls_without_ids_get_some_and_broken_arguments_are_shown(open_gateway: OpenGateway) -> None:
    calls = (ToolCall(name="a"), ToolCall(name="b", raw="{oops"))
    gateway = open_gateway({"bare": ScriptedEngine(lambda _: Reply(text="Now.", tool_calls=calls))})
    with Anthropic(base_url=gateway.origin, api_key="x", max_retries=0) as client:
        ask: Any = {"model": "bare", "max_tokens": 50, "messages": HELLO, "tools": TOOLS}
        whole: Any = client.messages.create(**ask).content
        with client.messages.stream(**ask) as stream:
            streamed: Any = stream.get_final_message().content
    for words, first, second in (whole, streamed):
        assert words.text == "Now."
        assert "" not in (first.id, second.id)
        assert first.id != second.id
        assert (first.input, second.input) == ({}, {"INVALID_JSON": "{oops"})


def test_the_runner_of_anthropics_client_goes_round_by_itself(anthropic: Anthropic) -> None:
    def weather(city: str) -> str:
        """Tells the weather of a city."""
        return f"21 degrees in {city}"

    asked: Any = {"model": "tools", "max_tokens": 50, "messages": HELLO}
    runner = anthropic.beta.messages.tool_runner(tools=[beta_tool(weather)], **asked)
    assert [block.text for block in runner.until_done().content] == ["It says 21 degrees in Paris."]

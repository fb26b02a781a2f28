"""`/v1/messages` as Anthropic's own client sees it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from anthropic import (
    Anthropic,
    BadRequestError,
)

from byzer_nb.client.local import BUNDLED
from byzer_nb.types import ImagePart, TextPart, ToolCall
from tests.serve.engines import PICTURE, WEATHER
from tests.serve.gateways import RunningGateway

HELLO: Any = [{"role": "user", "content": "one two three four"}]
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: Any = [{"name": name, "description": f"Tells the {name}.", "input_schema": CITY} for name in ("weather", "time")]
IMAGE = base64.b64encode(PICTURE).decode()


def asked(gateway: RunningGateway, model: str = "recorded") -> Any:
    """What the engine was asked last."""
    return gateway.engines[model].records[-1]


# -- the answer -----------------------------------------------------------------------------------------------------


def test_a_message_comes_back_with_its_tokens(anthropic: Anthropic) -> None:
    message = anthropic.messages.create(model="echo", max_tokens=100, messages=HELLO)
    assert (message.type, message.role, message.model) == ("message", "assistant", "echo")
    assert [(block.type, block.text) for block in message.content] == [("text", "one two three four")]
    assert (message.stop_reason, message.stop_sequence) == ("end_turn", None)
    assert (message.usage.input_tokens, message.usage.output_tokens) == (4, 4)
    assert message.id.startswith("msg_")
    assert message._request_id == message.id.removeprefix("msg_")


def test_the_bundled_model_answers(anthropic: Anthropic) -> None:
    ask: Any = {"model": BUNDLED, "max_tokens": 12, "messages": HELLO, "extra_body": {"temperature": 0.0}}
    message = anthropic.messages.create(**ask)
    with anthropic.messages.stream(**ask) as stream:
        streamed = stream.get_final_message()
    assert message.content[0].text
    assert streamed.content[0].text == message.content[0].text
    assert streamed.usage == message.usage
    assert message.usage.output_tokens <= 12


def test_a_stream_has_its_events_in_their_order(anthropic: Anthropic) -> None:
    events = list(anthropic.messages.create(model="echo", max_tokens=100, messages=HELLO, stream=True))
    assert [event.type for event in events] == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * 4,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    start: Any = events[0]
    assert (start.message.content, start.message.stop_reason) == ([], None)
    assert start.message.usage.output_tokens == 0
    assert "".join(event.delta.text for event in events if event.type == "content_block_delta") == "one two three four"
    end: Any = events[-2]
    assert (end.delta.stop_reason, end.usage.input_tokens, end.usage.output_tokens) == ("end_turn", 4, 4)


def test_a_stream_adds_up_to_the_whole_message(anthropic: Anthropic) -> None:
    for model in ("echo", "thinker", "tools"):
        ask: Any = {"model": model, "max_tokens": 100, "messages": HELLO, "tools": TOOLS}
        with anthropic.messages.stream(**ask) as stream:
            streamed = stream.get_final_message()
        whole = anthropic.messages.create(**ask)
        assert streamed.to_dict() | {"id": ""} == whole.to_dict() | {"id": ""}, model


def test_thoughts_are_a_block_of_their_own(anthropic: Anthropic) -> None:
    with anthropic.messages.stream(model="thinker", max_tokens=100, messages=HELLO) as stream:
        kinds = [event.type for event in stream if event.type in ("thinking", "text", "content_block_stop")]
        blocks = [block.to_dict() for block in stream.get_final_message().content]
    assert blocks == [
        {"type": "thinking", "thinking": "Two and two.", "signature": ""},
        {"type": "text", "text": "It is 4."},
    ]
    assert kinds.index("content_block_stop") < kinds.index("text")


def test_an_answer_that_is_cut_off_says_so(anthropic: Anthropic) -> None:
    message = anthropic.messages.create(model="echo", max_tokens=2, messages=HELLO)
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 2)


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize(("model", "words"), [("echo", "one two four"), (BUNDLED, "Who are you?")])
def test_the_sequence_that_stopped_an_answer_is_named(
    anthropic: Anthropic, model: str, words: str, is_stream: bool
) -> None:
    ask: Any = {
        "model": model,
        "max_tokens": 50,
        "messages": [{"role": "user", "content": words}],
        "stop_sequences": ["never", " two", "tiny"],
        "extra_body": {"temperature": 0.0},
    }
    if is_stream:
        with anthropic.messages.stream(**ask) as stream:
            message = stream.get_final_message()
    else:
        message = anthropic.messages.create(**ask)
    stop = " two" if model == "echo" else "tiny"
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", stop)
    assert stop not in message.content[0].text


# -- what is asked --------------------------------------------------------------------------------------------------


def test_every_option_reaches_the_model(anthropic: Anthropic, gateway: RunningGateway) -> None:
    anthropic.messages.create(
        model="recorded",
        max_tokens=77,
        messages=HELLO,
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        stop_sequences=["END", "STOP"],
        thinking={"type": "enabled", "budget_tokens": 1024},
        extra_body={"temperature": 0.5, "top_p": 0.9, "top_k": 7},  # not every model of Anthropic's has them any more
    )
    request = asked(gateway)
    assert [(turn.role, turn.text) for turn in request.messages] == [
        ("system", "Be brief."),
        ("user", "one two three four"),
    ]
    options = request.options
    assert (options.max_tokens, options.temperature, options.top_p, options.top_k) == (77, 0.5, 0.9, 7)
    assert options.stop == ("END", "STOP")
    assert options.extra == {"thinking": {"type": "enabled", "budget_tokens": 1024}}


def test_blocks_become_turns_of_ours(anthropic: Anthropic, gateway: RunningGateway) -> None:
    conversation: Any = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look: "},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}},
                {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
                {
                    "type": "document",
                    "title": "Notes",
                    "source": {"type": "text", "media_type": "text/plain", "data": "x"},
                },
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "s"},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "text", "text": "I ask."},
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Paris"}},
                {"type": "tool_use", "id": "toolu_2", "name": "time", "input": {"city": "Paris"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"},
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_2",
                    "is_error": True,
                    "content": [{"type": "text", "text": "no clock"}],
                },
                {"type": "text", "text": "And now?"},
            ],
        },
    ]
    anthropic.messages.create(model="recorded", max_tokens=50, messages=conversation, tools=TOOLS, system="Be brief.")
    system, first, called, sunny, broken, last = asked(gateway).messages
    assert (system.role, system.text) == ("system", "Be brief.")
    assert first.content == (
        TextPart(text="Look: "),
        ImagePart(url=f"data:image/png;base64,{IMAGE}"),
        ImagePart(url="https://example.org/a.png"),
        TextPart(text="Notes\nx"),
    )
    assert (called.role, called.text) == ("assistant", "I ask.")
    assert called.tool_calls == (
        ToolCall(name="weather", arguments={"city": "Paris"}, id="toolu_1"),
        ToolCall(name="time", arguments={"city": "Paris"}, id="toolu_2"),
    )
    assert [(turn.role, turn.tool_call_id, turn.text) for turn in (sunny, broken)] == [
        ("tool", "toolu_1", "sunny"),
        ("tool", "toolu_2", "Error: no clock"),
    ]
    assert (last.role, last.text) == ("user", "And now?")


def test_a_result_of_a_tool_may_be_a_picture(anthropic: Anthropic, gateway: RunningGateway) -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}}
    conversation: Any = [
        *HELLO,
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "weather", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [picture]}]},
    ]
    anthropic.messages.create(model="recorded", max_tokens=50, messages=conversation, tools=TOOLS)
    assert asked(gateway).messages[-1].content == (ImagePart(url=f"data:image/png;base64,{IMAGE}"),)


def test_a_begun_answer_is_continued(anthropic: Anthropic, gateway: RunningGateway) -> None:
    begun: Any = [*HELLO, {"role": "assistant", "content": "The answer is"}]
    anthropic.messages.create(model="recorded", max_tokens=50, messages=begun)
    assert asked(gateway).options.continue_last
    with pytest.raises(BadRequestError, match="cannot continue a begun answer"):
        anthropic.messages.create(model="text_only", max_tokens=50, messages=begun)


def test_an_answer_can_be_held_to_a_schema(anthropic: Anthropic, gateway: RunningGateway) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}}}
    for model in ("tools", "json_in_words"):
        message = anthropic.messages.create(
            model=model,
            max_tokens=50,
            messages=HELLO,
            output_config={"format": {"type": "json_schema", "schema": schema}},
        )
        assert json.loads(message.content[0].text) == json.loads(WEATHER), model


def test_what_changes_nothing_is_told(anthropic: Anthropic) -> None:
    ask: Any = {"max_tokens": 4, "messages": HELLO, "metadata": {"user_id": "u"}, "thinking": {"type": "adaptive"}}
    told = anthropic.messages.create(model=BUNDLED, **ask).to_dict()["warnings"]
    assert told == ["metadata has no effect here.", "thinking has no effect here."]
    start: Any = next(iter(anthropic.messages.create(model=BUNDLED, stream=True, **ask)))
    assert start.message.to_dict()["warnings"] == told
    ignored = anthropic.messages.create(
        model="text_only", max_tokens=4, messages=HELLO, extra_body={"top_k": 3}
    ).to_dict()["warnings"]
    assert ignored == ["The model 'text_only' does not know top_k and answers without."]

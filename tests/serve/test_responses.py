"""`/v1/responses` as OpenAI's own client sees it: answers, streams, tools and shapes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from openai import BadRequestError, OpenAI
from pydantic import BaseModel

from byzer_nb import ScriptedEngine
from byzer_nb.client.local import BUNDLED
from byzer_nb.types import ImagePart, Reply, TextPart, ToolCall
from tests.serve.conftest import OpenGateway
from tests.serve.engines import PICTURE, WEATHER
from tests.serve.gateways import RunningGateway

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: Any = [
    {"type": "function", "name": name, "description": f"Tells the {name}.", "parameters": CITY, "strict": False}
    for name in ("weather", "time")
]
IMAGE = f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"


class Weather(BaseModel):
    """How it is outside."""

    city: str
    degrees: int


def asked(gateway: RunningGateway, model: str = "recorded") -> Any:
    """What the engine was asked last."""
    return gateway.engines[model].records[-1]


def kinds(events: list[Any]) -> list[str]:
    """The types of events, one after the other."""
    return [event.type.removeprefix("response.") for event in events]


# -- the answer -----------------------------------------------------------------------------------------------------


def test_a_text_is_answered_with_a_message(openai: OpenAI) -> None:
    response = openai.responses.create(model="echo", input="one two three four", metadata={"a": "b"})
    assert response.output_text == "one two three four"
    assert (response.object, response.status, response.model) == ("response", "completed", "echo")
    assert response.id.startswith("resp_")
    usage: Any = response.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (4, 4, 8)
    (message,) = response.output
    assert (message.type, message.role, message.status) == ("message", "assistant", "completed")
    assert (response.metadata, response.tools, response.tool_choice) == ({"a": "b"}, [], "auto")
    assert (response.error, response.incomplete_details, response.parallel_tool_calls) == (None, None, True)


def test_the_bundled_model_answers(openai: OpenAI) -> None:
    ask: Any = {"model": BUNDLED, "input": "Who are you?", "max_output_tokens": 64, "temperature": 0}
    response = openai.responses.create(**ask)
    with openai.responses.stream(**ask) as stream:
        streamed = stream.get_final_response()
    assert response.output_text
    assert (streamed.output_text, streamed.usage) == (response.output_text, response.usage)
    assert response.usage.output_tokens <= 64


def test_a_stream_has_its_events_in_their_order(openai: OpenAI) -> None:
    events = list(openai.responses.create(model="echo", input="one two three four", stream=True))
    assert kinds(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        *["output_text.delta"] * 4,
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == (
        "one two three four"
    )
    first, last = events[0].response, events[-1].response
    assert (first.status, first.output, first.usage) == ("in_progress", [], None)
    assert (last.status, last.output_text, last.id) == ("completed", "one two three four", first.id)
    assert {event.item_id for event in events if hasattr(event, "item_id")} == {last.output[0].id}


def without_names(response: Any) -> Any:
    """A response without what is new each time."""
    told = response.to_dict()
    for item in told["output"]:
        item["id"] = ""
    return told | {"id": "", "created_at": 0, "completed_at": 0}


@pytest.mark.parametrize("model", ["echo", "thinker", "tools"])
def test_a_stream_ends_with_the_whole_response(openai: OpenAI, model: str) -> None:
    ask: Any = {"model": model, "input": "one two three four", "tools": TOOLS}
    *_, last = openai.responses.create(**ask, stream=True)
    assert without_names(last.response) == without_names(openai.responses.create(**ask))


def test_openais_own_reader_of_streams_is_content(openai: OpenAI) -> None:
    for model in ("echo", "thinker", "tools"):
        with openai.responses.stream(model=model, input="one two", tools=TOOLS) as stream:
            final = stream.get_final_response()
        assert final.status == "completed", model


def test_thoughts_are_an_item_before_the_words(openai: OpenAI) -> None:
    events = list(openai.responses.create(model="thinker", input="2 + 2?", stream=True))
    thoughts, words = events[-1].response.output
    assert (thoughts.type, thoughts.content[0].text, thoughts.status) == ("reasoning", "Two and two.", "completed")
    assert (words.type, words.content[0].text) == ("message", "It is 4.")
    assert kinds(events)[2:5] == ["output_item.added", "content_part.added", "reasoning_text.delta"]
    assert kinds(events).index("reasoning_text.done") < kinds(events).index("output_text.delta")
    assert openai.responses.create(model="thinker", input="2 + 2?").output_text == "It is 4."


def test_an_answer_that_is_cut_off_is_incomplete(openai: OpenAI) -> None:
    ask: Any = {"model": "echo", "input": "one two three four", "max_output_tokens": 2}
    response = openai.responses.create(**ask)
    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert (response.output[0].status, response.max_output_tokens) == ("incomplete", 2)
    assert kinds(list(openai.responses.create(**ask, stream=True)))[-1] == "incomplete"


# -- what is asked --------------------------------------------------------------------------------------------------


def test_every_option_reaches_the_model(openai: OpenAI, gateway: RunningGateway) -> None:
    openai.responses.create(
        model="recorded",
        instructions="Be brief.",
        input="hello",
        temperature=0.5,
        top_p=0.9,
        max_output_tokens=77,
        reasoning={"effort": "low"},
        text={"verbosity": "low"},
        service_tier="flex",
    )
    request = asked(gateway)
    assert [(turn.role, turn.text) for turn in request.messages] == [("system", "Be brief."), ("user", "hello")]
    assert (request.options.temperature, request.options.top_p, request.options.max_tokens) == (0.5, 0.9, 77)
    assert request.options.extra == {"reasoning_effort": "low", "verbosity": "low", "service_tier": "flex"}


def test_items_become_turns_of_ours(openai: OpenAI, gateway: RunningGateway) -> None:
    conversation: Any = [
        {"role": "developer", "content": "Be brief."},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Look: "},
                {"type": "input_image", "image_url": IMAGE, "detail": "low"},
            ],
        },
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {
            "type": "message",
            "id": "msg_1",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "I ask.", "annotations": []}],
        },
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city": "Paris"}'},
        {"type": "function_call", "call_id": "c2", "name": "time", "arguments": "{oops"},
        {"type": "function_call_output", "call_id": "c1", "output": "sunny"},
        {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "noon"}]},
        {"role": "user", "content": "And now?"},
    ]
    openai.responses.create(model="recorded", input=conversation, tools=TOOLS)
    system, first, called, sunny, noon, last = asked(gateway).messages
    assert (system.role, system.text) == ("system", "Be brief.")
    assert first.content == (TextPart(text="Look: "), ImagePart(url=IMAGE, extra={"detail": "low"}))
    assert (called.role, called.text) == ("assistant", "I ask.")
    assert called.tool_calls == (
        ToolCall(name="weather", arguments={"city": "Paris"}, id="c1"),
        ToolCall(name="time", id="c2", raw="{oops"),
    )
    assert [(turn.role, turn.tool_call_id, turn.text) for turn in (sunny, noon)] == [
        ("tool", "c1", "sunny"),
        ("tool", "c2", "noon"),
    ]
    assert (last.role, last.text) == ("user", "And now?")


def test_an_answer_can_be_held_to_a_schema(openai: OpenAI) -> None:
    for model in ("tools", "json_in_words"):
        parsed = openai.responses.parse(model=model, input="How is it?", text_format=Weather)
        assert parsed.output_parsed == Weather(city="Paris", degrees=21), model
    response = openai.responses.create(
        model="json_in_words", input="How is it, as JSON?", text={"format": {"type": "json_object"}}
    )
    assert json.loads(response.output_text) == json.loads(WEATHER)
    assert response.text.format.type == "json_object"


def test_what_changes_nothing_is_told(openai: OpenAI) -> None:
    ask: Any = {
        "model": BUNDLED,
        "input": "hello",
        "max_output_tokens": 4,
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content", "web_search_call.results"],
        "prompt_cache_key": "k",
    }
    response = openai.responses.create(**ask)
    told = response.to_dict()["warnings"]
    names = ["prompt_cache_key", "reasoning.summary", "reasoning_effort", "reasoning.encrypted_content"]
    assert told == [f"{name} has no effect here." for name in names]
    assert response.reasoning.effort == "low"
    *_, last = openai.responses.create(**ask, stream=True)
    assert last.response.to_dict()["warnings"] == told


def test_a_long_conversation_is_cut_where_that_is_asked_for(openai: OpenAI) -> None:
    long: Any = [
        {"role": role, "content": f"{number} word" * 40} for number in range(60) for role in ("user", "assistant")
    ]
    ask: Any = {"model": BUNDLED, "input": [*long, {"role": "user", "content": "hello"}], "max_output_tokens": 8}
    with pytest.raises(BadRequestError, match=r"takes \d+ for prompt and answer together"):
        openai.responses.create(**ask)
    response = openai.responses.create(**ask, truncation="auto")
    (told,) = response.to_dict()["warnings"]
    assert "were left out" in told
    assert response.output_text
    short = openai.responses.create(model=BUNDLED, input="hello", max_output_tokens=8, truncation="auto")
    assert "warnings" not in short.to_dict()


# -- tools ----------------------------------------------------------------------------------------------------------


def test_calls_are_items_with_ids_and_arguments(openai: OpenAI) -> None:
    response = openai.responses.create(model="tools", input="How is it in Paris?", tools=TOOLS)
    assert response.status == "completed"
    assert [
        (item.type, item.call_id, item.name, json.loads(item.arguments), item.status) for item in response.output
    ] == [
        ("function_call", f"call_{number}", name, {"city": "Paris"}, "completed")
        for number, name in enumerate(("weather", "time"))
    ]
    assert [tool.name for tool in response.tools] == ["weather", "time"]


def test_calls_in_a_stream_bring_their_arguments(openai: OpenAI) -> None:
    events = list(openai.responses.create(model="tools", input="How is it?", tools=TOOLS, stream=True))
    call = [
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
    ]
    assert kinds(events) == ["created", "in_progress", *call, *call, "completed"]
    assert [event.output_index for event in events if event.type == "response.output_item.added"] == [0, 1]
    done = [event for event in events if event.type == "response.function_call_arguments.done"]
    assert [json.loads(event.arguments) for event in done] == [{"city": "Paris"}] * 2


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("auto", ["weather", "time"]),
        ("required", ["weather", "time"]),
        ("none", []),
        ({"type": "function", "name": "time"}, ["time"]),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "time"}]},
            ["time"],
        ),
    ],
)
def test_the_choice_of_a_tool_is_kept(openai: OpenAI, choice: Any, names: list[str]) -> None:
    response = openai.responses.create(model="tools", input="How is it?", tools=TOOLS, tool_choice=choice)
    assert [item.name for item in response.output if item.type == "function_call"] == names


@pytest.mark.parametrize("is_stream", [False, True])
def test_one_call_is_the_most_where_that_is_asked_for(openai: OpenAI, is_stream: bool) -> None:
    ask: Any = {"model": "tools", "input": "How is it?", "tools": TOOLS, "parallel_tool_calls": False}
    if is_stream:
        *_, last = openai.responses.create(**ask, stream=True)
        response = last.response
    else:
        response = openai.responses.create(**ask)
    assert [item.name for item in response.output] == ["weather"]
    assert response.parallel_tool_calls is False


def test_the_result_of_a_call_goes_back_with_the_items_or_by_the_id(openai: OpenAI) -> None:
    called = openai.responses.create(model="tools", input="How is it?", tools=TOOLS)
    results: Any = [
        {"type": "function_call_output", "call_id": item.call_id, "output": "sunny"} for item in called.output
    ]
    items: Any = [{"role": "user", "content": "How is it?"}, *called.output, *results]
    assert openai.responses.create(model="tools", input=items, tools=TOOLS).output_text == "It says sunny."
    by_id = openai.responses.create(model="tools", input=results, tools=TOOLS, previous_response_id=called.id)
    assert by_id.output_text == "It says sunny."


def test_calls_without_ids_get_some_and_broken_arguments_stay_as_they_are(open_gateway: OpenGateway) -> None:
    calls = (ToolCall(name="a"), ToolCall(name="b", raw="{oops"))
    bare = ScriptedEngine(lambda _: Reply(text="Now.", tool_calls=calls))
    gateway = open_gateway({"bare": bare})
    with OpenAI(base_url=gateway.base_url, api_key="x", max_retries=0) as client:
        words, first, second = client.responses.create(model="bare", input="go", tools=TOOLS).output
        assert words.content[0].text == "Now."
        assert "" not in (first.call_id, second.call_id)
        assert first.call_id != second.call_id
        assert (first.arguments, second.arguments) == ("{}", "{oops")

"""Tools and shapes, natively and in words, as OpenAI's own client offers them."""

from __future__ import annotations

import json
from typing import Any

import httpx
import openai as openai_package
import pytest
from openai import BadRequestError, OpenAI
from pydantic import BaseModel

from tests.serve.engines import WEATHER
from tests.serve.gateways import RunningGateway

HELLO: Any = [{"role": "user", "content": "How is the weather in Paris?"}]
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def tool(name: str) -> Any:
    """A tool that takes a city."""
    return {"type": "function", "function": {"name": name, "description": f"Tells the {name}.", "parameters": CITY}}


TOOLS = [tool("weather"), tool("time")]


class Weather(BaseModel):
    """How it is outside."""

    city: str
    degrees: int


# -- tools ----------------------------------------------------------------------------------------------------------


def test_calls_come_with_names_arguments_and_ids(openai: OpenAI) -> None:
    choice = openai.chat.completions.create(model="tools", messages=HELLO, tools=TOOLS).choices[0]
    calls: Any = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert [(call.function.name, json.loads(call.function.arguments)) for call in calls] == [
        ("weather", {"city": "Paris"}),
        ("time", {"city": "Paris"}),
    ]
    assert len({call.id for call in calls}) == 2


def test_calls_in_a_stream_are_the_same(openai: OpenAI) -> None:
    with openai.chat.completions.stream(model="tools", messages=HELLO, tools=TOOLS) as stream:
        streamed: Any = stream.get_final_completion().choices[0]
    whole: Any = openai.chat.completions.create(model="tools", messages=HELLO, tools=TOOLS).choices[0]
    assert streamed.finish_reason == "tool_calls"
    assert [call.function.name for call in streamed.message.tool_calls] == ["weather", "time"]
    assert [call.id for call in streamed.message.tool_calls] == [call.id for call in whole.message.tool_calls]
    assert [call.function.arguments for call in streamed.message.tool_calls] == [
        call.function.arguments for call in whole.message.tool_calls
    ]


def test_deltas_of_calls_have_their_places(openai: OpenAI) -> None:
    deltas: list[Any] = [
        call
        for piece in openai.chat.completions.create(model="tools", messages=HELLO, tools=TOOLS, stream=True)
        for call in piece.choices[0].delta.tool_calls or []
    ]
    assert [call.index for call in deltas] == [0, 1]
    assert all(call.id and call.type == "function" for call in deltas)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_without_parallel_calls_there_is_one(openai: OpenAI, stream: bool) -> None:
    asked: Any = {"model": "tools", "messages": HELLO, "tools": TOOLS, "parallel_tool_calls": False}
    if stream:
        with openai.chat.completions.stream(**asked) as running:
            calls: Any = running.get_final_completion().choices[0].message.tool_calls
    else:
        calls = openai.chat.completions.create(**asked).choices[0].message.tool_calls
    assert [call.function.name for call in calls] == ["weather"]


CHOICES: list[tuple[Any, list[str], str]] = [
    ("auto", ["weather", "time"], ""),
    ("required", ["weather", "time"], "required"),
    ({"type": "function", "function": {"name": "time"}}, ["weather", "time"], "time"),
    (
        {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [TOOLS[1]]}},
        ["time"],
        "required",
    ),
    ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": TOOLS}}, ["weather", "time"], ""),
    ("none", [], ""),
]


@pytest.mark.parametrize(("choice", "offered", "wanted"), CHOICES, ids=lambda value: str(value)[:30])
def test_choice_reaches_the_model(
    openai: OpenAI, gateway: RunningGateway, choice: Any, offered: list[str], wanted: str
) -> None:
    openai.chat.completions.create(model="tools", messages=HELLO, tools=TOOLS, tool_choice=choice)
    asked = gateway.engines["tools"].records[-1]
    assert [spec.name for spec in asked.tools] == offered
    assert asked.tool_choice == wanted
    assert all(spec.parameters == CITY for spec in asked.tools)


WRONG_CHOICES: list[Any] = [
    {"type": "function", "function": {"name": "nothing"}},
    {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [tool("nothing")]}},
    {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": []}},
    {"type": "custom", "custom": {"name": "weather"}},
    "sometimes",
    7,
]


@pytest.mark.parametrize("choice", WRONG_CHOICES, ids=lambda value: str(value)[:30])
def test_choice_that_cannot_be_made_is_refused(openai: OpenAI, choice: Any) -> None:
    with pytest.raises(BadRequestError) as refused:
        openai.chat.completions.create(model="tools", messages=HELLO, tools=TOOLS, tool_choice=choice)
    assert (refused.value.param or "").startswith("tool_choice")


def test_results_go_back_to_the_model(openai: OpenAI) -> None:
    first = openai.chat.completions.create(
        model="tools", messages=HELLO, tools=TOOLS, parallel_tool_calls=False
    ).choices[0]
    calls: Any = first.message.tool_calls
    turns: Any = [
        *HELLO,
        first.message.to_dict(),
        {"role": "tool", "tool_call_id": calls[0].id, "content": "21 degrees"},
    ]
    answer = openai.chat.completions.create(model="tools", messages=turns, tools=TOOLS).choices[0]
    assert (answer.message.content, answer.finish_reason) == ("It says 21 degrees.", "stop")


def test_model_without_tools_is_told_of_them_in_words(openai: OpenAI, gateway: RunningGateway) -> None:
    said = openai.chat.completions.create(model="calls_in_words", messages=HELLO, tools=TOOLS).choices[0]
    calls: Any = said.message.tool_calls
    asked = gateway.engines["calls_in_words"].records[-1]
    assert asked.tools == ()
    assert "weather" in asked.messages[-1].text
    assert said.finish_reason == "tool_calls"
    assert [(call.function.name, call.function.arguments, bool(call.id)) for call in calls] == [
        ("weather", '{"city": "Paris"}', True)
    ]


def test_calls_in_words_come_as_one_piece_of_a_stream(openai: OpenAI) -> None:
    with openai.chat.completions.stream(model="calls_in_words", messages=HELLO, tools=TOOLS) as stream:
        choice: Any = stream.get_final_completion().choices[0]
    assert choice.finish_reason == "tool_calls"
    assert not choice.message.content
    assert [call.function.name for call in choice.message.tool_calls] == ["weather"]


def test_json_that_calls_nothing_on_offer_is_an_answer(openai: OpenAI) -> None:
    choice = openai.chat.completions.create(model="json_in_words", messages=HELLO, tools=TOOLS).choices[0]
    assert WEATHER in (choice.message.content or "")
    assert not choice.message.tool_calls
    with pytest.raises(BadRequestError, match="did not call"):
        openai.chat.completions.create(model="json_in_words", messages=HELLO, tools=TOOLS, tool_choice="required")


def test_parameters_of_any_json_schema_are_told_in_words(openai: OpenAI, gateway: RunningGateway) -> None:
    parameters = {"type": "object", "properties": {"city": {"type": ["string", "null"]}, "any": True}}
    odd: Any = [{"type": "function", "function": {"name": "weather", "parameters": parameters}}]
    openai.chat.completions.create(model="calls_in_words", messages=HELLO, tools=odd)
    assert '"null"' in gateway.engines["calls_in_words"].records[-1].messages[-1].text


@pytest.mark.parametrize("parallel", [None, False], ids=["all", "one"])
def test_calls_that_come_apart_have_ids_and_places_of_their_own(openai: OpenAI, parallel: bool | None) -> None:
    asked: Any = {"model": "calls_apart", "messages": HELLO, "tools": TOOLS, "parallel_tool_calls": parallel}
    whole: Any = openai.chat.completions.create(**asked).choices[0].message
    deltas: list[Any] = [
        call
        for piece in openai.chat.completions.create(**asked, stream=True)
        for call in piece.choices[0].delta.tool_calls or []
    ]
    names = ["weather", "time"] if parallel is None else ["weather"]
    assert whole.content == "Let me see."
    assert [call.function.name for call in whole.tool_calls] == names
    assert [(call.index, call.function.name) for call in deltas] == list(enumerate(names))
    for calls in (whole.tool_calls, deltas):
        assert len({call.id for call in calls if call.id}) == len(names)


def test_form_that_is_not_held_beside_tools_is_told(openai: OpenAI, gateway: RunningGateway) -> None:
    wanted: Any = {"type": "json_object"}
    answer: Any = openai.chat.completions.create(model="tools", messages=HELLO, tools=TOOLS, response_format=wanted)
    assert answer.choices[0].message.tool_calls
    assert any("beside tools" in warning for warning in answer.warnings)


def test_results_in_words_reach_a_model_without_tools(openai: OpenAI, gateway: RunningGateway) -> None:
    call: Any = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
    turns: Any = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "21 degrees"},
    ]
    openai.chat.completions.create(model="text_only", messages=turns)
    seen = gateway.engines["text_only"].records[-1].messages
    assert [turn.role for turn in seen] == ["user", "assistant", "user"]
    assert "weather: 21 degrees" in seen[-1].text


def test_custom_tool_is_refused(openai: OpenAI) -> None:
    custom: Any = [{"type": "custom", "custom": {"name": "free"}}]
    with pytest.raises(BadRequestError):
        openai.chat.completions.create(model="tools", messages=HELLO, tools=custom)


# -- shapes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["tools", "json_in_words"], ids=["natively", "in-words"])
def test_parse_gives_the_class_back(openai: OpenAI, model: str) -> None:
    answer = openai.chat.completions.parse(model=model, messages=HELLO, response_format=Weather)
    assert answer.choices[0].message.parsed == Weather(city="Paris", degrees=21)


@pytest.mark.parametrize("model", ["tools", "json_in_words"], ids=["natively", "in-words"])
def test_schema_as_plain_json_holds_the_answer(openai: OpenAI, model: str) -> None:
    wanted: Any = {
        "type": "json_schema",
        "json_schema": {"name": "weather", "schema": Weather.model_json_schema(), "strict": True},
    }
    answer = openai.chat.completions.create(model=model, messages=HELLO, response_format=wanted)
    assert json.loads(answer.choices[0].message.content or "") == json.loads(WEATHER)


def test_schema_reaches_a_model_that_takes_it(openai: OpenAI, gateway: RunningGateway) -> None:
    openai.chat.completions.parse(model="tools", messages=HELLO, response_format=Weather)
    schema = gateway.engines["tools"].records[-1].schema
    assert schema.name == "Weather"
    assert set(schema.schema["properties"]) == {"city", "degrees"}


def test_any_json_object_is_read_out_of_words(openai: OpenAI) -> None:
    wanted: Any = {"type": "json_object"}
    answer = openai.chat.completions.create(model="json_in_words", messages=HELLO, response_format=wanted)
    assert json.loads(answer.choices[0].message.content or "") == json.loads(WEATHER)


def test_shape_in_words_streams_as_one_piece(openai: OpenAI) -> None:
    wanted: Any = {"type": "json_object"}
    stream = openai.chat.completions.create(model="json_in_words", messages=HELLO, response_format=wanted, stream=True)
    said = [piece.choices[0].delta.content or "" for piece in stream]
    assert json.loads("".join(said)) == json.loads(WEATHER)
    assert sum(bool(piece) for piece in said) == 1


def test_bundled_model_is_held_to_a_schema(openai: OpenAI) -> None:
    answer = openai.chat.completions.parse(
        model="byzer-tiny", messages=HELLO, response_format=Weather, max_tokens=200, temperature=0
    )
    assert isinstance(answer.choices[0].message.parsed, Weather)


def test_text_format_changes_nothing(openai: OpenAI) -> None:
    wanted: Any = {"type": "text"}
    answer = openai.chat.completions.create(model="echo", messages=HELLO, response_format=wanted)
    assert answer.choices[0].message.content == HELLO[0]["content"]


def test_model_that_never_writes_json_ends_in_an_error(openai: OpenAI) -> None:
    wanted: Any = {"type": "json_object"}
    with pytest.raises(openai_package.InternalServerError) as failed:
        openai.chat.completions.create(model="text_only", messages=HELLO, response_format=wanted)
    assert failed.value.status_code == 502
    assert failed.value.code == "unusable_answer"


def test_json_that_is_cut_at_the_callers_own_limit_says_so(openai: OpenAI) -> None:
    wanted: Any = {"type": "json_object"}
    told = [{"role": "user", "content": '{"city": "Paris", "degrees": 21, "about": "a long'}]
    answer = openai.chat.completions.create(model="echo", messages=told, response_format=wanted, max_tokens=3)
    assert answer.choices[0].finish_reason == "length"
    assert answer.choices[0].message.content


@pytest.mark.parametrize("guide", [{"guided_json": Weather.model_json_schema()}, {"guided_choice": ["a", WEATHER]}])
def test_guides_of_other_servers_become_schemas(
    http: httpx.Client, gateway: RunningGateway, guide: dict[str, Any]
) -> None:
    answer = http.post("/v1/chat/completions", json={"model": "tools", "messages": HELLO, **guide})
    assert answer.status_code == 200, answer.text
    schema = gateway.engines["tools"].records[-1].schema.schema
    assert schema == guide.get("guided_json", {"enum": guide.get("guided_choice")})


def test_schema_that_is_no_json_is_refused(http: httpx.Client) -> None:
    answer = http.post("/v1/chat/completions", json={"model": "tools", "messages": HELLO, "guided_json": "{"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "guided_json")

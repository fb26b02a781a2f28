"""What must hold for every vendor whose models call tools: calls arrive whole, and what cannot be sent is refused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from byzer_nb.errors import BadInputError, UnsupportedError
from byzer_nb.types import AnswerSchema, ChatRequest, Delta, Engine, Message, ToolCall, ToolSpec
from tests.providers.asking import answered, asked
from tests.providers.vendors import VENDORS, Vendor
from tests.standins.vendor import Act, VendorStandIn

pytestmark = pytest.mark.contract("STRUCT-01", "STRUCT-03")

WEATHER = ToolSpec(
    name="weather",
    description="The weather in a city, 今天或明天。",
    parameters={
        "type": "object",
        "properties": {
            "city_name": {"type": "string", "description": "Its name."},
            "days": {"type": "array", "items": {"type": "integer"}},
        },
        "required": ["city_name"],
    },
)
NOW = ToolSpec(name="now", description="The time.")
QUESTION = Message(role="user", content="What is the weather?")
ARGUMENTS: dict[str, Any] = {
    "city_name": '北京 "Peking" \\ 👩‍👩‍👧‍👦\n',
    "days": [1, 2],
    "un_known": {"a": None, "b": [1.5]},
}
SCHEMA = {
    "$defs": {"Sight": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 1, "default": "x"},
        "first_sight": {"$ref": "#/$defs/Sight", "description": "The best one."},
        "sights": {"type": "array", "items": {"$ref": "#/$defs/Sight"}, "uniqueItems": True},
    },
    "required": ["city"],
}


@pytest.fixture(params=VENDORS, ids=str)
def vendor(request: pytest.FixtureRequest) -> Vendor:
    """Each vendor in turn."""
    each: Vendor = request.param
    return each


@pytest.fixture(params=[each for each in VENDORS if each.calls_tools], ids=str)
def caller(request: pytest.FixtureRequest) -> Vendor:
    """Each vendor whose model calls tools."""
    each: Vendor = request.param
    return each


@pytest.fixture
def standin(request: pytest.FixtureRequest) -> Iterator[VendorStandIn]:
    """Its server."""
    name = "caller" if "caller" in request.fixturenames else "vendor"
    with request.getfixturevalue(name).standin() as standin:
        yield standin


@asynccontextmanager
async def engine_for(vendor: Vendor, standin: VendorStandIn, **more: str) -> AsyncIterator[Engine]:
    """An engine of that vendor, closed at the end."""
    engine = vendor.build(standin, **more)
    yield engine
    await engine.close()


def offering(
    *messages: Message, stream: bool = True, choice: str = "", tools: tuple[ToolSpec, ...] = (WEATHER, NOW)
) -> ChatRequest:
    """A conversation in which tools are offered."""
    return ChatRequest(messages=messages or (QUESTION,), stream=stream, tools=tools, tool_choice=choice)


async def called(engine: Engine, request: ChatRequest) -> tuple[Delta, str]:
    """The last delta, which has the calls, and the words."""
    deltas = await answered(engine, request)
    assert not any(delta.tool_calls for delta in deltas[:-1])
    return deltas[-1], "".join(delta.text for delta in deltas)


def as_said(delta: Delta) -> list[tuple[str, dict[str, Any], str]]:
    """Names, arguments and what was no JSON."""
    return [(call.name, call.arguments, call.raw) for call in delta.tool_calls]


async def test_card_says_whether_the_model_takes_tools(vendor: Vendor, standin: VendorStandIn) -> None:
    async with engine_for(vendor, standin) as engine:
        assert engine.describe().capabilities.tools is vendor.calls_tools


@pytest.mark.parametrize("arguments", [ARGUMENTS, {"city_name": "Berlin"}, {}], ids=["unicode", "plain", "none"])
async def test_call_arrives_whole(caller: Vendor, standin: VendorStandIn, arguments: Any, stream: bool) -> None:
    standin.always = Act(reply="", tool_calls=[("weather", arguments)])
    async with engine_for(caller, standin) as engine:
        last, words = await called(engine, offering(stream=stream))
    assert as_said(last) == [("weather", arguments, "")]
    assert last.tool_calls[0].id
    assert last.finish_reason == "tool_calls"
    assert last.usage is not None
    assert words == ""


async def test_two_calls_at_once_stay_two(caller: Vendor, standin: VendorStandIn, stream: bool) -> None:
    standin.always = Act(reply="", tool_calls=[("weather", ARGUMENTS), ("weather", {"city_name": "Rom"}), ("now", {})])
    async with engine_for(caller, standin) as engine:
        last, _ = await called(engine, offering(stream=stream))
    assert as_said(last) == [("weather", ARGUMENTS, ""), ("weather", {"city_name": "Rom"}, ""), ("now", {}, "")]
    assert len({call.id for call in last.tool_calls}) == 3


async def test_words_beside_calls_are_kept(caller: Vendor, standin: VendorStandIn, stream: bool) -> None:
    standin.always = Act(reply="Let me look. 好的", tool_calls=[("now", {})])
    async with engine_for(caller, standin) as engine:
        last, words = await called(engine, offering(stream=stream))
    assert words == "Let me look. 好的"
    assert as_said(last) == [("now", {}, "")]
    assert last.finish_reason == "tool_calls"


@pytest.mark.parametrize("text", ['{"city_name": "Ber', "weather in Berlin", '["Berlin"]', '"Berlin"'])
async def test_broken_arguments_are_given_as_they_were_written(
    caller: Vendor, standin: VendorStandIn, text: str, stream: bool
) -> None:
    standin.always = Act(reply="", tool_calls=[("weather", text)])
    async with engine_for(caller, standin) as engine:
        last, _ = await called(engine, offering(stream=stream))
    ((name, arguments, raw),) = as_said(last)
    assert (name, arguments) == ("weather", {})
    assert raw
    if text.startswith("{"):
        assert raw == text


@pytest.mark.parametrize("cut_every", [1, 2, 3, 7, 64])
async def test_any_borders_between_packets_give_the_same_calls(
    caller: Vendor, standin: VendorStandIn, cut_every: int
) -> None:
    standin.always = Act(reply="好", tool_calls=[("weather", ARGUMENTS), ("now", {})], cut_every=cut_every)
    async with engine_for(caller, standin) as engine:
        last, words = await called(engine, offering())
    assert as_said(last) == [("weather", ARGUMENTS, ""), ("now", {}, "")]
    assert words == "好"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=strategies.lists(strategies.integers(0, 9000), max_size=30))
async def test_bytes_cut_anywhere_give_the_same_calls(caller: Vendor, standin: VendorStandIn, cuts: list[int]) -> None:
    standin.always = Act(reply="", tool_calls=[("weather", ARGUMENTS), ("now", {})], cuts=cuts)
    async with engine_for(caller, standin) as engine:
        last, _ = await called(engine, offering())
    assert as_said(last) == [("weather", ARGUMENTS, ""), ("now", {}, "")]


async def test_results_go_back_and_are_answered(caller: Vendor, standin: VendorStandIn, stream: bool) -> None:
    standin.next(
        Act(reply="Let me look.", tool_calls=[("weather", ARGUMENTS), ("now", {})], reasoning=["Two", " tools."]),
        Act(reply="", tool_calls=[("weather", {"city_name": "Rom"})]),
        Act(reply="It is cold."),
    )
    async with engine_for(caller, standin) as engine:
        first, words = await called(engine, offering(stream=stream))
        messages = (
            QUESTION,
            Message(role="assistant", content=words, tool_calls=first.tool_calls),
            Message(role="tool", content='三度 {"degrees": 3}', tool_call_id=first.tool_calls[0].id),
            Message(role="tool", content="", tool_call_id=first.tool_calls[1].id),
        )
        second, _ = await called(engine, offering(*messages, stream=stream))
        messages = (
            *messages,
            Message(role="assistant", content="", tool_calls=second.tool_calls),
            Message(role="tool", content="ninety", tool_call_id=second.tool_calls[0].id),
            Message(role="user", content="So?"),
        )
        last, words = await called(engine, offering(*messages, stream=stream))
    assert words == "It is cold."
    assert last.finish_reason == "stop"
    body = json.dumps(standin.requests[-1].body, ensure_ascii=False)
    assert [sight for sight in ("三度", "ninety", "Peking", "Rom", "So?") if sight not in body] == []


async def test_calls_of_another_vendor_are_taken(caller: Vendor, standin: VendorStandIn) -> None:
    calls = (
        ToolCall(name="weather", id="functions.weather:0", arguments={"city_name": "Rom"}, proof="elsewhere:secret"),
        ToolCall(name="now", id="made_up_1", raw="{broken"),
    )
    messages = (
        QUESTION,
        Message(role="assistant", content="", tool_calls=calls),
        *(Message(role="tool", content="ok", tool_call_id=call.id) for call in calls),
    )
    standin.always = Act(reply="fine")
    async with engine_for(caller, standin) as engine:
        assert (await called(engine, offering(*messages)))[1] == "fine"
    assert "secret" not in json.dumps(standin.requests[-1].body)


@pytest.mark.contract("STRUCT-04")
@pytest.mark.parametrize("choice", ["required", "now"])
async def test_call_that_is_wanted_is_asked_for_or_refused(
    caller: Vendor, standin: VendorStandIn, choice: str, stream: bool
) -> None:
    standin.always = Act(reply="", tool_calls=[("now", {})])
    async with engine_for(caller, standin) as engine:
        if not caller.can_be_forced:
            with pytest.raises(UnsupportedError, match="leaves it to the model"):
                await called(engine, offering(stream=stream, choice=choice))
            assert standin.requests == []
            return
        last, _ = await called(engine, offering(stream=stream, choice=choice))
        free = await called(engine, offering(stream=stream))
    assert as_said(last) == as_said(free[0]) == [("now", {}, "")]
    forced, unforced = (json.dumps(seen.body, sort_keys=True) for seen in standin.requests)
    assert len(forced) > len(unforced)


@pytest.mark.contract("STRUCT-04")
@pytest.mark.parametrize(("choice", "tools"), [("stock", (WEATHER, NOW)), ("auto", (WEATHER,)), ("required", ())])
async def test_choice_that_names_no_tool_is_refused(
    vendor: Vendor, standin: VendorStandIn, choice: str, tools: tuple[ToolSpec, ...]
) -> None:
    async with engine_for(vendor, standin) as engine:
        with pytest.raises((BadInputError, UnsupportedError), match=r"takes no tools|has no such tool") as told:
            await called(engine, offering(choice=choice, tools=tools))
    assert told.value.hint
    assert standin.requests == []


async def test_tools_that_cannot_be_sent_are_never_left_out(
    vendor: Vendor, standin: VendorStandIn, stream: bool
) -> None:
    if vendor.calls_tools:
        return
    before = Message(role="assistant", content="", tool_calls=(ToolCall(name="now", id="1"),))
    async with engine_for(vendor, standin) as engine:
        for request in (offering(stream=stream), offering(QUESTION, before, stream=stream, tools=())):
            with pytest.raises(UnsupportedError, match="takes no tools") as told:
                await called(engine, request)
            assert told.value.hint
    assert standin.requests == []


@pytest.mark.contract("STRUCT-07")
async def test_answer_is_held_to_a_schema_or_the_wish_is_refused(
    vendor: Vendor, standin: VendorStandIn, stream: bool
) -> None:
    answer = '{"city": "北京", "first_sight": {"name": "a"}, "sights": []}'
    standin.always = Act(reply=answer)
    wish = ChatRequest(messages=(QUESTION,), stream=stream, schema=AnswerSchema(schema=SCHEMA, name="city guide"))
    async with engine_for(vendor, standin) as engine:
        if not engine.describe().capabilities.schema:
            with pytest.raises(UnsupportedError, match="cannot be held to a schema") as told:
                await called(engine, wish)
            assert told.value.hint
            assert standin.requests == []
    if vendor.schema_settings:
        async with engine_for(vendor, standin, **vendor.schema_settings) as engine:
            assert engine.describe().capabilities.schema
            assert (await called(engine, wish))[1] == answer
        assert "first_sight" in json.dumps(standin.requests[-1].body)


async def test_tools_of_the_provider_beside_those_of_the_request_are_refused(
    caller: Vendor, standin: VendorStandIn
) -> None:
    async with engine_for(caller, standin) as engine:
        name = "toolConfig" if "converse" in str(caller) else "tools"
        options = asked(extra={name: [{"type": "web_search"}]}).options
        with pytest.raises(BadInputError, match=f"cannot hold '{name}'") as told:
            await called(engine, ChatRequest(messages=(QUESTION,), options=options, tools=(NOW,)))
    assert "as tools" in told.value.hint
    assert standin.requests == []


def test_every_kind_of_vendor_is_among_the_callers() -> None:
    assert len({each.standin for each in VENDORS if each.calls_tools}) >= 9
    assert sum(bool(each.schema_settings) for each in VENDORS) >= 5

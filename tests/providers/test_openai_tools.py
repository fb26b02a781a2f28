"""Tools and schemas in OpenAI's shape: what each host is sent, and what the stranger of them answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from byzer_nb.engines import build
from byzer_nb.errors import UnsupportedError
from byzer_nb.types import AnswerSchema, ChatRequest, Delta, DeploySpec, Engine, ImagePart, Message, ToolCall, ToolSpec
from tests.providers.asking import answered
from tests.providers.vendors import VENDORS
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import Act, sse

pytestmark = pytest.mark.contract("STRUCT-01", "STRUCT-03")

NOW = ToolSpec(name="now", description="The time.")
QUESTION = Message(role="user", content="When?")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "note": {"type": "string", "default": ""}}}
OPEN_SCHEMA = {"type": "object", "properties": {"counts": {"type": "object", "additionalProperties": {}}}}


@pytest.fixture
def host() -> Iterator[OpenAIStandIn]:
    """A host of that kind."""
    with OpenAIStandIn() as standin:
        yield standin


@asynccontextmanager
async def engine_at(host: OpenAIStandIn, name: str = "saas/openai", **settings: str) -> AsyncIterator[Engine]:
    """An engine for the host, closed at the end."""
    usual = {"api_key": host.key, "base_url": host.url, "model": "some-model", "max_retries": 0}
    engine = build(DeploySpec(name="chat", engine=name, settings=usual | settings))
    yield engine
    await engine.close()


def wish(*messages: Message, stream: bool = True, **more: Any) -> ChatRequest:
    """A question that offers a tool."""
    return ChatRequest(messages=messages or (QUESTION,), stream=stream, tools=(NOW,), **more)


def streamed(*deltas: dict[str, Any], reason: str = "tool_calls") -> Act:
    """A stream of these deltas, as a host may send it."""
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
    return Act(raw=b"".join(map(sse, [*chunks, end, "[DONE]"])), raw_type="text/event-stream")


def piece(name: str | None = None, arguments: Any = None, **more: Any) -> dict[str, Any]:
    """A delta with a piece of a call."""
    return {"tool_calls": [{**more, "function": {"name": name, "arguments": arguments}}]}


async def last_of(host: OpenAIStandIn, act: Act) -> Delta:
    """What the end of such an answer says."""
    host.always = act
    async with engine_at(host) as engine:
        return (await answered(engine, wish()))[-1]


async def test_tools_go_out_in_openais_words(host: OpenAIStandIn) -> None:
    weather = ToolSpec(name="weather", parameters={"properties": {"city": {"type": "string"}}, "required": ["city"]})
    async with engine_at(host) as engine:
        await answered(engine, ChatRequest(messages=(QUESTION,), tools=(weather, NOW), tool_choice="weather"))
    body = host.requests[0].body
    nothing = {"type": "object", "properties": {}}
    city = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    assert body["tools"] == [
        {"type": "function", "function": {"name": "weather", "description": "", "parameters": city}},
        {"type": "function", "function": {"name": "now", "description": "The time.", "parameters": nothing}},
    ]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "weather"}}


async def test_request_without_tools_says_nothing_of_them(host: OpenAIStandIn) -> None:
    async with engine_at(host) as engine:
        await answered(engine, ChatRequest(messages=(QUESTION,)))
    assert host.requests[0].body.keys() == {"model", "messages", "stream", "stream_options"}


# -- what hosts differ in ---------------------------------------------------------------------------------------------


@pytest.mark.contract("STRUCT-07")
@pytest.mark.parametrize(
    ("name", "settings", "tools", "schema"),
    [
        ("saas/openai", {"base_url": "https://api.openai.com", "model": "gpt-4o"}, True, True),
        ("saas/openai", {"base_url": "https://api.openai.com", "model": "gpt-5.1-mini"}, True, True),
        ("saas/openai", {"base_url": "https://api.openai.com", "model": "ft:gpt-4.1-nano:us:x:y"}, True, True),
        ("saas/openai", {"base_url": "https://api.openai.com", "model": "gpt-3.5-turbo-1106"}, True, False),
        ("saas/openai", {"base_url": "https://api.openai.com", "model": "gpt-4-turbo"}, True, False),
        ("saas/openai", {"base_url": "https://api.openai.com", "model": "gpt-4"}, True, False),
        ("saas/openai", {"base_url": "https://api.openai.com", "model": "o1-mini"}, False, False),
        ("saas/openai", {"base_url": "https://api.openai.com", "model": "text-embedding-3-small"}, False, False),
        ("saas/openai", {"base_url": "https://api.openai.com", "model": "tts-1"}, False, False),
        ("saas/openai", {"base_url": "https://gateway.example.com", "model": "gpt-4o"}, True, False),
        ("saas/openai", {"base_url": "https://api.siliconflow.cn/v1", "model": "Qwen/Qwen2.5-7B"}, True, True),
        ("saas/deepseek", {"model": "deepseek-chat"}, True, False),
        ("saas/moonshot", {"model": "kimi-k2"}, True, False),
        ("saas/ollama", {"model": "qwen3"}, True, True),
        ("saas/ollama", {"model": "gpt-oss:120b-cloud"}, True, False),
        ("saas/azure_openai", {"api_version": "2024-10-21"}, True, True),
        ("saas/azure_openai", {"api_version": ""}, True, True),
        ("saas/azure_openai", {"api_version": "2024-02-15-preview"}, True, False),
        ("saas/azure_openai", {"api_version": "2023-05-15"}, False, False),
        ("saas/zhipu", {"model": "glm-4.6"}, True, False),
        ("saas/zhipu", {"model": "glm-4v-plus"}, False, False),
        ("saas/qianfan", {"api_key": "bce-v3/a", "model": "ernie-4.0-8k"}, True, False),
        ("saas/qianfan", {"api_key": "bce-v3/a", "model": "ernie-speed-8k"}, False, False),
        ("saas/qianwen_vl", {"model": "qwen3-vl-plus"}, True, False),
    ],
)
def test_card_knows_which_model_of_a_host_takes_tools_and_schemas(
    name: str, settings: dict[str, str], tools: bool, schema: bool
) -> None:
    azure = {"azure_endpoint": "https://x.openai.azure.com", "azure_deployment": "ours"} if "azure" in name else {}
    engine = build(DeploySpec(name="x", engine=name, settings={"api_key": "key.key", **azure, **settings}))
    able = engine.describe().capabilities
    assert (able.tools, able.schema) == (tools, schema)


@pytest.mark.contract("STRUCT-04")
@pytest.mark.parametrize(
    ("name", "model", "can_force"),
    [
        ("saas/deepseek", "deepseek-chat", True),
        ("saas/deepseek", "deepseek-reasoner", False),
        ("saas/deepseek", "deepseek-v4-flash", False),
        ("saas/moonshot", "kimi-k2", False),
        ("saas/ollama", "qwen3", False),
        ("saas/openrouter", "x/y", True),
    ],
)
async def test_call_is_asked_for_only_where_the_host_listens(
    host: OpenAIStandIn, name: str, model: str, can_force: bool
) -> None:
    async with engine_at(host, name, model=model) as engine:
        if not can_force:
            with pytest.raises(UnsupportedError, match="leaves it to the model") as told:
                await answered(engine, wish(tool_choice="required"))
            assert "Leave tool_choice out" in told.value.hint
            assert host.requests == []
            return
        await answered(engine, wish(tool_choice="required"))
    assert host.requests[0].body["tool_choice"] == "required"


@pytest.mark.contract("STRUCT-07")
async def test_ollama_is_given_the_schema_as_it_is(host: OpenAIStandIn) -> None:
    schema = AnswerSchema(schema=SCHEMA, name="my answer!")
    async with engine_at(host, "saas/ollama") as engine:
        await answered(engine, ChatRequest(messages=(QUESTION,), schema=schema))
    wanted = {"name": "my_answer_", "schema": SCHEMA}
    assert host.requests[0].body["response_format"] == {"type": "json_schema", "json_schema": wanted}


@pytest.mark.contract("STRUCT-07")
@pytest.mark.parametrize(
    ("schema", "sent", "strict"),
    [
        (
            SCHEMA,
            {
                "type": "object",
                "properties": {"city": {"type": "string"}, "note": {"type": "string"}},
                "required": ["city", "note"],
                "additionalProperties": False,
            },
            True,
        ),
        (OPEN_SCHEMA, OPEN_SCHEMA, False),
    ],
    ids=["closed", "open"],
)
async def test_schema_is_strict_where_it_can_be_closed(schema: Any, sent: Any, strict: bool) -> None:
    azure = next(each for each in VENDORS if each.engine == "saas/azure_openai")
    with azure.standin() as standin:
        engine = azure.build(standin, **azure.schema_settings)
        await answered(engine, ChatRequest(messages=(QUESTION,), schema=AnswerSchema(schema=schema)))
        await engine.close()
        assert standin.requests[0].body["response_format"]["json_schema"] == {
            "name": "answer",
            "schema": sent,
            "strict": strict,
        }


# -- thoughts that led to a call --------------------------------------------------------------------------------------


async def test_thoughts_go_back_with_the_calls_that_came_of_them(host: OpenAIStandIn, stream: bool) -> None:
    host.next(Act(reply="", reasoning=["I need", " the time."], tool_calls=[("now", {}), ("now", {})]), Act(reply="ok"))
    async with engine_at(host, "saas/deepseek", model="deepseek-v4-flash") as engine:
        *_, last = await answered(engine, wish(stream=stream))
        assert "I need" not in repr(last.tool_calls)
        results = [Message(role="tool", content="12", tool_call_id=call.id) for call in last.tool_calls]
        turn = Message(role="assistant", content="", tool_calls=last.tool_calls)
        await answered(engine, wish(QUESTION, turn, *results))
    assert host.requests[-1].body["messages"][1]["reasoning_content"] == "I need the time."


async def test_openai_is_never_shown_thoughts() -> None:
    azure = next(each for each in VENDORS if each.engine == "saas/azure_openai")
    call = ToolCall(name="now", id="1", proof="reasoning_content:of another host")
    turn = Message(role="assistant", content="", tool_calls=(call,))
    with azure.standin() as standin:
        engine = azure.build(standin)
        await answered(engine, wish(QUESTION, turn, Message(role="tool", content="12", tool_call_id="1")))
        await engine.close()
        assert "another host" not in json.dumps(standin.requests[0].body)


# -- streams of hosts with habits of their own ------------------------------------------------------------------------


async def test_calls_without_an_index_are_told_apart_by_their_ids(host: OpenAIStandIn) -> None:
    last = await last_of(
        host,
        streamed(piece("now", '{"a": 1}', id="x"), piece("then", '{"b"', id="y"), piece(None, ": 2}"), reason="stop"),
    )
    assert [(call.name, call.arguments, call.id) for call in last.tool_calls] == [
        ("now", {"a": 1}, "x"),
        ("then", {"b": 2}, "y"),
    ]
    assert last.finish_reason == "tool_calls"


async def test_calls_that_share_an_index_are_told_apart_by_their_ids(host: OpenAIStandIn) -> None:
    last = await last_of(host, streamed(piece("now", "{}", id="x", index=0), piece("now", '{"b":2}', id="y", index=0)))
    assert [call.arguments for call in last.tool_calls] == [{}, {"b": 2}]


async def test_pieces_of_two_calls_may_come_mixed(host: OpenAIStandIn) -> None:
    deltas = [
        piece("now", "", id="x", index=0),
        piece("then", "", id="y", index=1),
        piece("", '{"a":', id="", index=0),
        piece("", '{"b":', id="", index=1),
        piece(None, "1}", index=0),
        piece(None, "2}", index=1),
    ]
    last = await last_of(host, streamed(*deltas))
    assert [(call.name, call.arguments) for call in last.tool_calls] == [("now", {"a": 1}), ("then", {"b": 2})]


async def test_id_and_name_that_are_said_with_every_piece_are_one_call(host: OpenAIStandIn) -> None:
    last = await last_of(host, streamed(*(piece("now", text, id="x", index=0) for text in ('{"a"', ":", "1}"))))
    assert [(call.name, call.arguments) for call in last.tool_calls] == [("now", {"a": 1})]


@pytest.mark.parametrize("given", [{"a": 1}, '{"a": 1}'], ids=["object", "text"])
async def test_arguments_may_come_as_json_and_a_call_without_an_id(host: OpenAIStandIn, given: Any) -> None:
    last = await last_of(host, streamed(piece("now", given), reason="stop"))
    assert [call.arguments for call in last.tool_calls] == [{"a": 1}]
    assert last.tool_calls[0].id


@pytest.mark.parametrize("text", ["", "  ", "null", "{}"])
async def test_arguments_of_nothing_are_no_broken_ones(host: OpenAIStandIn, text: str) -> None:
    last = await last_of(host, streamed(piece("now", text, id="x", index=0)))
    assert [(call.arguments, call.raw) for call in last.tool_calls] == [({}, "")]


@pytest.mark.parametrize("text", ['{"a": "\\ud800"}', "[" * 100_000, '{"a": NaN}', "{'a': 1}"])
async def test_arguments_that_no_parser_takes_are_kept_as_text(host: OpenAIStandIn, text: str) -> None:
    last = await last_of(host, streamed(piece("now", text, id="x", index=0)))
    assert [(call.arguments, call.raw) for call in last.tool_calls] == [({}, text)]


async def test_call_that_was_cut_keeps_its_reason(host: OpenAIStandIn) -> None:
    last = await last_of(host, streamed(piece("now", '{"a": "lo', id="x", index=0), reason="length"))
    assert last.finish_reason == "length"
    assert last.tool_calls[0].raw == '{"a": "lo'


async def test_tool_of_another_kind_is_no_call(host: OpenAIStandIn) -> None:
    last = await last_of(host, streamed({"tool_calls": [{"index": 0, "id": "x", "custom": {"name": "now"}}]}))
    assert last.tool_calls == ()


async def test_result_of_a_tool_is_words_alone(host: OpenAIStandIn) -> None:
    turn = Message(role="assistant", content="", tool_calls=(ToolCall(name="now", id="1"),))
    picture = Message(role="tool", content=(ImagePart(url="https://example.com/a.png"),), tool_call_id="1")
    async with engine_at(host) as engine:
        with pytest.raises(UnsupportedError, match="neither pictures nor sound"):
            await answered(engine, wish(QUESTION, turn, picture))

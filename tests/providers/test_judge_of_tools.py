"""The vendors' own clients as judges of tools: the same bodies for the same conversation, and the same calls read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import anthropic
import boto3
import openai
import pytest
from botocore.config import Config
from google import genai
from google.genai import types

from byzer_nb.types import AnswerSchema, ChatRequest, Delta, Message, ToolCall, ToolSpec
from tests.providers.asking import answered
from tests.providers.vendors import VENDORS
from tests.standins.bedrock import BedrockStandIn
from tests.standins.claude import ClaudeStandIn
from tests.standins.gemini import GeminiStandIn, camel
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import Act, VendorStandIn

pytestmark = pytest.mark.contract("STRUCT-01", "STRUCT-03", "STRUCT-04")

CLAUDE = "claude-sonnet-4-6"
ON_BEDROCK = "anthropic.claude-sonnet-4-5-20250929-v1:0"
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"city_name": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city_name"],
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"degrees": {"type": "integer"}},
    "required": ["degrees"],
    "additionalProperties": False,
}
WEATHER = ToolSpec(name="weather", description="The weather.", parameters=PARAMETERS)
ROME = {"city_name": "Rom", "days": 2}
MESSAGES = (
    Message(role="user", content="How warm is it?"),
    Message(
        role="assistant",
        content="Let me look.",
        tool_calls=(
            ToolCall(name="weather", id="call_a", arguments=ROME),
            ToolCall(name="weather", id="call_b", arguments={"city_name": "北京"}),
        ),
    ),
    Message(role="tool", content="30", tool_call_id="call_a"),
    Message(role="tool", content="三度", tool_call_id="call_b"),
)
CALLS = [("weather", {"city_name": '北京 "x"', "days": 1}), ("weather", {})]


@pytest.fixture(params=["", "required", "weather"], ids=["free", "required", "named"])
def choice(request: pytest.FixtureRequest) -> str:
    """Each way to choose."""
    way: str = request.param
    return way


async def ours(name: str, standin: VendorStandIn, *, stream: bool, choice: str, **settings: str) -> Delta:
    """The last delta of our own answer."""
    vendor = next(each for each in VENDORS if str(each) == name)
    standin.always = Act(reply="Words.", tool_calls=CALLS)
    engine = vendor.build(standin, **settings)
    deltas = await answered(engine, ChatRequest(messages=MESSAGES, tools=(WEATHER,), tool_choice=choice, stream=stream))
    await engine.close()
    return deltas[-1]


async def held(name: str, standin: VendorStandIn, **settings: str) -> dict[str, Any]:
    """The body of our own wish for an answer of a shape."""
    vendor = next(each for each in VENDORS if str(each) == name)
    standin.always = Act(reply='{"degrees": 3}')
    engine = vendor.build(standin, **settings)
    wish = ChatRequest(messages=MESSAGES[:1], schema=AnswerSchema(schema=SCHEMA, name="warmth"), stream=False)
    await answered(engine, wish)
    await engine.close()
    return standin.requests[-1].body


def said(delta: Delta) -> list[tuple[str, dict[str, Any]]]:
    """The calls without their ids."""
    return [(call.name, call.arguments) for call in delta.tool_calls]


# -- OpenAI -----------------------------------------------------------------------------------------------------------

OPENAI_TURNS: list[Any] = [
    {"role": "user", "content": "How warm is it?"},
    {
        "role": "assistant",
        "content": "Let me look.",
        "tool_calls": [
            {
                "id": "call_a",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city_name":"Rom","days":2}'},
            },
            {
                "id": "call_b",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city_name":"北京"}'},
            },
        ],
    },
    {"role": "tool", "content": "30", "tool_call_id": "call_a"},
    {"role": "tool", "content": "三度", "tool_call_id": "call_b"},
]
OPENAI_TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "weather", "description": "The weather.", "parameters": PARAMETERS}}
]
OPENAI_CHOICES: dict[str, Any] = {
    "": openai.NOT_GIVEN,
    "required": "required",
    "weather": {"type": "function", "function": {"name": "weather"}},
}


async def test_openai_sends_and_reads_the_same(choice: str, stream: bool) -> None:
    with OpenAIStandIn() as standin:
        delta = await ours("saas/openai", standin, stream=stream, choice=choice)
        with openai.OpenAI(api_key=standin.key, base_url=standin.url, max_retries=0) as sdk:
            ask: dict[str, Any] = {"model": "gpt-4o", "messages": OPENAI_TURNS, "tools": OPENAI_TOOLS}
            ask["tool_choice"] = OPENAI_CHOICES[choice]
            if stream:
                with sdk.chat.completions.stream(**ask, stream_options={"include_usage": True}) as events:
                    answer: Any = events.get_final_completion()
            else:
                answer = sdk.chat.completions.create(**ask)
        first, second = standin.requests
    assert first.body == second.body
    calls = answer.choices[0].message.tool_calls
    assert said(delta) == [(call.function.name, json.loads(call.function.arguments)) for call in calls] == CALLS
    assert delta.finish_reason == answer.choices[0].finish_reason
    assert delta.tool_calls[0].id.split("_")[2] == calls[0].id.split("_")[2]


async def test_openai_holds_to_the_same_schema() -> None:
    with OpenAIStandIn() as at_a_gateway:
        with openai.OpenAI(api_key=at_a_gateway.key, base_url=at_a_gateway.url, max_retries=0) as sdk:
            wanted: Any = {
                "type": "json_schema",
                "json_schema": {"name": "warmth", "schema": SCHEMA, "strict": True},
            }
            sdk.chat.completions.create(model="gpt-4o", messages=OPENAI_TURNS[:1], response_format=wanted)
        theirs = at_a_gateway.requests[-1].body
    azure = next(each for each in VENDORS if str(each) == "saas/azure_openai")
    with azure.standin() as standin:
        body = await held("saas/azure_openai", standin, **azure.schema_settings)
    assert body["response_format"] == theirs["response_format"]


# -- Claude -----------------------------------------------------------------------------------------------------------

CLAUDE_TURNS: list[Any] = [
    {"role": "user", "content": [{"type": "text", "text": "How warm is it?"}]},
    {
        "role": "assistant",
        "content": [
            {"type": "text", "text": "Let me look."},
            {"type": "tool_use", "id": "call_a", "name": "weather", "input": ROME},
            {"type": "tool_use", "id": "call_b", "name": "weather", "input": {"city_name": "北京"}},
        ],
    },
    {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "call_a", "content": [{"type": "text", "text": "30"}]},
            {"type": "tool_result", "tool_use_id": "call_b", "content": [{"type": "text", "text": "三度"}]},
        ],
    },
]
CLAUDE_CHOICES: dict[str, Any] = {
    "": {},
    "required": {"tool_choice": {"type": "any"}},
    "weather": {"tool_choice": {"type": "tool", "name": "weather"}},
}


async def test_anthropic_sends_and_reads_the_same(choice: str, stream: bool) -> None:
    with ClaudeStandIn() as standin:
        delta = await ours("saas/claude", standin, stream=stream, choice=choice, model=CLAUDE)
        with anthropic.Anthropic(api_key=standin.key, base_url=standin.origin, max_retries=0) as sdk:
            ask: dict[str, Any] = {
                "model": CLAUDE,
                "max_tokens": 4096,
                "messages": CLAUDE_TURNS,
                "tools": [{"name": "weather", "description": "The weather.", "input_schema": PARAMETERS}],
                **CLAUDE_CHOICES[choice],
            }
            if stream:
                with sdk.messages.stream(**ask) as events:
                    answer: Any = events.get_final_message()
            else:
                answer = sdk.messages.create(**ask)
        first, second = standin.requests
    assert first.body == second.body
    calls = [block for block in answer.content if block.type == "tool_use"]
    assert said(delta) == [(call.name, call.input) for call in calls] == CALLS
    assert (delta.finish_reason, answer.stop_reason) == ("tool_calls", "tool_use")


async def test_anthropic_holds_to_the_same_schema() -> None:
    with ClaudeStandIn() as standin:
        body = await held("saas/claude", standin, model=CLAUDE)
        with anthropic.Anthropic(api_key=standin.key, base_url=standin.origin, max_retries=0) as sdk:
            sdk.messages.create(
                model=CLAUDE,
                max_tokens=4096,
                messages=CLAUDE_TURNS[:1],
                output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
            )
        assert body == standin.requests[-1].body


# -- Gemini -----------------------------------------------------------------------------------------------------------

GEMINI_TURNS: list[Any] = [
    types.Content(role="user", parts=[types.Part(text="How warm is it?")]),
    types.Content(
        role="model",
        parts=[
            types.Part(text="Let me look."),
            types.Part(function_call=types.FunctionCall(id="call_a", name="weather", args=ROME)),
            types.Part(function_call=types.FunctionCall(id="call_b", name="weather", args={"city_name": "北京"})),
        ],
    ),
    types.Content(
        role="user",
        parts=[
            types.Part(function_response=types.FunctionResponse(id=call_id, name="weather", response={"output": words}))
            for call_id, words in (("call_a", "30"), ("call_b", "三度"))
        ],
    ),
]
GEMINI_CHOICES = {
    "": None,
    "required": types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY),
    "weather": types.FunctionCallingConfig(
        mode=types.FunctionCallingConfigMode.ANY, allowed_function_names=["weather"]
    ),
}


@pytest.fixture
def google() -> Iterator[GeminiStandIn]:
    """Google in process."""
    with GeminiStandIn() as standin:
        standin.gives_ids = True
        yield standin


@pytest.fixture
def gemini(google: GeminiStandIn) -> Iterator[genai.Client]:
    """Google's client for it."""
    options = types.HttpOptions(base_url=google.origin, api_version="v1beta")
    with genai.Client(api_key=google.key, http_options=options) as client:
        yield client


async def test_google_sends_and_reads_the_same(
    google: GeminiStandIn, gemini: genai.Client, choice: str, stream: bool
) -> None:
    delta = await ours("saas/gemini", google, stream=stream, choice=choice)
    declared = types.FunctionDeclaration(name="weather", description="The weather.", parameters_json_schema=PARAMETERS)
    calling = GEMINI_CHOICES[choice]
    config = types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=[declared])],
        tool_config=types.ToolConfig(function_calling_config=calling) if calling else None,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    ask: dict[str, Any] = {"model": "gemini-2.5-flash", "contents": GEMINI_TURNS, "config": config}
    models = gemini.models
    chunks = list(models.generate_content_stream(**ask)) if stream else [models.generate_content(**ask)]
    first, second = google.requests
    theirs = {name: value for name, value in camel(second.body).items() if value != {}}
    assert camel(first.body) == theirs
    assert first.target == second.target
    calls = [call for chunk in chunks for call in chunk.function_calls or ()]
    assert said(delta) == [(call.name, call.args) for call in calls] == CALLS
    assert [call.id.split("_")[2] for call in delta.tool_calls] == [str(call.id).split("_")[2] for call in calls]


async def test_google_holds_to_the_same_schema(google: GeminiStandIn, gemini: genai.Client) -> None:
    body = await held("saas/gemini", google)
    config = types.GenerateContentConfig(response_mime_type="application/json", response_json_schema=SCHEMA)
    gemini.models.generate_content(model="gemini-2.5-flash", contents=GEMINI_TURNS[:1], config=config)
    assert camel(body) == camel(google.requests[-1].body)


# -- Bedrock ----------------------------------------------------------------------------------------------------------

CONVERSE_TURNS: list[Any] = [
    {"role": "user", "content": [{"text": "How warm is it?"}]},
    {
        "role": "assistant",
        "content": [
            {"text": "Let me look."},
            {"toolUse": {"toolUseId": "call_a", "name": "weather", "input": ROME}},
            {"toolUse": {"toolUseId": "call_b", "name": "weather", "input": {"city_name": "北京"}}},
        ],
    },
    {
        "role": "user",
        "content": [
            {"toolResult": {"toolUseId": "call_a", "content": [{"text": "30"}]}},
            {"toolResult": {"toolUseId": "call_b", "content": [{"text": "三度"}]}},
        ],
    },
]
CONVERSE_CHOICES: dict[str, Any] = {
    "": {},
    "required": {"toolChoice": {"any": {}}},
    "weather": {"toolChoice": {"tool": {"name": "weather"}}},
}


@pytest.fixture
def amazon() -> Iterator[BedrockStandIn]:
    """Bedrock in process."""
    with BedrockStandIn() as standin:
        yield standin


@pytest.fixture
def converse(amazon: BedrockStandIn) -> Iterator[Any]:
    """Amazon's client for it."""
    client = boto3.client(
        "bedrock-runtime",
        endpoint_url=amazon.url,
        region_name=amazon.region,
        aws_access_key_id=amazon.access_key,
        aws_secret_access_key=amazon.key,
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )
    with closing(client):
        yield client


async def test_amazon_sends_and_reads_the_same(
    amazon: BedrockStandIn, converse: Any, choice: str, stream: bool
) -> None:
    delta = await ours("saas/aws_bedrock converse", amazon, stream=stream, choice=choice)
    spec = {"name": "weather", "description": "The weather.", "inputSchema": {"json": PARAMETERS}}
    ask = {
        "modelId": "amazon.nova-lite-v1:0",
        "messages": CONVERSE_TURNS,
        "toolConfig": {"tools": [{"toolSpec": spec}], **CONVERSE_CHOICES[choice]},
    }
    calls: list[tuple[str, Any]] = []
    if stream:
        names, texts = {}, {}
        for event in converse.converse_stream(**ask)["stream"]:
            if "contentBlockStart" in event:
                place = event["contentBlockStart"]["contentBlockIndex"]
                names[place], texts[place] = event["contentBlockStart"]["start"]["toolUse"]["name"], ""
            elif "toolUse" in event.get("contentBlockDelta", {}).get("delta", {}):
                block = event["contentBlockDelta"]
                texts[block["contentBlockIndex"]] += block["delta"]["toolUse"]["input"]
        calls = [(names[place], json.loads(texts[place])) for place in names]
    else:
        content = converse.converse(**ask)["output"]["message"]["content"]
        calls = [(block["toolUse"]["name"], block["toolUse"]["input"]) for block in content if "toolUse" in block]
    first, second = amazon.requests
    assert first.body == second.body
    assert said(delta) == calls == CALLS


async def test_amazon_holds_to_the_same_schema(amazon: BedrockStandIn, converse: Any) -> None:
    body = await held("saas/aws_bedrock converse", amazon, model=ON_BEDROCK)
    structure = {"jsonSchema": {"name": "warmth", "schema": json.dumps(SCHEMA, separators=(",", ":"))}}
    converse.converse(
        modelId=ON_BEDROCK,
        messages=CONVERSE_TURNS[:1],
        outputConfig={"textFormat": {"type": "json_schema", "structure": structure}},
    )
    assert body == amazon.requests[-1].body

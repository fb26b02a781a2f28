"""Tools and schemas where a vendor has a shape of its own: Claude, Gemini, Bedrock, DashScope and MiniMax."""

from __future__ import annotations

import json
from typing import Any

import pytest

from byzer_nb.engines import build
from byzer_nb.errors import BadInputError, UnsupportedError
from byzer_nb.types import (
    AnswerSchema,
    ChatOptions,
    ChatRequest,
    Delta,
    DeploySpec,
    ImagePart,
    Message,
    TextPart,
    ToolCall,
    ToolSpec,
)
from tests.providers.asking import answered
from tests.providers.vendors import VENDORS, Vendor
from tests.standins.bedrock import BedrockStandIn
from tests.standins.claude import ClaudeStandIn
from tests.standins.dashscope import DashScopeStandIn
from tests.standins.gemini import GeminiStandIn
from tests.standins.gemini_tools import SIGNATURE, UNCHECKED
from tests.standins.minimax import MiniMaxCurrentStandIn
from tests.standins.vendor import Act, VendorStandIn

pytestmark = pytest.mark.contract("STRUCT-01", "STRUCT-03")

NOW = ToolSpec(name="now")
QUESTION = Message(role="user", content="When?")
THINKING = ChatOptions(extra={"thinking": {"type": "enabled", "budget_tokens": 1024}})


def vendor(name: str) -> Vendor:
    """A vendor of the list."""
    return next(each for each in VENDORS if str(each) == name)


async def round_trip(
    name: str,
    standin: VendorStandIn,
    act: Act,
    *,
    stream: bool,
    options: ChatOptions | None = None,
    **settings: str,
) -> tuple[Delta, dict[str, Any]]:
    """The call of an act, and the body in which its result goes back."""
    engine = vendor(name).build(standin, **settings)
    standin.next(act, Act(reply="Twelve."))
    ask = {"tools": (NOW,), "stream": stream, "options": options or ChatOptions()}
    deltas = await answered(engine, ChatRequest(messages=(QUESTION,), **ask))
    words = "".join(delta.text for delta in deltas)
    turn = Message(role="assistant", content=words, tool_calls=deltas[-1].tool_calls)
    results = [Message(role="tool", content="12", tool_call_id=call.id) for call in turn.tool_calls]
    assert (await answered(engine, ChatRequest(messages=(QUESTION, turn, *results), **ask)))[0].text
    await engine.close()
    return deltas[-1], standin.requests[-1].body


# -- Claude -----------------------------------------------------------------------------------------------------------


async def test_claude_is_given_its_signed_thoughts_back(stream: bool) -> None:
    act = Act(reply="So.", reasoning=["I need", " the time."], tool_calls=[("now", {}), ("now", {"a": 1})])
    with ClaudeStandIn() as claude:
        last, body = await round_trip("saas/claude", claude, act, stream=stream, options=THINKING)
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "I need the time.", "signature": "c2lnbmVk"},
        {"type": "text", "text": "So."},
        {"type": "tool_use", "id": last.tool_calls[0].id, "name": "now", "input": {}},
        {"type": "tool_use", "id": last.tool_calls[1].id, "name": "now", "input": {"a": 1}},
    ]


async def test_claude_on_bedrock_is_given_them_too(stream: bool) -> None:
    act = Act(reply="So.", reasoning=["hm"], tool_calls=[("now", {})])
    with BedrockStandIn() as bedrock:
        _, body = await round_trip("saas/aws_bedrock claude", bedrock, act, stream=stream, options=THINKING)
    assert body["messages"][1]["content"][0] == {"type": "thinking", "thinking": "hm", "signature": "c2ln"}


async def test_result_of_a_tool_may_be_a_picture_for_claude() -> None:
    turn = Message(role="assistant", content="", tool_calls=(ToolCall(name="now", id="1"),))
    content = (TextPart(text="The clock."), ImagePart(url="data:image/png;base64,iVBORw0KGgo="))
    result = Message(role="tool", content=content, tool_call_id="1")
    with ClaudeStandIn() as claude:
        engine = vendor("saas/claude").build(claude)
        await answered(engine, ChatRequest(messages=(QUESTION, turn, result), tools=(NOW,)))
        await engine.close()
        (block,) = claude.requests[0].body["messages"][2]["content"]
    assert [each["type"] for each in block["content"]] == ["text", "image"]


@pytest.mark.contract("STRUCT-07")
@pytest.mark.parametrize("name", ["saas/claude", "saas/aws_bedrock claude", "saas/aws_bedrock converse"])
async def test_schema_that_stays_open_is_not_for_claude(name: str) -> None:
    schema = {"type": "object", "properties": {"counts": {"type": "object"}}}
    each = vendor(name)
    with each.standin() as standin:
        engine = each.build(standin, **each.schema_settings)
        with pytest.raises(UnsupportedError, match="cannot be held to this schema") as told:
            await answered(engine, ChatRequest(messages=(QUESTION,), schema=AnswerSchema(schema=schema)))
        await engine.close()
        assert "Name every field" in told.value.hint
        assert standin.requests == []


@pytest.mark.contract("STRUCT-07")
async def test_schema_stands_beside_what_else_the_output_is_told() -> None:
    schema = AnswerSchema(schema={"type": "object", "properties": {"a": {"type": "integer", "minimum": 2}}})
    each = vendor("saas/claude")
    with ClaudeStandIn() as claude:
        engine = each.build(claude, **each.schema_settings)
        effort = ChatOptions(extra={"output_config": {"effort": "low"}})
        await answered(engine, ChatRequest(messages=(QUESTION,), schema=schema, options=effort))
        twice = ChatOptions(extra={"output_config": {"format": {}}})
        with pytest.raises(BadInputError, match="cannot hold 'format'"):
            await answered(engine, ChatRequest(messages=(QUESTION,), schema=schema, options=twice))
        await engine.close()
        (body,) = (seen.body for seen in claude.requests)
    assert body["output_config"]["effort"] == "low"
    assert body["output_config"]["format"]["schema"]["properties"] == {
        "a": {"type": "integer", "description": "(minimum: 2)"}
    }


@pytest.mark.parametrize(
    ("engine", "model", "tools", "schema"),
    [
        ("saas/claude", "claude-2.1", False, False),
        ("saas/claude", "claude-instant-1.2", False, False),
        ("saas/claude", "claude-3-5-sonnet-20240620", True, False),
        ("saas/claude", "claude-sonnet-4-20250514", True, False),
        ("saas/claude", "claude-opus-4-1-20250805", True, False),
        ("saas/claude", "claude-haiku-4-5", True, True),
        ("saas/claude", "claude-opus-5", True, True),
        ("saas/gemini", "gemini-2.5-flash", True, True),
        ("saas/gemini", "gemini-pro", True, False),
        ("saas/gemini", "gemini-1.5-flash", True, False),
        ("saas/gemini", "gemma-3-27b-it", False, False),
        ("saas/gemini", "gemini-embedding-001", False, False),
        ("bedrock", "anthropic.claude-v2", False, False),
        ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", True, True),
        ("bedrock", "meta.llama3-8b-instruct-v1:0", False, False),
        ("converse", "meta.llama3-8b-instruct-v1:0", False, False),
        ("converse", "us.meta.llama3-3-70b-instruct-v1:0", True, False),
        ("converse", "amazon.titan-text-express-v1", False, False),
        ("converse", "anthropic.claude-haiku-4-5-20251001-v1:0", True, True),
    ],
)
def test_card_knows_which_model_takes_tools_and_schemas(engine: str, model: str, tools: bool, schema: bool) -> None:
    settings = {"api_key": "key", "model": model}
    if "saas" not in engine:
        api = {"api": "converse"} if engine == "converse" else {}
        keys = {"aws_access_key": "a", "aws_secret_key": "b", "region_name": "us-east-1"}
        settings, engine = {**keys, **api, "model": model}, "saas/aws_bedrock"
    able = build(DeploySpec(name="x", engine=engine, settings=settings)).describe().capabilities
    assert (able.tools, able.schema) == (tools, schema)


# -- Bedrock ----------------------------------------------------------------------------------------------------------


async def test_converse_is_given_its_signed_thoughts_back(stream: bool) -> None:
    act = Act(reply="So.", reasoning=["I need", " the time."], tool_calls=[("now", {})])
    with BedrockStandIn() as bedrock:
        last, body = await round_trip("saas/aws_bedrock converse", bedrock, act, stream=stream)
    assert body["messages"][1]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "I need the time.", "signature": "c2ln"}}},
        {"text": "So."},
        {"toolUse": {"toolUseId": last.tool_calls[0].id, "name": "now", "input": {}}},
    ]


@pytest.mark.contract("STRUCT-04")
async def test_only_some_models_of_bedrock_can_be_made_to_call() -> None:
    with BedrockStandIn() as bedrock:
        engine = vendor("saas/aws_bedrock converse").build(bedrock, model="mistral.mistral-large-2402-v1:0")
        with pytest.raises(UnsupportedError, match="cannot be made to call a tool"):
            await answered(engine, ChatRequest(messages=(QUESTION,), tools=(NOW,), tool_choice="now"))
        await engine.close()
        assert bedrock.requests == []


# -- Gemini -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gives_ids", [True, False])
async def test_gemini_is_given_its_ids_and_signatures_back(gives_ids: bool, stream: bool) -> None:
    with GeminiStandIn() as google:
        google.gives_ids = gives_ids
        act = Act(reply="", tool_calls=[("now", {}), ("now", {"a_b": 1})])
        last, body = await round_trip("saas/gemini", google, act, stream=stream, model="gemini-3-pro-preview")
    ids = [{"id": call.id} if gives_ids else {} for call in last.tool_calls]
    assert body["contents"][1]["parts"] == [
        {"functionCall": {"name": "now", "args": {}, **ids[0]}, "thoughtSignature": SIGNATURE},
        {"functionCall": {"name": "now", "args": {"a_b": 1}, **ids[1]}},
    ]
    assert body["contents"][2]["parts"] == [
        {"functionResponse": {"name": "now", "response": {"output": "12"}, **each}} for each in ids
    ]


@pytest.mark.parametrize(("model", "signature"), [("gemini-3-flash", UNCHECKED), ("gemini-2.5-flash", None)])
async def test_call_that_gemini_did_not_sign_says_so(model: str, signature: str | None) -> None:
    turn = Message(role="assistant", content="", tool_calls=(ToolCall(name="now", id="functions.now:0"),))
    result = Message(role="tool", content="12", tool_call_id="functions.now:0")
    with GeminiStandIn() as google:
        engine = vendor("saas/gemini").build(google, model=model)
        await answered(engine, ChatRequest(messages=(QUESTION, turn, result), tools=(NOW,)))
        await engine.close()
        (part,) = google.requests[0].body["contents"][1]["parts"]
    assert part.get("thoughtSignature") == signature


async def test_results_of_the_same_id_belong_to_the_latest_call() -> None:
    then = ToolSpec(name="then")
    turns = [
        turn
        for name in ("now", "then")
        for turn in (
            Message(role="assistant", content="", tool_calls=(ToolCall(name=name, id="0"),)),
            Message(role="tool", content="12", tool_call_id="0"),
        )
    ]
    with GeminiStandIn() as google:
        engine = vendor("saas/gemini").build(google)
        await answered(engine, ChatRequest(messages=(QUESTION, *turns), tools=(NOW, then)))
        await engine.close()
        contents = google.requests[0].body["contents"]
    assert [contents[place]["parts"][0]["functionResponse"]["name"] for place in (2, 4)] == ["now", "then"]


# -- DashScope and MiniMax --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("habit", ["obeys", "wholes", "pieces"])
@pytest.mark.parametrize("asks_for_wholes", [True, False])
async def test_dashscope_may_send_arguments_in_pieces_or_as_far_as_they_are_known(
    habit: Any, asks_for_wholes: bool
) -> None:
    calls: list[Any] = [("now", {"city": "北京", "days": [1, 2]}), ("now", {})]
    options = ChatOptions(extra={"incremental_output": False} if asks_for_wholes else {})
    with DashScopeStandIn() as dashscope:
        dashscope.habit = habit
        dashscope.always = Act(reply="Let me look.", tool_calls=calls)
        engine = vendor("saas/qianwen").build(dashscope)
        deltas = await answered(engine, ChatRequest(messages=(QUESTION,), tools=(NOW,), options=options))
        await engine.close()
        given = dashscope.requests[0].body["parameters"]
    assert [(call.name, call.arguments) for call in deltas[-1].tool_calls] == calls
    assert "".join(delta.text for delta in deltas) == "Let me look."
    assert given["parallel_tool_calls"] is True


async def test_whoever_wants_one_call_at_a_time_says_so_to_dashscope() -> None:
    for name in ("saas/qianwen", "saas/qianwen at its compatible address"):
        each = vendor(name)
        with each.standin() as dashscope:
            engine = each.build(dashscope)
            options = ChatOptions(extra={"parallel_tool_calls": False})
            await answered(engine, ChatRequest(messages=(QUESTION,), tools=(NOW,), options=options))
            await answered(engine, ChatRequest(messages=(QUESTION,), tools=(NOW,)))
            await answered(engine, ChatRequest(messages=(QUESTION,)))
            await engine.close()
            told = [json.dumps(seen.body) for seen in dashscope.requests]
        assert ['"parallel_tool_calls": false' in text for text in told] == [True, False, False]
        assert ['"parallel_tool_calls": true' in text for text in told] == [False, True, False]


async def test_calls_that_minimax_says_twice_are_made_once() -> None:
    with MiniMaxCurrentStandIn() as minimax:
        minimax.always = Act(reply="Let me look.", tool_calls=[("now", {"a": 1}), ("now", {})])
        engine = vendor("saas/minimax v2").build(minimax)
        deltas = await answered(engine, ChatRequest(messages=(QUESTION,), tools=(NOW,)))
        await engine.close()
    assert [call.arguments for call in deltas[-1].tool_calls] == [{"a": 1}, {}]
    assert "".join(delta.text for delta in deltas) == "Let me look."

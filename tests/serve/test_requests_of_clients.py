"""What programs that are not installed here ask, as they ask it: Claude Code, Codex, NextChat, Jan and others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from anthropic import Anthropic
from openai import OpenAI

from byzer_nb import ScriptedEngine
from byzer_nb.client.local import BUNDLED
from byzer_nb.types import Capabilities, Reply, ToolCall
from tests.serve.conftest import OpenGateway
from tests.serve.engines import WEATHER
from tests.serve.gateways import RunningGateway

PARIS = {"city": "Paris", "degrees": 21}
SHAPE = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
    "required": ["city", "degrees"],
    "additionalProperties": False,
}


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    """The JSON of a stream's events."""
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


# -- Claude Code 2.1 --------------------------------------------------------------------------------------------------

CACHED = {"type": "ephemeral"}
CLAUDE_CODE = {
    "anthropic-version": "2023-06-01",
    "anthropic-beta": (
        "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,"
        "prompt-caching-scope-2026-01-05,mid-conversation-system-2026-04-07,effort-2025-11-24"
    ),
    "anthropic-dangerous-direct-browser-access": "true",
    "authorization": "Bearer any",
    "user-agent": "claude-cli/2.1.197 (external, sdk-cli)",
    "x-app": "cli",
}
READ = {
    "name": "Read",
    "description": "Reads a file.",
    "input_schema": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"file_path": {"type": "string"}},
        "required": ["file_path"],
        "additionalProperties": False,
    },
}


def of_claude_code(model: str, *turns: dict[str, Any], **given: Any) -> dict[str, Any]:
    """A turn of the program's main conversation."""
    asked = {"role": "user", "content": [{"type": "text", "text": "<reminder/>"}, {"type": "text", "text": "hello"}]}
    return {
        "model": model,
        "messages": [asked, {"role": "system", "content": "Agents: Explore."}, *turns],
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.197;"},
            {"type": "text", "text": "You are an agent.", "cache_control": CACHED},
        ],
        "tools": [READ],
        "metadata": {"user_id": '{"device_id":"a","account_uuid":"","session_id":"b"}'},
        "max_tokens": 32000,
        "thinking": {"type": "adaptive"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "high"},
        "stream": True,
        **given,
    }


def test_claude_code_is_answered_and_told_what_has_no_effect(http: httpx.Client, gateway: RunningGateway) -> None:
    answer = http.post("/v1/messages?beta=true", json=of_claude_code("recorded"), headers=CLAUDE_CODE)
    assert answer.status_code == 200, answer.text
    told = events(answer)
    assert told[0]["message"]["warnings"] == [
        f"{name} has no effect here." for name in ("metadata", "context_management", "thinking")
    ]
    assert told[-1] == {"type": "message_stop"}
    request = gateway.engines["recorded"].records[-1]
    assert [turn.role for turn in request.messages] == ["system", "user", "system"]
    assert [tool.name for tool in request.tools] == ["Read"]
    assert request.options.extra == {"reasoning_effort": "high"}  # other vendors refuse a word that is Claude's own


def test_claude_code_tells_what_its_tools_gave(http: httpx.Client, gateway: RunningGateway) -> None:
    called = {
        "role": "assistant",
        "content": [
            {"type": "text", "text": "I look. "},
            {"type": "tool_use", "id": "call_1", "name": "Read", "input": {"file_path": "/a"}},
        ],
    }
    failed = {
        "type": "tool_result",
        "content": "<tool_use_error>File does not exist.</tool_use_error>",
        "is_error": True,
        "tool_use_id": "call_1",
        "cache_control": CACHED,
    }
    body = of_claude_code("recorded", called, {"role": "user", "content": [failed]})
    assert http.post("/v1/messages?beta=true", json=body, headers=CLAUDE_CODE).status_code == 200
    last = gateway.engines["recorded"].records[-1].messages[-1]
    assert (last.role, last.tool_call_id) == ("tool", "call_1")
    assert last.text == "Error: <tool_use_error>File does not exist.</tool_use_error>"


def test_claude_code_gets_the_title_of_a_session(http: httpx.Client) -> None:
    output = {"effort": "high", "format": {"type": "json_schema", "schema": SHAPE}}
    body = of_claude_code("tools", tools=[], output_config=output)
    told = events(http.post("/v1/messages?beta=true", json=body, headers=CLAUDE_CODE))
    text = "".join(event["delta"]["text"] for event in told if event["type"] == "content_block_delta")
    assert json.loads(text) == json.loads(WEATHER)


def test_claude_code_learns_that_its_prompt_is_too_long(http: httpx.Client) -> None:
    body = of_claude_code(BUNDLED, {"role": "user", "content": "word " * 3000})
    answer = http.post("/v1/messages?beta=true", json=body, headers=CLAUDE_CODE)
    assert answer.status_code == 400
    assert "takes 1024 for prompt and answer together" in answer.json()["error"]["message"]


# -- Codex 0.169 ------------------------------------------------------------------------------------------------------


def of_codex(*items: dict[str, Any], **given: Any) -> dict[str, Any]:
    """A turn of the program, which keeps the conversation itself."""
    told = [("developer", "You are a coding agent."), ("user", "<environment/>"), ("user", "the weather")]
    asked = [
        {"type": "message", "id": f"msg_{place}", "role": role, "content": [{"type": "input_text", "text": text}]}
        for place, (role, text) in enumerate(told)
    ]
    tool = {"type": "function", "name": "weather", "description": "Tells it.", "strict": False, "parameters": SHAPE}
    return {
        "model": "tools",
        "input": [*asked, *items],
        "tools": [tool],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning": {"summary": "auto"},
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "a",
        "client_metadata": {"session_id": "a", "x-codex-turn-metadata": "{}"},
        "stream": True,
        **given,
    }


def test_codex_goes_round_with_a_tool(http: httpx.Client) -> None:
    answer = http.post("/v1/responses", json=of_codex())
    assert answer.status_code == 200, answer.text
    last = events(answer)[-1]
    assert last["type"] == "response.completed"
    assert "client_metadata has no effect here." in last["response"]["warnings"]
    (call,) = last["response"]["output"]
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "21 degrees"}
    second = http.post("/v1/responses", json=of_codex(call, result))
    said = "".join(event["delta"] for event in events(second) if event["type"] == "response.output_text.delta")
    assert said == "It says 21 degrees."


@pytest.mark.parametrize(
    "tool",
    [{"type": "web_search", "external_web_access": False}, {"type": "namespace", "name": "agents", "tools": []}],
    ids=["search", "namespace"],
)
def test_codex_learns_which_of_its_tools_are_not_taken(http: httpx.Client, tool: dict[str, Any]) -> None:
    answer = http.post("/v1/responses", json=of_codex(tools=[tool]))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["param"] == "tools[0].type"
    assert "takes functions" in error["message"]


# -- Anthropic's clients ----------------------------------------------------------------------------------------------


def test_a_thread_is_refused_so_that_clients_go_on_without(http: httpx.Client) -> None:
    body = {"model": "echo", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    answer = http.post("/v1/messages", json=body | {"thread": {"type": "create"}})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["details"] == {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}


def test_anthropics_client_lists_the_models(anthropic: Anthropic) -> None:
    listed = anthropic.models.list()
    names = [model.id for model in listed]
    assert {"echo", "tools"} <= set(names)
    assert (listed.first_id, listed.last_id, listed.has_more) == (names[0], names[-1], False)
    model = anthropic.models.retrieve(BUNDLED)
    assert (model.type, model.id, model.display_name, model.lifecycle) == ("model", BUNDLED, BUNDLED, "active")
    assert model.max_input_tokens == 1024
    assert model.created_at.tzinfo is not None


# -- programs that want a shape, of a model that has tools and no schemas ---------------------------------------------


@pytest.fixture
def by_tool(open_gateway: OpenGateway) -> Iterator[httpx.Client]:
    """A gateway before such a model, which calls the one tool that it is offered."""
    calls = ScriptedEngine(
        lambda request: Reply(text="", tool_calls=(ToolCall(name=request.tools[0].name, arguments=PARIS, id="a"),)),
        capabilities=Capabilities(tools=True, options=frozenset({"max_tokens"})),
    )
    with httpx.Client(base_url=open_gateway({"chat": calls}).origin, timeout=60) as client:
        yield client


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "streamed"])
def test_the_vercel_sdk_sees_no_tool_of_ours_in_its_answer(by_tool: httpx.Client, is_stream: bool) -> None:
    schema = {"name": "response", "strict": True, "schema": SHAPE}
    body = {
        "model": "chat",
        "messages": [{"role": "user", "content": "the weather"}],
        "response_format": {"type": "json_schema", "json_schema": schema},
        "stream": is_stream,
    }
    answer = by_tool.post("/v1/chat/completions", json=body)
    choices = [
        choice for part in (events(answer) if is_stream else [answer.json()]) for choice in part.get("choices", ())
    ]
    said = [choice["delta" if is_stream else "message"] for choice in choices]
    assert json.loads("".join(each.get("content") or "" for each in said)) == PARIS
    assert not any("tool_calls" in each for each in said)
    assert choices[-1]["finish_reason"] == "stop"


def test_neither_do_programs_that_speak_the_other_protocols(by_tool: httpx.Client) -> None:
    shape = {"type": "json_schema", "name": "response", "strict": True, "schema": SHAPE}
    response = by_tool.post("/v1/responses", json={"model": "chat", "input": "hi", "text": {"format": shape}}).json()
    assert [item["type"] for item in response["output"]] == ["message"]
    body = {"model": "chat", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    message = by_tool.post("/v1/messages", json=body | {"output_config": {"format": shape}}).json()
    assert [block["type"] for block in message["content"]] == ["text"]
    assert message["stop_reason"] == "end_turn"


# -- chat windows and assistants --------------------------------------------------------------------------------------


def test_nextchat_streams_an_answer(http: httpx.Client) -> None:
    body = {
        "messages": [{"role": "system", "content": "\nCurrent model: echo\n"}, {"role": "user", "content": "hello"}],
        "stream": True,
        "model": "echo",
        "temperature": 0.5,
        "presence_penalty": 0,
        "frequency_penalty": 0,
        "top_p": 1,
    }
    answer = http.post("/v1/chat/completions", json=body, headers={"cache-control": "no-store"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "".join(event["choices"][0]["delta"].get("content", "") for event in events(answer)) == "hello"
    assert answer.text.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("origin", ["tauri://localhost", "http://tauri.localhost"])
def test_jan_lists_the_models_from_a_window_of_its_own(http: httpx.Client, origin: str) -> None:
    headers = {"origin": origin, "x-api-key": "any", "authorization": "Bearer any"}
    assert "echo" in [model["id"] for model in http.get("/v1/models", headers=headers).json()["data"]]


def test_jupyternaut_marks_what_may_be_kept_and_gives_back_empty_words(openai: OpenAI) -> None:
    call = {"type": "function", "id": "call_0", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
    turns: Any = [
        {"content": "You help.", "role": "system", "cache_control": CACHED},
        {"content": "How is it in Paris?", "role": "user"},
        {"content": "", "role": "assistant", "tool_calls": [call]},
        {"content": "21 degrees", "role": "tool", "tool_call_id": "call_0"},
    ]
    tools: Any = [tool]
    answer = openai.chat.completions.create(model="tools", messages=turns, tools=tools)
    assert answer.choices[0].message.content == "It says 21 degrees."

"""Clients of the world beside the vendors' own: langchain-openai, langchain-anthropic, litellm, and llm."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel, SecretStr

from byzer_nb.providers.litellm import imported
from tests.serve.gateways import RunningGateway


class Weather(BaseModel):
    """How it is outside."""

    city: str
    degrees: int


def weather(city: str) -> str:
    """Tells the weather of a city."""
    return f"21 degrees in {city}"


# -- langchain-openai -------------------------------------------------------------------------------------------------


@pytest.fixture
def chat(gateway: RunningGateway) -> Any:
    """Makes LangChain's model of one of ours."""

    def chat(model: str, **given: Any) -> ChatOpenAI:
        return ChatOpenAI(model=model, base_url=gateway.base_url, api_key=SecretStr("x"), max_retries=0, **given)

    return chat


def test_langchain_gets_an_answer_with_its_tokens(chat: Any) -> None:
    answer = chat("echo").invoke([SystemMessage("Be brief."), HumanMessage("hello there")])
    assert answer.content == "hello there"
    assert answer.usage_metadata["total_tokens"] > 0
    assert answer.response_metadata["finish_reason"] == "stop"


def test_langchain_talks_to_the_bundled_model(chat: Any) -> None:
    assert chat("byzer-tiny", max_tokens=8).invoke("hello").content


def test_langchain_streams(chat: Any) -> None:
    pieces = list(chat("echo", stream_usage=True).stream("a text of several words"))
    assert "".join(piece.content for piece in pieces) == "a text of several words"
    assert sum((piece.usage_metadata or {}).get("output_tokens", 0) for piece in pieces) > 0


async def test_langchain_streams_without_blocking(chat: Any) -> None:
    async with httpx.AsyncClient() as http:  # which it would else keep for the next loop
        pieces = [piece.content async for piece in chat("echo", http_async_client=http).astream("hello there")]
    assert "".join(pieces) == "hello there"


async def test_langchain_asks_several_at_once(chat: Any) -> None:
    async with httpx.AsyncClient() as http:
        answers = await chat("echo", http_async_client=http).abatch(["one", "two", "three"])
    assert [answer.content for answer in answers] == ["one", "two", "three"]


@pytest.mark.parametrize("model", ["tools", "calls_in_words"], ids=["natively", "in-words"])
def test_langchain_calls_tools(chat: Any, model: str) -> None:
    answer = chat(model).bind_tools([weather]).invoke("How is it in Paris?")
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [("weather", {"city": "Paris"})]


def test_langchain_goes_round_with_the_results(chat: Any) -> None:
    model = chat("tools").bind_tools([weather], tool_choice="weather")
    question = HumanMessage("How is it in Paris?")
    called = model.invoke([question])
    assert isinstance(called, AIMessage)
    (call,) = called.tool_calls
    result = ToolMessage(weather(**call["args"]), tool_call_id=call["id"])
    assert chat("tools").invoke([question, called, result]).content == "It says 21 degrees in Paris."


def test_langchain_merges_calls_of_a_stream(chat: Any) -> None:
    whole: Any = None
    for piece in chat("tools").bind_tools([weather]).stream("How is it in Paris?"):
        whole = piece if whole is None else whole + piece
    assert [(call["name"], call["args"]) for call in whole.tool_calls] == [("weather", {"city": "Paris"})]


@pytest.mark.parametrize(
    ("model", "method"), [("tools", "json_schema"), ("json_in_words", "json_schema"), ("json_in_words", "json_mode")]
)
def test_langchain_gets_a_class_back(chat: Any, model: str, method: str) -> None:
    asked = chat(model).with_structured_output(Weather, method=method)
    assert asked.invoke("How is it in Paris? Answer in JSON.") == Weather(city="Paris", degrees=21)


# -- langchain-anthropic ----------------------------------------------------------------------------------------------


@pytest.fixture
def claude(gateway: RunningGateway) -> Any:
    """Makes LangChain's Claude of one of ours."""

    def claude(model: str, **given: Any) -> ChatAnthropic:
        asked: Any = {"model": model, "base_url": gateway.origin, "api_key": "x", "max_retries": 0, "max_tokens": 50}
        return ChatAnthropic(**asked, **given)

    return claude


def test_langchains_claude_gets_an_answer(claude: Any) -> None:
    answer = claude("echo").invoke([SystemMessage("Be brief."), HumanMessage("hello there")])
    assert (answer.content, answer.usage_metadata["output_tokens"]) == ("hello there", 2)
    assert "".join(piece.content for piece in claude("echo").stream("a text of words")) == "a text of words"


def test_langchains_claude_counts_the_tokens(claude: Any) -> None:
    assert claude("byzer-tiny").get_num_tokens_from_messages([HumanMessage("hello")]) > 0


def test_langchains_claude_goes_round_with_a_tool(claude: Any) -> None:
    question = HumanMessage("How is it in Paris?")
    called = claude("tools").bind_tools([weather]).invoke([question])
    (call,) = called.tool_calls
    result = ToolMessage(weather(**call["args"]), tool_call_id=call["id"])
    assert claude("tools").invoke([question, called, result]).content == "It says 21 degrees in Paris."


@pytest.mark.parametrize("model", ["tools", "json_in_words"])
def test_langchains_claude_gets_a_class_back(claude: Any, model: str) -> None:
    asked = claude(model).with_structured_output(Weather, method="json_schema")
    assert asked.invoke("How is it in Paris?") == Weather(city="Paris", degrees=21)


# -- litellm ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(openai: OpenAI) -> Callable[..., Any]:
    """One call through litellm, over a connection of ours: its own ones stay open for as long as the process lives."""

    def asked(model: str, **given: Any) -> Any:
        messages = [{"role": "user", "content": "hello there"}]
        return imported().completion(model=f"openai/{model}", client=openai, messages=messages, **given)

    return asked


def test_litellm_gets_an_answer(asked: Callable[..., Any]) -> None:
    answer = asked("echo")
    assert answer.choices[0].message.content == "hello there"
    assert answer.usage.total_tokens > 0


def test_litellm_streams(asked: Callable[..., Any]) -> None:
    pieces = list(asked("echo", stream=True))
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == "hello there"
    assert [reason for piece in pieces if (reason := piece.choices[0].finish_reason)] == ["stop"]


async def test_litellm_asks_without_blocking(async_openai: AsyncOpenAI) -> None:
    answer = await imported().acompletion(
        model="openai/echo", client=async_openai, messages=[{"role": "user", "content": "hi"}]
    )
    assert answer.choices[0].message.content == "hi"


def test_litellm_calls_tools(asked: Callable[..., Any]) -> None:
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
    choice = asked("tools", tools=[tool]).choices[0]
    assert [call.function.name for call in choice.message.tool_calls] == ["weather"]


def test_litellm_shows_the_thoughts(asked: Callable[..., Any]) -> None:
    assert asked("thinker").choices[0].message.reasoning_content == "Two and two."


@pytest.mark.parametrize(
    ("model", "error"),
    [("nobody", "NotFoundError"), ("limited", "RateLimitError"), ("media", "BadRequestError")],
)
def test_litellm_knows_the_errors(asked: Callable[..., Any], model: str, error: str) -> None:
    with pytest.raises(getattr(imported(), error)):
        asked(model)


# -- llm --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def llm(gateway: RunningGateway, tmp_path: Path) -> Any:
    """Runs llm's command with our models in its list."""
    listed = "".join(
        f"- {{model_id: our-{name}, model_name: {name}, api_base: '{gateway.base_url}', supports_tools: true,"
        " supports_schema: true}\n"
        for name in ("echo", "tools", "byzer-tiny")
    )
    (tmp_path / "extra-openai-models.yaml").write_text(listed)

    def llm(*arguments: str) -> str:
        env = os.environ | {"LLM_USER_PATH": str(tmp_path), "OPENAI_API_KEY": "x"}
        done = subprocess.run(
            [sys.executable, "-m", "llm", *arguments], env=env, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return llm


def test_llm_streams_an_answer(llm: Any) -> None:
    assert llm("-m", "our-echo", "hello there", "--key", "x").strip() == "hello there"


def test_llm_holds_an_answer_to_a_schema(llm: Any) -> None:
    assert '"Paris"' in llm("-m", "our-tools", "--schema", "city, degrees int", "the weather", "--key", "x")


def test_llm_runs_a_tool(llm: Any) -> None:
    tool = 'def weather(city: str) -> str:\n    "The weather."\n    return "21 degrees in " + city'
    said = llm("-m", "our-tools", "--functions", tool, "the weather", "--key", "x")
    assert "It says 21 degrees in Paris." in said


def test_llm_gets_a_whole_answer_of_the_bundled_model(llm: Any) -> None:
    assert llm("-m", "our-byzer-tiny", "hello", "--no-stream", "-o", "max_tokens", "8", "--key", "x").strip()

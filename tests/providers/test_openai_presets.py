"""Hosts that speak OpenAI's protocol under engine names of their own, and the reasoning engine."""

from __future__ import annotations

from typing import Any

import pytest

from byzer_nb import Client, load, unload
from byzer_nb.engines import build
from byzer_nb.errors import MissingSettingError
from byzer_nb.providers.openai import OpenAI
from byzer_nb.types import ChatOptions, ChatRequest, DeploySpec, Message
from tests.providers.asking import answered, asked, said
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import Act

CONTINUED = (Message(role="user", content="Count."), Message(role="assistant", content="1, 2,"))


def engine(name: str, **settings: Any) -> OpenAI:
    built = build(DeploySpec(name="chat", engine=name, settings=settings))
    assert isinstance(built, OpenAI)
    return built


@pytest.mark.contract("SAAS-11")
@pytest.mark.parametrize(
    ("name", "address", "model"),
    [
        ("saas/openai", "https://api.openai.com/v1/chat/completions", "gpt-3.5-turbo-1106"),
        ("saas/deepseek", "https://api.deepseek.com/v1/chat/completions", "deepseek-chat"),
        ("saas/moonshot", "https://api.moonshot.cn/v1/chat/completions", "moonshot-v1-8k"),
        ("saas/kimi", "https://api.moonshot.cn/v1/chat/completions", "moonshot-v1-8k"),
        ("saas/yi", "https://api.lingyiwanwu.com/v1/chat/completions", "yi-vision"),
    ],
)
def test_key_alone_is_enough_for_a_host_with_a_name(name: str, address: str, model: str) -> None:
    card = engine(name, api_key="sk-1").describe()
    assert str(engine(name, api_key="sk-1").address) == address
    assert (card.model, card.engine) == (model, name)


@pytest.mark.contract("SAAS-11")
@pytest.mark.parametrize("name", ["saas/deepseek", "saas/moonshot", "saas/kimi", "saas/yi", "saas/openrouter"])
@pytest.mark.parametrize("key", ["", " ", None])
def test_empty_key_is_a_value_error_that_names_it(name: str, key: str | None) -> None:
    with pytest.raises(ValueError, match=f"^{name} needs the setting api_key"):
        engine(name, model="m", api_key=key)


@pytest.mark.contract("SAAS-11")
@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("saas/ollama", "http://localhost:11434/v1/chat/completions"),
        ("saas/openrouter", "https://openrouter.ai/api/v1/chat/completions"),
    ],
)
def test_host_with_models_of_everybody_wants_one_named(name: str, address: str) -> None:
    with pytest.raises(MissingSettingError) as caught:  # and no warning about the key, which would be an error here
        engine(name, api_key="sk-1")
    assert caught.value.setting == "model"
    assert str(engine(name, api_key="sk-1", model="qwen3:8b").address) == address


@pytest.mark.contract("SAAS-11")
async def test_ollama_needs_no_key_and_sends_one_that_is_given() -> None:
    class OpenHouse(OpenAIStandIn):
        def unauthorised(self, request: Any, body: Any) -> None:
            """Everybody is let in."""

    with OpenHouse() as ollama:
        for settings in ({}, {"api_key": ""}, {"api_key": "sk-1"}):
            one = engine("saas/ollama", model="llama3:70b-instruct-q4_0", base_url=ollama.origin, **settings)
            assert await said(one, asked("hi")) == "hi"
            await one.close()
        assert [seen.headers.get("Authorization") for seen in ollama.requests] == [None, None, "Bearer sk-1"]
        assert ollama.requests[0].path == "/v1/chat/completions"
        assert ollama.requests[0].body["model"] == "llama3:70b-instruct-q4_0"


@pytest.mark.contract("SAAS-11", "CHAT-08")
@pytest.mark.parametrize(
    ("name", "path", "mark"),
    [
        ("saas/deepseek", "/beta/chat/completions", "prefix"),
        ("saas/moonshot", "/v1/chat/completions", "partial"),
        ("saas/kimi", "/v1/chat/completions", "partial"),
    ],
)
async def test_host_keeps_its_habits_at_another_address(
    openai_standin: OpenAIStandIn, name: str, path: str, mark: str
) -> None:
    one = engine(name, api_key=openai_standin.key, base_url=openai_standin.url)
    options = asked(continue_last=True).options
    await answered(one, ChatRequest(messages=CONTINUED, options=options))
    await answered(one, asked("hi"))
    continued, plain = openai_standin.requests
    assert continued.path == path
    assert continued.body["messages"][-1] == {"role": "assistant", "content": "1, 2,", mark: True}
    assert plain.path == "/v1/chat/completions"
    await one.close()


@pytest.mark.contract("SAAS-12")
def test_temperature_for_a_reasoning_model_is_dropped_with_one_notice(openai_standin: OpenAIStandIn) -> None:
    openai_standin.always = Act(reasoning=["Six times", " seven."], reply=["4", "2"])
    load("thinker", "saas/reasoning_openai", api_key=openai_standin.key, base_url=openai_standin.url, model="r1")
    client = Client(model="thinker", options=ChatOptions(temperature=0.1, top_p=0.5))
    try:
        with pytest.warns(UserWarning, match="'thinker' does not know temperature, top_p") as caught:
            reply = client.chat("What?")
        assert len(caught) == 1
        streamed = list(client.stream("What?"))  # and no second notice, which would be an error here
    finally:
        unload("thinker")
    assert (reply.text, reply.reasoning) == ("42", "Six times seven.")
    assert "".join(delta.reasoning for delta in streamed) == "Six times seven."
    assert all(not {"temperature", "top_p"} & seen.body.keys() for seen in openai_standin.requests)

"""What the builders of a prompt function send to a provider, whichever client it goes through."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from typing import Any

import pytest

from byzer_nb import AsyncClient, Client, MetaHolder, SimpleByzerLLM, prompt
from byzer_nb.seed.templates import Template, Templates
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import Act

ASK = {"role": "user", "content": "Tell me about foxes."}
MODELS: list[Callable[[SimpleByzerLLM], object]] = [
    lambda llm: llm,
    lambda llm: "chat",
    lambda llm: Client(model="chat"),
    lambda llm: AsyncClient(model="chat"),
]


@prompt()
def tell(about: str) -> str:
    """Tell me about {{ about }}."""


@prompt()
def stream(about: str) -> Generator[str, None, None]:
    """Tell me about {{ about }}."""


def sent(openai: OpenAIStandIn) -> list[Any]:
    """The messages of the last request."""
    messages: list[Any] = openai.requests[-1].body["messages"]
    return messages


@pytest.mark.contract("PROMPT-13", "PROMPT-14")
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("function", [tell, stream])
def test_every_client_is_asked_on_until_the_end_marker(
    llm: SimpleByzerLLM, openai: OpenAIStandIn, model: Callable[[SimpleByzerLLM], object], function: Any
) -> None:
    openai.next(Act(reply=["<RES"]), Act(reply=["PON", "SE>ab"]), Act(reply=["c</RESP", "ONSE>", " bye"]))
    asking = function.with_llm(model(llm)).with_response_markers().with_continue_prompt("More")
    assert "".join(asking.run("foxes")) == "abc"
    assert [turn["role"] for turn in sent(openai)] == ["user", "assistant", "user", "assistant", "user"]
    assert [turn["content"] for turn in sent(openai)][1:] == ["<RES", "More", "PONSE>ab", "More"]
    assert len(openai.requests) == 3


@pytest.mark.contract("CHAT-08")
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("function", [tell, stream])
def test_every_client_goes_on_where_it_was_cut(
    llm: SimpleByzerLLM, openai: OpenAIStandIn, model: Callable[[SimpleByzerLLM], object], function: Any
) -> None:
    openai.next(
        Act(reply=["one", " two "], finish_reason="length"),
        Act(reply=[" three"], finish_reason="length"),
        Act(reply=["!"]),
    )
    assert "".join(function.with_llm(model(llm)).with_continuation().run("foxes")) == "one two three!"
    assert sent(openai) == [ASK, {"role": "assistant", "content": "one two three", "prefix": True}]
    assert openai.requests[0].body["messages"] == [ASK]


@pytest.mark.contract("PROMPT-18", "PROMPT-19", "PROMPT-20")
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("function", [tell, stream])
def test_every_client_takes_prefix_stops_and_conversation(
    llm: SimpleByzerLLM, openai: OpenAIStandIn, model: Callable[[SimpleByzerLLM], object], function: Any
) -> None:
    holder = MetaHolder()
    openai.always = Act(reply=["l", "lo END"])
    earlier = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hi."}]
    asking = function.with_llm(model(llm)).with_return_prefix("He").with_stop_suffix_list([" END"])
    assert "".join(asking.with_conversation(earlier).with_meta(holder).run("foxes")) == "Hello"
    assert sent(openai) == [*earlier, ASK, {"role": "assistant", "content": "He", "prefix": True}]
    assert openai.requests[-1].body["stop"] == [" END"]
    meta = holder.get_meta()
    assert meta is not None
    assert meta["input_tokens_count"] > 0
    assert meta["generated_tokens_count"] > 0


@pytest.mark.contract("PROMPT-19")
@pytest.mark.parametrize("model", MODELS)
def test_earlier_messages_may_show_pictures(
    llm: SimpleByzerLLM, openai: OpenAIStandIn, model: Callable[[SimpleByzerLLM], object]
) -> None:
    url = "data:image/png;base64,AAAA"
    earlier = [{"role": "user", "content": [{"image": url, "text": "See?"}]}]
    tell.with_llm(model(llm)).with_conversation(earlier).run("foxes")
    assert sent(openai)[0]["content"][0] == {"type": "image_url", "image_url": {"url": url}}


@pytest.mark.contract("PROMPT-13")
@pytest.mark.parametrize("model", MODELS)
def test_words_of_the_model_are_never_read_as_pictures(
    llm: SimpleByzerLLM, openai: OpenAIStandIn, model: Callable[[SimpleByzerLLM], object]
) -> None:
    said = json.dumps([{"image": "AAAA"}]) + "<_image_>data:image/png;base64,AAAA</_image_>"
    openai.next(Act(reply=[said]), Act(reply=["</RESPONSE>"]))
    assert tell.with_llm(model(llm)).with_response_markers().run("foxes") == said
    assert sent(openai)[1] == {"role": "assistant", "content": said}


@pytest.mark.contract("CORE-05", "PROMPT-19")
def test_system_message_of_the_client_stands_first(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    llm.setup_base_system_messages("chat", "Be kind.")
    tell.with_llm(llm).with_conversation([{"role": "user", "content": "Hi"}]).run("foxes")
    assert [turn["content"] for turn in sent(openai)] == ["Be kind.", "Hi", "Tell me about foxes."]


def test_template_of_the_client_trims_each_round(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    template: Template = Templates.qwen()
    llm.setup_template("chat", template)
    openai.next(Act(reply=["<RESPONSE>ab<|im_end|>x"]), Act(reply=["c</RESPONSE><|im_end|>"]))
    assert tell.with_llm(llm).with_response_markers().run("foxes") == "abc"


@pytest.mark.contract("PROMPT-19")
def test_other_settings_of_the_call_stay(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    asking = tell.with_llm(llm).options({"llm_config": {"temperature": 0.5, "gen.max_tokens": 9}})
    asking.with_stop_suffix_list(["END"]).run("foxes")
    body = openai.requests[-1].body
    assert (body["temperature"], body["max_tokens"], body["stop"]) == (0.5, 9, ["END"])


@pytest.mark.contract("PROMPT-12", "PROMPT-19")
def test_llm_config_that_is_no_dict_is_refused_with_stops_too(llm: SimpleByzerLLM) -> None:
    with pytest.raises(TypeError, match="llm_config is a dict"):
        tell.with_llm(llm).options({"llm_config": ["x"]}).with_stop_suffix_list(["END"]).run("foxes")

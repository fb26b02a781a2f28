"""`chat_oai` and `chat`: whole answers."""

from __future__ import annotations

import copy
import inspect
from typing import Any

import pytest
from pydantic import BaseModel

from byzer_nb import SimpleByzerLLM
from byzer_nb.errors import BadInputError, RefusedError, UnknownModelError, UnsupportedError, WrongTypeError
from byzer_nb.seed.responses import LLMRequest
from tests.seed.conftest import AddScripted, Deploy
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import Act

Turn = dict[str, Any]

HISTORY: list[Turn] = [
    {"role": "user", "content": "one", "metadata": {"TERMINATE": False}},
    {"role": "assistant", "content": "two", "metadata": {"code": 0}},
    {"role": "user", "content": "three"},
    {"role": "assistant", "content": "four"},
    {"role": "user", "content": "five"},
]


class Story(BaseModel):
    """A story."""

    title: str


@pytest.mark.contract("CHAT-01")
def test_the_signature_is_that_of_the_documents() -> None:
    parameters = list(inspect.signature(SimpleByzerLLM.chat_oai).parameters)
    assert parameters == [
        "self",
        "conversations",
        "tools",
        "tool_choice",
        "execute_tool",
        "impl_func",
        "execute_impl_func",
        "impl_func_params",
        "func_params",
        "response_class",
        "response_after_chat",
        "enable_default_sys_message",
        "model",
        "role_mapping",
        "llm_config",
        "only_return_prompt",
        "extra_request_params",
    ]


@pytest.mark.contract("CHAT-01")
def test_a_bare_string_is_one_message_of_the_user(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    assert llm.chat_oai("hi")[0].output == "hi"
    assert openai.requests[0].body["messages"] == [{"role": "user", "content": "hi"}]


@pytest.mark.contract("CHAT-01", "COMPAT-03")
def test_the_list_of_answers_answers_for_its_first_one(llm: SimpleByzerLLM) -> None:
    answers = llm.chat_oai("hi")
    assert isinstance(answers, list)
    assert len(answers) == 1
    assert answers.output == answers[0].output == "hi"


@pytest.mark.contract("CHAT-01", "CHAT-07")
def test_the_callers_conversation_stays_as_it_is(llm: SimpleByzerLLM) -> None:
    llm.setup_base_system_messages("chat", "Be kind.")
    conversation = copy.deepcopy(HISTORY)
    llm.chat_oai(conversation, response_class=Story)
    assert conversation == HISTORY


@pytest.mark.contract("CHAT-07")
def test_earlier_turns_arrive_in_order_and_without_metadata(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    llm.chat_oai(HISTORY)
    sent = openai.requests[0].body["messages"]
    assert sent == [{"role": turn["role"], "content": turn["content"]} for turn in HISTORY]


@pytest.mark.contract("CHAT-01")
def test_a_named_model_is_asked_instead_of_the_default_one(
    llm: SimpleByzerLLM, deploy: Deploy, openai: OpenAIStandIn
) -> None:
    deploy(llm, "other", model="gpt-other")
    llm.chat_oai("hi", model="other")
    assert openai.requests[0].body["model"] == "gpt-other"


@pytest.mark.contract("CHAT-01")
def test_a_call_that_means_no_model_says_how_to_name_one() -> None:
    with pytest.raises(ValueError, match="no default one") as refused:
        SimpleByzerLLM().chat_oai("hi")
    assert "setup_default_model_name" in refused.value.__notes__[0]
    assert "model=" in refused.value.__notes__[0]


@pytest.mark.contract("CHAT-01", "COMPAT-05")
def test_an_unknown_model_is_answered_with_the_nearest_and_with_what_runs(llm: SimpleByzerLLM, deploy: Deploy) -> None:
    deploy(llm, "openai_tts")
    with pytest.raises(UnknownModelError, match="Model open_tts not deployed") as refused:
        llm.chat_oai("hi", model="open_tts")
    assert "Did you mean 'openai_tts'" in refused.value.hint
    assert "chat" in refused.value.hint


@pytest.mark.contract("CHAT-01")
def test_the_prompt_alone_is_given_without_a_call(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    (answer,) = llm.chat_oai("hi", only_return_prompt=True)
    assert (answer.output, answer.input) == ("", "hi")
    (shaped,) = llm.chat_oai("hi", response_class=Story, only_return_prompt=True)
    assert "title" in shaped.input
    (mapped,) = llm.chat_oai("hi", role_mapping={"user_role": "Q:", "assistant_role": "A:"}, only_return_prompt=True)
    assert mapped.input == "Q:hi\nA:"
    assert openai.requests == []


@pytest.mark.contract("CHAT-01")
def test_extra_parameters_reach_the_body(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    llm.chat_oai("hi", extra_request_params={"user": "ann", "temperature": 0.25})
    assert openai.requests[0].body["user"] == "ann"
    assert openai.requests[0].body["temperature"] == 0.25


@pytest.mark.contract("CHAT-01")
def test_extra_parameters_are_a_dict(llm: SimpleByzerLLM) -> None:
    with pytest.raises(TypeError, match="extra_request_params is a dict"):
        llm.chat_oai("hi", extra_request_params=["user"])  # type: ignore[arg-type]


@pytest.mark.contract("CHAT-01")
@pytest.mark.parametrize(
    "conflict",
    [
        {"response_class": Story, "tools": [len]},
        {"response_class": Story, "tool_choice": len},
        {"impl_func": len},
    ],
)
def test_wishes_that_exclude_each_other_are_refused(llm: SimpleByzerLLM, conflict: dict[str, Any]) -> None:
    with pytest.raises(BadInputError, match="response_class"):
        llm.chat_oai("hi", **conflict)


@pytest.mark.contract("CHAT-01")
@pytest.mark.parametrize(
    ("conversation", "complaint"),
    [
        ([], "The conversation is empty"),
        (5, "not 5"),
        ([{"content": "hi"}], "Message 0 has no 'role'"),
        ([{"role": "user", "content": "a"}, {"content": "b"}], "Message 1 has no 'role'"),
        ([{"role": "usr", "content": "hi"}], "Message 0 has the role 'usr'"),
        ([{"role": "user"}], "Message 0 has no 'content'"),
        ([{"role": "user", "content": object}], "<class 'object'>"),
        ([{"role": "user", "content": {"a": {1, 2}}}], "has no known key: a"),
        ([{"role": "user", "content": ["a"]}], "Item 0 in the content of message 0 is no dict: 'a'"),
        ([{"role": "user", "content": [{"txt": "a"}]}], "Item 0 in the content of message 0 has no known key: txt"),
    ],
)
def test_a_bad_conversation_is_told_by_place_and_value(llm: SimpleByzerLLM, conversation: Any, complaint: str) -> None:
    with pytest.raises((BadInputError, WrongTypeError), match=complaint):
        llm.chat_oai(conversation)


@pytest.mark.contract("CHAT-01")
def test_parts_of_text_and_pictures_reach_the_provider(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    picture = "data:image/png;base64,AAAA"
    parts = [{"type": "image_url", "image_url": {"url": picture, "detail": "high"}}, {"type": "text", "text": "What?"}]
    llm.chat_oai([{"role": "user", "content": parts}])
    assert openai.requests[0].body["messages"][0]["content"] == parts


@pytest.mark.contract("CHAT-01")
def test_a_response_class_keeps_the_picture_it_is_about(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    openai.always = Act(reply='{"title": "A cat"}')
    parts = [{"image": "data:image/png;base64,AAAA"}, {"text": "What?"}]
    (answer,) = llm.chat_oai([{"role": "user", "content": parts}], response_class=Story)
    assert answer.value == Story(title="A cat")
    kinds = [part["type"] for part in openai.requests[0].body["messages"][0]["content"]]
    assert kinds == ["image_url", "text"]


@pytest.mark.contract("CHAT-01")
def test_a_refused_key_is_told_with_the_model(llm: SimpleByzerLLM, deploy: Deploy) -> None:
    deploy(llm, "locked", api_key="sk-wrong-canary-9876543210")
    with pytest.raises(RefusedError, match="locked") as refused:
        llm.chat_oai("hi", model="locked")
    assert "9876543210" not in f"{refused.value!r}{refused.value.__notes__}"


@pytest.mark.contract("CHAT-05")
async def test_the_async_form_gives_the_same(llm: SimpleByzerLLM) -> None:
    (answer,) = await llm.async_chat_oai("hi")
    assert answer.output == "hi"


@pytest.mark.contract("CHAT-02")
def test_each_instruction_gets_its_answer_in_order(llm: SimpleByzerLLM) -> None:
    answers = llm.chat("chat", LLMRequest(instruction=["a", "b"]))
    assert [answer.output for answer in answers] == ["a", "b"]
    assert [answer.input for answer in answers] == ["a", "b"]


@pytest.mark.contract("CHAT-02")
def test_a_request_brings_its_own_limits(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    llm.chat(None, LLMRequest(instruction="a", max_length=7, temperature=0.5), {"gen.stop": ["x"]})
    body = openai.requests[0].body
    assert (body["max_tokens"], body["temperature"], body["top_p"], body["stop"]) == (7, 0.5, 0.95, ["x"])


@pytest.mark.contract("CHAT-02")
def test_raw_chat_is_chat(llm: SimpleByzerLLM) -> None:
    assert llm.raw_chat("chat", "hello").output == "hello"


@pytest.mark.contract("CHAT-02")
def test_an_instruction_is_text(llm: SimpleByzerLLM) -> None:
    with pytest.raises(TypeError, match="5"):
        LLMRequest(instruction=5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="5"):
        llm.chat("chat", 5)  # type: ignore[arg-type]


@pytest.mark.contract("CORE-05")
def test_a_base_system_message_goes_before_conversations_that_bring_none(
    llm: SimpleByzerLLM, openai: OpenAIStandIn
) -> None:
    llm.setup_base_system_messages("chat", "Be kind.")
    llm.chat_oai("hi")
    llm.chat_oai([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}])
    systems = [request.body["messages"][0]["content"] for request in openai.requests]
    assert systems == ["Be kind.", "Be brief."]


@pytest.mark.contract("STRUCT-10")
def test_a_format_function_of_ones_own_is_what_the_model_sees(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    llm.setup_response_class_format_func("chat", lambda prompt, cls: f"CUSTOM {prompt} {cls.__name__}")
    llm.chat_oai("hi", response_class=Story)
    assert openai.requests[0].body["messages"][0]["content"] == "CUSTOM hi Story"


@pytest.mark.contract("CHAT-01")
def test_a_model_that_only_embeds_does_not_chat(llm: SimpleByzerLLM, deploy: Deploy) -> None:
    deploy(llm, "emb", model="text-embedding-3-small")
    with pytest.raises(UnsupportedError, match="'emb' does not support text generation"):
        llm.chat_oai("hi", model="emb")


@pytest.mark.contract("CHAT-01")
def test_a_call_made_inside_a_running_loop_works_too(add_scripted: AddScripted) -> None:
    import asyncio

    add_scripted("echo")

    async def cell() -> str:
        text: str = SimpleByzerLLM.from_default_model("echo").chat_oai("hi").output
        return text

    assert asyncio.run(cell()) == "hi"

"""What each family of models on Bedrock is sent: Claude and Llama in their own words, and Converse."""

from __future__ import annotations

import pytest

from byzer_nb.errors import BadInputError, UnsupportedError
from byzer_nb.types import AudioPart, ImagePart, Message, Usage
from byzer_nb.types.settings import SettingWarning
from tests.providers.asking import answered, asked
from tests.providers.bedrock_asking import (
    HAIKU,
    LLAMA_2,
    LLAMA_3,
    LLAMA_4,
    MISTRAL,
    PICTURED,
    PIXEL,
    TURNS,
    Make,
    conversation,
    sent,
)
from tests.standins.bedrock import BedrockStandIn
from tests.standins.vendor import Act

pytestmark = pytest.mark.contract("SAAS-28")


# -- Claude -----------------------------------------------------------------------------------------------------------


async def test_claude_gets_anthropics_body(bedrock: BedrockStandIn, make_bedrock: Make) -> None:
    options = {"max_tokens": 50, "temperature": 0.0, "top_p": 0.5, "top_k": 3, "stop": ("END",)}
    assert await sent(bedrock, make_bedrock(), conversation(**options, extra={"metadata": {"user_id": "me"}})) == {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 50,
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "你好"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "hello"}]},
            {"role": "user", "content": [{"type": "text", "text": "again"}]},
        ],
        "temperature": 0.0,
        "top_p": 0.5,
        "top_k": 3,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "me"},
    }


async def test_claude_gets_only_what_was_said(bedrock: BedrockStandIn, make_bedrock: Make) -> None:
    assert await sent(bedrock, make_bedrock(), conversation(Message(role="user", content="hi"))) == {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    }


async def test_version_and_usual_limit_are_settings(bedrock: BedrockStandIn, make_bedrock: Make) -> None:
    engine = make_bedrock(model_api_version="bedrock-2030-01-01", max_output_tokens="7")
    body = await sent(bedrock, engine, conversation())
    assert (body["anthropic_version"], body["max_tokens"]) == ("bedrock-2030-01-01", 7)


async def test_claude_sees_pictures(bedrock: BedrockStandIn, make_bedrock: Make) -> None:
    body = await sent(bedrock, make_bedrock(), conversation(Message(role="user", content=PICTURED)))
    assert body["messages"][0]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": PIXEL}},
    ]


@pytest.mark.parametrize("api", ["invoke", "converse"])
async def test_address_of_a_picture_cannot_be_sent(bedrock: BedrockStandIn, make_bedrock: Make, api: str) -> None:
    turn = Message(role="user", content=(ImagePart(url="https://example.com/cat.png"),))
    with pytest.raises(UnsupportedError, match=r"'https://example.com/cat.png' is only its address") as caught:
        await answered(make_bedrock(api=api), conversation(turn))
    assert "data:image/png;base64," in caught.value.hint
    assert not bedrock.requests


@pytest.mark.parametrize(("model", "api"), [(HAIKU, "invoke"), (HAIKU, "converse"), (LLAMA_3, "invoke")])
async def test_sound_cannot_be_sent(make_bedrock: Make, model: str, api: str) -> None:
    turn = Message(role="user", content=(AudioPart(url="data:audio/wav;base64,AAAA"),))
    with pytest.raises(UnsupportedError):
        await answered(make_bedrock(model, api=api), conversation(turn))


@pytest.mark.parametrize("api", ["invoke", "converse"])
async def test_turns_are_joined_and_empty_ones_left_out(bedrock: BedrockStandIn, make_bedrock: Make, api: str) -> None:
    turns = [("user", "one"), ("assistant", ""), ("user", "two"), ("assistant", "begun \n")]
    request = conversation(*[Message(role=role, content=text) for role, text in turns], continue_last=True)
    body = await sent(bedrock, make_bedrock(api=api), request)
    texts = [(turn["role"], [block["text"] for block in turn["content"]]) for turn in body["messages"]]
    assert texts == [("user", ["one", "two"]), ("assistant", ["begun"])]


@pytest.mark.parametrize(("model", "api"), [(HAIKU, "invoke"), (HAIKU, "converse"), (LLAMA_3, "invoke")])
async def test_only_a_begun_answer_is_continued(make_bedrock: Make, model: str, api: str) -> None:
    with pytest.raises(BadInputError, match="continue_last"):
        await answered(make_bedrock(model, api=api), conversation(continue_last=True))


@pytest.mark.parametrize(
    ("model", "api", "name"),
    [
        *((HAIKU, "invoke", name) for name in ("messages", "system", "model", "stream")),
        *((HAIKU, "converse", name) for name in ("messages", "system", "modelId", "inferenceConfig")),
        (LLAMA_3, "invoke", "prompt"),
    ],
)
async def test_extra_cannot_hold_what_the_call_decides(make_bedrock: Make, model: str, api: str, name: str) -> None:
    with pytest.raises(BadInputError, match=f"extra cannot hold '{name}'"):
        await answered(make_bedrock(model, api=api), conversation(extra={name: "x"}))


BOTH = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."


@pytest.mark.parametrize("api", ["invoke", "converse"])
async def test_model_that_takes_one_of_two_options_is_asked_again(
    bedrock: BedrockStandIn, make_bedrock: Make, api: str
) -> None:
    engine = make_bedrock(api=api)
    bedrock.next(Act(status=400, message=BOTH))
    with pytest.warns(SettingWarning, match="takes no top_p beside a temperature"):
        body = await sent(bedrock, engine, conversation(temperature=0.1, top_p=0.2))
    assert (body.get("inferenceConfig") or body)["temperature"] == 0.1
    assert "top_p" not in str(body)
    assert "topP" not in str(body)
    body = await sent(bedrock, engine, conversation(top_p=0.2))
    assert "0.2" in str(body)  # alone it is still sent
    assert len(bedrock.requests) == 3


async def test_model_without_an_option_is_asked_again_without_it(bedrock: BedrockStandIn, make_bedrock: Make) -> None:
    engine = make_bedrock()
    bedrock.next(Act(status=400, message="top_k is not supported for this model"))
    with pytest.warns(SettingWarning, match="takes no top_k"):
        assert "top_k" not in await sent(bedrock, engine, conversation(top_k=3))
    assert "top_k" not in await sent(bedrock, engine, conversation(top_k=3))
    assert len(bedrock.requests) == 3


async def test_tokens_in_a_cache_were_read_too(bedrock: BedrockStandIn, make_bedrock: Make) -> None:
    usage = '{"input_tokens": 3, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 100, "output_tokens": 5}'
    raw = f'{{"id": "m", "content": [{{"type": "text", "text": "hi"}}], "stop_reason": "refusal", "usage": {usage}}}'
    bedrock.always = Act(raw=raw.encode())
    (delta,) = await answered(make_bedrock(), asked(stream=False))
    assert delta.usage == Usage(input_tokens=123, output_tokens=5)
    assert delta.finish_reason == "content_filter"


# -- Llama ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "prompt"),
    [
        (
            LLAMA_2,
            "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\n你好 [/INST] hello </s><s>[INST] again [/INST]",
        ),
        (
            LLAMA_3,
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\n你好<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\nhello<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nagain<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n",
        ),
        (
            LLAMA_4,
            "<|begin_of_text|><|header_start|>system<|header_end|>\n\nBe brief.<|eot|>"
            "<|header_start|>user<|header_end|>\n\n你好<|eot|>"
            "<|header_start|>assistant<|header_end|>\n\nhello<|eot|>"
            "<|header_start|>user<|header_end|>\n\nagain<|eot|>"
            "<|header_start|>assistant<|header_end|>\n\n",
        ),
    ],
)
async def test_llama_reads_the_marks_it_learned(
    bedrock: BedrockStandIn, make_bedrock: Make, model: str, prompt: str
) -> None:
    options = {"max_tokens": 50, "temperature": 0.0, "top_p": 0.5}
    body = await sent(bedrock, make_bedrock(model), conversation(**options))
    assert body == {"prompt": prompt, "max_gen_len": 50, "temperature": 0.0, "top_p": 0.5}


@pytest.mark.parametrize(
    ("model", "end"),
    [(LLAMA_2, "[/INST] begun"), (LLAMA_3, "assistant<|end_header_id|>\n\nbegun"), (LLAMA_4, "_end|>\n\nbegun")],
)
async def test_llama_goes_on_with_a_begun_answer(
    bedrock: BedrockStandIn, make_bedrock: Make, model: str, end: str
) -> None:
    turns = (*TURNS, Message(role="assistant", content="begun "))
    body = await sent(bedrock, make_bedrock(model), conversation(*turns, continue_last=True))
    assert body["prompt"].endswith(end)


async def test_llama_2_hears_the_system_even_alone(bedrock: BedrockStandIn, make_bedrock: Make) -> None:
    body = await sent(bedrock, make_bedrock(LLAMA_2), conversation(TURNS[0]))
    assert body["prompt"] == "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\n[/INST]"


@pytest.mark.parametrize(("asked_for", "limit"), [(None, 2048), (2048, 2048), (5000, 2048)])
async def test_limit_of_llama_is_that_of_the_service(
    bedrock: BedrockStandIn, make_bedrock: Make, asked_for: int | None, limit: int
) -> None:
    body = await sent(bedrock, make_bedrock(LLAMA_3), conversation(max_tokens=asked_for))
    assert body["max_gen_len"] == limit


async def test_llama_sees_no_pictures_here_but_through_converse(bedrock: BedrockStandIn, make_bedrock: Make) -> None:
    request = conversation(Message(role="user", content=PICTURED))
    with pytest.raises(UnsupportedError) as caught:
        await answered(make_bedrock(LLAMA_3), request)
    assert "api='converse'" in caught.value.hint
    assert "image" in str(await sent(bedrock, make_bedrock(LLAMA_3, api="converse"), request))


# -- Converse ---------------------------------------------------------------------------------------------------------


async def test_converse_gets_its_own_body(bedrock: BedrockStandIn, make_bedrock: Make) -> None:
    request = conversation(
        *TURNS[:3],
        Message(role="user", content=PICTURED),
        max_tokens=50,
        temperature=0.0,
        top_p=0.5,
        stop=("END",),
        extra={"random_seed": 1, "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"}},
    )
    assert await sent(bedrock, make_bedrock(MISTRAL, api="converse"), request) == {
        "system": [{"text": "Be brief."}],
        "messages": [
            {"role": "user", "content": [{"text": "你好"}]},
            {"role": "assistant", "content": [{"text": "hello"}]},
            {
                "role": "user",
                "content": [
                    {"text": "What is this?"},
                    {"image": {"format": "jpeg", "source": {"bytes": PIXEL}}},
                ],
            },
        ],
        "inferenceConfig": {"maxTokens": 50, "temperature": 0.0, "topP": 0.5, "stopSequences": ["END"]},
        "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"},
        "additionalModelRequestFields": {"random_seed": 1},
    }


async def test_converse_gets_only_what_was_said(bedrock: BedrockStandIn, make_bedrock: Make) -> None:
    body = await sent(bedrock, make_bedrock(MISTRAL, api="converse"), conversation(Message(role="user", content="hi")))
    assert body == {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}


async def test_claude_has_a_top_k_beside_converse(bedrock: BedrockStandIn, make_bedrock: Make) -> None:
    extra = {"additionalModelRequestFields": {"thinking": {"type": "disabled"}}}
    body = await sent(bedrock, make_bedrock(api="converse"), conversation(top_k=3, extra=extra))
    assert body["additionalModelRequestFields"] == {"thinking": {"type": "disabled"}, "top_k": 3}


@pytest.mark.parametrize(
    ("reason", "meaning"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("tool_use", "tool_calls"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("model_context_window_exceeded", "length"),
    ],
)
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_reasons_of_converse_in_our_words(
    bedrock: BedrockStandIn, make_bedrock: Make, reason: str, meaning: str, stream: bool
) -> None:
    bedrock.always = Act(reply="hi", finish_reason=reason)
    deltas = await answered(make_bedrock(MISTRAL, api="converse"), asked(stream=stream))
    assert deltas[-1].finish_reason == meaning

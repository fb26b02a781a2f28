"""Turns that are written down by a template with a name, and whose turn the answer is."""

from __future__ import annotations

from typing import Any

import pytest
from openai import OpenAI

from byzer_nb import ScriptedEngine
from byzer_nb.seed.templates import Templates
from tests.serve.gateways import RunningGateway

TURNS: Any = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hi."},
    {"role": "user", "content": "Who are you?"},
]
CHATML = (
    "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi.<|im_end|>\n"
    "<|im_start|>user\nWho are you?<|im_end|>\n<|im_start|>assistant\n"
)
LLAMA = "Be brief.\n<s>[INST]Hello\n[/INST]Hi.\n<s>[INST]Who are you?\n[/INST]"


def asked_with(client: OpenAI, template: str, **body: Any) -> Any:
    return client.chat.completions.create(
        model="recorded", messages=body.pop("messages", TURNS), extra_body={"prompt_template": template}, **body
    )


@pytest.mark.contract("SERVE-08")
@pytest.mark.parametrize(("template", "text"), [("qwen", CHATML), ("yi", CHATML), ("llama", LLAMA)])
def test_named_template_makes_the_text_that_the_model_goes_on_with(
    openai: OpenAI, gateway: RunningGateway, template: str, text: str
) -> None:
    answer = asked_with(openai, template)
    request = gateway.engines["recorded"].records[-1]
    assert request.is_raw
    assert [turn.text for turn in request.messages] == [text]
    assert "warnings" not in answer.model_extra


@pytest.mark.contract("SERVE-08")
def test_template_brings_its_stops_and_its_penalty_and_the_callers_own_win(
    openai: OpenAI, gateway: RunningGateway
) -> None:
    asked_with(openai, "qwen", stop=["END"])
    options = gateway.engines["recorded"].records[-1].options
    assert options.stop == ("END", "<|im_end|>", "<|endoftext|>", "<|im_start|>")
    assert (options.stop_token_ids, options.repetition_penalty) == ((151643, 151645), 1.1)
    extra = {"prompt_template": "qwen", "repetition_penalty": 1.5}
    openai.chat.completions.create(model="recorded", messages=TURNS, extra_body=extra)
    assert gateway.engines["recorded"].records[-1].options.repetition_penalty == 1.5
    documented = Templates.qwen().generation_config["generation.stop_token_ids"]
    assert list(options.stop_token_ids) == documented


@pytest.mark.contract("SERVE-08")
def test_empty_template_is_the_words_alone(openai: OpenAI) -> None:
    text = "<|user|>Hello<|end|><|assistant|>"
    bare = openai.chat.completions.create(
        model="byzer-tiny",
        messages=[{"role": "user", "content": text}],
        extra_body={"prompt_template": "empty"},
        max_tokens=12,
        temperature=0,
    )
    own = openai.chat.completions.create(
        model="byzer-tiny", messages=[{"role": "user", "content": "Hello"}], max_tokens=12, temperature=0
    )
    assert bare.choices == own.choices
    assert bare.usage == own.usage


@pytest.mark.contract("SERVE-08")
def test_begun_answer_stays_open_in_the_text(openai: OpenAI, gateway: RunningGateway) -> None:
    begun = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good", "prefix": True}]
    asked_with(openai, "qwen", messages=begun)
    request = gateway.engines["recorded"].records[-1]
    assert request.messages[0].text.endswith("<|im_start|>assistant\nGood")
    assert not request.options.continue_last


@pytest.mark.contract("SERVE-08")
@pytest.mark.parametrize(
    ("model", "template", "more", "words"),
    [
        ("recorded", "qwne", {}, "Did you mean 'qwen'?"),
        ("text_only", "qwen", {}, "takes turns, and no raw text"),
        ("tools", "qwen", {"tools": [{"type": "function", "function": {"name": "now"}}]}, "only the model's own"),
        ("recorded", "qwen", {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {
            "url": "data:image/png;base64,iVBORw0KGgo="}}]}]}, "no place for pictures"),
    ],
)  # fmt: skip
def test_template_that_cannot_be_used_is_told_of_and_the_models_own_taken(
    openai: OpenAI, gateway: RunningGateway, model: str, template: str, more: Any, words: str
) -> None:
    messages = more.pop("messages", TURNS)
    answer: Any = openai.chat.completions.create(
        model=model, messages=messages, extra_body={"prompt_template": template}, **more
    )
    assert any(words in each for each in answer.warnings), answer.warnings
    assert not gateway.engines[model].records[-1].is_raw


@pytest.mark.contract("SERVE-08")
def test_template_and_role_of_the_settings_hold_for_all_that_name_none(open_gateway: Any) -> None:
    engine = ScriptedEngine()
    running = open_gateway({"m": engine}, prompt_template="qwen", response_role="oracle")
    with OpenAI(base_url=running.base_url, api_key="x", max_retries=0) as client:
        answer = client.chat.completions.create(model="m", messages=TURNS)
        assert engine.records[-1].messages[0].text == CHATML
        assert answer.choices[0].message.role == "oracle"
        first = next(iter(client.chat.completions.create(model="m", messages=TURNS, stream=True)))
        assert first.choices[0].delta.role == "oracle"
        client.chat.completions.create(model="m", messages=TURNS, extra_body={"prompt_template": "auto"})
        assert not engine.records[-1].is_raw


@pytest.mark.contract("SERVE-08", "SERVE-06")
def test_served_model_answers_whatever_a_request_names(open_gateway: Any) -> None:
    engine = ScriptedEngine()
    running = open_gateway({"m": engine, "other": ScriptedEngine("no")}, served_model_name="m")
    with OpenAI(base_url=running.base_url, api_key="x", max_retries=0) as client:
        assert [model.id for model in client.models.list()] == ["m"]
        assert client.completions.create(model="gpt-9", prompt="hi there").choices[0].text == "hi there"
        assert client.embeddings.create(model="gpt-9", input="hi").model == "gpt-9"
        assert engine.embedded[-1].texts == ("hi",)

"""`llm_config`: which keys mean what, in which form."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from byzer_nb import SimpleByzerLLM
from byzer_nb.errors import BadInputError
from tests.seed.conftest import AddScripted, LocalScripted
from tests.standins.openai import OpenAIStandIn


def sent(llm: SimpleByzerLLM, openai: OpenAIStandIn, config: dict[Any, Any]) -> dict[str, Any]:
    """The body that a call with this configuration sends."""
    llm.chat_oai("hi", llm_config=config)
    return openai.requests[-1].body


@pytest.mark.contract("CHAT-03")
@pytest.mark.parametrize("prefix", ["gen.", "generation."])
def test_both_prefixes_mean_the_same(llm: SimpleByzerLLM, openai: OpenAIStandIn, prefix: str) -> None:
    assert sent(llm, openai, {f"{prefix}top_k": 3})["top_k"] == 3


@pytest.mark.contract("CHAT-03")
@pytest.mark.parametrize(
    ("config", "name", "value"),
    [
        ({"max_length": 10}, "max_tokens", 10),
        ({"max_length": "10"}, "max_tokens", 10),
        ({"gen.max_length": 10}, "max_tokens", 10),
        ({"gen.max_new_tokens": "10"}, "max_tokens", 10),
        ({"temperature": "0"}, "temperature", 0),
        ({"gen.temperature": 0.5}, "temperature", 0.5),
        ({"top_p": "0.5"}, "top_p", 0.5),
        ({"gen.seed": "42"}, "seed", 42),
        ({"gen.presence_penalty": "0.5"}, "presence_penalty", 0.5),
        ({"gen.frequency_penalty": 1}, "frequency_penalty", 1),
        ({"gen.repetition_penalty": "1.1"}, "repetition_penalty", 1.1),
        ({"gen.stop": ["a", "b"]}, "stop", ["a", "b"]),
        ({"gen.stop": ("a",)}, "stop", ["a"]),
        ({"gen.stop": '["a", "b"]'}, "stop", ["a", "b"]),
        ({"gen.stop": "END"}, "stop", ["END"]),
        ({"stopping_sequences": "a,b"}, "stop", ["a", "b"]),
        ({"generation.stop_token_ids": [7, 8]}, "stop_token_ids", [7, 8]),
        ({"generation.stop_token_ids": "[7, 8]"}, "stop_token_ids", [7, 8]),
        ({"gen.incremental_output": False}, "incremental_output", False),
        ({"gen.batch_size": 3}, "batch_size", 3),
        ({"image": "AAAA"}, "image", "AAAA"),
        ({"extra_request_params": {"user": "ann"}}, "user", "ann"),
    ],
)
def test_a_key_arrives_under_the_providers_name(
    llm: SimpleByzerLLM, openai: OpenAIStandIn, config: dict[str, Any], name: str, value: object
) -> None:
    assert sent(llm, openai, config)[name] == value


@pytest.mark.contract("CHAT-03")
def test_what_is_about_another_transport_stays_here(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    plain = sent(llm, openai, {})
    keys = ["gen.stream", "gen.request_id", "gen.abort", "inference_mode", "stopping_sequences_skip_check_min_length"]
    assert sent(llm, openai, dict.fromkeys(keys, True)) == plain


@pytest.mark.contract("CHAT-03")
def test_none_is_the_same_as_nothing(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    plain = sent(llm, openai, {})
    assert sent(llm, openai, {"gen.stop": None, "max_length": None, "gen.logprobs": None}) == plain


@pytest.mark.contract("CHAT-03")
def test_a_key_that_nobody_reads_gives_one_warning_that_names_it(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        body = sent(llm, openai, {"tpo_p": 1})
    assert "tpo_p" not in body
    (warning,) = told
    assert "'tpo_p'" in str(warning.message)
    assert "Did you mean 'top_p'" in str(warning.message)


@pytest.mark.contract("CHAT-03")
@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"max_length": "many"}, "'max_length' should be a number, not 'many'"),
        ({"gen.top_k": 2.5}, "'gen.top_k' should be a whole number"),
        ({"gen.stop": 5}, "'gen.stop' should be a list of strings"),
        ({"gen.stop": [5]}, "'gen.stop' should be a list of strings"),
        ({"gen.stop_token_ids": "a"}, "'gen.stop_token_ids' should be a list of token ids"),
        ({"temperature": -1}, "temperature"),
        ({"max_length": 0}, "max_tokens"),
    ],
)
def test_a_value_that_cannot_work_is_told_with_its_key(
    llm: SimpleByzerLLM, config: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(BadInputError, match=complaint):
        llm.chat_oai("hi", llm_config=config)


@pytest.mark.contract("CHAT-03")
@pytest.mark.parametrize("config", [["gen.top_k"], {5: 1}])
def test_a_configuration_is_a_dict_of_names(llm: SimpleByzerLLM, config: Any) -> None:
    with pytest.raises(TypeError, match="llm_config"):
        llm.chat_oai("hi", llm_config=config)


@pytest.mark.contract("CHAT-03")
def test_max_length_counts_the_prompt_where_transformers_runs_the_model(add_scripted: AddScripted) -> None:
    engine = add_scripted("local", kind=LocalScripted)
    SimpleByzerLLM.from_default_model("local").chat_oai("hi", llm_config={"max_length": "10"})
    options = engine.records[0].options
    assert (options.max_tokens, options.extra) == (None, {"max_length": 10})


@pytest.mark.contract("CHAT-03")
def test_a_timeout_ends_the_call(add_scripted: AddScripted) -> None:
    add_scripted("slow", delay=5)
    with pytest.raises(TimeoutError, match=r"'slow' did not finish within 0\.05 s"):
        SimpleByzerLLM.from_default_model("slow").chat_oai("hi", llm_config={"timeout_s": "0.05"})


@pytest.mark.contract("CHAT-03", "CORE-12")
def test_a_provider_is_asked_for_some_variety_when_nobody_says(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    body = sent(llm, openai, {})
    assert (body["temperature"], body["top_p"]) == (0.7, 0.9)
    assert "max_tokens" not in body


@pytest.mark.contract("CHAT-03")
def test_a_local_model_keeps_the_defaults_of_its_makers(add_scripted: AddScripted) -> None:
    engine = add_scripted("local", kind=LocalScripted)
    SimpleByzerLLM.from_default_model("local").chat_oai("hi")
    assert engine.records[0].options.given() == {}


@pytest.mark.contract("CHAT-09")
def test_options_of_a_model_lie_under_those_of_a_call(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    llm.setup_extra_generation_params("chat", {"generation.top_k": 1})
    llm.setup_extra_generation_params("chat", {"generation.seed": 5})
    assert (sent(llm, openai, {})["top_k"], sent(llm, openai, {})["seed"]) == (1, 5)
    body = sent(llm, openai, {"gen.top_k": 2})
    assert (body["top_k"], body["seed"]) == (2, 5)


@pytest.mark.contract("CHAT-09")
def test_options_of_a_model_hold_for_its_streams_and_not_for_others(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    llm.setup_extra_generation_params("chat", {"gen.top_k": 1})
    llm.setup_extra_generation_params("other", {"gen.seed": 1})
    list(llm.stream_chat_oai("hi"))
    assert openai.requests[-1].body["top_k"] == 1
    assert "seed" not in openai.requests[-1].body


@pytest.mark.contract("CHAT-09", "CHAT-03")
def test_a_calls_max_length_wins_over_the_models_max_new_tokens(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    llm.setup_extra_generation_params("chat", {"gen.max_new_tokens": 100})
    assert sent(llm, openai, {"max_length": 10})["max_tokens"] == 10


@pytest.mark.contract("CORE-05")
def test_the_output_length_of_a_model_is_a_default(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    llm.setup_max_output_length("chat", 50)
    assert sent(llm, openai, {})["max_tokens"] == 50
    assert sent(llm, openai, {"max_length": 5})["max_tokens"] == 5

"""Requests and results have the shapes that the documents show."""

from __future__ import annotations

import copy
from dataclasses import asdict

import pytest

from byzer_nb import SimpleByzerLLM
from byzer_nb.seed.responses import (
    LLMClassResponse,
    LLMFunctionCallResponse,
    LLMHistoryItem,
    LLMRequest,
    LLMResponse,
    Results,
    Role,
    SingleOutputMeta,
)
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import Act


@pytest.mark.contract("CORE-14")
def test_a_request_has_the_defaults_of_the_documents() -> None:
    assert asdict(LLMRequest("hi")) == {
        "instruction": "hi",
        "embedding": False,
        "max_length": 4096,
        "top_p": 0.95,
        "temperature": 0.1,
    }


@pytest.mark.contract("CORE-14")
def test_an_answer_is_its_three_fields_and_a_short_name(llm: SimpleByzerLLM) -> None:
    answer = llm.chat_oai("hi")[0]
    assert set(asdict(answer)) == {"output", "input", "metadata"}
    assert answer.meta is answer.metadata
    assert LLMResponse("a", "b").metadata == {}


@pytest.mark.contract("CORE-14")
def test_the_metadata_of_an_answer_is_whole(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    openai.always = Act(reply="one two three", delay=0.02)
    meta = llm.chat_oai("hi")[0].metadata
    assert set(meta) == {
        "request_id",
        "input_tokens_count",
        "generated_tokens_count",
        "time_cost",
        "first_token_time",
        "speed",
        "finish_reason",
        "reasoning_content",
    }
    assert (meta["input_tokens_count"], meta["generated_tokens_count"]) == (1, 3)
    assert (meta["finish_reason"], meta["reasoning_content"]) == ("stop", "")
    assert 0.02 <= meta["time_cost"] < 10
    assert meta["speed"] == pytest.approx(3 / meta["time_cost"])
    assert meta["request_id"]


@pytest.mark.contract("CORE-14")
def test_a_cut_answer_says_length(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    openai.always = Act(reply="one two three")
    assert llm.chat_oai("hi", llm_config={"max_length": 1}).metadata["finish_reason"] == "length"


@pytest.mark.contract("CORE-14")
def test_a_list_of_results_forwards_to_its_first() -> None:
    response = LLMResponse(output="a", input="b")
    results = Results([response, LLMResponse(output="c", input="d")])
    assert (results.output, results.input, results.metadata, results.meta) == ("a", "b", {}, {})
    shaped = Results([LLMClassResponse(response=response, value=3, metadata={"reason": ""})])
    assert (shaped.value, shaped.response) == (3, response)
    called = Results([LLMFunctionCallResponse(response=response, values=[1, 2], metadata={})])
    assert called.values == [1, 2]


@pytest.mark.contract("CORE-14")
def test_an_empty_list_of_results_has_no_first() -> None:
    with pytest.raises(IndexError):
        Results().output  # noqa: B018


@pytest.mark.contract("CORE-14")
def test_a_list_of_results_is_a_list_otherwise() -> None:
    results = Results([LLMResponse("a", "b")])
    assert copy.deepcopy(results) == results
    with pytest.raises(AttributeError, match="outptu"):
        results.outptu  # noqa: B018


@pytest.mark.contract("CORE-14")
def test_a_pydantic_result_keeps_the_very_response() -> None:
    response = LLMResponse("a", "b")
    assert LLMClassResponse(response=response, value=None, metadata={}).response is response


@pytest.mark.contract("CORE-14")
def test_the_smaller_types_have_their_fields() -> None:
    assert (Role.User, Role.Assistant, Role.System) == ("user", "assistant", "system")
    assert asdict(LLMHistoryItem(role="user", content="hi")) == {"role": "user", "content": "hi"}
    assert asdict(SingleOutputMeta(input_tokens_count=1, generated_tokens_count=2, reasoning_content="r")) == {
        "input_tokens_count": 1,
        "generated_tokens_count": 2,
        "reasoning_content": "r",
        "finish_reason": "",
        "first_token_time": 0.0,
        "extra_info": {},
    }

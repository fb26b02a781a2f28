"""What goes wrong on `/v1/responses`, before the first word and after it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from openai import APIStatusError, NotFoundError, OpenAI, RateLimitError

from tests.serve.conftest import OpenGateway
from tests.serve.engines import SECRET, Watched
from tests.serve.gateways import eventually
from tests.serve.test_responses import TOOLS, kinds


def item(**fields: Any) -> Any:
    """A body whose input is one item."""
    return {"input": [fields]}


@pytest.mark.parametrize(
    ("wrong", "param", "words"),
    [
        ({"surprise": 1}, "surprise", "unknown field `surprise`"),
        ({"input": ""}, "input", "There is no input"),
        ({"input": []}, "input", "There is no input"),
        ({"max_output_tokens": 0}, "max_output_tokens", "must be at least 1"),
        ({"temperature": -1}, "temperature", "cannot be negative"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type", "'web_search'"),
        ({"tools": [{"type": "function"}]}, "tools[0].name", "name"),
        ({"tool_choice": "required"}, "tool_choice", "needs tools"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice", "not known here"),
        ({"tools": TOOLS, "tool_choice": {"type": "function", "name": "x"}}, "tool_choice", "no such tool"),
        ({"conversation": "conv_1"}, "conversation", "not supported"),
        ({"prompt": {"id": "p"}}, "prompt", "not supported"),
        ({"top_logprobs": 3}, "top_logprobs", "not supported"),
        ({"include": ["message.output_text.logprobs"]}, "include", "logprobs"),
        ({"background": True, "store": False}, "background", "store cannot be false"),
        ({"truncation": "some"}, "truncation", "'some'"),
        (item(type="item_reference", id="msg_1"), "input[0]", "references are refused"),
        (item(id="msg_1"), "input[0]", "references are refused"),
        (item(type="computer_call"), "input[0]", "'computer_call'"),
        (item(type=["message"]), "input[0]", "is not known here"),
        (
            {"tools": TOOLS, "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"name": []}]}},
            "tool_choice",
            "needs tools",
        ),
        (item(role="nobody", content="x"), "input[0].role", "'nobody'"),
        (item(role="user", content=[{"type": "input_file", "file_id": "f"}]), "input[0].content[0]", "file"),
        (
            item(role="user", content=[{"type": "input_image", "file_id": "f"}]),
            "input[0].content[0].file_id",
            "keeps none",
        ),
        (
            item(role="user", content=[{"type": "input_image", "image_url": "data:image/png;base64,%"}]),
            "input[0].content[0]",
            "no base64",
        ),
    ],
)
@pytest.mark.parametrize("is_stream", [False, True])
def test_what_cannot_be_is_refused_with_its_field(
    http: httpx.Client, wrong: Any, param: str, words: str, is_stream: bool
) -> None:
    answer = http.post("/v1/responses", json={"model": "echo", "input": "hello", "stream": is_stream} | wrong)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["param"]) == (400, "invalid_request_error", param)
    assert words in error["message"]


def test_an_unknown_model_is_not_found(openai: OpenAI) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        openai.responses.create(model="ekho", input="hello")


def test_errors_of_engines_have_a_status(openai: OpenAI) -> None:
    for model, status in (("failing", 502), ("odd", 500), ("locked", 502)):
        for is_stream in (False, True):
            with pytest.raises(APIStatusError) as raised:
                openai.responses.create(model=model, input="hello", stream=is_stream)
            assert raised.value.status_code == status
    with pytest.raises(RateLimitError):
        openai.responses.create(model="limited", input="hello")


@pytest.mark.parametrize("model", ["breaking", "odd_later"])
def test_a_stream_that_breaks_ends_with_a_failed_response(openai: OpenAI, model: str) -> None:
    events = list(openai.responses.create(model=model, input="hello", stream=True))
    last: Any = events[-1]
    assert kinds(events)[-2:] == ["output_item.done", "failed"]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert (last.response.status, last.response.error.code) == ("failed", "server_error")
    assert last.response.output[0].status == "incomplete"
    assert last.response.output_text.startswith("one")
    assert SECRET not in str(last)
    with pytest.raises(NotFoundError):
        openai.responses.retrieve(last.response.id)


@pytest.mark.contract("SERVE-09")
def test_a_stream_that_takes_too_long_ends_with_a_failed_response(open_gateway: OpenGateway) -> None:
    gateway = open_gateway({"slow": Watched("word " * 500, token_delay=0.05)}, timeout=0.5)
    with OpenAI(base_url=gateway.base_url, api_key="x", max_retries=0) as client:
        *_, last = client.responses.create(model="slow", input="hello", stream=True)
        with pytest.raises(APIStatusError) as raised:
            client.responses.create(model="slow", input="hello")
    assert (last.type, last.response.status) == ("response.failed", "failed")
    assert "longer than this gateway waits" in last.response.error.message
    assert raised.value.status_code == 504


def test_hanging_up_stops_the_model_and_keeps_nothing(open_gateway: OpenGateway) -> None:
    slow = Watched("word " * 500, token_delay=0.02)
    gateway = open_gateway({"slow": slow})
    with OpenAI(base_url=gateway.base_url, api_key="x", max_retries=0) as client:
        stream = client.responses.create(model="slow", input="hello", stream=True)
        first: Any = next(iter(stream))
        stream.close()
        assert slow.was_stopped.wait(10)
        assert eventually(lambda: slow.running == 0)
        with pytest.raises(NotFoundError):
            client.responses.retrieve(first.response.id)

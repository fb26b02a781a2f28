"""What goes wrong on `/v1/messages`, in Anthropic's words; keys, hanging up, and counting."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from anthropic import Anthropic, APIStatusError, AuthenticationError, BadRequestError, NotFoundError, RateLimitError

from byzer_nb.client.local import BUNDLED
from tests.serve.conftest import KEYS, OpenGateway
from tests.serve.engines import SECRET, Watched
from tests.serve.gateways import RunningGateway, eventually
from tests.serve.test_anthropic_messages import HELLO, TOOLS


def saying(*blocks: Any) -> Any:
    """A body whose only message has these blocks."""
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def picture(**source: Any) -> Any:
    """A picture from some source."""
    return {"type": "image", "source": source}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"max_tokens": 0}, "max_tokens must be at least 1"),
        ({"max_tokens": "many"}, "Expected `int`"),
        ({"temperature": -1}, "temperature cannot be negative"),
        ({"messages": []}, "The list of messages is empty"),
        (saying(), "is empty"),
        (saying({"type": "tool_use", "id": "t", "name": "a", "input": {}}), "no such block"),
        (saying({"type": "surprise"}), "Invalid value 'surprise'"),
        (saying(picture(type="file", file_id="f")), "keeps none"),
        (saying(picture(type="base64", media_type="image/png", data="%")), "no base64"),
        (saying({"type": "document", "source": {"type": "url", "url": "https://a.b/c.pdf"}}), "no plain text"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "Anthropic's own servers run"),
        ({"tools": TOOLS, "tool_choice": {"type": "tool", "name": "nobody"}}, "no such tool is offered"),
        ({"tool_choice": {"type": "any"}}, "needs tools"),
        ({"stop_sequences": [""]}, "stop string cannot be empty"),
        ({"container": "c"}, "container is not supported"),
        ({"surprise": 1}, "unknown field `surprise`"),
    ],
)
@pytest.mark.parametrize("is_stream", [False, True])
def test_what_cannot_be_is_refused_in_the_words_of_the_protocol(
    http: httpx.Client, wrong: Any, words: str, is_stream: bool
) -> None:
    body = {"model": "echo", "max_tokens": 10, "messages": HELLO, "stream": is_stream} | wrong
    answer = http.post("/v1/messages", json=body)
    told = answer.json()
    assert (answer.status_code, told["type"], told["error"]["type"]) == (400, "error", "invalid_request_error")
    assert words in told["error"]["message"]
    assert told["request_id"] == answer.headers["request-id"]


def test_max_tokens_is_required(http: httpx.Client) -> None:
    told = http.post("/v1/messages", json={"model": "echo", "messages": HELLO}).json()
    assert "max_tokens" in told["error"]["message"]


def test_an_unknown_model_is_not_found(anthropic: Anthropic) -> None:
    with pytest.raises(NotFoundError, match="does not exist") as raised:
        anthropic.messages.create(model="ekho", max_tokens=10, messages=HELLO)
    assert raised.value.body["error"]["type"] == "not_found_error"


def test_errors_of_engines_have_a_status_and_a_type(anthropic: Anthropic) -> None:
    for model, status, kind in (
        ("failing", 502, "api_error"),
        ("limited", 429, "rate_limit_error"),
        ("odd", 500, "api_error"),
    ):
        for is_stream in (False, True):
            with pytest.raises(APIStatusError) as raised:
                anthropic.messages.create(model=model, max_tokens=10, messages=HELLO, stream=is_stream)
            body: Any = raised.value.body
            assert (raised.value.status_code, body["error"]["type"]) == (status, kind)
    with pytest.raises(RateLimitError) as limited:
        anthropic.messages.create(model="limited", max_tokens=10, messages=HELLO)
    assert limited.value.response.headers["retry-after"] == "7"


def test_a_stream_that_breaks_says_so_at_its_end(anthropic: Anthropic) -> None:
    for model in ("breaking", "odd_later"):
        events = iter(anthropic.messages.create(model=model, max_tokens=10, messages=HELLO, stream=True))
        assert [next(events).type for _ in range(3)] == ["message_start", "content_block_start", "content_block_delta"]
        with pytest.raises(APIStatusError) as raised:
            list(events)
        body: Any = raised.value.body
        assert (body["type"], body["error"]["type"]) == ("error", "api_error")
        assert SECRET not in str(body)


# -- keys and hanging up --------------------------------------------------------------------------------------------


@pytest.mark.contract("SERVE-07")
def test_a_key_is_wanted_in_anthropics_words(guarded: RunningGateway) -> None:
    with Anthropic(base_url=guarded.origin, api_key="wrong", max_retries=0) as stranger:
        with pytest.raises(AuthenticationError) as raised:
            stranger.messages.create(model="echo", max_tokens=10, messages=HELLO)
        body: Any = raised.value.body
        assert (body["type"], body["error"]["type"]) == ("error", "authentication_error")
        with pytest.raises(AuthenticationError):
            stranger.messages.count_tokens(model=BUNDLED, messages=HELLO)
    assert httpx.get(f"{guarded.base_url}/models").json() == {"error": "Unauthorized"}
    with Anthropic(base_url=guarded.origin, api_key=KEYS["ann"], max_retries=0) as ann:
        assert ann.messages.create(model="echo", max_tokens=10, messages=HELLO).usage.input_tokens == 4
    with Anthropic(base_url=guarded.origin, auth_token=KEYS["ann"], api_key=None, max_retries=0) as bearer:
        assert bearer.messages.create(model="echo", max_tokens=10, messages=HELLO).usage.input_tokens == 4


def test_hanging_up_stops_the_model(open_gateway: OpenGateway) -> None:
    slow = Watched("word " * 500, token_delay=0.02)
    gateway = open_gateway({"slow": slow})
    with Anthropic(base_url=gateway.origin, api_key="x", max_retries=0) as client:
        stream = client.messages.create(model="slow", max_tokens=1000, messages=HELLO, stream=True)
        next(iter(stream))
        stream.close()
        assert slow.was_stopped.wait(10)
    assert eventually(lambda: slow.running == 0)


# -- counting -------------------------------------------------------------------------------------------------------


def test_tokens_are_counted_as_the_model_reads_them(anthropic: Anthropic) -> None:
    counted = anthropic.messages.count_tokens(model=BUNDLED, messages=HELLO, system="Be brief.").input_tokens
    message = anthropic.messages.create(model=BUNDLED, max_tokens=1, messages=HELLO, system="Be brief.")
    assert counted == message.usage.input_tokens


def test_tools_are_counted_too_and_pictures_are_not(anthropic: Anthropic) -> None:
    without = anthropic.messages.count_tokens(model=BUNDLED, messages=HELLO)
    with_tools = anthropic.messages.count_tokens(model=BUNDLED, messages=HELLO, tools=TOOLS)
    assert with_tools.input_tokens > without.input_tokens
    assert "warnings" not in without.to_dict()
    assert with_tools.to_dict()["warnings"] == [
        "The tools are counted as JSON; the model may write them down in other words."
    ]


def test_without_a_tokenizer_nothing_is_counted(anthropic: Anthropic) -> None:
    with pytest.raises(BadRequestError, match="tokeniz"):
        anthropic.messages.count_tokens(model="echo", messages=HELLO)

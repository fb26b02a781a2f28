"""`saas/sparkdesk` over HTTP, where it speaks like OpenAI."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from byzer_nb.engines import build
from byzer_nb.errors import (
    MissingSettingError,
    ModelCallError,
    RefusedError,
)
from byzer_nb.types import ChatOptions, ChatRequest, DeploySpec, Engine, Message, Usage
from tests.providers.asking import answered, asked, said
from tests.providers.failing import assert_no_key
from tests.providers.making import Make
from tests.standins.sparkdesk import SparkHttpStandIn
from tests.standins.vendor import KEY, Act

pytestmark = pytest.mark.contract("SAAS-26")

TURNS = (
    Message(role="system", content="Be brief."),
    Message(role="user", content="你好"),
    Message(role="assistant", content="hello"),
    Message(role="user", content='again "quoted"'),
)
TEXT = [{"role": turn.role, "content": turn.content} for turn in TURNS]


@pytest.fixture
def spark_http() -> Iterator[SparkHttpStandIn]:
    """The HTTP service in process."""
    with SparkHttpStandIn() as standin:
        yield standin


def over_http(spark: SparkHttpStandIn, **settings: Any) -> Engine:
    usual = {"api_key": spark.key, "gpt_url": spark.url, "domain": "generalv3.5", "max_retries": 0}
    return build(DeploySpec(name="chat", engine="saas/sparkdesk", settings=usual | settings))


@pytest.mark.parametrize("name", ["gpt_url", "base_url"])
@pytest.mark.parametrize("tail", ["", "/v1", "/v1/", "/v1/chat/completions"])
async def test_address_of_http_is_taken_in_every_form(
    spark_http: SparkHttpStandIn, name: str, tail: str, stream: bool
) -> None:
    engine = over_http(spark_http, **{"gpt_url": None, name: spark_http.origin + tail})
    assert await said(engine, asked("hi", stream=stream)) == "hi"
    assert spark_http.requests[-1].path == "/v1/chat/completions"
    assert spark_http.requests[-1].headers["Authorization"] == f"Bearer {spark_http.key}"
    await engine.close()


async def test_key_and_secret_are_the_two_halves_of_the_password(spark_http: SparkHttpStandIn) -> None:
    spark_http.key = f"key:{KEY}"
    engine = over_http(spark_http, api_key="key", api_secret=KEY, appid="5f3acafe")
    assert await said(engine, asked("hi")) == "hi"
    await engine.close()


def test_key_is_needed_over_http_too(spark_http: SparkHttpStandIn) -> None:
    with pytest.raises(MissingSettingError) as missing:
        over_http(spark_http, api_key=None)
    assert missing.value.setting == "api_key"


async def test_body_over_http_has_what_the_service_knows(spark_http: SparkHttpStandIn) -> None:
    engine = over_http(spark_http)
    options = ChatOptions(
        max_tokens=50,
        temperature=0.0,
        top_k=3,
        presence_penalty=0.5,
        frequency_penalty=0.25,
        timeout=20.0,
        extra={"user": "me"},
    )
    assert engine.describe().capabilities.options == set(options.given())
    await answered(engine, ChatRequest(messages=TURNS, options=options))
    assert spark_http.requests[-1].body == {
        "model": "generalv3.5",
        "messages": TEXT,
        "max_tokens": 50,
        "temperature": 0.01,
        "top_k": 3,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.25,
        "user": "me",
        "stream": True,
    }
    await engine.close()


@pytest.mark.parametrize(
    "raw",
    [
        {"error": {"message": "vendor words", "type": "api_error", "param": None, "code": "11200"}},
        {"code": 11200, "message": "vendor words", "sid": "cha7"},
    ],
)
@pytest.mark.parametrize("raw_type", ["application/json", "text/event-stream"])
async def test_code_over_http_is_read_in_either_form(
    spark_http: SparkHttpStandIn, raw: dict[str, Any], raw_type: str
) -> None:
    body = json.dumps(raw).encode()
    is_stream = raw_type == "text/event-stream"
    spark_http.always = Act(raw=b"data:" + body + b"\n\n" if is_stream else body, raw_type=raw_type)
    engine = over_http(spark_http)
    with pytest.raises(RefusedError, match="vendor words") as failed:
        await answered(engine, asked(stream=is_stream))
    assert failed.value.code == "11200"
    await engine.close()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_openai_sdk_sends_the_same_request_and_reads_the_same_words(
    spark_http: SparkHttpStandIn, stream: bool
) -> None:
    spark_http.always = Act(reply="one two three 四")
    engine = over_http(spark_http)
    options = ChatOptions(max_tokens=50, temperature=0.5)
    deltas = await answered(engine, ChatRequest(messages=TURNS, options=options, stream=stream))
    await engine.close()
    turns: Any = TEXT
    wanted: Any = {"max_tokens": 50, "temperature": 0.5, **({"stream": True} if stream else {})}
    with openai.OpenAI(api_key=spark_http.key, base_url=spark_http.url, max_retries=0) as sdk:
        found: Any = sdk.chat.completions.create(model="generalv3.5", messages=turns, **wanted)
        if stream:
            chunks = list(found)
            theirs, usage = "".join(chunk.choices[0].delta.content for chunk in chunks), chunks[-1].usage
        else:
            theirs, usage = found.choices[0].message.content, found.usage
    first, second = spark_http.requests
    assert first.body == second.body
    assert first.path == second.path
    assert first.headers["Authorization"] == second.headers["Authorization"]
    assert "".join(delta.text for delta in deltas) == theirs
    assert deltas[-1].usage == Usage(input_tokens=usage.prompt_tokens, output_tokens=usage.completion_tokens)


async def test_server_that_is_no_socket_is_told(spark_http: SparkHttpStandIn, make_spark: Make) -> None:
    with pytest.raises(ModelCallError) as failed:
        await answered(make_spark(gpt_url=f"ws://127.0.0.1:{spark_http.port}/v3.5/chat"), asked())
    assert failed.value.status == 404
    assert_no_key(failed.value)

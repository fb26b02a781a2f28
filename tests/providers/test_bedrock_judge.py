"""Amazon's own client as judge: the same addresses and bodies, a signature that holds, and the same words read."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from byzer_nb.types import ChatOptions, ChatRequest, Delta, Engine, ImagePart, Message, TextPart
from tests.providers.asking import answered
from tests.providers.bedrock_asking import HAIKU, Make
from tests.standins.bedrock import MODELS, BedrockStandIn
from tests.standins.vendor import Act, Seen

pytestmark = pytest.mark.contract("SAAS-28")

PIXEL = b"\x89PNG\r\n\x1a\n"
TURNS = (
    Message(role="system", content="Be brief."),
    Message(role="user", content="你好"),
    Message(role="assistant", content="hello"),
    Message(
        role="user",
        content=(
            TextPart(text='again "quoted"'),
            ImagePart(url=f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}"),
        ),
    ),
)
PLAIN_TURNS = (*TURNS[:3], Message(role="user", content='again "quoted"'))
OPTIONS = ChatOptions(max_tokens=9, temperature=0.25, top_p=0.5)
CLAUDE_BODY = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 9,
    "system": "Be brief.",
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "你好"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "hello"}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": 'again "quoted"'},
                {
                    "type": "image",
                    "source": {
                        "type": "base64",
                        "media_type": "image/png",
                        "data": base64.b64encode(PIXEL).decode(),
                    },
                },
            ],
        },
    ],
    "temperature": 0.25,
    "top_p": 0.5,
}
LLAMA_BODY = {
    "prompt": "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\n你好<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\nhello<|eot_id|>"
    '<|start_header_id|>user<|end_header_id|>\n\nagain "quoted"<|eot_id|>'
    "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "max_gen_len": 9,
    "temperature": 0.25,
    "top_p": 0.5,
}
SDK_TURNS = [
    {"role": "user", "content": [{"text": "你好"}]},
    {"role": "assistant", "content": [{"text": "hello"}]},
    {
        "role": "user",
        "content": [{"text": 'again "quoted"'}, {"image": {"format": "png", "source": {"bytes": PIXEL}}}],
    },
]


@pytest.fixture
def sdk(bedrock: BedrockStandIn) -> Iterator[Any]:
    """Amazon's client for the stand-in."""
    bedrock.always = Act(reply="one two three 四", reasoning=["well", " then"])
    with closing(client_for(bedrock)) as client:
        yield client


def converse_with(bedrock: BedrockStandIn, call: dict[str, Any], **keys: str) -> Any:
    with closing(client_for(bedrock, **keys)) as client:
        return client.converse(**call)


def client_for(bedrock: BedrockStandIn, **keys: str) -> Any:
    usual = {"aws_access_key_id": bedrock.access_key, "aws_secret_access_key": bedrock.key}
    return boto3.client(
        "bedrock-runtime",
        endpoint_url=bedrock.url,
        region_name=bedrock.region,
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
        **usual | keys,
    )


async def ask(engine: Engine, turns: tuple[Message, ...], *, stream: bool) -> list[Delta]:
    return await answered(engine, ChatRequest(messages=turns, options=OPTIONS, stream=stream))


def assert_same(first: Seen, second: Seen) -> None:
    """The same address, body, and signer; that both signatures hold, the stand-in has seen."""
    assert first.target == second.target
    assert first.body == second.body
    assert first.headers["Content-Type"] == second.headers["Content-Type"]
    ours, theirs = [seen.headers["Authorization"].partition(", ")[0] for seen in (first, second)]
    assert ours == theirs


def joined(deltas: list[Delta]) -> tuple[str, str, int, int]:
    """Text, reasoning and tokens of our answer."""
    usage = deltas[-1].usage
    assert usage is not None
    words = "".join(delta.text for delta in deltas), "".join(delta.reasoning for delta in deltas)
    return *words, usage.input_tokens, usage.output_tokens


@pytest.mark.parametrize("model", [MODELS[0], MODELS[2], MODELS[3]], ids=["plain", "region", "arn"])
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_sdk_invokes_claude_as_we_do(
    bedrock: BedrockStandIn, sdk: Any, make_bedrock: Make, model: str, stream: bool
) -> None:
    ours = joined(await ask(make_bedrock(model), TURNS, stream=stream))
    call = {"modelId": model, "body": json.dumps(CLAUDE_BODY), "contentType": "application/json"}
    text = thoughts = ""
    if stream:
        for each in sdk.invoke_model_with_response_stream(**call)["body"]:
            event = json.loads(each["chunk"]["bytes"])
            text += event.get("delta", {}).get("text", "")
            thoughts += event.get("delta", {}).get("thinking", "")
        counts = event["amazon-bedrock-invocationMetrics"]
        theirs = text, thoughts, counts["inputTokenCount"], counts["outputTokenCount"]
    else:
        answer = json.loads(sdk.invoke_model(**call)["body"].read())
        thinking, spoken = answer["content"]
        usage = answer["usage"]
        theirs = spoken["text"], thinking["thinking"], usage["input_tokens"], usage["output_tokens"]
    assert ours == theirs
    assert ours[:2] == ("one two three 四", "well then")
    assert_same(*bedrock.requests)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_sdk_invokes_llama_as_we_do(bedrock: BedrockStandIn, sdk: Any, make_bedrock: Make, stream: bool) -> None:
    model = "meta.llama3-8b-instruct-v1:0"
    ours = joined(await ask(make_bedrock(model), PLAIN_TURNS, stream=stream))
    call = {"modelId": model, "body": json.dumps(LLAMA_BODY), "contentType": "application/json"}
    if stream:
        chunks = sdk.invoke_model_with_response_stream(**call)["body"]
        pieces = [json.loads(each["chunk"]["bytes"]) for each in chunks]
        counts = pieces[-1]["amazon-bedrock-invocationMetrics"]
        text = "".join(piece["generation"] for piece in pieces)
        theirs = text, "", counts["inputTokenCount"], counts["outputTokenCount"]
    else:
        answer = json.loads(sdk.invoke_model(**call)["body"].read())
        theirs = answer["generation"], "", answer["prompt_token_count"], answer["generation_token_count"]
    assert ours == theirs
    assert_same(*bedrock.requests)


@pytest.mark.parametrize("model", [HAIKU, "amazon.nova-lite-v1:0", MODELS[4]])
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_sdk_converses_as_we_do(
    bedrock: BedrockStandIn, sdk: Any, make_bedrock: Make, model: str, stream: bool
) -> None:
    ours = joined(await ask(make_bedrock(model, api="converse"), TURNS, stream=stream))
    call = {
        "modelId": model,
        "system": [{"text": "Be brief."}],
        "messages": SDK_TURNS,
        "inferenceConfig": {"maxTokens": 9, "temperature": 0.25, "topP": 0.5},
    }
    text = thoughts = ""
    if stream:
        for event in sdk.converse_stream(**call)["stream"]:
            delta = event.get("contentBlockDelta", {}).get("delta", {})
            text += delta.get("text", "")
            thoughts += delta.get("reasoningContent", {}).get("text", "")
            usage = event.get("metadata", {}).get("usage", {})
    else:
        answer = sdk.converse(**call)
        thinking, spoken = answer["output"]["message"]["content"]
        text, thoughts = spoken["text"], thinking["reasoningContent"]["reasoningText"]["text"]
        usage = answer["usage"]
    assert ours == (text, thoughts, usage["inputTokens"], usage["outputTokens"])
    assert ours[:2] == ("one two three 四", "well then")
    assert_same(*bedrock.requests)


def test_sdk_takes_the_stand_in_for_the_real_thing(bedrock: BedrockStandIn, sdk: Any) -> None:
    call = {"modelId": HAIKU, "messages": [{"role": "user", "content": [{"text": "hi"}]}]}
    with pytest.raises(ClientError) as refused:
        converse_with(bedrock, call, aws_secret_access_key="wrong")
    assert refused.value.response["Error"]["Code"] == "InvalidSignatureException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    with pytest.raises(sdk.exceptions.ValidationException, match="model identifier is invalid"):
        sdk.converse(**{**call, "modelId": "anthropic.claude-99"})
    bedrock.next(Act(status=429, message="Too many tokens, please wait before trying again."))
    with pytest.raises(sdk.exceptions.ThrottlingException):
        sdk.converse(**call)
    bedrock.next(Act(reply=["one", "two"], error_at=1, message="Overloaded"))
    with (
        closing(sdk.converse_stream(**call)["stream"]) as events,
        pytest.raises(EventStreamError, match=r"modelStreamErrorException.*Overloaded"),
    ):
        list(events)
    bedrock.session_token = "lent"
    assert converse_with(bedrock, call, aws_session_token="lent")["stopReason"] == "end_turn"

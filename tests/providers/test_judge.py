"""The vendor's own SDK as judge: it must send the same bodies, and read the same words from our stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from byzer_nb.types import AudioPart, ChatOptions, ChatRequest, EmbedRequest, ImagePart, Message, TextPart
from tests.providers.asking import answered
from tests.providers.conftest import MakeEngine
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import Act

PIXEL = "data:image/png;base64,iVBORw0KGgo="
SYSTEM = Message(role="system", content="Be brief.")
TURNS = (
    SYSTEM,
    Message(role="user", content="你好"),
    Message(role="assistant", content="hello"),
    Message(role="user", content='again "quoted"'),
)
SDK_TURNS = [{"role": turn.role, "content": turn.content} for turn in TURNS]


@pytest.fixture
def sdk(openai_standin: OpenAIStandIn) -> Iterator[openai.OpenAI]:
    """The vendor's client for the stand-in."""
    with openai.OpenAI(api_key=openai_standin.key, base_url=openai_standin.url, max_retries=0) as client:
        yield client


CASES: list[Any] = [
    pytest.param(TURNS, ChatOptions(), SDK_TURNS, {}, id="plain"),
    pytest.param(
        TURNS,
        ChatOptions(
            max_tokens=5,
            temperature=0.0,
            top_p=0.5,
            stop=("x", "y"),
            seed=3,
            presence_penalty=0.1,
            frequency_penalty=-0.1,
            extra={"user": "me"},
        ),
        SDK_TURNS,
        {
            "max_tokens": 5,
            "temperature": 0.0,
            "top_p": 0.5,
            "stop": ["x", "y"],
            "seed": 3,
            "presence_penalty": 0.1,
            "frequency_penalty": -0.1,
            "extra_body": {"user": "me"},
        },
        id="every option",
    ),
    pytest.param(
        (
            Message(
                role="user",
                content=(
                    TextPart(text="What is this?"),
                    ImagePart(url=PIXEL, extra={"detail": "low"}),
                    ImagePart(url="https://example.com/a.png"),
                    AudioPart(url="data:audio/mpeg;base64,AAAA"),
                ),
            ),
        ),
        ChatOptions(),
        [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
                ],
            }
        ],
        {},
        id="pictures and sound",
    ),
]


@pytest.mark.contract("SAAS-10", "CHAT-08")
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize(("turns", "options", "sdk_turns", "sdk_options"), CASES)
async def test_sdk_sends_the_same_body_and_reads_the_same_words(
    openai_standin: OpenAIStandIn,
    make_engine: MakeEngine,
    sdk: openai.OpenAI,
    turns: tuple[Message, ...],
    options: ChatOptions,
    sdk_turns: Any,
    sdk_options: Any,
    stream: bool,
) -> None:
    openai_standin.always = Act(reply="one two three 四")
    deltas = await answered(make_engine(), ChatRequest(messages=turns, options=options, stream=stream))
    ours = "".join(delta.text for delta in deltas)
    if stream:
        chunks = list(
            sdk.chat.completions.create(
                model="gpt-4o", messages=sdk_turns, stream=True, stream_options={"include_usage": True}, **sdk_options
            )
        )
        theirs = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        usage = chunks[-1].usage
    else:
        answer = sdk.chat.completions.create(model="gpt-4o", messages=sdk_turns, **sdk_options)
        theirs, usage = answer.choices[0].message.content, answer.usage
    first, second = openai_standin.requests
    assert first.body == second.body
    assert first.path == second.path
    assert first.headers["Authorization"] == second.headers["Authorization"]
    assert ours == theirs
    assert deltas[-1].usage is not None
    assert (deltas[-1].usage.input_tokens, deltas[-1].usage.output_tokens) == (
        usage.prompt_tokens,
        usage.completion_tokens,
    )


@pytest.mark.contract("SAAS-10", "EMB-01")
async def test_sdk_embeds_with_the_same_body(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, sdk: openai.OpenAI
) -> None:
    model = "text-embedding-3-small"
    ours = await make_engine(model=model).embed(EmbedRequest(texts=("a", "b"), dimensions=4))
    theirs = sdk.embeddings.create(model=model, input=["a", "b"], dimensions=4, encoding_format="float")
    first, second = openai_standin.requests
    assert first.body | {"encoding_format": "float"} == second.body  # the SDK asks for base64 unless told
    in_order = sorted(theirs.data, key=lambda item: item.index)
    assert [list(vector) for vector in ours.vectors] == [item.embedding for item in in_order]


@pytest.mark.contract("SAAS-05")
def test_sdk_takes_the_stand_in_for_the_real_thing(openai_standin: OpenAIStandIn, sdk: openai.OpenAI) -> None:
    assert [model.id for model in sdk.models.list()] == openai_standin.models
    with pytest.raises(openai.AuthenticationError, match="Incorrect API key provided: sk-wrong"):
        sdk.with_options(api_key="sk-wrong-1234567890").models.list()
    openai_standin.next(Act(status=429, error={"message": "slow down"}))
    with pytest.raises(openai.RateLimitError):
        sdk.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hi"}])

"""DashScope's own SDK as judge: it must send the same requests, and read the same words from our stand-in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import dashscope as sdk
import pytest
from dashscope.api_entities.http_request import close_shared_sync_session

from byzer_nb.types import ChatOptions, ChatRequest, Delta, EmbedRequest, ImagePart, Message, TextPart
from tests.providers.dashscope_asking import EVERY_OPTION, EVERY_PARAMETER, TURNS, once, qianwen, qianwen_vl
from tests.standins.dashscope import DashScopeStandIn
from tests.standins.vendor import Act, Seen

GENERATION: Any = sdk.Generation  # Any: its own annotations do not allow what its documents show
CONVERSATION: Any = sdk.MultiModalConversation
PIXEL = "data:image/png;base64,iVBORw0KGgo="
SDK_TURNS = [{"role": turn.role, "content": turn.content} for turn in TURNS]
SEEN = (
    Message(role="system", content="Be brief."),
    Message(
        role="user",
        content=(
            ImagePart(url=PIXEL),
            ImagePart(url="https://example.com/a.png"),
            TextPart(text="What is this?"),
        ),
    ),
)
SDK_SEEN = [
    {"role": "system", "content": [{"text": "Be brief."}]},
    {
        "role": "user",
        "content": [{"image": PIXEL}, {"image": "https://example.com/a.png"}, {"text": "What is this?"}],
    },
]
OPTIONS: list[Any] = [
    pytest.param(ChatOptions(), {}, id="plain"),
    pytest.param(EVERY_OPTION, EVERY_PARAMETER, id="every option"),
]


@pytest.fixture
def standin() -> Iterator[DashScopeStandIn]:
    """DashScope in process, and the SDK's connections to it closed at the end."""
    with DashScopeStandIn() as standin:
        yield standin
        close_shared_sync_session()


def assert_same_request(ours: Seen, theirs: Seen) -> None:
    """Method, path, key, the wish for a stream, and every field of the body."""
    assert (ours.method, ours.path, ours.body) == (theirs.method, theirs.path, theirs.body)
    for name in ("Authorization", "X-DashScope-SSE"):
        assert ours.headers.get(name) == theirs.headers.get(name)


def assert_same_answer(ours: list[Delta], theirs: Any, read: Callable[[Any], str], *, stream: bool) -> None:
    """The words, the reason, the tokens and the number of the request."""
    chunks = list(theirs) if stream else [theirs]
    assert [chunk.status_code for chunk in chunks] == [HTTPStatus.OK] * len(chunks)
    last, whole = ours[-1], "".join(delta.text for delta in ours)
    assert whole == "".join(read(chunk.output.choices[0].message.content) for chunk in chunks)
    assert last.finish_reason == chunks[-1].output.choices[0].finish_reason
    assert last.usage is not None
    usage = chunks[-1].usage
    assert (last.usage.input_tokens, last.usage.output_tokens) == (usage.input_tokens, usage.output_tokens)


@pytest.mark.contract("SAAS-20")
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize(("options", "sdk_options"), OPTIONS)
async def test_sdk_chats_with_the_same_request_and_reads_the_same_words(
    standin: DashScopeStandIn, options: ChatOptions, sdk_options: dict[str, Any], stream: bool
) -> None:
    standin.always = Act(reply="one two three 四")
    ours = await once(qianwen(standin), ChatRequest(messages=TURNS, options=options, stream=stream))
    streaming = {"stream": True, "incremental_output": True} if stream else {}
    theirs = GENERATION.call(
        model="qwen-max",
        messages=SDK_TURNS,
        result_format="message",
        api_key=standin.key,
        base_address=standin.url,
        **streaming,
        **sdk_options,
    )
    assert_same_answer(ours, theirs, str, stream=stream)
    assert_same_request(*standin.requests)


@pytest.mark.contract("SAAS-21", "MM-04")
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize(("options", "sdk_options"), OPTIONS)
async def test_sdk_shows_pictures_with_the_same_request_and_reads_the_same_words(
    standin: DashScopeStandIn, options: ChatOptions, sdk_options: dict[str, Any], stream: bool
) -> None:
    standin.always = Act(reply="one two three 四")
    ours = await once(qianwen_vl(standin), ChatRequest(messages=SEEN, options=options, stream=stream))
    streaming = {"stream": True, "incremental_output": True} if stream else {}
    theirs = CONVERSATION.call(
        model="qwen-vl-plus",
        messages=SDK_SEEN,
        api_key=standin.key,
        base_address=standin.url,
        **streaming,
        **sdk_options,
    )
    assert_same_answer(ours, theirs, lambda items: "".join(item["text"] for item in items), stream=stream)
    assert_same_request(*standin.requests)


@pytest.mark.contract("SAAS-20", "EMB-01")
@pytest.mark.parametrize("dimensions", [None, 4])
async def test_sdk_embeds_with_the_same_request_and_reads_the_same_vectors(
    standin: DashScopeStandIn, dimensions: int | None
) -> None:
    engine = qianwen(standin, model="text-embedding-v3")
    ours = await engine.embed(EmbedRequest(texts=("a", "b"), dimensions=dimensions))
    await engine.close()
    theirs = sdk.TextEmbedding.call(
        model="text-embedding-v3",
        input=["a", "b"],
        text_type="document",
        dimension=dimensions,
        api_key=standin.key,
        base_address=standin.url,
    )
    in_order = sorted(theirs.output["embeddings"], key=lambda each: each["text_index"])
    assert [list(vector) for vector in ours.vectors] == [each["embedding"] for each in in_order]
    assert ours.usage.input_tokens == theirs.usage["total_tokens"]
    assert_same_request(*standin.requests)


@pytest.mark.contract("SAAS-05")
def test_sdk_takes_the_stand_in_for_the_real_thing(standin: DashScopeStandIn) -> None:
    question: dict[str, Any] = {"model": "qwen-max", "prompt": "", "base_address": standin.url}
    question["messages"] = [{"role": "user", "content": "hi"}]
    refused = GENERATION.call(**question, api_key="sk-wrong")
    assert (refused.status_code, refused.code) == (HTTPStatus.UNAUTHORIZED, "InvalidApiKey")
    standin.always = Act(reply=["one", " two"], error_at=1, message="broke")
    *words, broken = GENERATION.call(**question, api_key=standin.key, result_format="message", stream=True)
    assert [chunk.output.choices[0].message.content for chunk in words] == ["one"]
    assert (broken.code, broken.message) == ("InternalError", "broke")

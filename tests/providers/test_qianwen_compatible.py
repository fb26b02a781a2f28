"""DashScope's second address, where `saas/qianwen` and `saas/qianwen_vl` speak OpenAI's protocol."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from byzer_nb.errors import RateLimitedError
from byzer_nb.types import ChatOptions, ChatRequest, EmbedRequest, ImagePart, Message, TextPart
from tests.providers.dashscope_asking import (
    BEGUN,
    EVERY_PARAMETER,
    body_of,
    error_of,
    once,
    qianwen,
    qianwen_vl,
)
from tests.standins.dashscope import CompatibleDashScopeStandIn
from tests.standins.openai import embedding
from tests.standins.vendor import Act

PIXEL = "data:image/png;base64,iVBORw0KGgo="


@pytest.fixture
def compatible() -> Iterator[CompatibleDashScopeStandIn]:
    """The second address in process."""
    with CompatibleDashScopeStandIn() as standin:
        yield standin


@pytest.mark.contract("SAAS-20", "SAAS-10")
async def test_compatible_address_is_asked_in_openais_protocol(compatible: CompatibleDashScopeStandIn) -> None:
    options = ChatOptions(top_k=40, stop=("x",), extra={"enable_search": True, "incremental_output": False})
    body = await body_of(compatible, ChatRequest(messages=BEGUN[:1], options=options))
    assert compatible.requests[-1].path == "/compatible-mode/v1/chat/completions"
    assert body == {
        "model": "qwen-max",
        "messages": [{"role": "user", "content": "Count."}],
        "top_k": 40,
        "stop": ["x"],
        "stream": True,
        "stream_options": {"include_usage": True},
        "enable_search": True,
    }
    body = await body_of(compatible, ChatRequest(messages=BEGUN, options=ChatOptions(continue_last=True)))
    assert body["messages"][-1] == {"role": "assistant", "content": "1, 2,", "partial": True}


@pytest.mark.contract("SAAS-20", "SAAS-04")
async def test_compatible_address_says_too_many_tokens_a_minute_and_means_no_empty_account(
    compatible: CompatibleDashScopeStandIn,
) -> None:
    compatible.next(
        Act(status=429, error={"message": "You exceeded your current quota.", "code": "insufficient_quota"})
    )
    error = await error_of(qianwen(compatible))
    assert (type(error), error.code, error.retryable) == (RateLimitedError, "Throttling.AllocationQuota", True)


@pytest.mark.contract("SAAS-20", "EMB-01")
async def test_compatible_address_embeds_ten_texts_a_call(compatible: CompatibleDashScopeStandIn) -> None:
    engine = qianwen(compatible, model="text-embedding-v4")
    texts = tuple(f"text {number}" for number in range(25))
    reply = await engine.embed(EmbedRequest(texts=texts))
    await engine.close()
    assert reply.vectors == tuple(tuple(embedding(text, 8)) for text in texts)
    assert sorted(len(seen.body["input"]) for seen in compatible.requests) == [5, 10, 10]


@pytest.mark.contract("SAAS-03", "SAAS-20")
def test_card_lists_what_is_sent_on(compatible: CompatibleDashScopeStandIn) -> None:
    able = qianwen(compatible).describe().capabilities
    assert able.options == {*EVERY_PARAMETER, "continue_last", "timeout", "extra"} - {"enable_search"}
    assert (able.chat, able.embed) == (True, False)
    able = qianwen(compatible, model="text-embedding-v4").describe().capabilities
    assert (able.chat, able.embed) == (False, True)


@pytest.mark.contract("SAAS-21", "SAAS-02", "MM-04")
async def test_pictures_are_shown_in_openais_form(compatible: CompatibleDashScopeStandIn) -> None:
    picture = Message(role="user", content=(ImagePart(url=PIXEL), TextPart(text="What?")))
    engine = qianwen_vl(compatible, base_url=f"{compatible.origin}/compatible-mode")
    await once(engine, ChatRequest(messages=(picture,)))
    (message,) = compatible.requests[-1].body["messages"]
    assert message["content"] == [
        {"type": "image_url", "image_url": {"url": PIXEL}},
        {"type": "text", "text": "What?"},
    ]

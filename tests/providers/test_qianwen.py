"""`saas/qianwen` against a stand-in that speaks DashScope's public protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from byzer_nb.errors import (
    BadInputError,
    CallTimeoutError,
    MissingSettingError,
    ModelCallError,
    RateLimitedError,
    RefusedError,
    UnsupportedError,
)
from byzer_nb.types import ChatOptions, ChatRequest, EmbedRequest, ImagePart, Message, TextPart, Usage
from tests.providers.asking import asked
from tests.providers.dashscope_asking import (
    BEGUN,
    EVERY_OPTION,
    EVERY_PARAMETER,
    TURNS,
    body_of,
    built,
    error_of,
    once,
    qianwen,
    texts_of,
)
from tests.standins.dashscope import DashScopeStandIn, event
from tests.standins.openai import embedding
from tests.standins.vendor import Act

TEXT_PATH = "/api/v1/services/aigc/text-generation/generation"
EMBED_PATH = "/api/v1/services/embeddings/text-embedding/text-embedding"


@pytest.fixture
def dashscope() -> Iterator[DashScopeStandIn]:
    """DashScope in process."""
    with DashScopeStandIn() as standin:
        yield standin


@pytest.mark.contract("SAAS-20", "SAAS-02")
def test_missing_key_is_named() -> None:
    with pytest.raises(MissingSettingError, match="saas/qianwen needs the setting api_key") as missing:
        built("saas/qianwen")
    assert missing.value.setting == "api_key"


@pytest.mark.contract("SAAS-20")
async def test_without_settings_it_is_qwen_turbo_at_the_vendors_own_address() -> None:
    engine = built("saas/qianwen", api_key="sk-0123456789")
    assert engine.describe().model == "qwen-turbo"
    assert str(engine.address_of("x")) == "https://dashscope.aliyuncs.com/api/v1/x"
    await engine.close()


@pytest.mark.contract("SAAS-20", "SAAS-02")
@pytest.mark.parametrize(
    ("given", "whole"),
    [
        ("https://dashscope-intl.aliyuncs.com", "https://dashscope-intl.aliyuncs.com/api/v1"),
        ("https://dashscope-intl.aliyuncs.com/api", "https://dashscope-intl.aliyuncs.com/api/v1"),
        ("https://dashscope-intl.aliyuncs.com/api/v1/", "https://dashscope-intl.aliyuncs.com/api/v1"),
        (f"https://dashscope.aliyuncs.com{TEXT_PATH}", "https://dashscope.aliyuncs.com/api/v1"),
        ("https://gateway.example.com/ali", "https://gateway.example.com/ali/api/v1"),
        ("https://dashscope.aliyuncs.com/compatible-mode", "https://dashscope.aliyuncs.com/compatible-mode/v1"),
        ("https://dashscope.aliyuncs.com/compatible-mode/v1/", "https://dashscope.aliyuncs.com/compatible-mode/v1"),
        (
            "https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions",
            "https://dashscope.aliyuncs.com/compatible-mode/v1",
        ),
    ],
)
async def test_address_may_be_given_in_part_or_with_too_much(given: str, whole: str) -> None:
    engine = built("saas/qianwen", api_key="sk-0123456789", base_url=given)
    assert str(engine.address_of("x")) == f"{whole}/x"
    await engine.close()


@pytest.mark.contract("SAAS-20")
@pytest.mark.parametrize("address", ["", "/api/v1"])
async def test_question_is_the_documented_request(dashscope: DashScopeStandIn, address: str) -> None:
    dashscope.always = Act(reply=["one", " two"])
    engine = qianwen(dashscope, base_url=dashscope.origin + address)
    (delta,) = await once(engine, ChatRequest(messages=TURNS, stream=False))
    seen = dashscope.requests[-1]
    assert (seen.method, seen.path) == ("POST", TEXT_PATH)
    assert seen.headers["Authorization"] == f"Bearer {dashscope.key}"
    assert "X-DashScope-SSE" not in seen.headers
    assert seen.body == {
        "model": "qwen-max",
        "input": {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "你好"},
                {"role": "assistant", "content": "hello"},
                {"role": "user", "content": 'again "quoted"'},
            ]
        },
        "parameters": {"result_format": "message"},
    }
    assert (delta.text, delta.finish_reason, delta.request_id) == ("one two", "stop", "dashscope-1")
    assert delta.usage == Usage(input_tokens=6, output_tokens=2)


@pytest.mark.contract("SAAS-20")
async def test_stream_is_asked_with_a_header_and_in_pieces(dashscope: DashScopeStandIn) -> None:
    body = await body_of(dashscope, asked())
    assert body["parameters"] == {"result_format": "message", "incremental_output": True}
    assert dashscope.requests[-1].headers["X-DashScope-SSE"] == "enable"


@pytest.mark.contract("SAAS-20", "CHAT-03")
async def test_every_option_is_a_parameter(dashscope: DashScopeStandIn) -> None:
    body = await body_of(dashscope, ChatRequest(messages=TURNS, options=EVERY_OPTION, stream=False))
    assert body["parameters"] == {"result_format": "message", **EVERY_PARAMETER}


@pytest.mark.contract("SAAS-20", "CHAT-03")
@pytest.mark.parametrize("in_pieces", [True, False])
async def test_wish_for_pieces_or_whole_texts_reaches_the_vendor(dashscope: DashScopeStandIn, in_pieces: bool) -> None:
    body = await body_of(dashscope, asked(extra={"incremental_output": in_pieces}))
    assert body["parameters"]["incremental_output"] is in_pieces


@pytest.mark.contract("SAAS-20", "CHAT-03")
async def test_wish_about_pieces_is_not_sent_where_nothing_streams(dashscope: DashScopeStandIn) -> None:
    body = await body_of(dashscope, asked(stream=False, extra={"incremental_output": False, "enable_search": True}))
    assert body["parameters"] == {"result_format": "message", "enable_search": True}


@pytest.mark.contract("SAAS-20")
def test_card_lists_what_is_sent_on(dashscope: DashScopeStandIn) -> None:
    able = qianwen(dashscope).describe().capabilities
    assert able.options == {*EVERY_PARAMETER, "stop_token_ids", "continue_last", "timeout", "extra"} - {"enable_search"}
    assert (able.chat, able.stream, able.continues, able.embed, able.images) == (True, True, True, False, False)


@pytest.mark.contract("SAAS-20")
async def test_tokens_can_end_an_answer_but_not_beside_texts(dashscope: DashScopeStandIn) -> None:
    body = await body_of(dashscope, asked(stop_token_ids=(108386, 104307)))
    assert body["parameters"]["stop"] == [108386, 104307]
    with pytest.raises(BadInputError, match="not at both"):
        await body_of(dashscope, asked(stop=("x",), stop_token_ids=(1,)))


@pytest.mark.contract("SAAS-20")
@pytest.mark.parametrize("name", ["model", "messages", "stream", "result_format", "n"])
async def test_extra_cannot_hold_what_the_call_decides(dashscope: DashScopeStandIn, name: str) -> None:
    with pytest.raises(BadInputError, match=f"extra cannot hold '{name}'"):
        await body_of(dashscope, asked(extra={name: 1}))
    assert not dashscope.requests


@pytest.mark.contract("SAAS-20", "CHAT-08")
async def test_begun_answer_is_continued_by_a_mark_on_it(dashscope: DashScopeStandIn) -> None:
    body = await body_of(dashscope, ChatRequest(messages=BEGUN, options=ChatOptions(continue_last=True)))
    assert body["input"]["messages"][-1] == {"role": "assistant", "content": "1, 2,", "partial": True}
    with pytest.raises(BadInputError, match="the last message is not the assistant's"):
        await body_of(dashscope, asked(continue_last=True))


@pytest.mark.contract("SAAS-20")
async def test_parts_of_words_are_one_string_and_pictures_are_refused(dashscope: DashScopeStandIn) -> None:
    words = Message(role="user", content=(TextPart(text="one "), TextPart(text="two")))
    body = await body_of(dashscope, ChatRequest(messages=(words,)))
    assert body["input"]["messages"] == [{"role": "user", "content": "one two"}]
    picture = Message(role="user", content=(ImagePart(url="https://example.com/a.png"), TextPart(text="What?")))
    with pytest.raises(UnsupportedError, match="takes words alone") as refused:
        await body_of(dashscope, ChatRequest(messages=(picture,)))
    assert "saas/qianwen_vl" in refused.value.hint
    assert len(dashscope.requests) == 1


@pytest.mark.contract("SAAS-20")
async def test_answer_in_the_form_of_the_first_days_is_read_too(dashscope: DashScopeStandIn) -> None:
    answer = {"output": {"text": "old", "finish_reason": "length"}, "usage": None, "request_id": "r"}
    dashscope.next(Act(raw=json.dumps(answer).encode()))
    (delta,) = await once(qianwen(dashscope), asked(stream=False))
    assert (delta.text, delta.finish_reason, delta.usage) == ("old", "length", None)
    first = {"output": {"text": "ol", "finish_reason": "null"}, "request_id": "r"}
    frames = event(1, first) + event(2, {**answer, "output": {"text": "d", "finish_reason": "stop"}})
    dashscope.next(Act(raw=frames, raw_type="text/event-stream"))
    assert texts_of(await once(qianwen(dashscope), asked())) == ["ol", "d"]


@pytest.mark.contract("SAAS-20", "SAAS-04")
@pytest.mark.parametrize(
    ("status", "code", "kind", "is_retryable"),
    [
        (400, "InvalidParameter", ModelCallError, False),
        (400, "InternalError.Algo.InvalidParameter", ModelCallError, False),
        (400, "Arrearage", RefusedError, False),
        (401, "InvalidApiKey", RefusedError, False),
        (403, "AccessDenied.Unpurchased", RefusedError, False),
        (403, "AllocationQuota.FreeTierOnly", RefusedError, False),
        (404, "ModelNotFound", ModelCallError, False),
        (408, "RequestTimeOut", CallTimeoutError, True),
        (413, "BadRequest.TooLarge", ModelCallError, False),
        (429, "Throttling.RateQuota", RateLimitedError, True),
        (429, "Throttling.AllocationQuota", RateLimitedError, True),
        (429, "PrepaidBillOverdue", RefusedError, False),
        (500, "InternalError.Algo", ModelCallError, True),
        (503, "ModelUnavailable", ModelCallError, True),
    ],
)
@pytest.mark.parametrize("place", ["status", "event of a refusal", "document", "event"])
async def test_code_means_the_same_wherever_it_stands(
    dashscope: DashScopeStandIn, status: int, code: str, kind: type[ModelCallError], is_retryable: bool, place: str
) -> None:
    document = {"code": code, "message": "the vendor's words", "request_id": "r-7"}
    frame = event(1, document, name="error", status=status)
    dashscope.next(
        {
            "status": Act(status=status, error=document),
            "event of a refusal": Act(status=status, raw=frame, raw_type="text/event-stream"),
            "document": Act(error=document),
            "event": Act(raw=frame, raw_type="text/event-stream"),
        }[place]
    )
    error = await error_of(qianwen(dashscope), stream="event" in place)
    assert type(error) is kind
    assert (error.code, error.request_id, error.retryable) == (code, "r-7", is_retryable)
    assert error.status == (status if place in ("status", "event of a refusal") else 200)
    assert code == "InvalidApiKey" or "the vendor's words" in str(error)


@pytest.mark.contract("SAAS-20", "SAAS-04")
async def test_wrong_body_is_refused_in_the_vendors_words(dashscope: DashScopeStandIn) -> None:
    with pytest.raises(ModelCallError, match=r"HTTP 400: Range of temperature should be"):
        await once(qianwen(dashscope), asked(temperature=2.5))


@pytest.mark.contract("SAAS-04")
async def test_redirect_is_not_followed_with_the_key(dashscope: DashScopeStandIn) -> None:
    dashscope.next(Act(status=302, raw=b"", headers={"Location": "https://elsewhere.example.com/"}))
    assert "moved to 'https://elsewhere.example.com/'" in str(await error_of(qianwen(dashscope)))


@pytest.mark.contract("SAAS-20", "EMB-01")
@pytest.mark.parametrize(("model", "sizes"), [("text-embedding-v2", [25, 25, 10]), ("text-embedding-v4", [10] * 6)])
async def test_many_texts_go_in_calls_of_the_size_that_the_model_takes(
    dashscope: DashScopeStandIn, model: str, sizes: list[int]
) -> None:
    engine = qianwen(dashscope, model=model)
    texts = tuple(f"text {number}" for number in range(60))
    reply = await engine.embed(EmbedRequest(texts=texts))
    await engine.close()
    assert reply.vectors == tuple(tuple(embedding(text, 8)) for text in texts)
    assert reply.usage == Usage(input_tokens=120)
    assert {seen.path for seen in dashscope.requests} == {EMBED_PATH}
    assert sorted((len(seen.body["input"]["texts"]) for seen in dashscope.requests), reverse=True) == sizes


@pytest.mark.contract("SAAS-20", "EMB-01")
async def test_embedding_is_the_documented_request(dashscope: DashScopeStandIn) -> None:
    engine = qianwen(dashscope, model="text-embedding-v3")
    reply = await engine.embed(EmbedRequest(texts=("a", "b"), dimensions=4))
    assert [len(vector) for vector in reply.vectors] == [4, 4]
    assert dashscope.requests[-1].body == {
        "model": "text-embedding-v3",
        "input": {"texts": ["a", "b"]},
        "parameters": {"text_type": "document", "dimension": 4},
    }
    await engine.embed(EmbedRequest(texts=("a",)))
    assert dashscope.requests[-1].body["parameters"] == {"text_type": "document"}
    await engine.close()


@pytest.mark.contract("SAAS-03", "SAAS-20")
async def test_name_of_the_model_says_whether_it_embeds_or_chats(dashscope: DashScopeStandIn) -> None:
    embedder = qianwen(dashscope, model="text-embedding-v2")
    able = embedder.describe().capabilities
    assert (able.chat, able.stream, able.embed, able.continues) == (False, False, True, False)
    with pytest.raises(UnsupportedError, match="is an embedding model and does not chat"):
        await once(embedder, asked())
    with pytest.raises(UnsupportedError, match="has no embedding service"):
        await qianwen(dashscope).embed(EmbedRequest(texts=("a",)))
    assert not dashscope.requests


@pytest.mark.contract("SAAS-04", "EMB-01")
async def test_wrong_vectors_and_errors_among_them_are_errors(dashscope: DashScopeStandIn) -> None:
    engine = qianwen(dashscope, model="text-embedding-v2")
    one = {"output": {"embeddings": [{"text_index": 0, "embedding": [1.0]}]}, "request_id": "r"}
    slow = Act(error={"code": "Throttling", "message": "slow"})
    dashscope.next(Act(raw=json.dumps(one).encode()), Act(raw=b"{}"), slow)
    for match in ("answered 2 texts with 1 vectors", "answered 2 texts with 0 vectors"):
        with pytest.raises(ModelCallError, match=match):
            await engine.embed(EmbedRequest(texts=("a", "b")))
    with pytest.raises(RateLimitedError, match="slow"):
        await engine.embed(EmbedRequest(texts=("a", "b")))
    await engine.close()

"""Zhipu alone: its settings, the two ways to prove who asks, and its own words for options and failures."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from byzer_nb.engines import build
from byzer_nb.errors import (
    BadInputError,
    MissingSettingError,
    ModelCallError,
    RateLimitedError,
    RefusedError,
    UnreachableError,
    UnsupportedError,
)
from byzer_nb.providers.zhipu import Zhipu
from byzer_nb.types import ChatOptions, ChatRequest, DeploySpec, EmbedRequest, ImagePart, Message, TextPart
from byzer_nb.types.settings import SettingWarning
from tests.providers.asking import answered, asked, said
from tests.providers.failing import assert_no_key
from tests.standins.vendor import Act
from tests.standins.zhipu import ZHIPU_KEY, ZhipuStandIn, vector

pytestmark = pytest.mark.contract("SAAS-22")

Make = Callable[..., Zhipu]
PIXEL = "iVBORw0KGgo="
TURNS = (
    Message(role="system", content="Be brief."),
    Message(role="user", content="你好"),
    Message(role="assistant", content="hello"),
    Message(role="user", content="again"),
)


@pytest.fixture
def zhipu() -> Iterator[ZhipuStandIn]:
    """v4 in process."""
    with ZhipuStandIn() as standin:
        yield standin


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Makes engines, and closes them at the end."""
    made: list[Zhipu] = []

    def make(standin: ZhipuStandIn | None = None, **settings: Any) -> Zhipu:
        usual = {"api_key": standin.key, "base_url": standin.url, "max_retries": 0} if standin else {}
        engine = build(DeploySpec(name="chat", engine="saas/zhipu", settings=usual | settings))
        assert isinstance(engine, Zhipu)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        await engine.close()


async def error_of(engine: Zhipu, *, stream: bool = True) -> ModelCallError:
    """The error of one question."""
    with pytest.raises(ModelCallError) as caught:
        await answered(engine, asked(stream=stream))
    assert_no_key(caught.value)
    return caught.value


# -- settings ----------------------------------------------------------------------------------------------------------


def test_missing_key_is_named(make: Make) -> None:
    with pytest.raises(MissingSettingError, match="api_key"):
        make()


def test_model_and_address_have_defaults(make: Make) -> None:
    engine = make(api_key="a.b")
    assert engine.describe().model == "glm-4"
    assert str(engine.address_of("embeddings")) == "https://open.bigmodel.cn/api/paas/v4/embeddings"


@pytest.mark.contract("SAAS-02")
@pytest.mark.parametrize(
    "tail", ["", "/", "/api/paas", "/api/paas/v4", "/api/paas/v4/", "/api/paas/v4/chat/completions"]
)
async def test_address_may_have_any_tail(zhipu: ZhipuStandIn, make: Make, tail: str) -> None:
    await said(make(zhipu, base_url=zhipu.origin + tail), asked())
    assert zhipu.requests[-1].path == "/api/paas/v4/chat/completions"


def test_secret_key_of_the_oldest_examples_is_tolerated(make: Make) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(api_key="a.b", secret_key="unused")


@pytest.mark.parametrize("model", ["chatglm_lite", "chatglm_std", "chatglm_pro", "chatglm_turbo"])
def test_old_names_are_reported_as_retired(make: Make, model: str) -> None:
    with pytest.raises(BadInputError, match=f"{model}.* is retired") as caught:
        make(api_key="a.b", model=model)
    assert "/v3" in caught.value.hint


# -- who asks ----------------------------------------------------------------------------------------------------------


async def test_key_itself_is_shown_unless_a_jwt_is_wanted(zhipu: ZhipuStandIn, make: Make) -> None:
    await said(make(zhipu), asked())
    await said(make(zhipu, jwt=True), asked())
    plain, signed = (request.headers["Authorization"] for request in zhipu.requests)
    assert plain == f"Bearer {ZHIPU_KEY}"
    assert signed.startswith("Bearer eyJ")
    assert ZHIPU_KEY.split(".")[1] not in signed


@pytest.mark.parametrize("base_url", ["https://open.bigmodel.cn/api/paas/v4", "https://open.bigmodel.cn/api/paas/v3"])
@pytest.mark.parametrize("key", ["no-dot-in-it-0123456789", "one.two.three-0123456789", "0123456789abcdef."])
def test_jwt_needs_a_key_of_two_parts(make: Make, key: str, base_url: str) -> None:
    with pytest.raises(BadInputError, match=r"api_key must have the form 'id\.secret'") as caught:
        make(api_key=key, jwt="true", base_url=base_url)
    assert_no_key(caught.value, key=key)


async def test_jwt_with_another_secret_is_refused(zhipu: ZhipuStandIn, make: Make) -> None:
    key = ZHIPU_KEY.split(".")[0] + ".0therS3cret123"
    error = await error_of(make(zhipu, jwt=True, api_key=key))
    assert isinstance(error, RefusedError)
    assert (error.status, error.code) == (401, "1004")
    assert "api_key" in error.hint


# -- options -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (ChatOptions(), {}),
        (ChatOptions(temperature=0.5, top_p=0.25), {"temperature": 0.5, "top_p": 0.25}),
        (ChatOptions(temperature=0), {"temperature": 0.01, "do_sample": False}),
        (ChatOptions(max_tokens=7, seed=3, stop=("x",)), {"max_tokens": 7, "seed": 3, "stop": ["x"]}),
        (ChatOptions(extra={"thinking": {"type": "disabled"}}), {"thinking": {"type": "disabled"}}),
        (ChatOptions(temperature=0.5, extra={"temperature": 0.7}), {"temperature": 0.7}),
    ],
)
async def test_body_of_a_chat(
    zhipu: ZhipuStandIn, make: Make, options: ChatOptions, expected: dict[str, Any], stream: bool
) -> None:
    await answered(make(zhipu), ChatRequest(messages=TURNS, options=options, stream=stream))
    assert zhipu.requests[-1].body == {
        "model": "glm-4",
        "messages": [{"role": turn.role, "content": turn.content} for turn in TURNS],
        **({"stream": True} if stream else {}),
        **expected,
    }


async def test_sampling_outside_the_open_interval_is_clamped_with_one_notice(zhipu: ZhipuStandIn, make: Make) -> None:
    engine = make(zhipu)
    with pytest.warns(SettingWarning, match="temperature and top_p between 0 and 1, both excluded") as told:
        await said(engine, asked(temperature=1.5, top_p=1.0))
    assert len(told) == 1
    await said(engine, asked(temperature=2, top_p=1.0))  # a second notice would be an error here
    for request in zhipu.requests:
        assert (request.body["temperature"], request.body["top_p"]) == (0.99, 0.99)


async def test_card_lists_what_is_sent(make: Make, zhipu: ZhipuStandIn) -> None:
    able = make(zhipu).describe().capabilities
    assert able.options == {"max_tokens", "temperature", "top_p", "stop", "seed", "timeout", "extra"}
    assert (able.chat, able.stream, able.images, able.embed, able.continues) == (True, True, True, False, False)


@pytest.mark.parametrize("name", ["model", "messages", "stream"])
async def test_extra_does_not_decide_what_the_call_decides(make: Make, zhipu: ZhipuStandIn, name: str) -> None:
    with pytest.raises(BadInputError, match=name):
        await answered(make(zhipu), asked(extra={name: "x"}))
    assert not zhipu.requests


async def test_two_stop_strings_are_refused_by_zhipu_and_not_cut_to_one(make: Make, zhipu: ZhipuStandIn) -> None:
    with pytest.raises(ModelCallError, match="stop 参数非法") as caught:
        await answered(make(zhipu), asked(stop=("a", "b")))
    assert (caught.value.status, caught.value.code) == (400, "1214")


@pytest.mark.contract("SAAS-22", "MM-04")
@pytest.mark.parametrize("kind", ["png", "jpg"])
async def test_picture_is_sent_as_bare_base64(make: Make, zhipu: ZhipuStandIn, kind: str) -> None:
    parts = (
        ImagePart(url=f"data:image/{kind};base64,{PIXEL}"),
        ImagePart(url="https://example.com/a.png"),
        TextPart(text="What is this?"),
    )
    await answered(make(zhipu, model="glm-4v"), ChatRequest(messages=(Message(role="user", content=parts),)))
    assert zhipu.requests[-1].body["messages"][0]["content"] == [
        {"type": "image_url", "image_url": {"url": PIXEL}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "text", "text": "What is this?"},
    ]


# -- answers and failures ----------------------------------------------------------------------------------------------


async def test_usage_rides_on_the_frame_of_the_reason(make: Make, zhipu: ZhipuStandIn) -> None:
    zhipu.always = Act(reply=["one", " two"], has_done=False, keep_open=False)
    last = (await answered(make(zhipu), asked("a b c")))[-1]
    assert last.finish_reason == "stop"
    assert last.usage is not None
    assert (last.usage.input_tokens, last.usage.output_tokens) == (3, 2)
    assert last.request_id.startswith("chatcmpl-")


async def test_answer_that_the_filter_stopped_is_an_error(make: Make, zhipu: ZhipuStandIn, stream: bool) -> None:
    zhipu.always = Act(reply=["some", " words"], finish_reason="sensitive")
    error = await error_of(make(zhipu), stream=stream)
    assert "content filter" in str(error)
    assert (error.code, error.retryable) == ("sensitive", False)


async def test_words_about_the_filter_are_only_words(make: Make, zhipu: ZhipuStandIn, stream: bool) -> None:
    words = '{"finish_reason": "sensitive", "error": {"code": "1302"}}'
    zhipu.always = Act(reply=[words])
    assert await said(make(zhipu), asked(stream=stream)) == words
    zhipu.always = Act(reply=["sensitive", "error"])
    assert await said(make(zhipu), asked(stream=stream)) == "sensitiveerror"


async def test_answer_that_broke_off_is_an_error(make: Make, zhipu: ZhipuStandIn, stream: bool) -> None:
    zhipu.always = Act(reply=["some", " words"], finish_reason="network_error")
    error = await error_of(make(zhipu), stream=stream)
    assert isinstance(error, UnreachableError)
    assert error.retryable


@pytest.mark.parametrize(
    ("code", "kind", "is_retryable"),
    [
        ("1000", RefusedError, False),
        ("1002", RefusedError, False),
        ("1003", RefusedError, False),
        ("1113", RefusedError, False),
        ("1112", RefusedError, False),
        ("1211", ModelCallError, False),
        ("1214", ModelCallError, False),
        ("1220", RefusedError, False),
        ("1234", ModelCallError, True),
        ("1261", ModelCallError, False),
        ("1301", ModelCallError, False),
        ("1302", RateLimitedError, True),
        ("1303", RateLimitedError, True),
        ("1305", RateLimitedError, True),
        ("1304", RefusedError, False),
        ("1308", RefusedError, False),
        ("500", ModelCallError, True),
    ],
)
@pytest.mark.parametrize("status", [200, 429])
async def test_code_decides_what_an_error_means(
    make: Make,
    zhipu: ZhipuStandIn,
    code: str,
    kind: type[ModelCallError],
    is_retryable: bool,
    status: int,
    stream: bool,
) -> None:
    zhipu.always = Act(status=status, error={"code": code, "message": "vendor words"})
    error = await error_of(make(zhipu), stream=stream)
    assert type(error) is kind
    assert (error.code, error.status, error.retryable) == (code, status, is_retryable)


async def test_empty_account_says_that_it_is_empty(make: Make, zhipu: ZhipuStandIn) -> None:
    zhipu.always = Act(status=429, error={"code": "1113", "message": "您的账户已欠费,请充值后重试"})
    error = await error_of(make(zhipu, max_retries=5))
    assert "credit" in error.hint
    assert len(zhipu.requests) == 1


async def test_code_that_nobody_knows_leaves_the_status_to_speak(make: Make, zhipu: ZhipuStandIn) -> None:
    zhipu.always = Act(status=429, error={"code": "9999", "message": "vendor words"})
    assert isinstance(await error_of(make(zhipu)), RateLimitedError)


async def test_error_amid_a_stream_has_its_code(make: Make, zhipu: ZhipuStandIn) -> None:
    zhipu.always = Act(reply=["one", " two"], error_at=1, error={"code": "1302", "message": "vendor words"})
    error = await error_of(make(zhipu))
    assert isinstance(error, RateLimitedError)
    assert error.code == "1302"


# -- embeddings --------------------------------------------------------------------------------------------------------


@pytest.mark.contract("SAAS-22", "EMB-01")
@pytest.mark.parametrize(("model", "dimensions", "size"), [("embedding-2", None, 1024), ("embedding-3", 256, 256)])
async def test_texts_become_vectors(
    make: Make, zhipu: ZhipuStandIn, model: str, dimensions: int | None, size: int
) -> None:
    reply = await make(zhipu, model=model).embed(EmbedRequest(texts=("a", "b"), dimensions=dimensions))
    assert reply.vectors == tuple(tuple(vector(text, size)) for text in ("a", "b"))
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (2, 0)
    (request,) = zhipu.requests
    assert request.path == "/api/paas/v4/embeddings"
    wanted = {"model": model, "input": ["a", "b"]}
    assert request.body == (wanted if dimensions is None else {**wanted, "dimensions": dimensions})


@pytest.mark.contract("SAAS-22", "EMB-01")
@pytest.mark.parametrize(("model", "calls"), [("embedding-3", 2), ("embedding-2", 5)])
async def test_many_texts_are_sent_in_calls_of_the_size_that_zhipu_takes(
    make: Make, zhipu: ZhipuStandIn, model: str, calls: int
) -> None:
    texts = tuple(f"text {number}" for number in range(70))
    reply = await make(zhipu, model=model).embed(EmbedRequest(texts=texts))
    size = len(reply.vectors[0])
    assert reply.vectors == tuple(tuple(vector(text, size)) for text in texts)
    assert len(zhipu.requests) == calls


async def test_embedding_model_does_not_chat_and_a_chat_model_does_not_embed(make: Make, zhipu: ZhipuStandIn) -> None:
    with pytest.raises(UnsupportedError):
        await answered(make(zhipu, model="embedding-2"), asked())
    with pytest.raises(UnsupportedError):
        await make(zhipu).embed(EmbedRequest(texts=("a",)))


async def test_error_of_an_embedding_has_its_code(make: Make, zhipu: ZhipuStandIn) -> None:
    engine = make(zhipu, model="embedding-2")
    for status in (200, 429):
        zhipu.always = Act(status=status, error={"code": "1302", "message": "vendor words"})
        with pytest.raises(RateLimitedError) as caught:
            await engine.embed(EmbedRequest(texts=("a",)))
        assert caught.value.code == "1302"

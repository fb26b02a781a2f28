"""`saas/sparkdesk` over its WebSocket: settings, the signature, what is sent and what comes back."""

from __future__ import annotations

import base64

import pytest
from yarl import URL

from byzer_nb.engines import build
from byzer_nb.errors import (
    BadInputError,
    MissingSettingError,
    ModelCallError,
    RateLimitedError,
    RefusedError,
    UnsupportedError,
)
from byzer_nb.providers.spark_signature import SparkSigner
from byzer_nb.types import ChatOptions, ChatRequest, DeploySpec, ImagePart, Message, Secret, Usage
from byzer_nb.types.settings import SettingWarning
from tests.providers.asking import answered, asked, said
from tests.providers.failing import assert_no_key
from tests.providers.making import Make
from tests.standins.sparkdesk import SparkDeskStandIn
from tests.standins.vendor import KEY, Act

pytestmark = pytest.mark.contract("SAAS-26")

TURNS = (
    Message(role="system", content="Be brief."),
    Message(role="user", content="你好"),
    Message(role="assistant", content="hello"),
    Message(role="user", content='again "quoted"'),
)
TEXT = [{"role": turn.role, "content": turn.content} for turn in TURNS]


@pytest.mark.parametrize("missing", ["appid", "api_key", "api_secret"])
@pytest.mark.parametrize("value", [None, ""])
def test_missing_or_empty_setting_is_named(missing: str, value: str | None) -> None:
    settings = {"appid": "5f3acafe", "api_key": KEY, "api_secret": KEY, missing: value}
    with pytest.raises(MissingSettingError, match=f"needs the setting {missing}") as error:
        build(DeploySpec(name="chat", engine="saas/sparkdesk", settings=settings))
    assert error.value.setting == missing
    assert isinstance(error.value, ValueError)
    assert_no_key(error.value)


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        (None, "generalv3"),
        ("wss://spark-api.xf-yun.com/v1.1/chat", "lite"),
        ("wss://spark-api.xf-yun.com/v2.1/chat", "generalv2"),
        ("ws://spark-api.xf-yun.com/v3.1/chat", "generalv3"),
        ("wss://spark-api.xf-yun.com/v3.5/chat", "generalv3.5"),
        ("wss://spark-api.xf-yun.com/v3.5/chat/", "generalv3.5"),
        ("wss://spark-api.xf-yun.com/v4.0/chat", "4.0Ultra"),
        ("wss://spark-api.xf-yun.com/chat/max-32k", "max-32k"),
        ("wss://spark-api.xf-yun.com/chat/pro-128k", "pro-128k"),
        ("wss://example.com/somewhere/else", "generalv3"),
    ],
)
def test_domain_follows_from_the_address(make_spark: Make, url: str | None, domain: str) -> None:
    assert make_spark(gpt_url=url).describe().model == domain


@pytest.mark.parametrize("name", ["domain", "model"])
def test_domain_that_is_given_wins(make_spark: Make, name: str) -> None:
    assert make_spark(gpt_url="wss://spark-api.xf-yun.com/v3.5/chat", **{name: "mine"}).describe().model == "mine"


@pytest.mark.contract("SAAS-02")
@pytest.mark.parametrize("name", ["gpt_url", "base_url"])
@pytest.mark.parametrize(
    ("tail", "domain", "path"),
    [
        ("", None, "/v3.1/chat"),
        ("/", "4.0Ultra", "/v4.0/chat"),
        ("", "general", "/v1.1/chat"),
        ("/v3.5", None, "/v3.5/chat"),
        ("/v3.5/chat", None, "/v3.5/chat"),
        ("/chat/max-32k", None, "/chat/max-32k"),
    ],
)
async def test_address_is_taken_with_and_without_its_path(
    spark: SparkDeskStandIn, make_spark: Make, name: str, tail: str, domain: str | None, path: str
) -> None:
    address = {"gpt_url": None, name: f"ws://127.0.0.1:{spark.port}{tail}"}
    assert await said(make_spark(domain=domain, **address), asked("hi")) == "hi"
    assert spark.requests[-1].path == path


def test_debug_and_numeric_application_are_tolerated(make_spark: Make) -> None:
    make_spark(debug="true", appid=12345678, timeout="45")


def test_address_of_another_scheme_is_refused(make_spark: Make) -> None:
    with pytest.raises(BadInputError, match="gpt_url"):
        make_spark(gpt_url="spark-api.xf-yun.com/v3.1/chat")


def test_unknown_setting_is_told(make_spark: Make) -> None:
    with pytest.warns(SettingWarning, match="app_id.*Did you mean 'appid'"):
        make_spark(app_id="x")


def test_signature_is_the_one_in_the_vendors_documents() -> None:
    # The example of the open platform's page on its signature, keys and all.
    signer = SparkSigner(Secret("apikeyXXXXXXXXXXXXXXXXXXXXXXXXXX"), Secret("apisecretXXXXXXXXXXXXXXXXXXXXXXX"))
    url = URL("https://api.xf-yun.com/v1/private/s782b4996")
    proof = signer(url, date="Fri, 23 Apr 2021 02:35:47 GMT", method="POST").query
    assert base64.b64decode(proof["authorization"].reveal()).decode() == (
        'api_key="apikeyXXXXXXXXXXXXXXXXXXXXXXXXXX", algorithm="hmac-sha256", headers="host date request-line", '
        'signature="1jwQbIAKmQE7JwIH0IDxiC1pejrlN+VpHXDWOFVy5NM="'
    )
    assert proof["authorization"].reveal() == (
        "YXBpX2tleT0iYXBpa2V5WFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFgiLCBhbGdvcml0aG09ImhtYWMtc2hhMjU2IiwgaGVhZGVycz0iaG9z"
        "dCBkYXRlIHJlcXVlc3QtbGluZSIsIHNpZ25hdHVyZT0iMWp3UWJJQUttUUU3SndJSDBJRHhpQzFwZWpybE4rVnBIWERXT0ZWeTVOTT0i"
    )
    assert proof["host"].reveal() == "api.xf-yun.com"
    assert proof["date"].reveal() == "Fri, 23 Apr 2021 02:35:47 GMT"


@pytest.mark.parametrize("wrong", ["api_key", "api_secret"])
async def test_wrong_key_is_refused_at_once(
    spark: SparkDeskStandIn, make_spark: Make, wrong: str, stream: bool
) -> None:
    key = "wrong0123456789canary"
    with pytest.raises(RefusedError, match=r"refused the key \(HTTP 401\)") as refused:
        await answered(make_spark(max_retries=5, **{wrong: key}), asked(stream=stream))
    assert spark.handshakes == 1
    assert refused.value.status == 401
    assert refused.value.hint == "Check the settings api_key and api_secret."
    assert_no_key(refused.value)
    assert_no_key(refused.value, key=key)


async def test_clock_that_is_off_is_told_apart_from_a_wrong_key(
    spark: SparkDeskStandIn, make_spark: Make, stream: bool
) -> None:
    spark.clock_off = 400.0
    with pytest.raises(RefusedError, match="the date of the signature") as refused:
        await answered(make_spark(max_retries=5), asked(stream=stream))
    assert refused.value.status == 403
    assert "clock" in refused.value.hint
    assert spark.handshakes == 1


async def test_each_try_is_signed_anew(spark: SparkDeskStandIn, make_spark: Make) -> None:
    spark.next(*[Act(status=503)] * 3)
    await answered(make_spark(max_retries=3), asked())
    first, *_, last = (URL(seen.target).query["date"] for seen in spark.requests)
    assert first != last  # the pauses between them are longer than the second that a date counts


async def test_conversation_is_written_as_the_documents_show_it(spark: SparkDeskStandIn, make_spark: Make) -> None:
    await answered(make_spark(), ChatRequest(messages=TURNS))
    assert spark.requests[-1].body == {
        "header": {"app_id": spark.appid, "uid": "byzer_nb"},
        "parameter": {"chat": {"domain": "generalv3.5", "auditing": "default"}},
        "payload": {"message": {"text": TEXT}},
    }


async def test_every_option_has_its_place(spark: SparkDeskStandIn, make_spark: Make) -> None:
    engine = make_spark()
    options = ChatOptions(max_tokens=50, temperature=0.5, top_k=3, timeout=20.0, extra={"chat_id": "me"})
    assert engine.describe().capabilities.options == set(options.given())
    await answered(engine, ChatRequest(messages=TURNS, options=options))
    assert spark.requests[-1].body["parameter"]["chat"] == {
        "domain": "generalv3.5",
        "auditing": "default",
        "max_tokens": 50,
        "temperature": 0.5,
        "top_k": 3,
        "chat_id": "me",
    }


async def test_temperature_of_zero_is_as_near_as_the_protocol_allows(spark: SparkDeskStandIn, make_spark: Make) -> None:
    await answered(make_spark(), asked(temperature=0.0))
    assert spark.requests[-1].body["parameter"]["chat"]["temperature"] == 0.01


async def test_extra_cannot_name_another_model(spark: SparkDeskStandIn, make_spark: Make) -> None:
    with pytest.raises(BadInputError, match="domain"):
        await answered(make_spark(), asked(extra={"domain": "lite"}))
    assert not spark.handshakes


async def test_pictures_are_not_taken(make_spark: Make) -> None:
    turn = Message(role="user", content=(ImagePart(url="data:image/png;base64,iVBORw0KGgo="),))
    with pytest.raises(UnsupportedError):
        await answered(make_spark(), ChatRequest(messages=(turn,)))


async def test_answer_that_is_as_long_as_it_might_be_was_cut(
    spark: SparkDeskStandIn, make_spark: Make, stream: bool
) -> None:
    engine = make_spark()
    for limit, reason in ((3, "length"), (4, "stop"), (None, "stop")):
        *_, last = await answered(engine, asked("one two three", stream=stream, max_tokens=limit))
        assert last.finish_reason == reason


async def test_usage_number_and_reasoning_are_read(spark: SparkDeskStandIn, make_spark: Make) -> None:
    spark.always = Act(reasoning=["hm, ", "well"], reply=["so", " be", " it"])
    (whole,) = await answered(make_spark(), asked("a b", stream=False))
    assert (whole.text, whole.reasoning) == ("so be it", "hm, well")
    assert whole.usage == Usage(input_tokens=2, output_tokens=3)
    assert whole.request_id == spark.sid


async def test_answer_without_usage_is_an_answer(spark: SparkDeskStandIn, make_spark: Make, stream: bool) -> None:
    spark.always = Act(reply="so be it", usage=False)
    *_, last = await answered(make_spark(), asked(stream=stream))
    assert last.usage is None
    assert last.finish_reason == "stop"


@pytest.mark.parametrize("raw", [b"not json", b"{}", b"[]", b'{"header": {"code": "x"}}', b"<html>"])
async def test_message_outside_the_protocol_is_an_error(
    spark: SparkDeskStandIn, make_spark: Make, raw: bytes, stream: bool
) -> None:
    spark.always = Act(raw=raw)
    with pytest.raises(ModelCallError, match="not its protocol"):
        await answered(make_spark(), asked(stream=stream))


@pytest.mark.contract("SAAS-04")
@pytest.mark.parametrize(
    ("code", "kind", "is_retryable"),
    [
        (10003, ModelCallError, False),
        (10007, RateLimitedError, True),
        (10008, ModelCallError, True),
        (10013, ModelCallError, False),
        (10014, ModelCallError, False),
        (10110, ModelCallError, True),
        (10907, ModelCallError, False),
        (11200, RefusedError, False),
        (11201, RateLimitedError, False),
        (11202, RateLimitedError, True),
        (99999, ModelCallError, False),
    ],
)
async def test_code_becomes_the_right_error(
    spark: SparkDeskStandIn, make_spark: Make, code: int, kind: type[ModelCallError], is_retryable: bool, stream: bool
) -> None:
    spark.always = Act(error={"code": code, "message": "vendor words"})
    with pytest.raises(ModelCallError, match="vendor words") as failed:
        await answered(make_spark(), asked(stream=stream))
    error = failed.value
    assert (type(error), error.retryable, error.code) == (kind, is_retryable, str(code))
    assert error.request_id == spark.sid


async def test_domain_that_does_not_fit_the_address_is_told(make_spark: Make) -> None:
    with pytest.raises(ModelCallError, match="domain does not match") as failed:
        await answered(make_spark(domain="generalv3"), asked())
    assert failed.value.code == "10404"


async def test_output_that_is_withheld_ends_the_words(spark: SparkDeskStandIn, make_spark: Make) -> None:
    error = {"code": 10014, "message": "vendor words"}
    spark.always = Act(reply=["one", " two", " three"], error=error, error_at=2, rate=100)
    words: list[str] = []

    async def listen() -> None:
        async for delta in make_spark(max_retries=3).chat(asked()):
            words.append(delta.text)

    with pytest.raises(ModelCallError, match="vendor words"):
        await listen()
    assert words == ["one", " two"]

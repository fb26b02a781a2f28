"""`saas/qianfan`: its token, the codes of its errors, and how often it asks again."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from byzer_nb.errors import (
    BadInputError,
    CallTimeoutError,
    ModelCallError,
    RateLimitedError,
    RefusedError,
    UnreachableError,
)
from tests.providers.asking import answered, asked, said
from tests.providers.failing import assert_no_key
from tests.providers.making import Make
from tests.standins.qianfan import QianfanStandIn
from tests.standins.vendor import KEY, Act

pytestmark = pytest.mark.contract("SAAS-25")


async def test_token_is_asked_for_once_and_kept(baidu: QianfanStandIn, make_qianfan: Make) -> None:
    engine = make_qianfan()
    await asyncio.gather(*[answered(engine, asked(stream=number % 2 == 0)) for number in range(12)])
    await answered(engine, asked())
    assert baidu.token_requests == [
        {"grant_type": "client_credentials", "client_id": baidu.api_key, "client_secret": baidu.secret_key}
    ]
    (token,) = baidu.tokens
    assert {seen.target.partition("?access_token=")[2] for seen in baidu.requests} == {token}


async def test_given_token_is_used_as_it_is(baidu: QianfanStandIn, make_qianfan: Make) -> None:
    token = baidu.grant()
    for settings in ({"api_key": None, "secret_key": None}, {}):
        await answered(make_qianfan(access_token=token, **settings), asked())
        assert baidu.requests[-1].target.endswith(f"?access_token={token}")
    assert not baidu.token_requests


@pytest.mark.parametrize("code", [110, 111])
async def test_refused_token_is_replaced_once_and_the_call_goes_on(
    baidu: QianfanStandIn, make_qianfan: Make, stream: bool, code: int
) -> None:
    engine = make_qianfan()
    await answered(engine, asked())
    baidu.next(Act(error={"error_code": code, "error_msg": "Access token expired"}))
    assert await said(engine, asked("again", stream=stream)) == "again"
    assert len(baidu.token_requests) == 2
    first, refused, last = (seen.target for seen in baidu.requests)
    assert first == refused != last


async def test_many_calls_with_a_revoked_token_fetch_one_new_one(baidu: QianfanStandIn, make_qianfan: Make) -> None:
    engine = make_qianfan()
    await answered(engine, asked())
    baidu.revoke()
    replies = await asyncio.gather(*[said(engine, asked(str(number))) for number in range(8)])
    assert replies == [str(number) for number in range(8)]
    assert len(baidu.token_requests) == 2


async def test_late_refusal_of_an_old_token_leaves_the_new_one(baidu: QianfanStandIn, make_qianfan: Make) -> None:
    engine = make_qianfan()
    await answered(engine, asked())
    refusal = {"error_code": 110, "error_msg": "Access token expired"}
    baidu.next(Act(error=refusal), Act(error=refusal, delay=0.3))
    assert await asyncio.gather(*[said(engine, asked(words)) for words in ("one", "two")]) == ["one", "two"]
    assert len(baidu.token_requests) == 2


async def test_token_that_is_refused_again_is_an_error(baidu: QianfanStandIn, make_qianfan: Make, stream: bool) -> None:
    baidu.accepts_tokens = False
    with pytest.raises(RefusedError, match=r"refused the key \(110\)") as refused:
        await answered(make_qianfan(max_retries=5), asked(stream=stream))
    assert len(baidu.token_requests) == 2
    assert len(baidu.requests) == 2
    assert "api_key and secret_key" in refused.value.hint
    assert refused.value.retryable is False
    for token in (KEY, *baidu.tokens):
        assert_no_key(refused.value, key=token)


async def test_given_token_that_is_refused_is_named(baidu: QianfanStandIn, make_qianfan: Make) -> None:
    token = "24.wrongtoken0123456789canary"
    with pytest.raises(RefusedError) as refused:
        await answered(make_qianfan(access_token=token, api_key=None, secret_key=None), asked())
    assert refused.value.hint == "Check the setting access_token."
    assert len(baidu.requests) == 1
    assert_no_key(refused.value, key=token)


@pytest.mark.parametrize("wrong", ["api_key", "secret_key"])
async def test_wrong_application_keys_are_refused_at_once(
    baidu: QianfanStandIn, make_qianfan: Make, wrong: str
) -> None:
    key = "wrong0123456789canary"
    with pytest.raises(RefusedError) as refused:
        await answered(make_qianfan(max_retries=5, **{wrong: key}), asked())
    assert len(baidu.token_requests) == 1
    assert refused.value.status == 401
    assert_no_key(refused.value)
    assert_no_key(refused.value, key=key)


async def test_token_is_fetched_anew_before_it_runs_out(baidu: QianfanStandIn, make_qianfan: Make) -> None:
    baidu.expires_in = 0.1
    engine = make_qianfan()
    await answered(engine, asked())
    await asyncio.sleep(0.12)
    await answered(engine, asked())
    assert len(baidu.token_requests) == 2
    assert len(baidu.requests) == 2


async def test_token_service_in_trouble_is_tried_as_often_as_the_call(
    baidu: QianfanStandIn, make_qianfan: Make
) -> None:
    baidu.token_act = Act(status=503)
    with pytest.raises(ModelCallError, match="Tried 3 times") as failed:
        await answered(make_qianfan(max_retries=2), asked())
    assert len(baidu.token_requests) == 3
    assert failed.value.retryable
    assert_no_key(failed.value)


@pytest.mark.parametrize("raw", [b'{"access_token": "24.half-a-canary-token', b"{}", b"<html>", b"[]"])
async def test_answer_of_the_token_service_is_never_quoted(
    baidu: QianfanStandIn, make_qianfan: Make, raw: bytes
) -> None:
    baidu.token_act = Act(raw=raw)
    with pytest.raises(ModelCallError) as failed:
        await answered(make_qianfan(), asked())
    assert not isinstance(failed.value, RefusedError)
    assert "canary" not in str(failed.value)


async def test_limit_of_the_call_holds_for_the_token_too(
    baidu: QianfanStandIn, make_qianfan: Make, stream: bool
) -> None:
    baidu.token_act = Act(delay=30)
    started = time.perf_counter()
    with pytest.raises(CallTimeoutError):
        await answered(make_qianfan(), asked(stream=stream, timeout=0.3))
    assert time.perf_counter() - started < 2


async def test_nobody_at_the_token_service_is_an_error_of_ours(make_qianfan: Make) -> None:
    with pytest.raises(UnreachableError) as failed:
        await answered(make_qianfan(base_url="http://127.0.0.1:1"), asked())
    assert_no_key(failed.value)


@pytest.mark.contract("SAAS-04")
@pytest.mark.parametrize(
    ("code", "kind", "is_retryable"),
    [
        (2, ModelCallError, True),
        (6, RefusedError, False),
        (17, RateLimitedError, False),
        (18, RateLimitedError, True),
        (19, RateLimitedError, False),
        (336003, ModelCallError, False),
        (336100, ModelCallError, True),
        (336501, RateLimitedError, True),
        (999999, ModelCallError, False),
    ],
)
async def test_code_inside_a_success_becomes_the_right_error(
    baidu: QianfanStandIn, make_qianfan: Make, code: int, kind: type[ModelCallError], is_retryable: bool, stream: bool
) -> None:
    baidu.always = Act(error={"error_code": code, "error_msg": "vendor words", "id": "as-9"})
    with pytest.raises(ModelCallError, match="vendor words") as failed:
        await answered(make_qianfan(), asked(stream=stream))
    error = failed.value
    assert (type(error), error.retryable, error.code, error.request_id) == (kind, is_retryable, str(code), "as-9")


async def test_limit_of_calls_is_waited_out(baidu: QianfanStandIn, make_qianfan: Make, stream: bool) -> None:
    baidu.next(*[Act(error={"error_code": 18, "error_msg": "qps"})] * 2)
    assert await said(make_qianfan(max_retries=None), asked("at last", stream=stream)) == "at last"
    assert len(baidu.requests) == 3


@pytest.mark.parametrize(
    ("settings", "options", "tries"),
    [
        ({}, {}, 4),
        ({"retry_count": "1"}, {}, 2),
        ({"retry_count": 1, "max_retries": 0}, {}, 1),
        ({"retry_count": 1}, {"retry_count": 2}, 3),
        ({}, {"retry_count": "0"}, 1),
    ],
)
async def test_number_of_tries_is_set_for_all_calls_and_for_one(
    baidu: QianfanStandIn, make_qianfan: Make, settings: dict[str, Any], options: dict[str, Any], tries: int
) -> None:
    baidu.always = Act(error={"error_code": 336100, "error_msg": "busy"})
    engine = make_qianfan(**{"max_retries": None, **settings})
    with pytest.raises(ModelCallError):
        await answered(engine, asked(extra={"backoff_factor": 0.01, **options}))
    assert len(baidu.requests) == tries
    assert "backoff_factor" not in baidu.requests[-1].body
    assert "retry_count" not in baidu.requests[-1].body


async def test_pause_between_tries_begins_with_the_factor(baidu: QianfanStandIn, make_qianfan: Make) -> None:
    baidu.next(Act(error={"error_code": 336100, "error_msg": "busy"}))
    started = time.perf_counter()
    await answered(make_qianfan(), asked(extra={"retry_count": 1, "backoff_factor": 1.2}))
    assert 0.6 <= time.perf_counter() - started < 3


@pytest.mark.parametrize("value", ["many", -1, float("inf")])
async def test_wrong_number_of_tries_is_told(make_qianfan: Make, value: object) -> None:
    with pytest.raises(BadInputError, match="retry_count is a number"):
        await answered(make_qianfan(), asked(extra={"retry_count": value}))


async def test_silence_ends_at_the_request_timeout(baidu: QianfanStandIn, make_qianfan: Make, stream: bool) -> None:
    baidu.always = Act(delay=30)
    started = time.perf_counter()
    with pytest.raises(CallTimeoutError):
        await answered(make_qianfan(request_timeout="0.3"), asked(stream=stream))
    assert time.perf_counter() - started < 2

"""What `saas/gemini` makes of Google's answers and refusals."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from byzer_nb.engines import build
from byzer_nb.errors import ModelCallError, RateLimitedError, RefusedError
from byzer_nb.types import ChatRequest, Delta, DeploySpec, Engine, Usage
from tests.providers.asking import answered, asked, said
from tests.standins.gemini import GeminiStandIn, error_of
from tests.standins.vendor import Act

pytestmark = pytest.mark.contract("SAAS-30", "SAAS-04")


@pytest.fixture
def google() -> Iterator[GeminiStandIn]:
    """Google in process."""
    with GeminiStandIn() as standin:
        yield standin


@pytest.fixture
async def engine(google: GeminiStandIn) -> AsyncIterator[Engine]:
    """An engine that tries again up to three times."""
    settings = {"api_key": google.key, "base_url": google.url, "model": "gemini-2.5-flash", "max_retries": 3}
    engine = build(DeploySpec(name="chat", engine="saas/gemini", settings=settings))
    yield engine
    await engine.close()


async def failure(engine: Engine, request: ChatRequest) -> ModelCallError:
    """The error of a call that must fail."""
    with pytest.raises(ModelCallError) as caught:
        await answered(engine, request)
    return caught.value


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
        ("BLOCKLIST", "content_filter"),
        ("A_NEW_ONE", "stop"),
    ],
)
async def test_reason_is_told_in_our_words(
    google: GeminiStandIn, engine: Engine, theirs: str, ours: str, stream: bool
) -> None:
    google.always = Act(reply="so far", finish_reason=theirs)
    deltas = await answered(engine, asked(stream=stream))
    assert deltas[-1].finish_reason == ours
    assert "".join(delta.text for delta in deltas) == "so far"


async def test_answer_that_the_model_gave_up_is_an_error(google: GeminiStandIn, engine: Engine, stream: bool) -> None:
    google.always = Act(reply="so f", finish_reason="MALFORMED_RESPONSE")
    error = await failure(engine, asked(stream=stream))
    assert error.code == "MALFORMED_RESPONSE"
    assert "gave the answer up" in str(error)


async def test_candidate_that_a_filter_emptied_is_an_empty_answer(
    google: GeminiStandIn, engine: Engine, stream: bool
) -> None:
    raw = b'{"candidates": [{"finishReason": "SAFETY", "index": 0}], "responseId": "r"}'
    google.always = Act(raw=b"data: " + raw + b"\r\n\r\n" if stream else raw, raw_type=_type(stream=stream))
    (delta,) = await answered(engine, asked(stream=stream))
    assert delta == Delta(finish_reason="content_filter", request_id="r")


async def test_blocked_prompt_is_an_error_and_no_answer(google: GeminiStandIn, engine: Engine, stream: bool) -> None:
    google.blocked = "PROHIBITED_CONTENT"
    error = await failure(engine, asked(stream=stream))
    assert (error.code, error.request_id, error.retryable) == ("PROHIBITED_CONTENT", "response-1", False)
    assert "refuses to answer this prompt" in str(error)
    assert len(google.requests) == 1


async def test_thoughts_are_reasoning_and_are_counted_as_written(
    google: GeminiStandIn, engine: Engine, stream: bool
) -> None:
    google.always = Act(reasoning=["first", " then"], reply=["so", " be", " it"])
    deltas = await answered(engine, asked("a b", stream=stream))
    assert "".join(delta.reasoning for delta in deltas) == "first then"
    assert "".join(delta.text for delta in deltas) == "so be it"
    assert deltas[-1].usage == Usage(input_tokens=2, output_tokens=5)


async def test_wish_to_call_a_tool_is_told(google: GeminiStandIn, engine: Engine, stream: bool) -> None:
    raw = (
        b'{"candidates": [{"content": {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},'
        b' "finishReason": "STOP"}]}'
    )
    google.always = Act(raw=b"data: " + raw + b"\n\n" if stream else raw, raw_type=_type(stream=stream))
    assert (await answered(engine, asked(stream=stream)))[-1].finish_reason == "tool_calls"


async def test_gateway_that_streams_a_list_is_understood(google: GeminiStandIn, engine: Engine) -> None:
    google.knows_sse = False
    google.always = Act(reply=["one", " two"])
    (delta,) = await answered(engine, asked())
    assert (delta.text, delta.finish_reason) == ("one two", "stop")
    assert delta.usage is not None
    assert delta.usage.output_tokens == 2


# -- errors -----------------------------------------------------------------------------------------------------------


async def test_wrong_key_comes_as_a_bad_request_and_is_refused(
    google: GeminiStandIn, engine: Engine, stream: bool
) -> None:
    google.key = "another one"
    error = await failure(engine, asked(stream=stream))
    assert isinstance(error, RefusedError)
    assert (error.status, error.code, error.hint) == (400, "API_KEY_INVALID", "Check the setting api_key.")
    assert len(google.requests) == 1


async def test_account_without_billing_is_refused(google: GeminiStandIn, engine: Engine) -> None:
    message = "User location is not supported for the API use."
    google.always = Act(status=400, error={"code": 400, "message": message, "status": "FAILED_PRECONDITION"})
    error = await failure(engine, asked())
    assert isinstance(error, RefusedError)
    assert message in str(error)


async def test_delay_in_the_details_is_waited_for(google: GeminiStandIn, engine: Engine, stream: bool) -> None:
    google.always = Act(reply="now it works")
    google.next(Act(status=429, error=_quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "0.25s")))
    started = time.perf_counter()
    assert await said(engine, asked(stream=stream)) == "now it works"
    assert time.perf_counter() - started > 0.24


async def test_quota_of_the_day_is_not_waited_for(google: GeminiStandIn, engine: Engine) -> None:
    google.always = Act(status=429, error=_quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "0.25s"))
    error = await failure(engine, asked())
    assert isinstance(error, RateLimitedError)
    assert (error.retryable, error.retry_after, error.code) == (False, 0.25, "RESOURCE_EXHAUSTED")
    assert len(google.requests) == 1


async def test_refusal_in_a_list_is_read(google: GeminiStandIn, engine: Engine) -> None:
    raw = b'[{"error": {"code": 404, "message": "models/x is not found", "status": "NOT_FOUND"}}]'
    google.always = Act(status=404, raw=raw)
    error = await failure(engine, asked())
    assert (error.status, error.code) == (404, "NOT_FOUND")
    assert "models/x is not found" in str(error)


@pytest.mark.parametrize("bare", [True, False], ids=["bare", "event"])
async def test_error_amid_the_words_says_what_happened(google: GeminiStandIn, engine: Engine, bare: bool) -> None:
    error = b'{\n  "error": {\n    "code": 503,\n    "message": "overloaded",\n    "status": "UNAVAILABLE"\n  }\n}\n'
    word = b'data: {"candidates": [{"content": {"parts": [{"text": "one"}]}, "index": 0}]}\r\n\r\n'
    raw = word + (error if bare else b"data: " + error.replace(b"\n", b"") + b"\r\n\r\n")
    google.always = Act(raw=raw, raw_type="text/event-stream")
    words: list[str] = []

    async def listen() -> None:
        async for delta in engine.chat(asked()):
            words.append(delta.text)

    with pytest.raises(ModelCallError, match="overloaded") as caught:
        await listen()
    assert words == ["one"]
    assert (caught.value.code, caught.value.retryable) == ("UNAVAILABLE", True)
    assert len(google.requests) == 1


async def test_error_in_a_gateways_own_form_is_read(google: GeminiStandIn, engine: Engine, stream: bool) -> None:
    google.always = Act(raw=b'{"error": "no channel left"}')
    assert "no channel left" in str(await failure(engine, asked(stream=stream)))


def _type(*, stream: bool) -> str:
    return "text/event-stream" if stream else "application/json"


def _quota(name: str, delay: str) -> dict[str, Any]:
    details = [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": name}]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
    ]
    return error_of(429, "You exceeded your current quota.") | {"details": details}

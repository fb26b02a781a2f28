"""Answers that are none: the right error, in time, and never with the key in it."""

from __future__ import annotations

import time

import pytest

from byzer_nb.errors import (
    ByzerError,
    CallTimeoutError,
    ModelCallError,
    RateLimitedError,
    RefusedError,
    UnreachableError,
)
from byzer_nb.providers.wire.failures import retry_after
from byzer_nb.types import EmbedRequest
from tests.providers.asking import answered, asked
from tests.providers.conftest import MakeEngine
from tests.providers.failing import failure, words_and_error
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import KEY, Act

pytestmark = pytest.mark.contract("SAAS-04")


async def test_wrong_key_is_refused_and_not_repeated(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, stream: bool
) -> None:
    error = await failure(make_engine, stream=stream, api_key="sk-wrong-0123456789abcdef-canary", max_retries=5)
    assert isinstance(error, RefusedError)
    assert isinstance(error, PermissionError)
    assert (error.status, error.code, error.request_id) == (401, "invalid_api_key", "req_1")
    assert str(error).endswith("refused the key (HTTP 401, invalid_api_key).")
    assert "api_key" in error.hint
    assert len(openai_standin.requests) == 1


@pytest.mark.parametrize(
    ("status", "kind", "is_retryable"),
    [
        (400, ModelCallError, False),
        (402, RefusedError, False),
        (403, RefusedError, False),
        (404, ModelCallError, False),
        (408, CallTimeoutError, True),
        (409, ModelCallError, True),
        (413, ModelCallError, False),
        (422, ModelCallError, False),
        (429, RateLimitedError, True),
        (500, ModelCallError, True),
        (502, ModelCallError, True),
        (503, ModelCallError, True),
        (504, CallTimeoutError, True),
        (529, ModelCallError, True),
    ],
)
async def test_status_decides_the_error(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, status: int, kind: type[ByzerError], is_retryable: bool
) -> None:
    openai_standin.always = Act(status=status, error={"message": f"because of {KEY}", "type": "t", "code": "c"})
    for stream in (True, False):
        error = await failure(make_engine, stream=stream)
        assert type(error) is kind
        assert (error.status, error.code, error.retryable) == (status, "c", is_retryable)
        assert f"answered HTTP {status}: because of ******" in str(error)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": "plain text"}', "plain text"),
        (b'{"message": "no envelope", "code": 7}', "no envelope"),
        (b'{"detail": [{"loc": ["body", "model"]}]}', "[{'loc': ['body', 'model']}]"),
        (b'{"error": {"message": null}}', "no reason given"),
        (b"upstream connect error", "upstream connect error"),
        (b"<html><body>502 Bad Gateway</body></html>", "no reason given"),
        (b'"just a string"', "just a string"),
        (b"", "no reason given"),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
async def test_reason_is_found_in_any_form_of_body(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, body: bytes, words: str
) -> None:
    openai_standin.always = Act(status=502, raw=body)
    error = await failure(make_engine, stream=True)
    assert str(error).endswith(f"answered HTTP 502: {words}")


async def test_account_without_credit_is_not_asked_again(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, stream: bool
) -> None:
    error = {"message": "You exceeded your current quota.", "type": "insufficient_quota", "code": "insufficient_quota"}
    openai_standin.always = Act(status=429, error=error)
    refused = await failure(make_engine, stream=stream, max_retries=5)
    assert isinstance(refused, RateLimitedError)
    assert "credit" in refused.hint
    assert len(openai_standin.requests) == 1


async def test_redirect_is_not_followed_with_the_key(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, stream: bool
) -> None:
    openai_standin.always = Act(status=307, raw=b"", headers={"Location": f"{openai_standin.origin}/elsewhere"})
    error = await failure(make_engine, stream=stream)
    assert "/elsewhere" in str(error)
    assert "base_url" in error.hint


async def test_error_object_with_status_200_is_an_error(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, stream: bool
) -> None:
    openai_standin.always = Act(error={"message": "model is overloaded", "type": "server_error", "code": None})
    error = await failure(make_engine, stream=stream)
    assert (error.status, error.retryable) == (200, True)
    assert str(error).endswith("answered: model is overloaded")  # without the 200, which would only confuse


@pytest.mark.parametrize(
    ("given", "words"),
    [("invalid_api_key", "refused the key (invalid_api_key)."), (401, "refused the key (401)."), (None, "t")],
)
async def test_refused_key_with_status_200_is_told_without_it(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, stream: bool, given: object, words: str
) -> None:
    openai_standin.always = Act(error={"message": "t", "code": given})
    assert str(await failure(make_engine, stream=stream)).endswith(words)


async def test_error_object_with_a_status_as_its_code_is_taken_at_its_word(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, stream: bool
) -> None:
    openai_standin.always = Act(error={"message": "slow down", "code": 429})
    assert isinstance(await failure(make_engine, stream=stream), RateLimitedError)


async def test_error_in_the_middle_of_a_stream_follows_the_words_before_it(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    openai_standin.always = Act(reply=["one", " two", " three"], error_at=2, rate=100)
    words, error = await words_and_error(make_engine(max_retries=5))
    assert words == ["one", " two"]
    assert str(error).endswith("answered: The server had an error")
    assert len(openai_standin.requests) == 1


@pytest.mark.parametrize(
    "act",
    [
        Act(reply=["one", " two", " three"], end_at=2, rate=100),
        Act(reply=["one", " two", " three"], reset_at=2, rate=100),
        Act(reply=["one", " two"], finish_reason="network_error", rate=100),
        Act(reply=["one", " two"], finish_reason=None, has_done=False, rate=100),
    ],
    ids=["ends early", "reset", "host gave up", "neither reason nor done"],
)
async def test_stream_that_stops_short_is_an_error_not_a_short_answer(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, act: Act
) -> None:
    openai_standin.always = act
    words, error = await words_and_error(make_engine(max_retries=5))
    assert words == ["one", " two"]
    assert isinstance(error, UnreachableError)
    assert isinstance(error, ConnectionError)
    assert len(openai_standin.requests) == 1  # never a second try after the first word


async def test_stream_without_any_event_is_an_error(openai_standin: OpenAIStandIn, make_engine: MakeEngine) -> None:
    openai_standin.always = Act(raw=b"", raw_type="text/event-stream")
    assert isinstance(await failure(make_engine, stream=True), UnreachableError)


@pytest.mark.parametrize(
    "act",
    [Act(reply=["hi"], reset_at=2), Act(reply=["hi"], has_done=False, keep_open=True)],
    ids=["connection lost", "no good-bye"],
)
async def test_trouble_after_the_last_word_loses_nothing(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, act: Act
) -> None:
    openai_standin.always = act
    started = time.perf_counter()
    deltas = await answered(make_engine(timeout=0.5), asked())
    assert [delta.text for delta in deltas] == ["hi", ""]
    assert deltas[-1].finish_reason == "stop"
    assert time.perf_counter() - started < 1.5


async def test_event_that_is_not_json_is_shown(openai_standin: OpenAIStandIn, make_engine: MakeEngine) -> None:
    openai_standin.always = Act(reply="one two three", malformed_at=1)
    assert 'not its protocol: \'{"id": "chatcmpl-\'' in str(await failure(make_engine, stream=True))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b'{"choices": []}',
        b'{"choices": [{"message": null}]}',
        b'{"choices": 3}',
        b'{"id": "\xff", "choices": [{"message": {"content": "\xff"}}]}',
        b"[]",
    ],
)
async def test_answer_that_is_not_the_protocol_is_an_error(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, body: bytes, stream: bool
) -> None:
    openai_standin.always = Act(raw=body)
    error = await failure(make_engine, stream=stream)
    assert "is not its protocol" in str(error) or isinstance(error, UnreachableError)


async def test_web_page_in_the_place_of_an_answer_points_at_the_address(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    openai_standin.always = Act(raw=b"<html>Welcome to my router</html>", raw_type="text/html")
    error = await failure(make_engine, stream=False)
    assert "a web page" in str(error)
    assert "base_url" in error.hint


async def test_wrong_number_of_vectors_is_an_error(openai_standin: OpenAIStandIn, make_engine: MakeEngine) -> None:
    openai_standin.always = Act(raw=b'{"data": [{"index": 0, "embedding": [1.0]}]}')
    with pytest.raises(ModelCallError, match="answered 2 texts with 1 vectors"):
        await make_engine().embed(EmbedRequest(texts=("a", "b")))


async def test_embedding_error_is_an_error(openai_standin: OpenAIStandIn, make_engine: MakeEngine) -> None:
    openai_standin.always = Act(error={"message": "not an embedding model"})
    with pytest.raises(ModelCallError, match="not an embedding model"):
        await make_engine().embed(EmbedRequest(texts=("a",)))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "2"}, 2),
        ({"retry-after-ms": "250"}, 0.25),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "nan"}, None),
        ({}, None),
    ],
)
def test_wish_is_read_in_every_form(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after(headers) == expected


def test_engine_and_its_parts_do_not_show_the_key(make_engine: MakeEngine) -> None:
    engine = make_engine()
    shown = repr(engine) + repr(engine.describe()) + repr({name: repr(part) for name, part in vars(engine).items()})
    assert KEY not in shown
    assert KEY not in repr(vars(engine._wire))

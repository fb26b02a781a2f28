"""What must hold for every vendor: the same words whole and streamed, typed errors in time, and keys kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from byzer_nb.errors import (
    ByzerError,
    CallTimeoutError,
    ModelCallError,
    RateLimitedError,
    RefusedError,
    UnreachableError,
)
from byzer_nb.providers.wire import incoming
from byzer_nb.types import Delta, Engine
from tests.providers.asking import answered, asked, said
from tests.providers.failing import assert_no_key
from tests.providers.vendors import VENDORS, Vendor
from tests.standins.vendor import KEY, Act, VendorStandIn

pytestmark = pytest.mark.contract("SAAS-02", "SAAS-03", "SAAS-04", "SAAS-05")

SPOKEN = 'One two, 三四五。 👩‍👩‍👧‍👦 "quotes" \\ and\nlines, and then some more words to be cut apart.'
VENDOR_WORDS = "vendor words zq81"


@pytest.fixture(params=VENDORS, ids=str)
def vendor(request: pytest.FixtureRequest) -> Vendor:
    """Each vendor in turn."""
    each: Vendor = request.param
    return each


@pytest.fixture
def standin(vendor: Vendor) -> Iterator[VendorStandIn]:
    """Its server."""
    with vendor.standin() as standin:
        yield standin


async def failure(engine: Engine, *, stream: bool, within: float = 3.0) -> ModelCallError:
    """The error of one call: in time, typed, with the way out, and without a key."""
    started = time.perf_counter()
    words: list[Delta] = []

    async def listen() -> None:
        async for delta in engine.chat(asked(stream=stream)):
            words.append(delta)

    with pytest.raises(ByzerError) as caught:
        await listen()
    assert time.perf_counter() - started < within
    error = caught.value
    assert isinstance(error, ModelCallError), repr(error)
    assert error.provider == engine.describe().engine
    assert error.model == "chat"
    assert error.hint
    assert_no_key(error)
    assert VENDOR_WORDS not in "".join(delta.text for delta in words)
    return error


async def test_streamed_words_join_to_the_whole_answer(vendor: Vendor, standin: VendorStandIn) -> None:
    standin.always = Act(reply=SPOKEN)
    engine = vendor.build(standin)
    assert await said(engine, asked(stream=True)) == SPOKEN
    assert await said(engine, asked(stream=False)) == SPOKEN
    await engine.close()


@pytest.mark.parametrize("cut_every", [1, 2, 3, 7, 64, 1000])
async def test_any_borders_between_packets_give_the_same_words(
    vendor: Vendor, standin: VendorStandIn, cut_every: int
) -> None:
    standin.always = Act(reply=SPOKEN, cut_every=cut_every)
    engine = vendor.build(standin)
    assert await said(engine, asked()) == SPOKEN
    await engine.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=strategies.lists(strategies.integers(0, 5000), max_size=30))
async def test_bytes_cut_anywhere_give_the_same_words(vendor: Vendor, standin: VendorStandIn, cuts: list[int]) -> None:
    standin.always = Act(reply=SPOKEN, cuts=cuts)
    engine = vendor.build(standin)
    assert await said(engine, asked()) == SPOKEN
    await engine.close()


async def test_keep_alives_and_windows_line_ends_change_nothing(vendor: Vendor, standin: VendorStandIn) -> None:
    if not vendor.text_events:
        return
    standin.always = Act(reply=SPOKEN, comments=True, line_end="\r\n", cut_every=5)
    engine = vendor.build(standin)
    assert await said(engine, asked()) == SPOKEN
    await engine.close()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_usage_and_request_id_come_with_the_last_delta(
    vendor: Vendor, standin: VendorStandIn, stream: bool
) -> None:
    standin.always = Act(reply=["one", " two", " three"])
    engine = vendor.build(standin)
    last = (await answered(engine, asked("a b c", stream=stream)))[-1]
    assert last.finish_reason == "stop"
    assert last.request_id
    assert last.usage is not None
    if vendor.counts_apart:
        assert last.usage.output_tokens == 3
        assert last.usage.input_tokens > 0
    await engine.close()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_reasoning_is_kept_apart(vendor: Vendor, standin: VendorStandIn, stream: bool) -> None:
    if not vendor.thinks:
        return
    standin.always = Act(reasoning=["first", " then"], reply=["so", " be", " it"])
    engine = vendor.build(standin)
    deltas = await answered(engine, asked(stream=stream))
    assert "".join(delta.reasoning for delta in deltas) == "first then"
    assert "".join(delta.text for delta in deltas) == "so be it"
    await engine.close()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_cut_answer_says_so(vendor: Vendor, standin: VendorStandIn, stream: bool) -> None:
    if not vendor.says_cut:
        return
    standin.always = Act(reply=["one", " two"], finish_reason="length")
    engine = vendor.build(standin)
    assert (await answered(engine, asked(stream=stream)))[-1].finish_reason == "length"
    await engine.close()


async def test_leaving_a_stream_closes_the_vendors_connection(vendor: Vendor, standin: VendorStandIn) -> None:
    standin.always = Act(reply=["word"] * 1000, rate=100)
    engine = vendor.build(standin)
    async with aclosing(engine.chat(asked())) as deltas:
        async for delta in deltas:
            if delta.text:
                break
    for _ in range(200):
        if not standin.busy:
            break
        await asyncio.sleep(0.01)
    assert not standin.busy
    assert standin.aborted == 1
    await engine.close()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_wrong_key_is_refused_at_once(vendor: Vendor, standin: VendorStandIn, stream: bool) -> None:
    engine = vendor.build(standin, max_retries=5, **vendor.wrong_key)
    error = await failure(engine, stream=stream)
    assert isinstance(error, RefusedError), repr(error)
    for value in vendor.wrong_key.values():
        assert_no_key(error, key=value)
    await engine.close()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize(
    ("status", "kind", "is_retryable"),
    [
        (400, ModelCallError, False),
        (401, RefusedError, False),
        (403, RefusedError, False),
        (404, ModelCallError, False),
        (429, RateLimitedError, True),
        (500, ModelCallError, True),
        (503, ModelCallError, True),
    ],
)
async def test_status_becomes_the_right_error(
    vendor: Vendor, standin: VendorStandIn, status: int, kind: type[ByzerError], is_retryable: bool, stream: bool
) -> None:
    if not vendor.http:
        return
    standin.always = Act(status=status, message=f"{VENDOR_WORDS} for {KEY}")
    engine = vendor.build(standin)
    error = await failure(engine, stream=stream)
    assert type(error) is kind, repr(error)
    assert (error.status, error.retryable) == (status, is_retryable)
    assert status == 401 or VENDOR_WORDS in str(error)
    await engine.close()


async def test_wish_of_the_vendor_to_wait_is_kept_and_then_it_answers(vendor: Vendor, standin: VendorStandIn) -> None:
    if not vendor.http:
        return
    standin.always = Act(reply="now it works")
    for stream in (True, False):
        standin.next(Act(status=429, message="slow down", headers={"Retry-After": "0.2"}))
        engine = vendor.build(standin, max_retries=2)
        started = time.perf_counter()
        assert await said(engine, asked(stream=stream)) == "now it works"
        assert time.perf_counter() - started > 0.19
        await engine.close()


async def test_errors_that_come_with_success_are_errors(vendor: Vendor, standin: VendorStandIn) -> None:
    for act, is_retryable in vendor.errors_in_success:
        for stream in (True, False):
            standin.always = replace(act, message=f"{VENDOR_WORDS} about {KEY}")
            engine = vendor.build(standin)
            error = await failure(engine, stream=stream)
            assert error.retryable is is_retryable, repr(error)
            await engine.close()


async def test_error_in_success_that_passes_is_tried_again(vendor: Vendor, standin: VendorStandIn) -> None:
    for act, is_retryable in vendor.errors_in_success:
        if is_retryable:
            for stream in (True, False):
                standin.always = Act(reply="now it works")
                standin.next(act)
                engine = vendor.build(standin, max_retries=2)
                assert await said(engine, asked(stream=stream)) == "now it works"
                await engine.close()


async def test_error_amid_the_words_ends_them(vendor: Vendor, standin: VendorStandIn) -> None:
    standin.always = Act(reply=["one", " two", " three"], error_at=2, rate=100, message=f"{VENDOR_WORDS} about {KEY}")
    await _words_then_error(vendor, standin)


@pytest.mark.parametrize(
    "act",
    [
        Act(reply=["one", " two", " three"], end_at=2, rate=100),
        Act(reply=["one", " two", " three"], reset_at=2, rate=100),
        Act(reply=["one", " two", " three"], malformed_at=2, rate=100),
    ],
    ids=["ends early", "reset", "malformed"],
)
async def test_stream_that_stops_short_is_no_short_answer(vendor: Vendor, standin: VendorStandIn, act: Act) -> None:
    standin.always = act
    await _words_then_error(vendor, standin)


async def test_stall_amid_the_words_is_noticed(vendor: Vendor, standin: VendorStandIn) -> None:
    standin.always = Act(reply=["one", " two", " three"], stall_at=2, rate=100)
    error = await _words_then_error(vendor, standin, idle_timeout=0.3)
    assert isinstance(error, CallTimeoutError)


async def _words_then_error(vendor: Vendor, standin: VendorStandIn, **settings: float) -> ModelCallError:
    engine = vendor.build(standin, **{"max_retries": 5, **settings})
    words: list[str] = []

    async def listen() -> None:
        async for delta in engine.chat(asked()):
            words.append(delta.text)

    with pytest.raises(ModelCallError) as caught:
        await asyncio.wait_for(listen(), 3)
    assert "".join(words) == "one two"
    assert len(standin.requests) == 1  # never a second try after the first word
    assert_no_key(caught.value)
    await engine.close()
    return caught.value


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_silence_before_the_first_word_is_noticed(vendor: Vendor, standin: VendorStandIn, stream: bool) -> None:
    standin.always = Act(reply="hi", delay=5) if not stream else Act(reply="hi", first_token_delay=5)
    engine = vendor.build(standin, first_token_timeout=0.3)
    assert isinstance(await failure(engine, stream=stream), CallTimeoutError)
    await engine.close()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_call_ends_at_its_own_limit(vendor: Vendor, standin: VendorStandIn, stream: bool) -> None:
    standin.always = Act(reply=["word"] * 1000, rate=20)
    engine = vendor.build(standin)
    with pytest.raises(CallTimeoutError):
        await asyncio.wait_for(answered(engine, asked(stream=stream, timeout=0.4)), 3)
    await engine.close()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_call_that_is_given_up_does_not_show_the_key(
    vendor: Vendor, standin: VendorStandIn, stream: bool
) -> None:
    standin.always = Act(delay=60)
    engine = vendor.build(standin)
    with pytest.raises(TimeoutError) as caught:
        await asyncio.wait_for(answered(engine, asked(stream=stream)), 0.2)
    assert_no_key(caught.value)
    await engine.close()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_broken_connection_is_an_error_of_ours(vendor: Vendor, standin: VendorStandIn, stream: bool) -> None:
    standin.always = Act(hang_up=True)
    engine = vendor.build(standin)
    assert isinstance(await failure(engine, stream=stream), UnreachableError)
    await engine.close()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_nobody_there_is_an_error_of_ours(vendor: Vendor, stream: bool) -> None:
    with vendor.standin() as gone:
        engine = vendor.build(gone)
    assert isinstance(await failure(engine, stream=stream), UnreachableError)
    await engine.close()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize(
    ("raw", "raw_type"),
    [
        (b"not json at all", "application/json"),
        (b"<html><body>Sign in</body></html>", "text/html"),
        (b"{}", "application/json"),
        (b"", "application/json"),
    ],
)
async def test_answer_outside_the_protocol_is_an_error(
    vendor: Vendor, standin: VendorStandIn, raw: bytes, raw_type: str, stream: bool
) -> None:
    if not vendor.http:
        return
    standin.always = Act(raw=raw, raw_type=raw_type)
    engine = vendor.build(standin)
    await failure(engine, stream=stream)
    await engine.close()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_answer_without_an_end_is_cut_off(
    vendor: Vendor, standin: VendorStandIn, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not vendor.http:
        return
    monkeypatch.setattr(incoming, "MOST_BYTES", 10_000)
    monkeypatch.setattr(incoming, "MOST_EVENT_BYTES", 10_000)
    kind = standin.stream_type if stream else "application/json"
    standin.always = Act(raw=b'data: {"a": "' + b"x" * 1_000_000, raw_type=kind)
    engine = vendor.build(standin)
    error = await failure(engine, stream=stream)
    assert "at once" in str(error) or not (vendor.text_events and vendor.limits_size), repr(error)
    await engine.close()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_certificate_that_nobody_signed_is_not_trusted(
    vendor: Vendor, standin: VendorStandIn, tls_port: int, stream: bool
) -> None:
    secure = {
        name: value.replace(standin.origin, f"https://127.0.0.1:{tls_port}").replace(
            standin.origin.replace("http", "ws"), f"wss://127.0.0.1:{tls_port}"
        )
        for name, value in vendor.settings(standin).items()
        if isinstance(value, str) and str(standin.port) in value
    }
    assert secure
    engine = vendor.build(standin, **secure)
    error = await failure(engine, stream=stream)
    assert isinstance(error, UnreachableError)
    assert "certificate" in str(error)
    await engine.close()


async def test_unknown_setting_is_told_once(vendor: Vendor, standin: VendorStandIn) -> None:
    with pytest.warns(UserWarning, match="does not know no_such_thing") as told:
        engine = vendor.build(standin, no_such_thing="x")
    assert len(told) == 1
    await engine.close()

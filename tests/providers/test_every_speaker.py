"""What must hold for every vendor that reads texts out: the same sound whole and in pieces, and typed errors."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import pytest

from byzer_nb.errors import (
    BadInputError,
    ByzerError,
    CallTimeoutError,
    ModelCallError,
    RateLimitedError,
    RefusedError,
    UnreachableError,
    UnsupportedError,
)
from byzer_nb.providers.wire.engine import WireEngine
from byzer_nb.types import DrawRequest, EmbedRequest, Sound, SpeakRequest, TranscribeRequest
from tests.providers.asking import answered, asked
from tests.providers.failing import assert_no_key
from tests.providers.speakers import SPEAKERS, Speaker
from tests.standins.sounds import EVERY_BYTE, as_reply
from tests.standins.vendor import KEY, Act, VendorStandIn

pytestmark = pytest.mark.contract("MM-05", "SAAS-04", "SAAS-05")

TEXT = 'One two, 三四五。 👩‍👩‍👧‍👦 "quotes" & <tags> \\ and\nlines, O\'Neill, ]]> and the end.'
VENDOR_WORDS = "vendor words zq81"


@pytest.fixture(params=SPEAKERS, ids=str)
def speaker(request: pytest.FixtureRequest) -> Speaker:
    """Each speaking engine in turn."""
    each: Speaker = request.param
    return each


@pytest.fixture
def standin(speaker: Speaker) -> Iterator[VendorStandIn]:
    """Its server."""
    with speaker.standin() as standin:
        yield standin


async def pieces(engine: WireEngine, text: str = TEXT, **wishes: Any) -> list[bytes]:
    """The sound of a text as it arrives."""
    return [piece async for piece in engine.speak(SpeakRequest(text=text, **wishes))]


async def sound(engine: WireEngine, text: str = TEXT, **wishes: Any) -> bytes:
    """The sound of a text."""
    return b"".join(await pieces(engine, text, **wishes))


async def failure(engine: WireEngine, *, within: float = 3.0, **wishes: Any) -> ModelCallError:
    """The error of one call: in time, typed, with the way out, and without a key."""
    started = time.perf_counter()
    with pytest.raises(ByzerError) as caught:
        await pieces(engine, **wishes)
    assert time.perf_counter() - started < within
    error = caught.value
    assert isinstance(error, ModelCallError), repr(error)
    assert error.provider == engine.describe().engine
    assert error.model == "voice"
    assert error.hint
    assert_no_key(error)
    return error


async def until_busy(standin: VendorStandIn) -> None:
    """Wait until the stand-in works on an answer."""
    for _ in range(200):
        if standin.busy:
            return
        await asyncio.sleep(0.01)
    pytest.fail("Nobody asked.")


async def until_idle(standin: VendorStandIn) -> None:
    """Wait until the stand-in works on nothing any more."""
    for _ in range(200):
        if not standin.busy:
            return
        await asyncio.sleep(0.01)
    pytest.fail("It still works on sound that nobody waits for.")


async def test_sound_of_a_text_arrives_whole(speaker: Speaker, standin: VendorStandIn) -> None:
    engine = speaker.build(standin)
    assert await sound(engine) == TEXT.encode()
    assert len(standin.requests) == 1
    await engine.close()


@pytest.mark.parametrize("cut_every", [0, 1, 3, 100])
async def test_every_byte_comes_through_whatever_the_packets(
    speaker: Speaker, standin: VendorStandIn, cut_every: int
) -> None:
    parts = [EVERY_BYTE, b"\0", EVERY_BYTE[::-1], b"{}"]
    standin.always = Act(reply=as_reply(*parts), cut_every=cut_every)
    engine = speaker.build(standin)
    assert await sound(engine) == b"".join(parts)
    await engine.close()


async def test_sound_is_given_on_as_it_arrives(speaker: Speaker, standin: VendorStandIn) -> None:
    standin.always = Act(reply=as_reply(b"one", b"two", b"three", b"four"), rate=10)
    engine = speaker.build(standin)
    started = time.perf_counter()
    heard: list[tuple[float, bytes]] = []
    async for piece in engine.speak(SpeakRequest(text=TEXT)):
        heard.append((time.perf_counter() - started, piece))
    assert b"".join(piece for _, piece in heard) == b"onetwothreefour"
    if speaker.in_pieces:
        assert [piece for _, piece in heard] == [b"one", b"two", b"three", b"four"]
        assert heard[-1][0] - heard[0][0] > 0.2
    await engine.close()


async def test_connection_is_used_again(speaker: Speaker, standin: VendorStandIn) -> None:
    engine = speaker.build(standin)
    for _ in range(3):
        await sound(engine)
    assert len(standin.peers) == 1
    await engine.close()


async def test_sounds_at_the_same_time_do_not_mix(speaker: Speaker, standin: VendorStandIn) -> None:
    engine = speaker.build(standin)
    texts = [f"number {number}" for number in range(8)]
    heard = await asyncio.gather(*[sound(engine, text) for text in texts])
    assert heard == [text.encode() for text in texts]
    await engine.close()


@pytest.mark.parametrize("text", ["", " \n\t"])
async def test_empty_text_is_refused_before_sending(speaker: Speaker, standin: VendorStandIn, text: str) -> None:
    engine = speaker.build(standin)
    with pytest.raises(BadInputError, match="the text is empty"):
        await pieces(engine, text)
    assert standin.requests == []
    await engine.close()


async def test_card_says_that_it_speaks_and_nothing_else(speaker: Speaker, standin: VendorStandIn) -> None:
    engine = speaker.build(standin)
    card = engine.describe()
    able = card.capabilities
    assert card.model
    assert card.engine == speaker.engine
    assert able.speak
    assert not any([able.chat, able.stream, able.embed, able.transcribe, able.draw])
    await engine.close()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_chat_is_refused_with_what_it_can_do(speaker: Speaker, standin: VendorStandIn, stream: bool) -> None:
    engine = speaker.build(standin)
    with pytest.raises(UnsupportedError, match="is a speech model and does not chat") as refused:
        await answered(engine, asked(stream=stream))
    assert "input" in refused.value.hint
    assert standin.requests == []
    await engine.close()


async def test_what_it_cannot_do_is_refused(speaker: Speaker, standin: VendorStandIn) -> None:
    engine = speaker.build(standin)
    with pytest.raises(UnsupportedError, match="no embedding service"):
        await engine.embed(EmbedRequest(texts=("a",)))
    with pytest.raises(UnsupportedError, match="does not write down sound"):
        await engine.transcribe(TranscribeRequest(sound=Sound(data=b"x")))
    with pytest.raises(UnsupportedError, match="makes no pictures"):
        await engine.draw(DrawRequest(prompt="a fox"))
    assert standin.requests == []
    await engine.close()


async def test_unknown_voice_is_told_in_the_vendors_words(speaker: Speaker, standin: VendorStandIn) -> None:
    engine = speaker.build(standin, max_retries=3)
    error = await failure(engine, voice="no-such-voice")
    assert "no-such-voice" in str(error)
    assert not error.retryable
    assert len(standin.requests) == 1
    await engine.close()


async def test_wrong_key_is_refused_at_once(speaker: Speaker, standin: VendorStandIn) -> None:
    engine = speaker.build(standin, max_retries=5, **speaker.wrong_key)
    error = await failure(engine)
    assert isinstance(error, RefusedError), repr(error)
    assert "api_key" in error.hint
    for wrong in speaker.wrong_key.values():
        assert_no_key(error, key=wrong)
    assert len(standin.requests) == 1
    await engine.close()


async def test_key_is_nowhere_to_be_seen(speaker: Speaker, standin: VendorStandIn) -> None:
    engine = speaker.build(standin)
    await sound(engine)
    shown = f"{engine!r} {engine.describe()!r} {vars(engine)!r}"
    shown += "".join(repr(getattr(part, "__dict__", "")) for part in vars(engine).values())
    assert KEY[3:20] not in shown
    await engine.close()


@pytest.mark.parametrize(
    ("status", "kind", "is_retryable"),
    [
        (400, ModelCallError, False),
        (401, RefusedError, False),
        (403, RefusedError, False),
        (429, RateLimitedError, True),
        (500, ModelCallError, True),
        (503, ModelCallError, True),
    ],
)
async def test_status_becomes_the_right_error(
    speaker: Speaker, standin: VendorStandIn, status: int, kind: type[ByzerError], is_retryable: bool
) -> None:
    standin.always = Act(status=status, message=f"{VENDOR_WORDS} for {KEY}")
    engine = speaker.build(standin)
    error = await failure(engine)
    assert type(error) is kind, repr(error)
    assert (error.status, error.retryable) == (status, is_retryable)
    assert (VENDOR_WORDS in str(error)) is (status != 401)  # those of a 401 quote the key
    await engine.close()


async def test_wish_of_the_vendor_to_wait_is_kept_and_then_it_speaks(speaker: Speaker, standin: VendorStandIn) -> None:
    standin.next(Act(status=429, message="slow down", headers={"Retry-After": "0.2"}))
    engine = speaker.build(standin, max_retries=2)
    started = time.perf_counter()
    assert await sound(engine) == TEXT.encode()
    assert time.perf_counter() - started > 0.19
    assert len(standin.requests) == 2
    await engine.close()


async def test_tries_end_at_the_number_that_was_set(speaker: Speaker, standin: VendorStandIn) -> None:
    standin.always = Act(status=429, headers={"Retry-After": "0"})
    engine = speaker.build(standin, max_retries=2)
    assert "Tried 3 times" in str(await failure(engine))
    assert len(standin.requests) == 3
    await engine.close()


async def test_errors_that_come_with_success_are_errors(speaker: Speaker, standin: VendorStandIn) -> None:
    for act, is_retryable in speaker.errors_in_success:
        standin.always = act
        engine = speaker.build(standin)
        error = await failure(engine)
        assert error.retryable is is_retryable, repr(error)
        await engine.close()


async def test_error_in_success_that_passes_is_tried_again(speaker: Speaker, standin: VendorStandIn) -> None:
    passing = [act for act, is_retryable in speaker.errors_in_success if is_retryable]
    if passing:
        standin.next(passing[0])
        engine = speaker.build(standin, max_retries=2)
        assert await sound(engine) == TEXT.encode()
        await engine.close()


async def test_broken_connection_is_an_error_of_ours(speaker: Speaker, standin: VendorStandIn) -> None:
    standin.always = Act(hang_up=True)
    engine = speaker.build(standin)
    assert isinstance(await failure(engine), UnreachableError)
    await engine.close()


async def test_nobody_there_is_an_error_of_ours(speaker: Speaker) -> None:
    with speaker.standin() as gone:
        engine = speaker.build(gone)
    assert isinstance(await failure(engine), UnreachableError)
    await engine.close()


@pytest.mark.parametrize("silence", [Act(delay=5), Act(first_token_delay=5, rate=0.2)], ids=["at all", "after headers"])
async def test_silence_before_the_first_sound_is_noticed(
    speaker: Speaker, standin: VendorStandIn, silence: Act
) -> None:
    standin.always = silence
    engine = speaker.build(standin, first_token_timeout=0.3)
    assert isinstance(await failure(engine), CallTimeoutError)
    await engine.close()


async def test_call_ends_at_its_own_limit(speaker: Speaker, standin: VendorStandIn) -> None:
    standin.always = Act(reply=["sound"] * 1000, rate=20)
    engine = speaker.build(standin)
    assert isinstance(await failure(engine, timeout=0.4), CallTimeoutError)
    await engine.close()


@pytest.mark.parametrize(
    "act",
    [
        Act(reply=["one", "two", "three"], reset_at=2, rate=50),
        Act(reply=["one", "two", "three"], end_at=2, rate=50),
        Act(reply=["one", "two", "three"], error_at=2, rate=50, message=VENDOR_WORDS),
        Act(reply=["one", "two", "three"], malformed_at=2, rate=50),
        Act(reply=["one", "two", "three"], stall_at=2, rate=50),
    ],
    ids=["reset", "ends early", "error", "malformed", "stall"],
)
async def test_sound_that_stops_short_is_no_short_sound(speaker: Speaker, standin: VendorStandIn, act: Act) -> None:
    plain = act.reset_at is not None or act.stall_at is not None
    if not speaker.in_pieces or not (plain or speaker.says_the_end):
        return
    standin.always = act
    engine = speaker.build(standin, max_retries=5, idle_timeout=0.3)
    heard: list[bytes] = []

    async def listen() -> None:
        async for piece in engine.speak(SpeakRequest(text=TEXT)):
            heard.append(piece)

    with pytest.raises(ModelCallError) as caught:
        await asyncio.wait_for(listen(), 3)
    assert b"".join(heard) == b"onetwo"
    assert len(standin.requests) == 1  # never a second try after the first sound
    assert isinstance(caught.value, CallTimeoutError) is (act.stall_at is not None)
    assert_no_key(caught.value)
    await engine.close()


@pytest.mark.parametrize(
    ("raw", "raw_type"),
    [
        (b"not json at all", "application/json"),
        (b"<html><body>Sign in</body></html>", "text/html"),
        (b"Bad gateway", "text/plain"),
        (b"{}", "application/json"),
        (b"[1]", "application/json"),
        (b"", "application/json"),
        (b"", "audio/mpeg"),
    ],
)
async def test_answer_that_is_no_sound_is_an_error(
    speaker: Speaker, standin: VendorStandIn, raw: bytes, raw_type: str
) -> None:
    standin.always = Act(raw=raw, raw_type=raw_type)
    engine = speaker.build(standin)
    await failure(engine)
    await engine.close()


async def test_leaving_early_closes_the_vendors_connection(speaker: Speaker, standin: VendorStandIn) -> None:
    standin.always = Act(reply=["sound"] * 1000, rate=100)
    engine = speaker.build(standin)
    if speaker.in_pieces:
        async with aclosing(engine.speak(SpeakRequest(text=TEXT))) as heard:
            async for _ in heard:
                break
    else:
        listening = asyncio.create_task(pieces(engine))
        await until_busy(standin)
        listening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listening
    await until_idle(standin)
    assert standin.aborted == 1
    standin.always = Act()
    assert await sound(engine) == TEXT.encode()
    await engine.close()


async def test_closing_ends_whoever_listens(speaker: Speaker, standin: VendorStandIn) -> None:
    standin.always = Act(reply=["sound"] * 1000, rate=100)
    engine = speaker.build(standin)
    listening = asyncio.create_task(pieces(engine))
    await until_busy(standin)
    await asyncio.sleep(0.05)
    await engine.close()
    with pytest.raises(ModelCallError, match="was closed"):
        await asyncio.wait_for(listening, 2)
    with pytest.raises(ModelCallError, match="was closed"):
        await pieces(engine)
    await until_idle(standin)


async def test_unknown_setting_is_told_once(speaker: Speaker, standin: VendorStandIn) -> None:
    with pytest.warns(UserWarning, match="does not know no_such_thing") as told:
        engine = speaker.build(standin, no_such_thing="x")
    assert len(told) == 1
    await engine.close()

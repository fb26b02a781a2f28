"""Texts read out over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from openai import BadRequestError, OpenAI

from byzer_nb.errors import ModelCallError
from byzer_nb.types import SpeakRequest
from tests.serve.engines import SOUND, Media
from tests.serve.gateways import RunningGateway, eventually
from tests.standins.openai import OpenAIStandIn
from tests.standins.openai_media import sound_of


class Halting(Media):
    """Says the first half at once and the second when it is let; or breaks there."""

    def __init__(self, *, breaks: bool = False) -> None:
        super().__init__()
        self.let = asyncio.Event()
        self.breaks = breaks
        self.was_stopped = False

    async def speak(self, request: SpeakRequest) -> AsyncGenerator[bytes, None]:
        try:
            yield SOUND[:32]
            if self.breaks:
                raise ModelCallError("The voice broke.")
            await self.let.wait()
            yield SOUND[32:]
        except (asyncio.CancelledError, GeneratorExit):
            self.was_stopped = True
            raise


@pytest.mark.contract("SERVE-01")
def test_sound_comes_in_the_format_that_was_asked_for(relayed: OpenAI, upstream: OpenAIStandIn) -> None:
    heard = relayed.audio.speech.create(
        model="tts-1", input="good morning", voice="alloy", response_format="wav", speed=1.5, instructions="softly"
    )
    assert heard.content == sound_of("good morning", "wav")
    assert heard.response.headers["content-type"] == "audio/wav"
    asked = upstream.requests[-1].body
    assert (asked["voice"], asked["speed"], asked["instructions"]) == ("alloy", 1.5, "softly")


@pytest.mark.contract("SERVE-01")
def test_voice_may_be_one_that_somebody_made(http: httpx.Client, gateway: RunningGateway) -> None:
    answer = http.post("/v1/audio/speech", json={"model": "media", "input": "hi", "voice": {"id": "voice_12"}})
    assert (answer.status_code, answer.content) == (200, SOUND)
    assert answer.headers["content-type"] == "audio/mpeg"
    assert gateway.engines["media"].spoken[-1].voice == "voice_12"


def test_first_sound_comes_before_the_last_is_made(open_gateway: Any) -> None:
    engine = Halting()
    running = open_gateway({"voice": engine})
    with OpenAI(base_url=running.base_url, api_key="x", max_retries=0) as client:
        speech = client.audio.speech.with_streaming_response
        with speech.create(model="voice", input="hi", voice="a") as heard:
            pieces = heard.iter_bytes()
            assert next(pieces) == SOUND[:32]
            running.do(_set(engine.let))
            assert b"".join(pieces) == SOUND[32:]


def test_client_that_hangs_up_stops_the_voice(open_gateway: Any) -> None:
    engine = Halting()
    running = open_gateway({"voice": engine})
    body = {"model": "voice", "input": "hi"}
    with httpx.Client() as http, http.stream("POST", f"{running.base_url}/audio/speech", json=body) as heard:
        next(heard.iter_raw())
    assert eventually(lambda: engine.was_stopped)


def test_sound_that_breaks_off_has_no_words_of_an_error_in_it(open_gateway: Any) -> None:
    running = open_gateway({"voice": Halting(breaks=True)})
    body = {"model": "voice", "input": "hi"}
    heard: list[bytes] = []
    with httpx.Client() as http, http.stream("POST", f"{running.base_url}/audio/speech", json=body) as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            heard.extend(answer.iter_raw())
    assert b"".join(heard) == SOUND[:32]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("input", " "),
        ("input", None),
        ("response_format", "exe"),
        ("response_format", "mp3\r\nx-evil: 1"),
        ("speed", 5),
        ("stream_format", "sse"),
        ("voice", {"name": "a"}),
        ("no_such_field", 1),
    ],
)
def test_what_cannot_be_said_is_refused_with_its_field(http: httpx.Client, field: str, value: Any) -> None:
    answer = http.post("/v1/audio/speech", json={"model": "media", "input": "hi", field: value})
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert field in (error["param"] or error["message"])


def test_model_without_a_voice_says_so(openai: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="does not speak"):
        openai.audio.speech.create(model="byzer-tiny", input="hi", voice="alloy")


def test_refusal_of_the_provider_comes_before_any_sound(relayed: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="Supported values are: 'alloy'"):
        relayed.audio.speech.create(model="tts-1", input="hi", voice="nobody")


async def _set(event: asyncio.Event) -> None:
    event.set()

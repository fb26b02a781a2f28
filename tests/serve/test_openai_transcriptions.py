"""What is said in files, written down over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import BadRequestError, OpenAI

from tests.serve.engines import Media
from tests.serve.gateways import RunningGateway
from tests.standins.openai import OpenAIStandIn
from tests.standins.openai_media import TRANSCRIPT, sound_of

SAID = " ".join(TRANSCRIPT)
WAV = ("talk.wav", sound_of("what was said\r\n--\0", "wav"))
BOUNDARY = "a-boundary"


def sent(http: httpx.Client, *, file: Any = WAV, **fields: Any) -> httpx.Response:
    """The answer to a form; a field that is None is left out."""
    form = {name: value for name, value in {"model": "media", **fields}.items() if value is not None}
    return http.post("/v1/audio/transcriptions", data=form, files={"file": file})


@pytest.mark.contract("SERVE-01")
def test_words_come_as_the_client_asks_for_them(relayed: OpenAI, upstream: OpenAIStandIn) -> None:
    ask: Any = relayed.audio.transcriptions.create
    assert ask(model="whisper-1", file=WAV).text == SAID
    assert ask(model="whisper-1", file=WAV, response_format="text") == SAID + "\n"
    form = upstream.forms[-1]
    assert (form.file, form.file_name) == (WAV[1], "audio.wav")


@pytest.mark.contract("SERVE-01")
def test_verbose_answer_tells_segments_and_words(relayed: OpenAI) -> None:
    ask: Any = relayed.audio.transcriptions.create
    told = ask(model="whisper-1", file=WAV, response_format="verbose_json")
    assert (told.text, told.language, float(told.duration)) == (SAID, "english", 2.5)
    assert [each.text for each in told.segments] == list(TRANSCRIPT)
    assert told.words is None
    words = ask(model="whisper-1", file=WAV, response_format="verbose_json", timestamp_granularities=["word"])
    assert [each.word for each in words.words][:2] == ["Good", "morning"]
    assert words.segments is None


@pytest.mark.contract("SERVE-01")
def test_subtitles_tell_when_each_sentence_is_said(relayed: OpenAI) -> None:
    ask: Any = relayed.audio.transcriptions.create
    assert ask(model="whisper-1", file=WAV, response_format="srt") == (
        "1\n00:00:00,000 --> 00:00:01,000\nGood morning.\n\n2\n00:00:01,250 --> 00:00:02,250\nHow are you?\n"
    )
    assert ask(model="whisper-1", file=WAV, response_format="vtt") == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nGood morning.\n\n00:00:01.250 --> 00:00:02.250\nHow are you?\n"
    )


def test_language_prompt_and_temperature_reach_the_model(relayed: OpenAI, upstream: OpenAIStandIn) -> None:
    relayed.audio.transcriptions.create(
        model="whisper-1", file=WAV, language="en", prompt="a talk", temperature=0.5, response_format="json"
    )
    form = upstream.forms[-1]
    assert [form.first(name) for name in ("language", "prompt", "temperature")] == ["en", "a talk", "0.5"]


@pytest.mark.parametrize("wanted", ["verbose_json", "srt", "vtt"])
def test_model_that_gives_the_text_alone_cannot_tell_times(relayed: OpenAI, wanted: Any) -> None:
    assert relayed.audio.transcriptions.create(model="gpt-4o-transcribe", file=WAV).text == SAID
    with pytest.raises(BadRequestError, match="Ask for json or text") as told:
        relayed.audio.transcriptions.create(model="gpt-4o-transcribe", file=WAV, response_format=wanted)
    assert told.value.param == "response_format"


def test_times_that_the_transcript_lacks_are_refused(http: httpx.Client) -> None:
    assert sent(http, response_format="verbose_json").json()["duration"] == 1.5
    for grain in ("word", "segment"):
        answer = sent(http, response_format="verbose_json", **{"timestamp_granularities[]": grain})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "timestamp_granularities")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", None),
        ("response_format", "pdf"),
        ("temperature", "hot"),
        ("temperature", "nan"),
        ("temperature", "2"),
        ("stream", "true"),
        ("include[]", "logprobs"),
        ("timestamp_granularities[]", "letter"),
        ("timestamp_granularities[]", "word"),  # of an answer that has no place for times
        ("language", ["en", "fr"]),
        ("no_such_field", "1"),
    ],
)
def test_field_that_cannot_be_honoured_is_refused(http: httpx.Client, field: str, value: Any) -> None:
    answer = sent(http, **{field: value})
    assert answer.status_code == 400, answer.text
    assert field.removesuffix("[]") in answer.json()["error"]["param"]


def test_name_of_the_file_is_no_place_here(
    http: httpx.Client, gateway: RunningGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    target = tmp_path / "evil.mp3"
    for name in (str(target), "evil.mp3", "../evil.mp3"):
        assert sent(http, file=(name, b"ID3" + bytes(3 * 1024 * 1024))).json() == {"text": "good morning"}
    media: Media = gateway.engines["media"]
    assert (media.heard[-1].sound.format, len(media.heard[-1].sound.data)) == ("mp3", 3 * 1024 * 1024 + 3)
    assert list(tmp_path.iterdir()) == []


def test_format_is_told_by_the_first_bytes_where_the_name_tells_none(
    http: httpx.Client, gateway: RunningGateway
) -> None:
    assert sent(http, file=("blob", b"OggS" + bytes(9))).status_code == 200
    assert gateway.engines["media"].heard[-1].sound.format == "ogg"
    refused = sent(http, file=("notes.exe", b"MZ" + bytes(9)))
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "file")


def test_form_without_a_file_says_what_is_missing(http: httpx.Client) -> None:
    form: Any = {"model": (None, "media")}
    answer = http.post("/v1/audio/transcriptions", files=form)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "file")
    empty = sent(http, file=("talk.mp3", b""))
    assert (empty.status_code, "the sound is empty" in empty.text) == (400, True)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"model": "media"}'),
        ("multipart/form-data", b"x"),
        (f"multipart/form-data; boundary={BOUNDARY}", b""),
        (f"multipart/form-data; boundary={BOUNDARY}", b"no boundary at all"),
        (f"multipart/form-data; boundary={BOUNDARY}", b"--a-boundary\r\n\r\nno name\r\n--a-boundary--\r\n"),
        (f"multipart/form-data; charset=no-such; boundary={BOUNDARY}", b"--a-boundary\r\nContent-Disp"),
        (
            f"multipart/form-data; boundary={BOUNDARY}",
            b'--a-boundary\r\nContent-Disposition: form-data; name="model"\r\n\r\n' + b"m" * 300_000,
        ),
        (
            f"multipart/form-data; boundary={BOUNDARY}",
            b'--a-boundary\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nx\r\n' * 2,
        ),
        (
            f"multipart/form-data; boundary={BOUNDARY}",
            b'--a-boundary\r\nContent-Disposition: form-data; name="f"\r\n\r\nx\r\n' * 100,
        ),
        (
            f"multipart/form-data; boundary={BOUNDARY}",
            b'--a-boundary\r\nContent-Disposition: form-data; name="f"\r\nX: ' + b"y" * 200_000,
        ),
    ],
)
def test_body_that_is_no_form_is_refused_and_not_swallowed(http: httpx.Client, kind: str, body: bytes) -> None:
    answer = http.post("/v1/audio/transcriptions", content=body, headers={"content-type": kind})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["message"]


def test_form_that_is_too_large_is_not_read_to_its_end(open_gateway: Any) -> None:
    running = open_gateway({"media": Media()}, largest_body=100_000)
    with httpx.Client(base_url=running.origin) as http:
        answer = sent(http, file=("talk.mp3", b"ID3" + bytes(200_000)))
    assert answer.status_code == 413


def test_model_that_does_not_listen_says_so(openai: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="does not write down sound"):
        openai.audio.transcriptions.create(model="byzer-tiny", file=WAV)

"""Speech out and transcripts in OpenAI's shape, held to the vendor's own client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import openai
import pytest

from byzer_nb.errors import BadInputError, ModelCallError, UnreachableError, UnsupportedError
from byzer_nb.providers.openai import OpenAI
from byzer_nb.types import DrawRequest, EmbedRequest, Sound, SpeakRequest, TranscribeRequest
from byzer_nb.types.settings import SettingWarning
from tests.providers.asking import answered, asked
from tests.providers.conftest import MakeEngine
from tests.standins.openai import OpenAIStandIn
from tests.standins.openai_media import TRANSCRIPT, Form, sound_of
from tests.standins.vendor import Act

RECORDING = Sound(data=sound_of("what was said\r\n--\0", "wav"), format="wav")


@pytest.fixture
def sdk(openai_standin: OpenAIStandIn) -> Iterator[openai.OpenAI]:
    """The vendor's client for the stand-in."""
    with openai.OpenAI(api_key=openai_standin.key, base_url=openai_standin.url, max_retries=0) as client:
        yield client


async def heard(engine: OpenAI, text: str, **wishes: Any) -> list[bytes]:
    return [piece async for piece in engine.speak(SpeakRequest(text=text, **wishes))]


@pytest.mark.contract("SAAS-10")
@pytest.mark.parametrize(
    ("model", "ability"),
    [
        ("tts-1", "speak"),
        ("tts-1-hd", "speak"),
        ("gpt-4o-mini-tts-2025-12-15", "speak"),
        ("whisper-1", "transcribe"),
        ("gpt-4o-transcribe", "transcribe"),
        ("gpt-4o-transcribe-diarize", "transcribe"),
        ("openai/Whisper-large-v3", "transcribe"),
        ("dall-e-3", "draw"),
        ("gpt-image-1", "draw"),
    ],
)
async def test_name_tells_what_a_model_can_do_and_such_a_model_does_not_chat(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, model: str, ability: str
) -> None:
    engine = make_engine(model=model)
    able = engine.describe().capabilities
    ways = ("chat", "stream", "embed", "speak", "transcribe", "draw", "images", "audio", "continues")
    assert [way for way in ways if getattr(able, way)] == [ability]
    with pytest.raises(UnsupportedError, match="does not chat"):
        await answered(engine, asked())
    with pytest.raises(UnsupportedError, match="no embedding"):
        await engine.embed(EmbedRequest(texts=("a",)))
    assert openai_standin.requests == []


@pytest.mark.contract("SAAS-10")
@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4o-audio-preview", "o3", "my-attspeaker"])
async def test_chat_model_neither_speaks_nor_listens_nor_draws(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, model: str
) -> None:
    engine = make_engine(model=model)
    assert engine.describe().capabilities.chat
    with pytest.raises(UnsupportedError):
        await heard(engine, "hello")
    with pytest.raises(UnsupportedError):
        await engine.transcribe(TranscribeRequest(sound=RECORDING))
    with pytest.raises(UnsupportedError):
        await engine.draw(DrawRequest(prompt="a fox"))
    assert openai_standin.requests == []


@pytest.mark.contract("SAAS-10", "MM-05")
async def test_text_is_read_out_in_pieces_with_the_usual_voice(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    text = "你好, a fox. " * 30
    openai_standin.always = Act(rate=200)
    pieces = await heard(make_engine(model="tts-1"), text)
    assert len(pieces) > 1
    assert b"".join(pieces) == sound_of(text, "mp3")
    (seen,) = openai_standin.requests
    assert seen.path == "/v1/audio/speech"
    assert seen.body == {"model": "tts-1", "input": text, "voice": "alloy", "response_format": "mp3"}


@pytest.mark.contract("SAAS-10", "MM-05")
async def test_sdk_has_the_same_text_read_out_with_the_same_body(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, sdk: openai.OpenAI
) -> None:
    extra = {"instructions": "Whisper."}
    engine = make_engine(model="gpt-4o-mini-tts")
    ours = await heard(engine, "a fox", voice="nova", format="wav", speed=1.5, extra=extra)
    theirs = sdk.audio.speech.create(
        model="gpt-4o-mini-tts", input="a fox", voice="nova", response_format="wav", speed=1.5, instructions="Whisper."
    )
    first, second = openai_standin.requests
    assert (first.body, first.path) == (second.body, second.path)
    assert first.headers["Authorization"] == second.headers["Authorization"]
    assert b"".join(ours) == theirs.content == sound_of("a fox", "wav")


@pytest.mark.contract("MM-05")
async def test_unknown_voice_is_told_in_the_vendors_words(make_engine: MakeEngine) -> None:
    with pytest.raises(ModelCallError, match=r"Invalid value: 'nobody'\. Supported values are: 'alloy'") as caught:
        await heard(make_engine(model="tts-1"), "a fox", voice="nobody")
    assert (caught.value.status, caught.value.retryable) == (400, False)


async def test_language_of_a_speech_is_left_out_with_a_word_about_it(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    engine = make_engine(model="tts-1")
    with pytest.warns(SettingWarning, match="'zh-CN' is left out"):
        await heard(engine, "你好", language="zh-CN")
    assert "language" not in openai_standin.requests[0].body


@pytest.mark.contract("SAAS-04")
@pytest.mark.parametrize(
    "act",
    [
        Act(error={"message": "out of order", "code": "503"}),
        Act(raw=b"<html>Sign in</html>", raw_type="text/html"),
        Act(raw=b'{"fine": true}'),
        Act(raw=b"", raw_type="audio/mpeg"),
    ],
    ids=["error", "web page", "json", "nothing"],
)
async def test_success_without_sound_is_an_error(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, act: Act
) -> None:
    openai_standin.always = act
    pieces: list[bytes] = []
    with pytest.raises(ModelCallError):
        pieces += await heard(make_engine(model="tts-1"), "a fox")
    assert pieces == []


@pytest.mark.contract("SAAS-04")
async def test_sound_that_breaks_off_is_an_error(openai_standin: OpenAIStandIn, make_engine: MakeEngine) -> None:
    openai_standin.always = Act(reset_at=2, rate=50)
    with pytest.raises(UnreachableError):
        await heard(make_engine(model="tts-1", max_retries=3), "a fox " * 50)
    assert len(openai_standin.requests) == 1


async def test_leaving_a_speech_closes_the_vendors_connection(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    openai_standin.always = Act(rate=20)
    async with aclosing(make_engine(model="tts-1").speak(SpeakRequest(text="a fox " * 500, format="pcm"))) as pieces:
        assert await anext(pieces)
    for _ in range(200):
        if not openai_standin.busy:
            break
        await asyncio.sleep(0.01)
    assert openai_standin.aborted == 1


@pytest.mark.contract("SAAS-10", "MM-06")
async def test_recording_is_written_down_with_segments_and_words(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    transcript = await make_engine(model="whisper-1").transcribe(TranscribeRequest(sound=RECORDING))
    told = transcript.as_json()
    assert list(told) == ["text", "task", "language", "duration", "segments", "words"]
    assert (told["text"], told["task"], told["language"]) == (" ".join(TRANSCRIPT), "transcribe", "english")
    assert told["duration"] == 2.5
    assert [segment["text"] for segment in told["segments"]] == list(TRANSCRIPT)
    assert told["segments"][1] == {
        "id": 1,
        "start": 1.25,
        "end": 2.25,
        "text": TRANSCRIPT[1],
        "seek": 0,
        "tokens": (50365, 1),
        "temperature": 0.0,
        "avg_logprob": -0.25,
        "compression_ratio": 1.5,
        "no_speech_prob": 0.125,
    }
    assert told["words"][2] == {"word": "How", "start": 1.0, "end": 1.25}
    assert openai_standin.requests[0].path == "/v1/audio/transcriptions"


def _sorted(form: Form) -> Form:
    return Form(fields=tuple(sorted(form.fields)), file=form.file, file_name=form.file_name, file_type=form.file_type)


@pytest.mark.contract("SAAS-10", "MM-06")
async def test_sdk_sends_the_same_form_and_reads_the_same_transcript(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, sdk: openai.OpenAI
) -> None:
    request = TranscribeRequest(
        sound=RECORDING, language="en", prompt="A greeting, “quoted”.", extra={"temperature": 0.5}
    )
    ours = await make_engine(model="whisper-1").transcribe(request)
    theirs = sdk.audio.transcriptions.create(
        model="whisper-1",
        file=("audio.wav", RECORDING.data, "audio/wav"),
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        language="en",
        prompt="A greeting, “quoted”.",
        temperature=0.5,
    )
    first, second = map(_sorted, openai_standin.forms)
    assert first == second
    assert first.file == RECORDING.data
    assert openai_standin.requests[0].headers["Authorization"] == openai_standin.requests[1].headers["Authorization"]
    assert (ours.text, ours.language, ours.duration) == (theirs.text, theirs.language, theirs.duration)
    assert [(word.word, word.start, word.end) for word in ours.words] == [
        (word.word, word.start, word.end) for word in theirs.words or ()
    ]
    assert [(each.id, each.text, list(each.tokens)) for each in ours.segments] == [
        (each.id, each.text, each.tokens) for each in theirs.segments or ()
    ]


@pytest.mark.contract("SAAS-10", "MM-06")
async def test_model_that_tells_no_times_is_asked_for_the_text_alone(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    transcript = await make_engine(model="gpt-4o-transcribe").transcribe(TranscribeRequest(sound=RECORDING))
    assert transcript.as_json() == {"text": " ".join(TRANSCRIPT)}
    (form,) = openai_standin.forms
    assert form.fields == (("model", "gpt-4o-transcribe"), ("response_format", "json"))


async def test_times_can_be_asked_for_in_another_way(openai_standin: OpenAIStandIn, make_engine: MakeEngine) -> None:
    request = TranscribeRequest(sound=RECORDING, extra={"timestamp_granularities": ["word"]})
    transcript = await make_engine(model="whisper-1").transcribe(request)
    assert openai_standin.forms[0].all("timestamp_granularities[]") == ["word"]
    assert transcript.segments == ()
    assert transcript.words


@pytest.mark.contract("MM-06", "SAAS-04")
async def test_file_that_is_no_sound_is_told_in_the_vendors_words(make_engine: MakeEngine) -> None:
    letter = Sound(data=b"Dear Sir or Madam", format="wav")
    with pytest.raises(ModelCallError, match=r"Invalid file format\. Supported formats: ") as caught:
        await make_engine(model="whisper-1").transcribe(TranscribeRequest(sound=letter))
    assert (caught.value.status, caught.value.retryable) == (400, False)


async def test_name_of_a_file_cannot_break_the_form(openai_standin: OpenAIStandIn, make_engine: MakeEngine) -> None:
    request = TranscribeRequest(
        sound=Sound(data=RECORDING.data, format='"\r\nX-Evil: 1'), extra={'a"b\r\nc': "value\r\n--x"}
    )
    with pytest.raises(ModelCallError, match="Unrecognized file format"):
        await make_engine(model="whisper-1").transcribe(request)
    (form,) = openai_standin.forms
    assert form.file == RECORDING.data
    assert form.file_name == "audio.%22%0D%0AX-Evil: 1"
    assert form.first("a%22b%0D%0Ac") == "value\r\n--x"


@pytest.mark.contract("SAAS-04")
async def test_busy_vendor_is_sent_the_whole_form_again(openai_standin: OpenAIStandIn, make_engine: MakeEngine) -> None:
    long = Sound(data=RECORDING.data + bytes(2 << 20), format="wav")
    openai_standin.next(Act(status=503), Act(status=429, headers={"Retry-After": "0"}))
    await make_engine(model="whisper-1", max_retries=3).transcribe(TranscribeRequest(sound=long))
    assert len(openai_standin.requests) == 3
    assert openai_standin.forms[0].file == long.data


@pytest.mark.parametrize("raw", [b"{}", b"not json", b'{"text": null}'])
async def test_transcript_without_words_is_an_error(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, raw: bytes
) -> None:
    openai_standin.always = Act(raw=raw)
    with pytest.raises(ModelCallError, match="not its protocol"):
        await make_engine(model="whisper-1").transcribe(TranscribeRequest(sound=RECORDING))


async def test_host_that_writes_numbers_as_texts_and_leaves_things_out_is_understood(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    openai_standin.always = Act(
        raw=b'{"text": "hi", "duration": "1.5", "words": null,'
        b' "segments": [{"id": 0, "start": 0, "end": 1, "text": "hi"}]}'
    )
    transcript = await make_engine(model="whisper-1").transcribe(TranscribeRequest(sound=RECORDING))
    assert (transcript.duration, transcript.words, transcript.segments[0].text) == (1.5, (), "hi")


@pytest.mark.contract("SAAS-10")
@pytest.mark.parametrize("name", ["model", "input", "voice", "response_format", "stream_format"])
async def test_what_a_speech_decides_is_not_overridden_by_extra(make_engine: MakeEngine, name: str) -> None:
    with pytest.raises(BadInputError, match=f"extra cannot hold '{name}'"):
        await heard(make_engine(model="tts-1"), "a fox", extra={name: "x"})


@pytest.mark.contract("SAAS-10")
@pytest.mark.parametrize("name", ["model", "file", "response_format", "stream"])
async def test_what_a_transcription_decides_is_not_overridden_by_extra(make_engine: MakeEngine, name: str) -> None:
    with pytest.raises(BadInputError, match=f"extra cannot hold '{name}'"):
        await make_engine(model="whisper-1").transcribe(TranscribeRequest(sound=RECORDING, extra={name: "x"}))

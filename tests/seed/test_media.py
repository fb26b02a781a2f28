"""Speech, transcripts and pictures, asked for as the documents do, and shown in a notebook."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest

import byzer_nb
from byzer_nb import Client, SimpleByzerLLM, prompt
from byzer_nb.errors import BadInputError, ModelCallError, UnsupportedError, WrongTypeError
from byzer_nb.seed.responses import LLMResponse
from byzer_nb.seed.showing import media_in
from byzer_nb.seed.values import AudioPath
from byzer_nb.types import Picture, Sound, SpeakRequest
from tests.seed.conftest import Deploy
from tests.standins.openai import OpenAIStandIn
from tests.standins.openai_media import sound_of
from tests.standins.vendor import Act


@pytest.fixture
def voice(deploy: Deploy) -> SimpleByzerLLM:
    """A client whose model reads texts out."""
    return _client(deploy, "tts-1")


@pytest.fixture
def ears(deploy: Deploy) -> SimpleByzerLLM:
    """A client whose model writes down sound."""
    return _client(deploy, "whisper-1")


@pytest.fixture
def brush(deploy: Deploy) -> SimpleByzerLLM:
    """A client whose model makes pictures."""
    return _client(deploy, "dall-e-3")


def _client(deploy: Deploy, model: str) -> SimpleByzerLLM:
    llm = SimpleByzerLLM(default_model_name=model)
    deploy(llm, model, model=model)
    return llm


def turn(content: Any) -> list[dict[str, Any]]:
    """One message of the user; what is no text travels as JSON."""
    return [{"role": "user", "content": content if isinstance(content, str) else json.dumps(content)}]


HELLO = {"input": "hello, open_tts", "voice": "alloy", "response_format": "mp3"}


@pytest.mark.contract("MM-05")
def test_speech_is_base64_of_what_the_provider_sent(voice: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    t = voice.chat_oai(conversations=turn(HELLO))
    assert b64decode(t[0].output) == sound_of("hello, open_tts", "mp3")
    assert openai.requests[-1].body == {
        "model": "tts-1",
        "input": "hello, open_tts",
        "voice": "alloy",
        "response_format": "mp3",
    }


@pytest.mark.contract("MM-05", "CHAT-04")
def test_streamed_speech_is_bytes_that_can_be_appended_to_a_file(
    voice: SimpleByzerLLM, openai: OpenAIStandIn, tmp_path: Path
) -> None:
    openai.always = Act(rate=100)
    text = "hello, open_tts, and now a longer text. " * 20
    pieces = 0
    with (tmp_path / "voice.mp3").open("ab") as f:
        for s in voice.stream_chat_oai(conversations=turn({**HELLO, "input": text})):
            f.write(s[0])
            pieces += 1
    assert (tmp_path / "voice.mp3").read_bytes() == sound_of(text, "mp3")
    assert pieces > 1


@pytest.mark.contract("MM-05")
def test_chunk_size_says_how_much_sound_comes_at_a_time(voice: SimpleByzerLLM) -> None:
    sizes = [len(s[0]) for s in voice.stream_chat_oai(conversations=turn({**HELLO, "chunk_size": 100}))]
    assert set(sizes[:-1]) == {100}
    assert 0 < sizes[-1] <= 100


@pytest.mark.contract("MM-05", "MM-07")
def test_parameters_of_the_call_reach_the_provider(
    voice: SimpleByzerLLM, brush: SimpleByzerLLM, openai: OpenAIStandIn
) -> None:
    voice.chat_oai(turn(HELLO), extra_request_params={"instructions": "softly"})
    assert openai.requests[-1].body["instructions"] == "softly"
    openai.always = Act(delay=5)
    for llm, content in ((voice, HELLO), (brush, {"input": "a cat"})):
        with pytest.raises(TimeoutError):
            llm.chat_oai(turn(content), llm_config={"gen.request_timeout": 0.2})


@pytest.mark.contract("MM-05")
@pytest.mark.parametrize("content", ["hello", {"voice": "alloy"}, {"input": "", "voice": "alloy"}, {"input": 5}, [1]])
def test_speech_without_a_text_is_refused_with_an_example(
    voice: SimpleByzerLLM, openai: OpenAIStandIn, content: Any
) -> None:
    with pytest.raises(BadInputError, match="Invalid input") as refused:
        voice.chat_oai(turn(content))
    assert '"voice"' in refused.value.hint
    assert not openai.requests


@pytest.mark.contract("MM-05")
@pytest.mark.parametrize("speed", ["fast", {"rate": 2}])
def test_speed_that_is_no_number_is_named(voice: SimpleByzerLLM, openai: OpenAIStandIn, speed: Any) -> None:
    with pytest.raises(BadInputError, match="'speed' should be a number"):
        voice.chat_oai(turn({**HELLO, "speed": speed}))
    assert not openai.requests


@pytest.mark.contract("MM-05")
def test_unknown_voice_is_told_in_the_providers_words(voice: SimpleByzerLLM) -> None:
    with pytest.raises(ModelCallError, match="nobody"):
        voice.chat_oai(turn({"input": "hello", "voice": "nobody"}))


@pytest.mark.contract("MM-06")
def test_prompt_function_over_a_recording_gives_json_with_segments_and_words(
    ears: SimpleByzerLLM, tmp_path: Path
) -> None:
    recording = tmp_path / "output_audio.mp3"
    recording.write_bytes(sound_of("Good morning", "mp3"))

    @prompt(llm=ears)
    def audio_to_text(audio_file: AudioPath):  # type: ignore[no-untyped-def]
        """
        {{ audio_file }}
        """

    v = audio_to_text(AudioPath(value=str(recording)))
    heard = json.loads(v)
    assert set(heard) == {"text", "task", "language", "duration", "segments", "words"}
    assert heard["segments"][0]["start"] == 0.0
    assert set(heard["segments"][0]) == {
        "id",
        "seek",
        "start",
        "end",
        "text",
        "tokens",
        "temperature",
        "avg_logprob",
        "compression_ratio",
        "no_speech_prob",
    }
    assert set(heard["words"][0]) == {"word", "start", "end"}


@pytest.mark.contract("MM-06")
def test_recording_may_be_given_to_chat_oai_too(ears: SimpleByzerLLM) -> None:
    url = "data:audio/mpeg;base64," + b64encode(sound_of("x", "mp3")).decode()
    for content in ({"audio": url}, [{"audio": url}], [{"audio_url": f"<_audio_>{url}</_audio_>"}]):
        assert json.loads(ears.chat_oai(turn(content))[0].output)["task"] == "transcribe"


@pytest.mark.contract("MM-06")
def test_empty_recording_is_refused_and_one_that_is_none_is_told_by_the_provider(
    ears: SimpleByzerLLM, openai: OpenAIStandIn, tmp_path: Path
) -> None:
    empty, text = tmp_path / "empty.mp3", tmp_path / "text.mp3"
    empty.touch()
    text.write_text("no sound")
    client = Client(ears.client.transport, model="whisper-1")
    with pytest.raises(BadInputError, match="empty"):
        client.transcribe(str(empty))
    assert not openai.requests
    with pytest.raises(ModelCallError, match="Invalid file format"):
        client.transcribe(text)
    with pytest.raises(FileNotFoundError, match="gone"):
        client.transcribe("gone.mp3")


@pytest.mark.contract("MM-07")
def test_picture_is_base64_and_asked_for_with_the_usual_size(brush: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    t = brush.chat_oai(conversations=turn({"input": "a white siamese cat"}))
    assert b64decode(t[0].output)[:4] == b"\x89PNG"
    body = openai.requests[0].body
    assert (body["prompt"], body["size"], body["quality"]) == ("a white siamese cat", "1024x1024", "standard")


@pytest.mark.contract("MM-07")
def test_pictures_do_not_stream(brush: SimpleByzerLLM) -> None:
    with pytest.raises(UnsupportedError, match="does not support stream chat"):
        next(brush.stream_chat_oai(turn({"input": "a cat"})))


@pytest.mark.contract("MM-07")
def test_size_that_nobody_makes_is_told_in_the_providers_words(brush: SimpleByzerLLM) -> None:
    with pytest.raises(ModelCallError, match="'big'"):
        brush.chat_oai(turn({"input": "a cat", "size": "big"}))


@pytest.mark.contract("MM-09")
def test_results_show_themselves(voice: SimpleByzerLLM, brush: SimpleByzerLLM) -> None:
    spoken, drawn = voice.chat_oai(turn(HELLO)), brush.chat_oai(turn({"input": "a cat"}))
    assert "<audio controls src=" in spoken._repr_mimebundle_()["text/html"]
    assert "data:audio/mpeg;base64," in spoken[0]._repr_mimebundle_()["text/html"]
    assert '<img style="max-width:100%" src="data:image/png;base64,' in drawn._repr_mimebundle_()["text/html"]


@pytest.mark.contract("MM-09")
def test_text_of_a_model_is_escaped_when_it_shows_itself() -> None:
    shown = LLMResponse(output="<script>alert(1)</script>", input="")._repr_mimebundle_()["text/html"]
    assert "<script>" not in shown
    evil = LLMResponse(output='"><script>', input="", metadata={"media_type": 'image/png"><script>'})
    assert "<script>" not in evil._repr_mimebundle_()["text/html"]


@pytest.mark.contract("MM-09")
def test_any_form_of_a_medium_can_be_shown(brush: SimpleByzerLLM) -> None:
    drawn = brush.chat_oai(turn({"input": "a cat"}))
    (picture,) = media_in(drawn)
    assert isinstance(picture, Picture)
    encoded = b64encode(picture.data).decode()
    for form in (drawn[0], encoded, f"data:image/png;base64,{encoded}", picture.data, picture, [picture]):
        assert media_in(form) == (picture,)
    mp3 = sound_of("x", "mp3")
    assert media_in(mp3) == (Sound(data=mp3, format="mp3"),)
    assert media_in(sound_of("x", "wav"))[0].format == "wav"


@pytest.mark.contract("MM-09")
@pytest.mark.parametrize(
    ("form", "kind", "words"),
    [
        ("no base64!", BadInputError, "cannot be decoded"),
        (b"text", BadInputError, "no picture"),
        (5, WrongTypeError, "int"),
    ],
)
def test_what_is_no_medium_is_an_error_and_no_broken_picture(form: object, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        byzer_nb.show(form)


@pytest.mark.contract("MM-05", "MM-06", "MM-07")
def test_client_speaks_listens_and_draws(voice: SimpleByzerLLM, ears: SimpleByzerLLM, brush: SimpleByzerLLM) -> None:
    sound = Client(voice.client.transport, model="tts-1").speak(SpeakRequest(text="hello", format="wav"), voice="echo")
    assert (sound.data, sound.format) == (sound_of("hello", "wav"), "wav")
    assert "<audio" in sound._repr_mimebundle_()["text/html"]
    transcript = Client(ears.client.transport, model="whisper-1").transcribe(sound)
    assert transcript.text
    assert transcript.as_json()["segments"]
    (picture,) = Client(brush.client.transport, model="dall-e-3").draw("a cat", size="1024x1024")
    assert picture.format == "png"
    with pytest.raises(UnsupportedError, match="reads texts out"):
        Client(voice.client.transport, model="tts-1").chat("hello")

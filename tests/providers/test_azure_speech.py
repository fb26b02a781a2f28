"""`saas/azure` against a stand-in that speaks the REST interface of Azure's speech service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any
from xml.etree import ElementTree

import pytest

from byzer_nb.engines import build
from byzer_nb.errors import BadInputError, MissingSettingError, ModelCallError, RefusedError
from byzer_nb.providers.azure_speech import AzureSpeech
from byzer_nb.types import DeploySpec
from tests.providers.asking import heard
from tests.providers.failing import assert_no_key
from tests.standins.azure_speech import MSTTS, XML, AzureSpeechStandIn
from tests.standins.vendor import Act

pytestmark = pytest.mark.contract("SAAS-15")


def built(**settings: Any) -> AzureSpeech:
    engine = build(DeploySpec(name="voice", engine="saas/azure", settings={"api_key": "k-1"} | settings))
    assert isinstance(engine, AzureSpeech)
    return engine


@pytest.fixture
def azure() -> Iterator[AzureSpeechStandIn]:
    """Azure in process."""
    with AzureSpeechStandIn() as standin:
        yield standin


@pytest.fixture
async def engine(azure: AzureSpeechStandIn) -> AsyncIterator[AzureSpeech]:
    """An engine for it."""
    engine = built(api_key=azure.key, base_url=azure.url, max_retries=0)
    yield engine
    await engine.close()


async def test_text_is_sent_as_the_documents_show(azure: AzureSpeechStandIn, engine: AzureSpeech) -> None:
    assert await heard(engine, text="你好 you") == "你好 you".encode()
    (seen,) = azure.requests
    assert (seen.method, seen.path) == ("POST", "/cognitiveservices/v1")
    assert seen.raw.decode() == (
        "<speak version='1.0' xml:lang='zh-CN'><voice name='zh-CN-XiaoxiaoNeural'>你好 you</voice></speak>"
    )
    assert seen.headers["Ocp-Apim-Subscription-Key"] == azure.key
    assert seen.headers["Content-Type"] == "application/ssml+xml"
    assert seen.headers["X-Microsoft-OutputFormat"] == "audio-48khz-192kbitrate-mono-mp3"
    assert seen.headers["User-Agent"] == "byzer_nb"


async def test_voice_language_and_speed_are_those_of_the_request(
    azure: AzureSpeechStandIn, engine: AzureSpeech
) -> None:
    await heard(engine, text="hi", voice="en-US-JennyNeural", language="en-US", speed=1.1)
    await heard(engine, text="hi", speed=0.5)
    first, second = (seen.raw.decode() for seen in azure.requests)
    assert first == (
        "<speak version='1.0' xml:lang='en-US'><voice name='en-US-JennyNeural'>"
        "<prosody rate='+10%'>hi</prosody></voice></speak>"
    )
    assert "<prosody rate='-50%'>hi</prosody>" in second


@pytest.mark.parametrize(
    "text",
    [
        "AT&T <break time='10s'/> </voice></speak>",
        "'single' \"double\" ]]> &amp; &#65;",
        "<voice name='zh-CN-YunxiNeural'>other</voice>",
        "<!-- comment --> <?pi ?> <![CDATA[x]]>",
    ],
)
async def test_markup_in_a_text_is_read_out_and_not_obeyed(
    azure: AzureSpeechStandIn, engine: AzureSpeech, text: str
) -> None:
    assert await heard(engine, text=text) == text.encode()
    (voice,) = ElementTree.fromstring(azure.requests[0].raw)
    assert len(voice) == 0
    assert voice.text == text


async def test_characters_that_xml_cannot_hold_become_spaces(engine: AzureSpeech) -> None:
    assert await heard(engine, text="a\0b\x1bc\ud800d\uffffe\tf\ng👩") == "a b c d e\tf\ng👩".encode()


@pytest.mark.parametrize("evil", ["x' onload='y", 'x" y="z', "x'/><voice name='zh-CN-YunxiNeural"])
async def test_voice_and_language_cannot_leave_their_quotes(
    azure: AzureSpeechStandIn, engine: AzureSpeech, evil: str
) -> None:
    with pytest.raises(ModelCallError, match="Unsupported voice"):
        await heard(engine, voice=evil, language=evil)
    speak = ElementTree.fromstring(azure.requests[0].raw)
    (voice,) = speak
    assert voice.attrib == {"name": evil}
    assert speak.attrib == {"version": "1.0", f"{XML}lang": evil}


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("mp3", "audio-48khz-192kbitrate-mono-mp3"),
        ("MP3", "audio-48khz-192kbitrate-mono-mp3"),
        ("wav", "riff-24khz-16bit-mono-pcm"),
        ("pcm", "raw-24khz-16bit-mono-pcm"),
        ("opus", "ogg-24khz-16bit-mono-opus"),
        ("ogg", "ogg-24khz-16bit-mono-opus"),
        ("webm", "webm-24khz-16bit-mono-opus"),
        ("audio-16khz-32kbitrate-mono-mp3", "audio-16khz-32kbitrate-mono-mp3"),
    ],
)
async def test_each_format_has_its_name_there(
    azure: AzureSpeechStandIn, engine: AzureSpeech, name: str, theirs: str
) -> None:
    await heard(engine, format=name)
    assert azure.requests[0].headers["X-Microsoft-OutputFormat"] == theirs


async def test_format_that_is_not_known_is_refused_before_sending(
    azure: AzureSpeechStandIn, engine: AzureSpeech
) -> None:
    with pytest.raises(BadInputError, match="'flac'") as refused:
        await heard(engine, format="flac")
    assert "mp3, wav" in refused.value.hint
    assert azure.requests == []


async def test_style_and_pitch_are_given_as_extra(azure: AzureSpeechStandIn, engine: AzureSpeech) -> None:
    extra = {"style": "cheerful", "styledegree": 2, "role": "Girl", "pitch": "+5%", "volume": "<loud>", "chunk_size": 9}
    assert await heard(engine, text="a < b", speed=2, extra=extra) == b"a < b"
    styled = ElementTree.fromstring(azure.requests[0].raw).find(f"voice/{MSTTS}express-as")
    assert styled is not None
    assert styled.attrib == {"style": "cheerful", "styledegree": "2", "role": "Girl"}
    (prosody,) = styled
    assert prosody.attrib == {"rate": "+100%", "pitch": "+5%", "volume": "<loud>"}


async def test_extra_that_has_no_place_is_refused(azure: AzureSpeechStandIn, engine: AzureSpeech) -> None:
    with pytest.raises(BadInputError, match="know no 'stlye'") as refused:
        await heard(engine, extra={"stlye": "sad"})
    assert "style" in refused.value.hint
    assert azure.requests == []


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "https://eastus.tts.speech.microsoft.com/cognitiveservices/v1"),
        ({"service_region": "WestUS2"}, "https://westus2.tts.speech.microsoft.com/cognitiveservices/v1"),
        ({"service_region": "chinanorth2"}, "https://chinanorth2.tts.speech.azure.cn/cognitiveservices/v1"),
        ({"service_region": "usgovvirginia"}, "https://usgovvirginia.tts.speech.azure.us/cognitiveservices/v1"),
        ({"base_url": "https://h"}, "https://h/cognitiveservices/v1"),
        ({"base_url": "https://h/cognitiveservices/"}, "https://h/cognitiveservices/v1"),
        ({"base_url": "https://h/cognitiveservices/v1/"}, "https://h/cognitiveservices/v1"),
        ({"base_url": "https://h/gate", "service_region": "westus"}, "https://h/gate/cognitiveservices/v1"),
        (
            {"base_url": "https://h.voice.speech.microsoft.com/cognitiveservices/v1?deploymentId=7"},
            "https://h.voice.speech.microsoft.com/cognitiveservices/v1?deploymentId=7",
        ),
        (
            {"base_url": "https://mine.cognitiveservices.azure.com/"},
            "https://mine.cognitiveservices.azure.com/tts/cognitiveservices/v1",
        ),
    ],
)
@pytest.mark.contract("SAAS-02")
def test_address_is_that_of_the_region_or_the_one_given(settings: dict[str, str], address: str) -> None:
    assert str(built(**settings).address) == address


@pytest.mark.parametrize("region", ["east us", "evil.example/x?", "a@b"])
def test_region_that_is_no_name_is_refused(region: str) -> None:
    with pytest.raises(BadInputError, match="service_region must be the name of a region"):
        built(service_region=region)


def test_missing_key_is_named() -> None:
    with pytest.raises(MissingSettingError, match="saas/azure needs the setting api_key"):
        built(api_key="")


async def test_words_of_a_bad_request_stand_in_the_status_line(azure: AzureSpeechStandIn, engine: AzureSpeech) -> None:
    with pytest.raises(ModelCallError, match=r"HTTP 400: Unsupported voice xx-XX-NobodyNeural\.") as refused:
        await heard(engine, voice="xx-XX-NobodyNeural")
    assert (refused.value.status, refused.value.retryable) == (400, False)


async def test_usual_status_line_says_nothing(azure: AzureSpeechStandIn, engine: AzureSpeech) -> None:
    azure.always = Act(status=400, message="Bad Request")
    with pytest.raises(ModelCallError, match="HTTP 400: no reason given"):
        await heard(engine)


async def test_wrong_key_is_told_with_azures_number(azure: AzureSpeechStandIn) -> None:
    engine = built(api_key="sk-wrong-0123456789abcdef", base_url=azure.url)
    with pytest.raises(RefusedError) as refused:
        await heard(engine)
    assert (refused.value.status, refused.value.code) == (401, "401")
    assert_no_key(refused.value, key="sk-wrong-0123456789abcdef")
    await engine.close()


async def test_empty_sound_asks_for_the_language_of_the_voice(azure: AzureSpeechStandIn, engine: AzureSpeech) -> None:
    azure.always = Act(reply=[])
    with pytest.raises(ModelCallError, match="without any sound") as empty:
        await heard(engine)
    assert "does the voice speak its language" in empty.value.hint

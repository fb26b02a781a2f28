"""`saas/azure_openai`: deployments, versions and the names of old and new, held to the vendor's own client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import openai
import pytest

from byzer_nb.engines import build
from byzer_nb.errors import BadInputError, MissingSettingError, ModelCallError, RefusedError, UnsupportedError
from byzer_nb.providers.azure_openai import AzureOpenAI
from byzer_nb.types import (
    ChatOptions,
    ChatRequest,
    DeploySpec,
    DrawRequest,
    EmbedRequest,
    ImagePart,
    Message,
    Sound,
    SpeakRequest,
    TextPart,
    TranscribeRequest,
)
from tests.providers.asking import answered, asked, said
from tests.providers.failing import assert_no_key
from tests.standins.azure_openai import AzureOpenAIStandIn
from tests.standins.openai import OpenAIStandIn, embedding
from tests.standins.openai_media import TRANSCRIPT, picture, sound_of
from tests.standins.vendor import Act

VERSION = "2024-02-15-preview"
PIXEL = "data:image/png;base64,iVBORw0KGgo="
RECORDING = Sound(data=sound_of("hello", "wav"), format="wav")

Make = Callable[..., AzureOpenAI]

pytestmark = pytest.mark.contract("SAAS-14")


@pytest.fixture
def azure() -> Iterator[AzureOpenAIStandIn]:
    """Azure in process."""
    with AzureOpenAIStandIn() as standin:
        yield standin


def azure_engine(**settings: Any) -> AzureOpenAI:
    engine = build(DeploySpec(name="chat", engine="saas/azure_openai", settings={"max_retries": 0, **settings}))
    assert isinstance(engine, AzureOpenAI)
    return engine


@pytest.fixture
async def make(azure: AzureOpenAIStandIn) -> AsyncIterator[Make]:
    """Makes an engine for a deployment of the stand-in."""
    made: list[AzureOpenAI] = []

    def make(deployment: str = "our-chat", **settings: Any) -> AzureOpenAI:
        usual = {"azure_endpoint": azure.url, "azure_deployment": deployment, "api_version": VERSION}
        made.append(azure_engine(**{"api_key": azure.key, **usual, **settings}))
        return made[-1]

    yield make
    for engine in made:
        await engine.close()


@pytest.fixture
def sdk(azure: AzureOpenAIStandIn) -> Iterator[openai.AzureOpenAI]:
    """The vendor's client for the stand-in."""
    with openai.AzureOpenAI(api_key=azure.key, azure_endpoint=azure.url, api_version=VERSION, max_retries=0) as client:
        yield client


def assert_same(azure: AzureOpenAIStandIn) -> None:
    """The two requests that arrived differ in nothing that Azure looks at."""
    first, second = azure.requests
    assert first.target == second.target
    assert first.body == second.body
    assert first.headers["api-key"] == second.headers["api-key"] == azure.key
    assert "Authorization" not in first.headers


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_sdk_sends_the_same_chat_and_reads_the_same_words(
    azure: AzureOpenAIStandIn, make: Make, sdk: openai.AzureOpenAI, stream: bool
) -> None:
    azure.always = Act(reply="one two three 四")
    parts = (TextPart(text="What is this?"), ImagePart(url=PIXEL))
    messages = (Message(role="system", content="Be brief."), Message(role="user", content=parts))
    options = ChatOptions(max_tokens=5, temperature=0.5, stop=("x",), seed=3, extra={"user": "me"})
    deltas = await answered(make(), ChatRequest(messages=messages, options=options, stream=stream))
    given: dict[str, Any] = {
        "model": "our-chat",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": PIXEL}},
                ],
            },
        ],
        "max_tokens": 5,
        "temperature": 0.5,
        "stop": ["x"],
        "seed": 3,
        "user": "me",
    }
    if stream:
        chunks = list(sdk.chat.completions.create(**given, stream=True, stream_options={"include_usage": True}))
        theirs, usage = (
            "".join(each.choices[0].delta.content or "" for each in chunks if each.choices),
            chunks[-1].usage,
        )
    else:
        answer = sdk.chat.completions.create(**given)
        theirs, usage = answer.choices[0].message.content, answer.usage
    assert "".join(delta.text for delta in deltas) == theirs == "one two three 四"
    assert deltas[-1].usage is not None
    assert (deltas[-1].usage.input_tokens, deltas[-1].usage.output_tokens) == (
        usage.prompt_tokens,
        usage.completion_tokens,
    )
    assert deltas[-1].request_id == "chatcmpl-1"
    assert_same(azure)
    assert azure.requests[0].target == f"/openai/deployments/our-chat/chat/completions?api-version={VERSION}"


async def test_sdk_embeds_with_the_same_request(azure: AzureOpenAIStandIn, make: Make, sdk: openai.AzureOpenAI) -> None:
    engine = make("our vectors", model="text-embedding-3-small")
    reply = await engine.embed(EmbedRequest(texts=("a fox", "狗"), dimensions=4))
    sdk.embeddings.create(
        model="our vectors", input=["a fox", "狗"], dimensions=4, extra_body={"encoding_format": None}
    )
    assert reply.vectors == tuple(tuple(embedding(text, 4)) for text in ("a fox", "狗"))
    first, second = azure.requests
    assert first.path == second.path == "/openai/deployments/our vectors/embeddings"
    assert first.body | {"encoding_format": None} == second.body


async def test_sdk_has_the_same_text_read_out(azure: AzureOpenAIStandIn, make: Make, sdk: openai.AzureOpenAI) -> None:
    engine = make("our-voice", model="tts-1")
    ours = b"".join([piece async for piece in engine.speak(SpeakRequest(text="a fox"))])
    theirs = sdk.audio.speech.create(model="our-voice", input="a fox", voice="alloy", response_format="mp3").content
    assert ours == theirs == sound_of("a fox", "mp3")
    assert_same(azure)


async def test_sdk_has_the_same_picture_made(azure: AzureOpenAIStandIn, make: Make, sdk: openai.AzureOpenAI) -> None:
    engine = make("our-brush", model="dall-e-3")
    (made,) = await engine.draw(DrawRequest(prompt="a fox"))
    sdk.images.generate(
        model="our-brush",
        prompt="a fox",
        size="1024x1024",
        quality="standard",
        n=1,
        response_format="b64_json",
    )
    assert made.data == picture("a fox 0")
    assert_same(azure)


async def test_sdk_sends_the_same_recording(azure: AzureOpenAIStandIn, make: Make) -> None:
    transcript = await make("our-ears", model="whisper-1").transcribe(TranscribeRequest(sound=RECORDING))
    with openai.AzureOpenAI(
        api_key=azure.key, azure_endpoint=azure.url, azure_deployment="our-ears", api_version=VERSION, max_retries=0
    ) as sdk:
        theirs = sdk.audio.transcriptions.create(
            model="our-ears",
            file=("audio.wav", RECORDING.data, "audio/wav"),
            response_format="verbose_json",
            timestamp_granularities=["word", "segment"],
        )
    assert transcript.text == theirs.text == " ".join(TRANSCRIPT)
    assert len(transcript.words) == len(theirs.words or ()) > 0
    first, second = azure.requests
    assert first.target == second.target
    ours, form = azure.forms
    assert (sorted(ours.fields), ours.file, ours.file_name) == (sorted(form.fields), form.file, form.file_name)


async def test_what_a_deployment_can_do_is_told_by_its_model_or_its_name(make: Make) -> None:
    assert make("our-ears", model="whisper-1").describe().capabilities.transcribe
    assert make("whisper").describe().capabilities.transcribe
    with pytest.raises(UnsupportedError, match="does not chat"):
        await answered(make("our-voice", model="tts-1"), asked())
    card = make(model="gpt-4o").describe()
    assert (card.model, card.capabilities.chat, card.capabilities.speak) == ("gpt-4o", True, False)


async def test_names_of_older_documents_mean_the_same(azure: AzureOpenAIStandIn, make: Make) -> None:
    older = azure_engine(
        api_type="azure", api_key=azure.key, api_base=azure.url, api_version=VERSION, deployment_id="our-chat"
    )
    newer = make(api_type="azure", model="gpt-4o")
    assert await said(older, asked("hi")) == await said(newer, asked("hi")) == "hi"
    assert_same(azure)
    await older.close()


@pytest.mark.contract("SAAS-02")
@pytest.mark.parametrize(
    ("endpoint", "settings"),
    [
        ("", {}),
        ("/", {}),
        ("/openai", {}),
        ("/openai/", {}),
        ("/openai/v1/", {}),
        ("/openai/deployments/our-chat", {"azure_deployment": None}),
        (
            f"/openai/deployments/our-chat/chat/completions?api-version={VERSION}",
            {"azure_deployment": None, "api_version": None},
        ),
    ],
)
async def test_endpoint_may_be_copied_with_what_stands_behind_it(
    azure: AzureOpenAIStandIn, make: Make, endpoint: str, settings: dict[str, Any]
) -> None:
    assert await said(make(azure_endpoint=azure.url + endpoint, **settings), asked("hi")) == "hi"
    assert azure.requests[0].target == f"/openai/deployments/our-chat/chat/completions?api-version={VERSION}"


@pytest.mark.contract("SAAS-02")
async def test_endpoint_below_a_gateways_path_stays_there() -> None:
    with OpenAIStandIn() as gateway:
        engine = azure_engine(
            api_key="k", azure_endpoint=f"{gateway.origin}/team/azure", azure_deployment="d", api_version=VERSION
        )
        with pytest.raises(RefusedError):
            await answered(engine, asked())
        assert gateway.requests[0].path == "/team/azure/openai/deployments/d/chat/completions"
        await engine.close()


async def test_without_a_version_the_newer_endpoint_is_asked(azure: AzureOpenAIStandIn, make: Make) -> None:
    engine = make(api_version=None, model="gpt-4o")
    assert await said(engine, asked("hi")) == "hi"
    with openai.OpenAI(
        api_key=azure.key, base_url=f"{azure.url}/openai/v1/", default_headers={"api-key": azure.key}, max_retries=0
    ) as sdk:
        sdk.chat.completions.create(
            model="our-chat",
            messages=[{"role": "user", "content": "hi"}],
            stream=True,
            stream_options={"include_usage": True},
        ).close()
    first, second = azure.requests
    assert (first.target, first.body) == (second.target, second.body)
    assert first.target == "/openai/v1/chat/completions"


async def test_address_without_a_deployment_is_a_plain_server() -> None:
    with OpenAIStandIn() as plain:
        engine = azure_engine(
            api_type="azure", api_key=plain.key, api_base=plain.origin, api_version=VERSION, model="gpt-4o"
        )
        assert await said(engine, asked("hi")) == "hi"
        (seen,) = plain.requests
        assert seen.target == "/v1/chat/completions"
        assert seen.headers["Authorization"] == f"Bearer {plain.key}"
        assert "api-key" not in seen.headers
        assert seen.body["model"] == "gpt-4o"
        await engine.close()


async def test_wrong_deployment_names_the_settings_to_look_at(make: Make) -> None:
    with pytest.raises(ModelCallError, match="API deployment for this resource does not exist") as caught:
        await answered(make("no-such"), asked())
    error = caught.value
    assert (error.status, error.code, error.retryable) == (404, "DeploymentNotFound", False)
    assert error.hint == "Check the settings azure_deployment, azure_endpoint and api_version."


async def test_wrong_version_is_no_answer(make: Make) -> None:
    with pytest.raises(ModelCallError, match="Resource not found"):
        await answered(make(api_version="yesterday"), asked())


@pytest.mark.contract("SAAS-04")
async def test_wrong_key_is_refused_and_not_shown(make: Make) -> None:
    with pytest.raises(RefusedError) as caught:
        await answered(make(api_key="0123456789abcdef-wrong"), asked())
    assert_no_key(caught.value, key="0123456789abcdef-wrong")


@pytest.mark.contract("SAAS-02")
@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({}, "azure_endpoint"),
        ({"api_key": "k", "azure_deployment": "d"}, "azure_endpoint"),
        ({"api_key": "k", "azure_endpoint": "https://r.openai.azure.com"}, "azure_deployment"),
        ({"api_key": "k", "api_base": "https://r.openai.azure.com", "api_version": VERSION}, "azure_deployment"),
        ({"azure_endpoint": "https://r.openai.azure.com", "deployment_id": "d"}, "api_key"),
        ({"api_base": "https://example.com"}, "api_key"),
    ],
)
def test_missing_setting_is_a_value_error_that_names_it(settings: dict[str, Any], missing: str) -> None:
    with pytest.raises(MissingSettingError) as caught:
        azure_engine(**settings)
    assert caught.value.setting == missing
    assert str(caught.value) == f"saas/azure_openai needs the setting {missing}."


def test_endpoint_with_a_missing_slash_is_shown() -> None:
    with pytest.raises(BadInputError, match=r"'https:/xxx\.openai\.azure\.com/'"):
        azure_engine(api_key="k", azure_endpoint="https:/xxx.openai.azure.com/", azure_deployment="d")

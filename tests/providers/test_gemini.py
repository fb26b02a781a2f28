"""`saas/gemini` against a stand-in that speaks Google's public protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from byzer_nb.engines import build
from byzer_nb.errors import (
    BadInputError,
    MissingSettingError,
    ModelCallError,
    UnsupportedError,
)
from byzer_nb.providers.gemini import Gemini
from byzer_nb.types import (
    AudioPart,
    ChatOptions,
    ChatRequest,
    Delta,
    DeploySpec,
    EmbedRequest,
    ImagePart,
    Message,
    TextPart,
    Usage,
)
from byzer_nb.types.settings import SettingWarning
from tests.providers.asking import answered, asked, said
from tests.standins.gemini import GeminiStandIn, error_of, vector
from tests.standins.vendor import Act

pytestmark = pytest.mark.contract("SAAS-30")

PIXEL = "iVBORw0KGgo="
SYSTEM = Message(role="system", content="Be brief.")
TURNS = (
    SYSTEM,
    Message(role="user", content="你好"),
    Message(role="assistant", content="hello"),
    Message(role="user", content='again "quoted"'),
)
EVERY_OPTION = ChatOptions(
    max_tokens=9,
    temperature=0.0,
    top_p=0.5,
    top_k=40,
    stop=("x", "y"),
    seed=3,
    presence_penalty=0.1,
    frequency_penalty=-0.1,
)

MakeGemini = Callable[..., Gemini]


@pytest.fixture
def google() -> Iterator[GeminiStandIn]:
    """Google in process."""
    with GeminiStandIn() as standin:
        yield standin


@pytest.fixture
async def make(google: GeminiStandIn) -> AsyncIterator[MakeGemini]:
    """Makes an engine for the stand-in; settings can be added or replaced."""
    made: list[Gemini] = []

    def make(**settings: Any) -> Gemini:
        usual = {"api_key": google.key, "base_url": google.url, "model": "gemini-2.5-flash", "max_retries": 0}
        engine = build(DeploySpec(name="chat", engine="saas/gemini", settings=usual | settings))
        assert isinstance(engine, Gemini)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        await engine.close()


async def failure(engine: Gemini, request: ChatRequest) -> ModelCallError:
    """The error of a call that must fail."""
    with pytest.raises(ModelCallError) as caught:
        await answered(engine, request)
    return caught.value


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.contract("SAAS-02")
def test_missing_key_is_named() -> None:
    with pytest.raises(MissingSettingError, match="saas/gemini needs the setting api_key") as caught:
        build(DeploySpec(name="chat", engine="saas/gemini"))
    assert caught.value.setting == "api_key"


@pytest.mark.contract("SAAS-02")
@pytest.mark.parametrize("tail", ["", "/", "/v1beta", "/v1beta/", "/v1beta/models", "/v1beta/models/"])
async def test_base_url_is_taken_with_and_without_its_version(
    google: GeminiStandIn, make: MakeGemini, tail: str
) -> None:
    assert await said(make(base_url=f"{google.origin}{tail}"), asked("hi")) == "hi"
    assert google.requests[0].path == "/v1beta/models/gemini-2.5-flash:streamGenerateContent"


async def test_other_version_is_kept(google: GeminiStandIn, make: MakeGemini) -> None:
    await said(make(base_url=f"{google.origin}/v1"), asked("hi", stream=False))
    assert google.requests[0].path == "/v1/models/gemini-2.5-flash:generateContent"


def test_usual_address_and_model_are_googles() -> None:
    engine = build(DeploySpec(name="chat", engine="saas/gemini", settings={"api_key": "k"}))
    assert engine.describe().model == "gemini-pro"
    assert isinstance(engine, Gemini)
    assert str(engine.address_of("x")) == "https://generativelanguage.googleapis.com/v1beta/x"


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("models/gemini-pro", "/v1beta/models/gemini-pro:generateContent"),
        ("tunedModels/mine-1", "/v1beta/tunedModels/mine-1:generateContent"),
    ],
)
async def test_model_may_carry_its_folder(google: GeminiStandIn, make: MakeGemini, model: str, path: str) -> None:
    await said(make(model=model), asked(stream=False))
    assert google.requests[0].path == path


# -- requests ---------------------------------------------------------------------------------------------------------


async def test_plain_question_is_one_turn_and_one_answer(google: GeminiStandIn, make: MakeGemini) -> None:
    google.always = Act(reply="hello there")
    (delta,) = await answered(make(), asked("hi", stream=False))
    assert delta == Delta(
        text="hello there",
        finish_reason="stop",
        usage=Usage(input_tokens=1, output_tokens=2),
        request_id="response-1",
    )
    seen = google.requests[0]
    assert seen.target == "/v1beta/models/gemini-2.5-flash:generateContent"
    assert seen.headers["x-goog-api-key"] == google.key
    assert "Authorization" not in seen.headers
    assert seen.body == {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


async def test_stream_is_asked_for_by_path_and_not_in_the_body(google: GeminiStandIn, make: MakeGemini) -> None:
    google.always = Act(reply=["Hel", "lo"])
    deltas = await answered(make(), asked("hi"))
    assert [delta.text for delta in deltas] == ["Hel", "lo", ""]
    assert {delta.request_id for delta in deltas} == {"response-1"}
    assert google.requests[0].target == "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    assert google.requests[0].body == {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


async def test_every_option_has_its_name(google: GeminiStandIn, make: MakeGemini) -> None:
    engine = make()
    await said(engine, ChatRequest(messages=TURNS, options=EVERY_OPTION))
    assert google.requests[0].body["generationConfig"] == {
        "maxOutputTokens": 9,
        "temperature": 0.0,
        "topP": 0.5,
        "topK": 40,
        "stopSequences": ["x", "y"],
        "seed": 3,
        "presencePenalty": 0.1,
        "frequencyPenalty": -0.1,
    }
    assert engine.describe().capabilities.options == {*EVERY_OPTION.given(), "timeout", "extra"}


async def test_system_stands_beside_the_turns_which_alternate(google: GeminiStandIn, make: MakeGemini) -> None:
    messages = (
        SYSTEM,
        Message(role="user", content="one"),
        Message(role="assistant", content=""),
        Message(role="user", content="two"),
        Message(role="system", content="In Chinese."),
        Message(role="tool", content="three"),
    )
    await said(make(), ChatRequest(messages=messages))
    assert google.requests[0].body == {
        "systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "In Chinese."}]},
        "contents": [{"role": "user", "parts": [{"text": "one"}, {"text": "two"}, {"text": "three"}]}],
    }


async def test_pictures_and_sound_travel_inside_or_as_addresses(google: GeminiStandIn, make: MakeGemini) -> None:
    content = (
        TextPart(text="What is this?"),
        ImagePart(url=f"data:image/jpg;base64,{PIXEL}"),
        ImagePart(url="https://example.com/a.webp?size=1"),
        ImagePart(url="https://example.com/a"),
        AudioPart(url="data:audio/mpeg;base64,AAAA"),
    )
    await said(make(), ChatRequest(messages=(Message(role="user", content=content),)))
    assert google.requests[0].body["contents"][0]["parts"] == [
        {"text": "What is this?"},
        {"inline_data": {"mime_type": "image/jpeg", "data": PIXEL}},
        {"file_data": {"mime_type": "image/webp", "file_uri": "https://example.com/a.webp?size=1"}},
        {"file_data": {"mime_type": "image/jpeg", "file_uri": "https://example.com/a"}},
        {"inline_data": {"mime_type": "audio/mp3", "data": "AAAA"}},
    ]


async def test_picture_that_is_neither_is_refused_before_it_is_sent(google: GeminiStandIn, make: MakeGemini) -> None:
    message = Message(role="user", content=(ImagePart(url="/tmp/a.png"),))
    with pytest.raises(UnsupportedError, match=r"'/tmp/a\.png' is neither"):
        await answered(make(), ChatRequest(messages=(message,)))
    assert not google.requests


async def test_what_stands_beside_a_picture_is_told_to_be_left_out(google: GeminiStandIn, make: MakeGemini) -> None:
    picture = ImagePart(url=f"data:image/png;base64,{PIXEL}", extra={"detail": "low"})
    with pytest.warns(SettingWarning, match="no detail beside a picture"):
        await said(make(), ChatRequest(messages=(Message(role="user", content=(TextPart(text="?"), picture)),)))
    assert "detail" not in str(google.requests[0].body)


async def test_own_parameters_go_where_google_wants_them(google: GeminiStandIn, make: MakeGemini) -> None:
    safety = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
    extra = {"safety_settings": safety, "thinkingConfig": {"includeThoughts": True}, "max_output_tokens": 7}
    await said(make(), asked(max_tokens=9, extra=extra))
    body = google.requests[0].body
    assert body["safetySettings"] == safety
    assert body["generationConfig"] == {"maxOutputTokens": 7, "thinkingConfig": {"includeThoughts": True}}


@pytest.mark.parametrize(
    "name", ["contents", "system_instruction", "model", "candidateCount", "candidate_count", "generationConfig"]
)
async def test_own_parameters_cannot_change_what_the_call_decides(
    google: GeminiStandIn, make: MakeGemini, name: str
) -> None:
    with pytest.raises(BadInputError, match="the call itself decides it"):
        await answered(make(), asked(extra={name: 1}))
    assert not google.requests


async def test_begun_answer_cannot_be_continued(google: GeminiStandIn, make: MakeGemini) -> None:
    engine = make()
    begun = (Message(role="user", content="Count."), Message(role="assistant", content="1, 2,"))
    with pytest.raises(UnsupportedError, match="cannot continue"):
        await answered(engine, ChatRequest(messages=begun, options=ChatOptions(continue_last=True)))
    assert not google.requests
    assert not engine.describe().capabilities.continues
    error = await failure(engine, ChatRequest(messages=begun))
    assert "ends with a user role" in str(error)


async def test_model_without_system_messages_hears_them_from_the_user(
    google: GeminiStandIn, make: MakeGemini, stream: bool
) -> None:
    engine = make()
    google.next(Act(status=400, message="Developer instruction is not enabled for models/gemma-3-27b-it"))
    for _ in range(2):
        await said(engine, ChatRequest(messages=TURNS, stream=stream))
    _, second, third = google.requests
    assert second.body == third.body
    assert "systemInstruction" not in second.body
    assert second.body["contents"][0] == {"role": "user", "parts": [{"text": "Be brief."}, {"text": "你好"}]}


async def test_model_without_penalties_is_asked_without_and_that_is_told(
    google: GeminiStandIn, make: MakeGemini
) -> None:
    engine = make()
    google.next(Act(status=400, message="Penalty is not enabled for models/gemini-2.5-flash"))
    with pytest.warns(SettingWarning, match="takes no presence_penalty"):
        await said(engine, asked(presence_penalty=1.0, temperature=0.5))
    assert google.requests[-1].body["generationConfig"] == {"temperature": 0.5}


async def test_any_other_bad_request_is_asked_once(google: GeminiStandIn, make: MakeGemini) -> None:
    error = await failure(make(), asked(extra={"noSuchThing": 1}))
    assert 'Unknown name "noSuchThing"' in str(error)
    assert (error.status, error.code, error.retryable, len(google.requests)) == (400, "INVALID_ARGUMENT", False, 1)


# -- embeddings -------------------------------------------------------------------------------------------------------


@pytest.mark.contract("EMB-01")
async def test_texts_become_vectors_in_batches_of_a_hundred(google: GeminiStandIn, make: MakeGemini) -> None:
    texts = tuple(f"text {number}" for number in range(250))
    reply = await make(model="gemini-embedding-001").embed(EmbedRequest(texts=texts))
    assert reply.vectors == tuple(tuple(vector(text, 8)) for text in texts)
    assert reply.model == "gemini-embedding-001"
    assert reply.usage.input_tokens >= 250
    assert sorted(len(seen.body["requests"]) for seen in google.requests) == [50, 100, 100]


@pytest.mark.contract("EMB-01")
async def test_embedding_body_names_the_model_for_each_text(google: GeminiStandIn, make: MakeGemini) -> None:
    await make(model="text-embedding-004").embed(EmbedRequest(texts=("a", "b"), dimensions=4))
    assert google.requests[0].path == "/v1beta/models/text-embedding-004:batchEmbedContents"
    model = "models/text-embedding-004"
    assert google.requests[0].body == {
        "requests": [
            {"model": model, "content": {"parts": [{"text": "a"}]}, "outputDimensionality": 4},
            {"model": model, "content": {"parts": [{"text": "b"}]}, "outputDimensionality": 4},
        ]
    }


async def test_model_of_one_kind_does_not_do_the_other(make: MakeGemini) -> None:
    with pytest.raises(UnsupportedError, match="does not chat"):
        await answered(make(model="gemini-embedding-001"), asked())
    with pytest.raises(UnsupportedError, match="no embedding service"):
        await make().embed(EmbedRequest(texts=("a",)))


async def test_wrong_number_of_vectors_is_an_error(google: GeminiStandIn, make: MakeGemini) -> None:
    google.always = Act(raw=b'{"embeddings": [{"values": [1.0]}]}')
    with pytest.raises(ModelCallError, match="2 texts with 1 vectors"):
        await make(model="gemini-embedding-001").embed(EmbedRequest(texts=("a", "b")))


@pytest.mark.contract("SAAS-04")
@pytest.mark.parametrize(("status", "is_retryable"), [(503, True), (400, False)])
async def test_error_in_the_place_of_vectors_is_one(
    google: GeminiStandIn, make: MakeGemini, status: int, is_retryable: bool
) -> None:
    google.always = Act(error=error_of(status, "not now"))
    with pytest.raises(ModelCallError, match="not now") as caught:
        await make(model="gemini-embedding-001").embed(EmbedRequest(texts=("a",)))
    assert caught.value.retryable is is_retryable

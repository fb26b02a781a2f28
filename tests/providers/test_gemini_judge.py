"""Google's own client as judge: it must send the bodies that `saas/gemini` sends, and read the same words."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from byzer_nb.engines import build
from byzer_nb.providers.gemini import Gemini
from byzer_nb.types import (
    AudioPart,
    ChatOptions,
    ChatRequest,
    DeploySpec,
    EmbedRequest,
    ImagePart,
    Message,
    TextPart,
    Usage,
)
from tests.providers.asking import answered
from tests.standins.gemini import GeminiStandIn, camel
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
SDK_TURNS = [
    types.Content(role="user", parts=[types.Part(text="你好")]),
    types.Content(role="model", parts=[types.Part(text="hello")]),
    types.Content(role="user", parts=[types.Part(text='again "quoted"')]),
]
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


@pytest.fixture
def sdk(google: GeminiStandIn) -> Iterator[genai.Client]:
    """Google's client for the stand-in."""
    client = genai.Client(
        api_key=google.key, http_options=types.HttpOptions(base_url=google.origin, api_version="v1beta")
    )
    yield client
    client.close()


CASES: list[Any] = [
    pytest.param(TURNS, ChatOptions(), SDK_TURNS, {}, id="plain"),
    pytest.param(
        TURNS,
        EVERY_OPTION,
        SDK_TURNS,
        {
            "max_output_tokens": 9,
            "temperature": 0.0,
            "top_p": 0.5,
            "top_k": 40,
            "stop_sequences": ["x", "y"],
            "seed": 3,
            "presence_penalty": 0.1,
            "frequency_penalty": -0.1,
        },
        id="every option",
    ),
    pytest.param(
        (
            SYSTEM,
            Message(
                role="user",
                content=(
                    TextPart(text="What is this?"),
                    ImagePart(url=f"data:image/png;base64,{PIXEL}"),
                    ImagePart(url="https://example.com/a.png"),
                    AudioPart(url="data:audio/wav;base64,AAAA"),
                ),
            ),
        ),
        ChatOptions(extra={"thinkingConfig": {"thinkingBudget": 0}, "safetySettings": []}),
        [
            types.Content(
                role="user",
                parts=[
                    types.Part(text="What is this?"),
                    types.Part.from_bytes(data=base64.b64decode(PIXEL), mime_type="image/png"),
                    types.Part.from_uri(file_uri="https://example.com/a.png", mime_type="image/png"),
                    types.Part.from_bytes(data=base64.b64decode("AAAA"), mime_type="audio/wav"),
                ],
            )
        ],
        {"thinking_config": types.ThinkingConfig(thinking_budget=0), "safety_settings": []},
        id="pictures and sound",
    ),
]


@pytest.mark.parametrize(("turns", "options", "sdk_turns", "sdk_options"), CASES)
async def test_sdk_sends_the_same_body_and_reads_the_same_words(
    google: GeminiStandIn,
    make: MakeGemini,
    sdk: genai.Client,
    turns: tuple[Message, ...],
    options: ChatOptions,
    sdk_turns: Any,
    sdk_options: dict[str, Any],
    stream: bool,
) -> None:
    google.always = Act(reasoning=["hm"], reply="one two three 四")
    deltas = await answered(make(), ChatRequest(messages=turns, options=options, stream=stream))
    config = types.GenerateContentConfig(system_instruction="Be brief.", **sdk_options)
    models, model = sdk.models, "gemini-2.5-flash"
    if stream:
        chunks = list(models.generate_content_stream(model=model, contents=sdk_turns, config=config))
    else:
        chunks = [models.generate_content(model=model, contents=sdk_turns, config=config)]
    first, second = google.requests
    # Protocol buffers take a name in both spellings; the client writes one, Google's own documentation the other.
    assert camel(first.body) == _as_we_say_it(second.body)
    assert first.target == second.target
    assert first.headers["x-goog-api-key"] == second.headers["x-goog-api-key"]
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts]  # type: ignore[index, union-attr]
    assert "".join(delta.text for delta in deltas) == "".join(part.text or "" for part in parts if not part.thought)
    assert "".join(delta.reasoning for delta in deltas) == "".join(part.text or "" for part in parts if part.thought)
    spent = chunks[-1].usage_metadata
    assert spent is not None
    assert deltas[-1].usage == Usage(
        input_tokens=spent.prompt_token_count or 0,
        output_tokens=(spent.candidates_token_count or 0) + (spent.thoughts_token_count or 0),
    )
    assert deltas[-1].request_id.split("-")[0] == str(chunks[-1].response_id).split("-")[0]


@pytest.mark.contract("EMB-01")
async def test_sdk_embeds_with_the_same_body(google: GeminiStandIn, make: MakeGemini, sdk: genai.Client) -> None:
    model = "gemini-embedding-001"
    ours = await make(model=model).embed(EmbedRequest(texts=("a", "b"), dimensions=4))
    texts: Any = ["a", "b"]
    theirs = sdk.models.embed_content(
        model=model, contents=texts, config=types.EmbedContentConfig(output_dimensionality=4)
    )
    first, second = google.requests
    assert camel(first.body) == _as_we_say_it(second.body)
    assert first.target == second.target
    assert [list(vector) for vector in ours.vectors] == [each.values for each in theirs.embeddings or ()]


@pytest.mark.contract("SAAS-05")
def test_sdk_takes_the_stand_in_for_the_real_thing(google: GeminiStandIn, sdk: genai.Client) -> None:
    ask = {"model": "gemini-2.5-flash", "contents": "hi"}
    google.next(Act(status=404, message="models/x is not found"))
    with pytest.raises(errors.ClientError, match="404 NOT_FOUND") as caught:
        sdk.models.generate_content(**ask)  # type: ignore[arg-type]
    assert caught.value.message == "models/x is not found"
    google.blocked = "SAFETY"
    feedback = sdk.models.generate_content(**ask).prompt_feedback  # type: ignore[arg-type]
    assert feedback is not None
    assert feedback.block_reason is types.BlockedReason.SAFETY
    with (
        genai.Client(
            api_key="wrong", http_options=types.HttpOptions(base_url=google.origin, api_version="v1beta")
        ) as stranger,
        pytest.raises(errors.ClientError, match="API key not valid") as refused,
    ):
        stranger.models.generate_content(**ask)  # type: ignore[arg-type]
    assert refused.value.code == 400


def _as_we_say_it(body: dict[str, Any]) -> dict[str, Any]:
    """The body without a role where the client gives one that the API does not read, and without an empty part."""
    said = camel(body)
    for nameless in (said.get("systemInstruction", {}), *(each["content"] for each in said.get("requests", []))):
        nameless.pop("role", None)
    return {name: value for name, value in said.items() if value != {}}

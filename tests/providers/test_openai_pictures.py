"""Pictures in OpenAI's shape, held to the vendor's own client."""

from __future__ import annotations

import io
from collections.abc import Iterator

import openai
import pytest
from PIL import Image

from byzer_nb.errors import BadInputError, ModelCallError, RefusedError
from byzer_nb.types import DrawRequest
from tests.providers.conftest import MakeEngine
from tests.providers.failing import assert_no_key
from tests.standins.openai import OpenAIStandIn
from tests.standins.openai_media import picture
from tests.standins.vendor import Act


@pytest.fixture
def sdk(openai_standin: OpenAIStandIn) -> Iterator[openai.OpenAI]:
    """The vendor's client for the stand-in."""
    with openai.OpenAI(api_key=openai_standin.key, base_url=openai_standin.url, max_retries=0) as client:
        yield client


@pytest.mark.contract("SAAS-10", "MM-07")
async def test_picture_is_made_of_the_usual_size_and_quality(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    (made,) = await make_engine(model="dall-e-3").draw(DrawRequest(prompt="a fox"))
    assert made.data == picture("a fox 0")
    assert Image.open(io.BytesIO(made.data)).size == (4, 4)
    (seen,) = openai_standin.requests
    assert seen.path == "/v1/images/generations"
    assert seen.body == {
        "model": "dall-e-3",
        "prompt": "a fox",
        "size": "1024x1024",
        "quality": "standard",
        "n": 1,
        "response_format": "b64_json",
    }


@pytest.mark.contract("SAAS-10", "MM-07")
async def test_sdk_has_the_same_pictures_made_with_the_same_body(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, sdk: openai.OpenAI
) -> None:
    request = DrawRequest(prompt="狐狸", size="512x512", quality="hd", count=2, extra={"style": "vivid"})
    ours = await make_engine(model="dall-e-2").draw(request)
    theirs = sdk.images.generate(
        model="dall-e-2",
        prompt="狐狸",
        size="512x512",
        quality="hd",
        n=2,
        response_format="b64_json",
        style="vivid",
    )
    first, second = openai_standin.requests
    assert (first.body, first.path) == (second.body, second.path)
    assert [each.url.partition(",")[2] for each in ours] == [each.b64_json for each in theirs.data or ()]


@pytest.mark.contract("SAAS-10", "MM-07")
async def test_newer_model_is_asked_without_what_it_does_not_take_from_then_on(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    engine = make_engine(model="gpt-image-1")
    assert len(await engine.draw(DrawRequest(prompt="a fox", count=2))) == 2
    assert len(await engine.draw(DrawRequest(prompt="a dog", quality="standard"))) == 1
    bodies = [seen.body for seen in openai_standin.requests]
    assert [sorted({"response_format", "quality"} & body.keys()) for body in bodies] == [
        ["quality", "response_format"],
        ["quality"],
        [],
        [],
    ]


@pytest.mark.contract("SAAS-04", "MM-07")
async def test_quality_that_somebody_wants_and_cannot_have_is_told(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    engine = make_engine(model="gpt-image-1")
    await engine.draw(DrawRequest(prompt="a fox"))
    with pytest.raises(ModelCallError, match="Invalid value: 'hd'"):
        await engine.draw(DrawRequest(prompt="a fox", quality="hd"))
    await engine.draw(DrawRequest(prompt="a fox", quality="high"))
    assert openai_standin.requests[-1].body["quality"] == "high"


@pytest.mark.contract("MM-07", "SAAS-04")
async def test_other_refusals_of_a_picture_are_told_at_once(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    with pytest.raises(ModelCallError, match="You must provide n=1 for this model"):
        await make_engine(model="dall-e-3").draw(DrawRequest(prompt="a fox", count=3))
    with pytest.raises(RefusedError) as caught:
        await make_engine(model="dall-e-3", api_key="sk-wrong-0123456789abcdef").draw(DrawRequest(prompt="a fox"))
    assert_no_key(caught.value, key="sk-wrong-0123456789abcdef")
    assert len(openai_standin.requests) == 2


async def test_picture_at_an_address_is_fetched_without_the_key(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine
) -> None:
    address = f"{openai_standin.origin}/pictures/7.png?sig=a%2Bb%3D"
    openai_standin.next(Act(raw=f'{{"data": [{{"url": "{address}"}}]}}'.encode()))
    (made,) = await make_engine(model="dall-e-3").draw(DrawRequest(prompt="a fox"))
    assert made.data == picture("7")
    assert "Authorization" not in openai_standin.requests[-1].headers


async def test_picture_that_has_moved_is_followed(openai_standin: OpenAIStandIn, make_engine: MakeEngine) -> None:
    address = f"{openai_standin.origin}/pictures"
    openai_standin.next(
        Act(raw=f'{{"data": [{{"url": "{address}/7.png"}}]}}'.encode()),
        Act(raw=b"", status=302, headers={"Location": f"{address}/8.png?sig=a%2Bb%3D"}),
    )
    (made,) = await make_engine(model="dall-e-3").draw(DrawRequest(prompt="a fox"))
    assert made.data == picture("8")
    assert "Authorization" not in openai_standin.requests[-1].headers


async def test_picture_in_a_data_url_is_taken_as_it_is(openai_standin: OpenAIStandIn, make_engine: MakeEngine) -> None:
    openai_standin.always = Act(raw=b'{"data": [{"url": "data:image/png;base64,iVBORw0KGgo="}]}')
    (made,) = await make_engine(model="dall-e-3").draw(DrawRequest(prompt="a fox"))
    assert made.data == b"\x89PNG\r\n\x1a\n"


@pytest.mark.contract("SAAS-04")
@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'{"error": {"message": "Too daring.", "code": "moderation_blocked"}}', "Too daring"),
        (b'{"data": []}', "not its protocol"),
        (b'{"data": [{}]}', "not its protocol"),
        (b'{"data": [{"b64_json": "*"}]}', "not its protocol"),
        (b'{"data": [{"url": "pictures/7.png"}]}', "not its protocol: 'pictures/7.png'"),
    ],
)
async def test_success_without_a_picture_is_an_error(
    openai_standin: OpenAIStandIn, make_engine: MakeEngine, raw: bytes, words: str
) -> None:
    openai_standin.always = Act(raw=raw)
    with pytest.raises(ModelCallError, match=words):
        await make_engine(model="dall-e-3").draw(DrawRequest(prompt="a fox"))


@pytest.mark.contract("SAAS-10")
@pytest.mark.parametrize("name", ["model", "prompt", "n", "response_format", "stream"])
async def test_what_a_picture_decides_is_not_overridden_by_extra(make_engine: MakeEngine, name: str) -> None:
    with pytest.raises(BadInputError, match=f"extra cannot hold '{name}'"):
        await make_engine(model="dall-e-3").draw(DrawRequest(prompt="a fox", extra={name: "x"}))

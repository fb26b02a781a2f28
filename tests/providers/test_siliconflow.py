"""`saas/siliconflow`: a wish goes out, addresses come back, and the pictures are fetched from there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from byzer_nb.engines import build
from byzer_nb.errors import BadInputError, MissingSettingError, ModelCallError, RefusedError, UnsupportedError
from byzer_nb.providers.siliconflow import SiliconFlow
from byzer_nb.types import DeploySpec, DrawRequest
from byzer_nb.types.settings import SettingWarning
from tests.providers.asking import answered, asked
from tests.providers.failing import assert_no_key
from tests.standins.openai_media import picture
from tests.standins.siliconflow import SiliconFlowStandIn
from tests.standins.vendor import KEY, Act

Make = Callable[..., SiliconFlow]

pytestmark = pytest.mark.contract("SAAS-13")


@pytest.fixture
def siliconflow() -> Iterator[SiliconFlowStandIn]:
    """SiliconFlow in process."""
    with SiliconFlowStandIn() as standin:
        yield standin


@pytest.fixture
async def make(siliconflow: SiliconFlowStandIn) -> AsyncIterator[Make]:
    """Makes an engine for the stand-in."""
    made: list[SiliconFlow] = []

    def make(**settings: Any) -> SiliconFlow:
        usual = {"api_key": siliconflow.key, "base_url": siliconflow.url, "max_retries": 0}
        engine = build(DeploySpec(name="brush", engine="saas/siliconflow", settings=usual | settings))
        assert isinstance(engine, SiliconFlow)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        await engine.close()


async def test_picture_is_asked_for_and_fetched_without_the_key(siliconflow: SiliconFlowStandIn, make: Make) -> None:
    (made,) = await make().draw(DrawRequest(prompt="一只狐狸"))
    assert made.data == picture("0")
    (seen,) = siliconflow.requests
    assert seen.target == "/v1/images/generations"
    assert seen.body == {
        "model": "black-forest-labs/FLUX.1-dev",
        "prompt": "一只狐狸",
        "image_size": "1024x1024",
        "num_inference_steps": 20,
    }
    (fetched,) = siliconflow.fetched
    assert "Authorization" not in fetched.headers


async def test_every_wish_is_sent_in_the_vendors_words(siliconflow: SiliconFlowStandIn, make: Make) -> None:
    extra = {"num_inference_steps": 4, "seed": 5, "guidance_scale": 7.5, "negative_prompt": "dogs"}
    request = DrawRequest(prompt="a fox", size="512x512", quality="standard", count=3, extra=extra)
    pictures = await make(model="Kwai-Kolors/Kolors").draw(request)
    assert [each.data for each in pictures] == [picture("0"), picture("1"), picture("2")]
    assert siliconflow.requests[0].body == {
        "model": "Kwai-Kolors/Kolors",
        "prompt": "a fox",
        "image_size": "512x512",
        "batch_size": 3,
        **extra,
    }


async def test_quality_is_left_out_with_a_word_about_it(siliconflow: SiliconFlowStandIn, make: Make) -> None:
    with pytest.warns(SettingWarning, match="knows no quality, so 'hd' is left out"):
        await make().draw(DrawRequest(prompt="a fox", quality="hd"))
    assert "quality" not in siliconflow.requests[0].body


@pytest.mark.contract("SAAS-02")
@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("", "/v1/images/generations"),
        ("/", "/v1/images/generations"),
        ("/v1", "/v1/images/generations"),
        ("/v1/", "/v1/images/generations"),
        ("/v1/images/generations", "/v1/images/generations"),
        ("/v1/image/generations", "/v1/image/generations"),
    ],
)
async def test_base_url_gets_its_version_once_and_may_name_the_old_path(
    siliconflow: SiliconFlowStandIn, make: Make, given: str, path: str
) -> None:
    await make(base_url=siliconflow.origin + given).draw(DrawRequest(prompt="a fox"))
    assert siliconflow.requests[0].path == path


@pytest.mark.contract("SAAS-04")
async def test_answer_without_pictures_is_shown_in_the_error(siliconflow: SiliconFlowStandIn, make: Make) -> None:
    for raw in (
        b'{"code": 20012, "message": "Model does not exist"}',
        b'{"images": [], "note": "Model does not exist"}',
    ):
        siliconflow.next(Act(raw=raw))
        with pytest.raises(ModelCallError, match="Model does not exist"):
            await make().draw(DrawRequest(prompt="a fox"))


@pytest.mark.contract("SAAS-04")
async def test_wrong_parameter_is_told_in_the_vendors_words(make: Make) -> None:
    with pytest.raises(ModelCallError, match="The parameter is invalid: image_size") as caught:
        await make().draw(DrawRequest(prompt="a fox", size="7x7"))
    assert (caught.value.status, caught.value.code, caught.value.retryable) == (400, "20015", False)


@pytest.mark.contract("SAAS-04")
async def test_wrong_key_is_refused_and_not_shown(make: Make) -> None:
    with pytest.raises(RefusedError) as caught:
        await make(api_key="sk-wrong-0123456789abcdef").draw(DrawRequest(prompt="a fox"))
    assert_no_key(caught.value, key="sk-wrong-0123456789abcdef")


@pytest.mark.contract("SAAS-04")
async def test_busy_vendor_is_asked_again(siliconflow: SiliconFlowStandIn, make: Make) -> None:
    siliconflow.next(Act(status=503, message="busy"), Act(status=429, headers={"Retry-After": "0"}))
    (made,) = await make(max_retries=3).draw(DrawRequest(prompt="a fox"))
    assert made.format == "png"
    assert len(siliconflow.requests) == 3


async def test_picture_that_is_gone_is_an_error(siliconflow: SiliconFlowStandIn, make: Make) -> None:
    siliconflow.next(Act(raw=f'{{"images": [{{"url": "{siliconflow.origin}/outputs/0.png"}}]}}'.encode()))
    with pytest.raises(RefusedError) as caught:
        await make().draw(DrawRequest(prompt="a fox"))
    assert_no_key(caught.value, key=KEY)


async def test_picture_model_does_nothing_else(siliconflow: SiliconFlowStandIn, make: Make) -> None:
    engine = make()
    able = engine.describe().capabilities
    assert (able.draw, able.chat, able.stream, able.embed) == (True, False, False, False)
    with pytest.raises(UnsupportedError, match="is a picture model and does not chat"):
        await answered(engine, asked())
    assert siliconflow.requests == []


@pytest.mark.parametrize("name", ["model", "prompt", "image_size", "batch_size"])
async def test_what_the_request_decides_is_not_overridden_by_extra(make: Make, name: str) -> None:
    with pytest.raises(BadInputError, match=f"extra cannot hold '{name}'"):
        await make().draw(DrawRequest(prompt="a fox", extra={name: "x"}))


@pytest.mark.contract("SAAS-02")
def test_missing_key_is_a_value_error_that_names_it() -> None:
    with pytest.raises(MissingSettingError, match=r"^saas/siliconflow needs the setting api_key\."):
        build(DeploySpec(name="brush", engine="saas/siliconflow"))

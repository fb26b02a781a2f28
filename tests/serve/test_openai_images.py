"""Pictures over HTTP."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest
from openai import BadRequestError, OpenAI

from tests.serve.engines import PICTURE
from tests.serve.gateways import RunningGateway
from tests.standins.openai import OpenAIStandIn
from tests.standins.openai_media import picture


@pytest.mark.contract("SERVE-01")
def test_pictures_come_in_base64_as_many_as_were_asked_for(relayed: OpenAI, upstream: OpenAIStandIn) -> None:
    drawn = relayed.images.generate(
        model="dall-e-2", prompt="a fox", n=2, size="512x512", quality="hd", response_format="b64_json"
    )
    assert drawn.data is not None
    assert [base64.b64decode(each.b64_json or "") for each in drawn.data] == [picture("a fox 0"), picture("a fox 1")]
    asked = upstream.requests[-1].body
    assert (asked["n"], asked["size"], asked["quality"]) == (2, "512x512", "hd")


@pytest.mark.contract("SERVE-01")
def test_address_that_is_asked_for_holds_the_picture_itself(openai: OpenAI) -> None:
    drawn = openai.images.generate(model="media", prompt="a fox", response_format="url")
    assert drawn.data is not None
    kind, _, data = (drawn.data[0].url or "").partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data) == PICTURE
    usual = openai.images.generate(model="media", prompt="a fox")
    assert usual.data is not None
    assert base64.b64decode(usual.data[0].b64_json or "") == PICTURE


def test_what_only_providers_know_goes_to_them(openai: OpenAI, gateway: RunningGateway) -> None:
    openai.images.generate(model="media", prompt="a fox", size="auto", style="vivid", user="ann")
    request = gateway.engines["media"].drawn[-1]
    assert (request.size, request.extra) == ("", {"style": "vivid", "user": "ann"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", " "),
        ("n", 0),
        ("n", 11),
        ("response_format", "svg"),
        ("stream", True),
        ("partial_images", 2),
        ("no_such_field", 1),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_its_field(http: httpx.Client, field: str, value: Any) -> None:
    answer = http.post("/v1/images/generations", json={"model": "media", "prompt": "a fox", field: value})
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert field in (error["param"] or error["message"])


def test_model_that_does_not_draw_says_so(openai: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="makes no pictures"):
        openai.images.generate(model="byzer-tiny", prompt="a fox")


def test_size_that_the_provider_does_not_have_is_its_refusal(relayed: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="Supported values are: '1024x1024'"):
        relayed.images.generate(model="dall-e-2", prompt="a fox", size="1x1")  # type: ignore[call-overload]

"""Vectors over HTTP, as OpenAI's own client takes them."""

from __future__ import annotations

import base64
import struct
from typing import Any

import httpx
import pytest
from openai import BadRequestError, NotFoundError, OpenAI

from tests.standins.openai import OpenAIStandIn


@pytest.mark.contract("SERVE-05")
def test_client_gets_the_vectors_in_the_order_of_the_texts(openai: OpenAI, http: httpx.Client) -> None:
    answer = openai.embeddings.create(model="echo", input=["fox", "dog", "fox"])  # it asks for base64 by itself
    assert [each.index for each in answer.data] == [0, 1, 2]
    assert answer.data[0].embedding == answer.data[2].embedding != answer.data[1].embedding
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 3
    asked = {"model": "echo", "input": ["fox", "dog"]}
    plain = http.post("/v1/embeddings", json=asked).json()["data"]
    assert plain[0]["embedding"] == pytest.approx(answer.data[0].embedding, abs=1e-6)
    assert plain[1]["embedding"] == pytest.approx(answer.data[1].embedding, abs=1e-6)


@pytest.mark.contract("SERVE-05")
def test_base64_is_floats_of_four_bytes_the_lowest_first(http: httpx.Client) -> None:
    asked = {"model": "echo", "input": "fox"}
    plain = http.post("/v1/embeddings", json={**asked, "encoding_format": "float"}).json()["data"][0]["embedding"]
    packed = http.post("/v1/embeddings", json={**asked, "encoding_format": "base64"}).json()["data"][0]["embedding"]
    numbers = struct.unpack(f"<{len(plain)}f", base64.b64decode(packed, validate=True))
    assert list(numbers) == pytest.approx(plain, abs=1e-6)


def test_dimensions_are_those_that_were_asked_for(openai: OpenAI) -> None:
    answer = openai.embeddings.create(model="echo", input="fox", dimensions=4)
    assert len(answer.data[0].embedding) == 4


def test_token_ids_are_refused_with_the_way_out(openai: OpenAI) -> None:
    for ids in ([1, 2, 3], [[1], [2]]):
        with pytest.raises(BadRequestError, match="Send the text itself") as told:
            openai.embeddings.create(model="echo", input=ids)
        assert told.value.param == "input"


@pytest.mark.contract("SERVE-05")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("input", ""),
        ("input", []),
        ("input", ["a", ""]),
        ("input", ["a"] * 2049),
        ("input", None),
        ("input", ["a", 1]),
        ("input", [1.5]),
        ("dimensions", 0),
        ("dimensions", 10**9),
        ("encoding_format", "hex"),
        ("no_such_field", 1),
    ],
)
def test_what_is_no_list_of_texts_is_refused_with_its_field(http: httpx.Client, field: str, value: Any) -> None:
    answer = http.post("/v1/embeddings", json={"model": "echo", "input": "fox", field: value})
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert field in (error["param"] or error["message"])


def test_as_many_texts_as_openai_takes_are_taken(openai: OpenAI) -> None:
    answer = openai.embeddings.create(model="echo", input=[str(number) for number in range(2048)], dimensions=2)
    assert len(answer.data) == 2048


def test_model_that_does_not_embed_says_so(openai: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="has no embedding service"):
        openai.embeddings.create(model="byzer-tiny", input="fox")
    with pytest.raises(NotFoundError, match="nobody"):
        openai.embeddings.create(model="nobody", input="fox")


@pytest.mark.contract("SERVE-05")
def test_provider_behind_the_gateway_is_asked_once_for_all_texts(relayed: OpenAI, upstream: OpenAIStandIn) -> None:
    before = len(upstream.requests)
    answer = relayed.embeddings.create(model="text-embedding-3-small", input=["fox", "dog"], dimensions=8)
    assert len(upstream.requests) == before + 1
    assert upstream.requests[-1].body["input"] == ["fox", "dog"]
    assert upstream.requests[-1].body["dimensions"] == 8
    assert len(answer.data[1].embedding) == 8

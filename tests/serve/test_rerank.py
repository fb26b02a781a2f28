"""Texts by how near they are to a question."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from byzer_nb import ScriptedEngine
from byzer_nb.types import Capabilities, EmbedReply, EmbedRequest, Usage

NEAR = {"fox": (1.0, 0.0), "vixen": (3.0, 4.0), "dog": (0.0, 2.0), "cat": (-5.0, 0.0), "void": (0.0, 0.0)}


class Placed(ScriptedEngine):
    """Gives words vectors that one can reckon with."""

    def __init__(self) -> None:
        super().__init__(capabilities=Capabilities(chat=False, embed=True))

    async def embed(self, request: EmbedRequest) -> EmbedReply:
        self.embedded.append(request)
        vectors = tuple(NEAR[text] for text in request.texts)
        return EmbedReply(vectors=vectors, usage=Usage(input_tokens=len(vectors)))


@pytest.fixture
def placed(open_gateway: Any) -> Any:
    """Plain HTTP to a gateway with such a model, and the model."""
    engine = Placed()
    running = open_gateway({"near": engine})
    with httpx.Client(base_url=running.origin) as http:
        yield http, engine


@pytest.mark.contract("SERVE-01")
@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank", "/rerank"])
def test_nearest_text_comes_first_with_its_place_and_its_cosine(placed: Any, path: str) -> None:
    http, engine = placed
    documents = ["dog", {"text": "vixen"}, "cat", "fox", "void"]
    answer = http.post(path, json={"model": "near", "query": "fox", "documents": documents}).json()
    assert [each["index"] for each in answer["results"]] == [3, 1, 0, 4, 2]
    assert [each["relevance_score"] for each in answer["results"]] == pytest.approx([1.0, 0.6, 0.0, 0.0, -1.0])
    assert answer["results"][1]["document"] == {"text": "vixen"}
    assert answer["usage"] == {"prompt_tokens": 6, "total_tokens": 6}
    assert "cosine" in answer["scored_by"]
    assert len(engine.embedded) == 1


@pytest.mark.contract("SERVE-01")
def test_only_so_many_come_and_without_their_texts_when_that_is_wanted(placed: Any) -> None:
    http, _ = placed
    asked = {"model": "near", "query": "fox", "documents": ["dog", "vixen", "cat"], "top_n": 2}
    answer = http.post("/v1/rerank", json={**asked, "return_documents": False}).json()
    assert [set(each) for each in answer["results"]] == [{"index", "relevance_score"}] * 2


@pytest.mark.contract("SERVE-01")
@pytest.mark.parametrize(
    ("one", "other", "scores"),
    [
        ("fox", "vixen", [0.6]),
        ("fox", ["vixen", "dog"], [0.6, 0.0]),
        (["fox"], ["vixen", "dog"], [0.6, 0.0]),
        (["fox", "dog"], ["vixen", "vixen"], [0.6, 0.8]),
    ],
)
def test_pairs_are_scored_in_their_order(placed: Any, one: Any, other: Any, scores: list[float]) -> None:
    http, _ = placed
    answer = http.post("/v1/score", json={"model": "near", "text_1": one, "text_2": other}).json()
    assert [each["score"] for each in answer["data"]] == pytest.approx(scores)
    assert [each["index"] for each in answer["data"]] == list(range(len(scores)))
    assert "cosine" in answer["scored_by"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/rerank", {"query": "", "documents": ["dog"]}, "query"),
        ("/v1/rerank", {"query": "fox", "documents": []}, "documents"),
        ("/v1/rerank", {"query": "fox", "documents": ["dog", ""]}, "documents"),
        ("/v1/rerank", {"query": "fox", "documents": ["dog"] * 2048}, "documents"),
        ("/v1/rerank", {"query": "fox", "documents": [{"title": "dog"}]}, "documents"),
        ("/v1/rerank", {"query": "fox", "documents": ["dog"], "top_n": 0}, "top_n"),
        ("/v1/rerank", {"query": "fox", "documents": ["dog"], "no_such_field": 1}, "no_such_field"),
        ("/v1/score", {"text_1": ["fox", "dog"], "text_2": ["cat"]}, "text_1"),
        ("/v1/score", {"text_1": ["fox", "dog"], "text_2": []}, "text_1"),
        ("/v1/score", {"text_1": [], "text_2": []}, "text_1"),
        ("/v1/score", {"text_1": "fox", "text_2": []}, "text_2"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_its_field(placed: Any, path: str, body: Any, field: str) -> None:
    http, engine = placed
    answer = http.post(path, json={"model": "near", **body})
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert field in (error["param"] or error["message"])
    assert engine.embedded == []


def test_model_that_does_not_embed_cannot_compare(http: httpx.Client) -> None:
    answer = http.post("/v1/rerank", json={"model": "byzer-tiny", "query": "fox", "documents": ["dog"]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unsupported")

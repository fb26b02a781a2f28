"""`emb` and `emb_query`: texts as vectors."""

from __future__ import annotations

from typing import Any

import pytest

from byzer_nb import SimpleByzerLLM
from byzer_nb.errors import UnsupportedError
from byzer_nb.providers.scripted import ScriptedEngine
from byzer_nb.seed.responses import LLMRequest
from byzer_nb.types import Capabilities, ModelCard
from tests.seed.conftest import AddScripted, Deploy
from tests.standins.openai import OpenAIStandIn, embedding


class Talker(ScriptedEngine):
    """An engine that only chats."""

    def describe(self) -> ModelCard:
        """A card without embeddings."""
        return ModelCard(model="talker", engine="saas/scripted", capabilities=Capabilities())


@pytest.fixture
def embedder(llm: SimpleByzerLLM, deploy: Deploy) -> SimpleByzerLLM:
    """A client whose default embedding model is `emb`."""
    deploy(llm, "emb", model="text-embedding-3-small")
    return llm.setup_default_emb_model_name("emb")


@pytest.mark.contract("EMB-01", "COMPAT-03")
def test_the_default_model_embeds_where_none_is_named(embedder: SimpleByzerLLM) -> None:
    vector = embedder.emb(None, LLMRequest(instruction="wow")).output
    assert vector == pytest.approx(embedding("wow", 8))
    assert isinstance(vector, list)


@pytest.mark.contract("EMB-01")
@pytest.mark.parametrize("request_", [LLMRequest(instruction=["a", "b"]), ["a", "b"], ("a", "b")])
def test_each_text_gets_its_vector_in_order(embedder: SimpleByzerLLM, request_: Any) -> None:
    answers = embedder.emb("emb", request_)
    assert [answer.input for answer in answers] == ["a", "b"]
    assert [answer.output for answer in answers] == [pytest.approx(embedding(text, 8)) for text in "ab"]


@pytest.mark.contract("EMB-01")
def test_the_tokens_of_a_batch_are_counted_once(embedder: SimpleByzerLLM) -> None:
    answers = embedder.emb("emb", ["a b", "c"])
    assert sum(answer.metadata["input_tokens_count"] for answer in answers) == 3
    assert all(answer.metadata["generated_tokens_count"] == 0 for answer in answers)


@pytest.mark.contract("EMB-01", "CHAT-09")
def test_dimensions_are_asked_for_in_a_call_or_for_a_model(embedder: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    assert len(embedder.emb("emb", ["a"], {"gen.dimensions": "4"}).output) == 4
    embedder.setup_extra_generation_params("emb", {"gen.dimensions": 5})
    assert len(embedder.emb("emb", ["a"]).output) == 5


@pytest.mark.contract("EMB-02")
def test_a_query_is_a_request_of_one_text(embedder: SimpleByzerLLM) -> None:
    assert embedder.emb_query("x")[0].output == embedder.emb(None, LLMRequest(instruction="x"))[0].output
    assert embedder.emb_query("x", model="emb").output == embedder.emb_query("x").output


@pytest.mark.contract("EMB-01", "EMB-02")
def test_without_any_model_its_name_is_required() -> None:
    with pytest.raises(ValueError, match="model name is required") as refused:
        SimpleByzerLLM(default_model_name="chat").emb_query("x")
    assert "setup_default_emb_model_name" in refused.value.__notes__[0]
    with pytest.raises(ValueError, match="model name is required"):
        SimpleByzerLLM().emb(None, ["x"])


@pytest.mark.contract("EMB-01")
def test_a_model_without_embeddings_is_named(add_scripted: AddScripted) -> None:
    add_scripted("talker", kind=Talker)
    with pytest.raises(UnsupportedError, match="'talker' has no embedding service"):
        SimpleByzerLLM().emb("talker", ["x"])


@pytest.mark.contract("EMB-01")
def test_texts_are_texts(embedder: SimpleByzerLLM) -> None:
    with pytest.raises(TypeError, match="5"):
        embedder.emb("emb", ["a", 5])  # type: ignore[list-item]

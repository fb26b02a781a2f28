"""The client: what an answer carries, what wins, and who is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from byzer_nb import AsyncClient, Client, ScriptedEngine
from byzer_nb._sync import run
from byzer_nb.client import LocalTransport
from byzer_nb.errors import (
    BadInputError,
    UnknownModelError,
    WrongTypeError,
)
from byzer_nb.types import (
    Capabilities,
    ChatOptions,
    ChatRequest,
    Delta,
    Embeds,
    Usage,
)
from tests.client.engines import Steps, answering

# -- the answer ---------------------------------------------------------------------------------------------------


def test_the_answer_carries_what_it_took(models: LocalTransport) -> None:
    reply = answering(models, ScriptedEngine("a b", delay=0.02)).chat("hello")
    assert (reply.text, reply.model, reply.finish_reason) == ("a b", "echo", "stop")
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (1, 2)
    assert 0.02 <= reply.first_token_seconds <= reply.seconds < 5


def test_the_stream_joins_to_the_answer(models: LocalTransport) -> None:
    client = answering(models)
    pieces = list(client.stream("a few words more"))
    assert len(pieces) > 2
    assert "".join(piece.text for piece in pieces) == client.chat("a few words more").text == "a few words more"


async def test_the_async_client_gives_the_same(models: LocalTransport) -> None:
    client = answering(models)
    reply = await client.aio.chat("a few words more")
    assert reply.text == "a few words more"
    assert "".join([piece.text async for piece in client.aio.stream("a few words more")]) == reply.text


async def test_every_sync_call_works_inside_a_running_loop(models: LocalTransport) -> None:
    client = answering(models)
    assert client.chat("a b").text == "a b"
    assert "".join(piece.text for piece in client.stream("a b")) == "a b"
    assert len(client.embed(["a"]).vectors) == 1
    assert client.describe().model == "scripted"
    assert client.models() == ["echo"]
    assert client.default_model() == "echo"


def test_an_answer_without_an_end_counts_as_cancelled(models: LocalTransport) -> None:
    assert answering(models, Steps([Delta(text="half")])).chat("x").finish_reason == "cancelled"


# -- options ------------------------------------------------------------------------------------------------------


def asked(engine: ScriptedEngine) -> ChatRequest:
    return engine.records[-1]


def test_a_calls_own_options_win_over_the_clients(models: LocalTransport) -> None:
    engine = ScriptedEngine()
    run(models.add("echo", engine))
    client = Client(models, options=ChatOptions(temperature=0.7, max_tokens=9, extra={"a": 1}))
    client.chat("x", options=ChatOptions(temperature=0.0, extra={"b": 2}))
    assert asked(engine).options == ChatOptions(temperature=0.0, max_tokens=9, extra={"a": 1, "b": 2})
    client.chat("x")
    assert asked(engine).options == client.aio.options


def test_the_engine_is_told_whether_pieces_are_wanted(models: LocalTransport) -> None:
    engine = ScriptedEngine()
    client = answering(models, engine)
    client.chat("x")
    assert not asked(engine).stream
    list(client.stream("x"))
    assert asked(engine).stream


# -- who is asked -------------------------------------------------------------------------------------------------


def test_the_named_model_wins_over_the_clients_and_that_over_the_newest(models: LocalTransport) -> None:
    for name in ("one", "two", "three"):
        answering(models, name=name, replies=f"I am {name}")
    assert Client(models).chat("x").text == "I am three"
    assert Client(models, model="two").chat("x").text == "I am two"
    assert Client(models, model="two").chat("x", model="one").text == "I am one"
    models.choose("one")
    assert Client(models).chat("x").text == "I am one"


def test_a_client_without_a_transport_asks_whatever_this_process_can_reach() -> None:
    from byzer_nb.client import reachable_models

    assert Client().aio.transport is reachable_models()


def test_a_name_in_the_place_of_the_transport_is_told_apart() -> None:
    for cls in (Client, AsyncClient):
        with pytest.raises(WrongTypeError, match="'gpt' is no transport") as refused:
            cls("gpt")  # type: ignore[arg-type]
        assert refused.value.hint == f"Write: {cls.__name__}(model='gpt')"


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.chat("x", model="ecko"),
        lambda client: list(client.stream("x", model="ecko")),
        lambda client: client.embed(["x"], model="ecko"),
        lambda client: client.describe(model="ecko"),
    ],
    ids=["chat", "stream", "embed", "describe"],
)
def test_an_unknown_model_is_answered_with_the_nearest(
    models: LocalTransport, call: Callable[[Client], object]
) -> None:
    with pytest.raises(UnknownModelError, match="Model ecko not deployed") as unknown:
        call(answering(models))
    assert unknown.value.hint == "Did you mean 'echo'? Running: echo, byzer-tiny"
    assert isinstance(unknown.value, ValueError)


# -- embeddings ---------------------------------------------------------------------------------------------------


@pytest.mark.contract("EMB-01")
def test_there_is_one_vector_a_text_in_order(models: LocalTransport) -> None:
    client = answering(models)
    reply = client.embed(["a", "b", "a"])
    assert isinstance(models.engine("echo"), Embeds)
    assert reply.vectors[0] == reply.vectors[2] != reply.vectors[1]
    assert client.embed("a").vectors == reply.vectors[:1]
    assert client.embed(("a", "b", "a")).vectors == reply.vectors
    assert client.embed(word for word in "aba").vectors == reply.vectors  # type: ignore[arg-type]
    assert len(client.embed(["a"], dimensions=4).vectors[0]) == 4


def test_no_texts_have_no_vectors_and_nobody_is_asked(models: LocalTransport) -> None:
    engine = ScriptedEngine()
    assert answering(models, engine).embed([]).vectors == ()
    assert engine.embedded == []


@pytest.mark.contract("EMB-01")
@pytest.mark.parametrize(
    ("texts", "message"),
    [([1], "Text 0 is not a string: 1"), (["a", None], "Text 1"), (5, "takes a list of texts, not 5")],
)
def test_a_text_that_is_none_is_named_by_its_place(models: LocalTransport, texts: Any, message: str) -> None:
    with pytest.raises(WrongTypeError, match=message):
        answering(models).embed(texts)


def test_a_vector_has_at_least_one_number(models: LocalTransport) -> None:
    with pytest.raises(BadInputError, match="dimensions must be at least 1, not 0"):
        answering(models).embed(["a"], dimensions=0)


def test_usage_of_a_stranger_may_be_missing(models: LocalTransport) -> None:
    assert answering(models, Steps([Delta(text="x", finish_reason="stop")])).chat("x").usage == Usage()


@pytest.mark.contract("SAAS-02")
def test_an_option_that_the_model_does_not_know_is_named_in_a_warning(models: LocalTransport) -> None:
    able = Capabilities(options=frozenset({"temperature"}))
    client = answering(models, ScriptedEngine(["hello"], capabilities=able))
    with pytest.warns(UserWarning, match="does not know top_k and answers without"):
        assert client.chat("hi", options=ChatOptions(temperature=0.5, top_k=3)).text == "hello"

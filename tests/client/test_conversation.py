"""Conversations: in the forms in which people write them, and what a model cannot take."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from byzer_nb import Client, ScriptedEngine
from byzer_nb.client import LocalTransport
from byzer_nb.errors import (
    BadInputError,
    UnsupportedError,
    WrongTypeError,
)
from byzer_nb.types import (
    AudioPart,
    Capabilities,
    ChatOptions,
    Delta,
    ImagePart,
    Message,
    ModelCard,
    TextPart,
)
from tests.client.engines import Steps, answering

# -- conversations ------------------------------------------------------------------------------------------------


@pytest.mark.contract("CHAT-07")
def test_a_conversation_reaches_the_model_in_order_and_stays_as_it_was(models: LocalTransport) -> None:
    engine = ScriptedEngine()
    turns: list[Any] = [
        {"role": "system", "content": "be brief", "metadata": {"a": 1}},
        {"role": "user", "content": "one"},
        Message(role="assistant", content="two"),
        {"role": "user", "content": "three"},
    ]
    before = [dict(turn) if isinstance(turn, dict) else turn for turn in turns]
    answering(models, engine).chat(turns)
    assert [(turn.role, turn.content) for turn in engine.records[-1].messages] == [
        ("system", "be brief"),
        ("user", "one"),
        ("assistant", "two"),
        ("user", "three"),
    ]
    assert turns == before


@pytest.mark.contract("CHAT-07")
@pytest.mark.parametrize(
    ("turns", "error", "message"),
    [
        ([], BadInputError, "The conversation is empty"),
        (5, WrongTypeError, "a string or a list of messages, not 5"),
        ({"role": "user", "content": "x"}, WrongTypeError, "a string or a list of messages"),
        ([{"role": "user", "content": "x"}, "y"], WrongTypeError, "Message 1 is 'y'"),
        ([{"content": "x"}], BadInputError, "Message 0 has no 'role'"),
        (
            [{"role": "user", "content": "x"}, {"role": "assistent", "content": ""}],
            BadInputError,
            "Message 1 has the role",
        ),
        ([Message(role="usr", content="x")], BadInputError, "Message 0 has the role 'usr'"),  # type: ignore[arg-type]
        ([{"role": ["user"], "content": "x"}], BadInputError, "Message 0 has the role"),
        ([{"role": "user"}], BadInputError, "Message 0 has no 'content'"),
        ([{"role": "user", "content": None}], WrongTypeError, "content of message 0 is neither text nor parts"),
        ([{"role": "user", "content": [1]}], WrongTypeError, "content of message 0"),
    ],
)
def test_a_wrong_message_is_named_by_its_place(
    models: LocalTransport, turns: Any, error: type[Exception], message: str
) -> None:
    engine = ScriptedEngine()
    with pytest.raises(error, match=message):
        answering(models, engine).chat(turns)
    assert engine.records == []


def test_a_typo_in_a_role_is_answered_with_the_nearest(models: LocalTransport) -> None:
    with pytest.raises(BadInputError) as refused:
        answering(models).chat([{"role": "assistent", "content": "x"}])
    assert refused.value.hint == "Did you mean 'assistant'? One of: system, user, assistant, tool"


def test_a_huge_value_in_the_wrong_place_is_not_printed_whole(models: LocalTransport) -> None:
    with pytest.raises(WrongTypeError) as refused:
        answering(models).chat([{"role": "user", "content": {"image": "A" * 100_000}}])
    assert len(str(refused.value)) < 200


# -- what a model cannot do ---------------------------------------------------------------------------------------


def limited(models: LocalTransport, **able: bool) -> Client:
    card = ModelCard(model="m", engine="strange", capabilities=Capabilities(**able))
    return answering(models, Steps([Delta(text="x", finish_reason="stop")], card=card), name="m")


PICTURE = Message(role="user", content=(TextPart(text="what is this?"), ImagePart(url="data:image/png;base64,AA==")))
SOUND = Message(role="user", content=(AudioPart(url="data:audio/wav;base64,AA=="),))


@pytest.mark.parametrize(
    ("able", "call", "message"),
    [
        ({"chat": False, "embed": True}, lambda client: client.chat("x"), "'m' does not support text generation"),
        ({"stream": False}, lambda client: next(client.stream("x")), "'m' does not support stream chat"),
        ({}, lambda client: client.chat(PICTURE), "'m' does not take pictures"),
        ({}, lambda client: client.chat(SOUND), "'m' does not take sound"),
        ({}, lambda client: client.embed(["x"]), "'m' has no embedding service"),
        (
            {},
            lambda client: client.chat(
                [{"role": "assistant", "content": "x"}], options=ChatOptions(continue_last=True)
            ),
            "'m' cannot continue a begun answer",
        ),
    ],
)
def test_what_a_model_cannot_do_is_said_before_it_is_asked(
    models: LocalTransport, able: dict[str, bool], call: Callable[[Client], object], message: str
) -> None:
    client = limited(models, **able)
    with pytest.raises(UnsupportedError, match=message):
        call(client)
    engine = models.engine("m")
    assert isinstance(engine, Steps)
    assert engine.sent == 0


def test_a_model_that_cannot_stream_still_chats(models: LocalTransport) -> None:
    assert limited(models, stream=False).chat("x").text == "x"


@pytest.mark.contract("CHAT-08")
def test_nothing_is_continued_that_was_not_begun(models: LocalTransport) -> None:
    with pytest.raises(BadInputError, match="the last message is not the assistant's") as refused:
        answering(models).chat("x", options=ChatOptions(continue_last=True))
    assert "both" in refused.value.hint


def test_a_long_prompt_costs_no_more_to_check_than_a_short_one(models: LocalTransport) -> None:
    client = answering(models, Steps([Delta(text="x", finish_reason="stop")]))

    def seconds(text: str) -> float:
        started = time.perf_counter()
        client.chat(text)
        return time.perf_counter() - started

    long, short = "word " * 1_000_000, "word"
    assert min(seconds(long) for _ in range(5)) < min(seconds(short) for _ in range(5)) + 0.02


def test_parts_that_are_dicts_are_answered_with_the_classes_for_them() -> None:
    with pytest.raises(WrongTypeError, match="neither text nor parts") as refused:
        Client().chat([{"role": "user", "content": [{"type": "text", "text": "hi"}]}])
    assert "TextPart(text=...), ImagePart(url=...)" in refused.value.hint

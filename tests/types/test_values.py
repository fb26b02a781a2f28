"""The values that go up and down: frozen, whole after a trip, and fit to be looked at."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError

import pytest

from byzer_nb.errors import BadInputError, WrongTypeError
from byzer_nb.types import (
    AudioPart,
    Capabilities,
    ChatOptions,
    ChatRequest,
    Delta,
    DeploySpec,
    EmbedReply,
    EmbedRequest,
    ImagePart,
    Message,
    ModelCard,
    Reply,
    Secret,
    TextPart,
    Usage,
)

MESSAGE = Message(role="user", content=(TextPart(text="a"), ImagePart(url="data:x"), AudioPart(url="data:y")))
VALUES = [
    ChatOptions(stop=("x",), extra={"a": [1]}),
    ChatRequest(messages=(MESSAGE,)),
    Delta(text="a", finish_reason="stop", usage=Usage(input_tokens=1)),
    DeploySpec(name="m", engine="numpy", settings={"api_key": Secret("k")}),
    EmbedRequest(texts=("a",)),
    EmbedReply(vectors=((1.0, 2.0),)),
    ModelCard(model="m", engine="e", capabilities=Capabilities(options=frozenset({"seed"}))),
    Reply(text="<b>hi</b>", usage=Usage(output_tokens=10), seconds=2.0),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_it_arrives_whole_and_stays_as_it_is(value: object) -> None:
    assert pickle.loads(pickle.dumps(value)) == value
    assert copy.deepcopy(value) == value
    assert not hasattr(value, "__dict__")
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        value.text = "other"  # type: ignore[attr-defined]


def test_the_text_of_a_message_leaves_pictures_and_sound_out() -> None:
    assert MESSAGE.text == "a"
    assert Message(role="user", content="plain").text == "plain"


def test_pictures_and_sound_are_not_printed() -> None:
    assert "data:" not in repr(MESSAGE)


def test_a_reply_reads_as_its_text() -> None:
    reply = Reply(text="hello")
    assert f"{reply}" == "hello"
    assert str(reply) == "hello"


def test_a_reply_counts_its_speed() -> None:
    assert Reply(text="", usage=Usage(output_tokens=10), seconds=2.0).tokens_per_second == 5.0
    assert Reply(text="").tokens_per_second == 0.0


def test_a_reply_shows_its_text_escaped_with_the_facts() -> None:
    html = Reply(text="<script>", model="m<1>", seconds=1.0)._repr_mimebundle_()["text/html"]
    assert "&lt;script&gt;" in html
    assert "m&lt;1&gt;" in html
    assert "<script>" not in html


@pytest.mark.parametrize(("name", "engine"), [("", "numpy"), ("m", "")])
def test_a_deployment_needs_a_name_and_an_engine(name: str, engine: str) -> None:
    with pytest.raises(BadInputError, match="needs a"):
        DeploySpec(name=name, engine=engine)


@pytest.mark.parametrize(("name", "engine"), [(5, "numpy"), ("m", object)])
def test_a_deployment_has_names_that_are_text(name: str, engine: str) -> None:
    with pytest.raises(WrongTypeError, match="is a string, not"):
        DeploySpec(name=name, engine=engine)


def test_a_deployment_prints_no_settings() -> None:
    assert "CANARY" not in repr(DeploySpec(name="m", engine="saas/openai", settings={"odd": "sk-CANARY"}))


def test_a_card_on_the_last_line_of_a_cell_is_short_and_always_the_same() -> None:
    able = Capabilities(embed=True, options=frozenset({"top_p", "seed", "max_tokens"}))
    card = ModelCard(model="m<b>", engine="e", context_length=1024, capabilities=able)
    assert repr(card) == "ModelCard(model='m<b>', engine='e', context_length=1024, can='chat, stream, embed')"
    bundle = card._repr_mimebundle_()
    assert bundle["text/plain"] == repr(card)
    assert "max_tokens, seed, top_p" in bundle["text/html"]
    assert "m&lt;b&gt;" in bundle["text/html"]

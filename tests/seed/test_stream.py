"""`stream_chat_oai`: answers that grow."""

from __future__ import annotations

import copy
import pickle
import time

import pytest

from byzer_nb import SimpleByzerLLM
from byzer_nb.errors import RateLimitedError, UnsupportedError
from byzer_nb.providers.scripted import ScriptedEngine
from byzer_nb.seed.responses import SingleOutputMeta, StreamItem
from byzer_nb.types import Capabilities, ModelCard
from tests.seed.conftest import AddScripted
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import Act

PIECES = ["Hel", "lo", " there"]


class Silent(ScriptedEngine):
    """An engine that cannot stream."""

    def describe(self) -> ModelCard:
        """A card without streams."""
        return ModelCard(model="silent", engine="saas/scripted", capabilities=Capabilities(stream=False))


@pytest.mark.contract("CHAT-04")
def test_by_default_each_item_has_the_text_so_far(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    openai.always = Act(reply=PIECES)
    texts = [text for text, _ in llm.stream_chat_oai("hi")]
    assert texts == ["Hel", "Hello", "Hello there", "Hello there"]


@pytest.mark.contract("CHAT-04")
def test_in_delta_mode_each_item_has_the_new_piece(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    openai.always = Act(reply=PIECES)
    assert [text for text, _ in llm.stream_chat_oai("hi", delta_mode=True)] == [*PIECES, ""]


@pytest.mark.contract("CHAT-04")
def test_the_last_item_has_the_counts_and_the_reason(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    openai.always = Act(reply=PIECES, first_token_delay=0.05)
    metas = [meta for _, meta in llm.stream_chat_oai("hi")]
    assert [meta.finish_reason for meta in metas] == ["", "", "", "stop"]
    assert (metas[-1].input_tokens_count, metas[-1].generated_tokens_count) == (1, 3)
    assert all(0.05 <= meta.first_token_time == metas[0].first_token_time for meta in metas)


@pytest.mark.contract("CHAT-04")
@pytest.mark.parametrize(
    ("delta_mode", "thoughts"),
    [(False, ["First", "First, think.", "First, think."]), (True, ["First", ", think.", ""])],
)
def test_reasoning_grows_as_the_text_does(
    llm: SimpleByzerLLM, openai: OpenAIStandIn, delta_mode: bool, thoughts: list[str]
) -> None:
    openai.always = Act(reasoning=["First", ", think."], reply=["Then say."])
    items = list(llm.stream_chat_oai("hi", delta_mode=delta_mode))
    assert [meta.reasoning_content for _, meta in items][:3] == thoughts
    assert items[0][0] == ""


@pytest.mark.contract("CHAT-04", "COMPAT-03")
def test_an_item_is_a_pair_that_also_adds_to_strings() -> None:
    item = StreamItem("Hello", SingleOutputMeta(1, 2))
    assert isinstance(item, tuple)
    assert len(item) == 2
    assert item[0] == "Hello"
    assert item + "\n" == "Hello\n"
    assert "> " + item == "> Hello"
    assert f"{item}" == "Hello"
    assert StreamItem(b"\x01", SingleOutputMeta()) + b"\x02" == b"\x01\x02"


def test_an_item_can_be_copied_and_pickled() -> None:
    item = StreamItem("Hello", SingleOutputMeta(finish_reason="stop"))
    for twin in (copy.deepcopy(item), pickle.loads(pickle.dumps(item))):
        assert twin == item
        assert isinstance(twin, StreamItem)


@pytest.mark.contract("CHAT-04")
def test_a_failure_in_mid_stream_reaches_the_reader(add_scripted: AddScripted) -> None:
    add_scripted("flaky", [["one", "two", RateLimitedError("too fast")]])
    items = SimpleByzerLLM.from_default_model("flaky").stream_chat_oai("hi", delta_mode=True)
    assert [next(items)[0], next(items)[0]] == ["one", "two"]
    with pytest.raises(RateLimitedError, match="too fast"):
        next(items)


@pytest.mark.contract("CHAT-04", "CHAT-05")
async def test_a_model_without_streams_is_named(add_scripted: AddScripted) -> None:
    add_scripted("silent", kind=Silent)
    llm = SimpleByzerLLM.from_default_model("silent")
    with pytest.raises(UnsupportedError, match="'silent' does not support stream chat"):
        list(llm.stream_chat_oai("hi"))
    with pytest.raises(UnsupportedError, match="'silent' does not support stream chat"):
        _ = [item async for item in llm.async_stream_chat_oai("hi")]


@pytest.mark.contract("CHAT-05")
async def test_the_async_form_gives_the_same_items(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    openai.always = Act(reply=PIECES)
    texts = [text async for text, _ in llm.async_stream_chat_oai("hi", model="chat", delta_mode=True)]
    assert "".join(texts) == "Hello there"


@pytest.mark.contract("CHAT-06")
def test_a_slow_reader_loses_nothing(add_scripted: AddScripted) -> None:
    pieces = [f"{number} " for number in range(3000)]
    add_scripted("fast", [pieces])
    read = []
    for text, _ in SimpleByzerLLM.from_default_model("fast").stream_chat_oai("hi", delta_mode=True):
        if len(read) % 1000 == 0:
            time.sleep(0.02)
        read.append(text)
    assert "".join(read) == "".join(pieces)


@pytest.mark.contract("CHAT-04", "CHAT-06")
def test_leaving_early_hangs_up_on_the_provider(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    openai.always = Act(reply=["piece "] * 1000, rate=50)
    for _ in llm.stream_chat_oai("hi"):
        break
    deadline = time.monotonic() + 3
    while openai.busy and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (openai.busy, openai.aborted) == (0, 1)


@pytest.mark.contract("CHAT-04")
def test_options_reach_a_stream_too(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    list(llm.stream_chat_oai("hi", llm_config={"gen.stop": ["x"]}, extra_request_params={"user": "ann"}))
    body = openai.requests[0].body
    assert (body["stop"], body["user"], body["stream"]) == (["x"], "ann", True)

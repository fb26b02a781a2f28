"""`saas/minimax` against stand-ins for its two protocols: the old one of groups and bots, and the current one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from byzer_nb.engines import build
from byzer_nb.errors import (
    BadInputError,
    MissingSettingError,
    ModelCallError,
    UnsupportedError,
)
from byzer_nb.providers.minimax import MiniMax
from byzer_nb.types import AudioPart, ChatOptions, ChatRequest, DeploySpec, ImagePart, Message, TextPart
from tests.providers.asking import answered, asked, said
from tests.standins.minimax import MiniMaxCurrentStandIn, MiniMaxStandIn

TURNS = (
    Message(role="system", content="MM is an assistant."),
    Message(role="system", content="Be brief."),
    Message(role="user", content="你好"),
    Message(role="assistant", content="hello"),
    Message(role="tool", content='{"status": "success"}'),
    Message(role="user", content=(TextPart(text="and "), TextPart(text="again"))),
)
PICTURE = Message(
    role="user",
    content=(
        TextPart(text="What does this picture represent?"),
        ImagePart(url="https://example.com/a.jpeg"),
        ImagePart(url="data:image/jpg;base64,/9j/"),
    ),
)


@pytest.fixture
def old() -> Iterator[MiniMaxStandIn]:
    """`chatcompletion_pro`."""
    with MiniMaxStandIn() as standin:
        yield standin


@pytest.fixture
def current() -> Iterator[MiniMaxCurrentStandIn]:
    """`chatcompletion_v2`."""
    with MiniMaxCurrentStandIn() as standin:
        yield standin


def engine(**settings: Any) -> MiniMax:
    usual = {"api_key": "k", "max_retries": 0}
    built = build(DeploySpec(name="chat", engine="saas/minimax", settings=usual | settings))
    assert isinstance(built, MiniMax)
    return built


def of_old(standin: MiniMaxStandIn, **settings: Any) -> MiniMax:
    usual = {"api_key": standin.key, "group_id": standin.group, "api_url": standin.api_url}
    return engine(**{**usual, **settings})


def of_current(standin: MiniMaxCurrentStandIn, **settings: Any) -> MiniMax:
    return engine(**{"api_key": standin.key, "api_url": standin.api_url, "model": "MiniMax-Text-01", **settings})


# -- settings -------------------------------------------------------------------------------------------------------


@pytest.mark.contract("SAAS-24", "SAAS-02")
@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({"group_id": "1"}, "https://api.minimax.chat/v1/text/chatcompletion_pro"),
        ({"group_id": "1", "base_url": "http://host"}, "http://host/v1/text/chatcompletion_pro"),
        ({"group_id": "1", "base_url": "http://host/v1/"}, "http://host/v1/text/chatcompletion_pro"),
        ({"group_id": "1", "api_url": "http://host/any/chatcompletion_pro"}, "http://host/any/chatcompletion_pro"),
        ({"base_url": "https://api.minimax.io"}, "https://api.minimax.io/v1/text/chatcompletion_v2"),
        ({"base_url": "https://api.minimax.io/v1"}, "https://api.minimax.io/v1/text/chatcompletion_v2"),
        ({"api_url": "https://api.minimaxi.com/v1/text"}, "https://api.minimaxi.com/v1/text/chatcompletion_v2"),
        ({"base_url": "http://host/v1/chat/completions"}, "http://host/v1/text/chatcompletion_v2"),
        (
            {"api_url": "https://api.minimaxi.com/v1/text/chatcompletion_v2", "group_id": "1"},
            "https://api.minimaxi.com/v1/text/chatcompletion_v2",
        ),
        (
            {"base_url": "https://api.minimax.io/v1", "group_id": "1", "model": "MiniMax-M2"},
            "https://api.minimax.io/v1/text/chatcompletion_v2",
        ),
    ],
)
def test_address_says_which_protocol_is_meant(settings: dict[str, Any], address: str) -> None:
    assert str(engine(**settings).address_of("")) == address


@pytest.mark.contract("SAAS-24", "SAAS-02")
@pytest.mark.parametrize("missing", ["api_key", "group_id"])
def test_missing_setting_is_named(missing: str) -> None:
    given = {"api_key": "k", "group_id": "1", missing: None}
    with pytest.raises(MissingSettingError) as caught:
        build(DeploySpec(name="chat", engine="saas/minimax", settings=given))
    assert str(caught.value) == f"saas/minimax needs the setting {missing}."


@pytest.mark.contract("SAAS-24")
async def test_current_protocol_needs_no_group(current: MiniMaxCurrentStandIn) -> None:
    assert await said(of_current(current), asked("hi")) == "hi"


@pytest.mark.contract("SAAS-24", "SAAS-02")
@pytest.mark.parametrize("group", ["1782658868262748467", 1782658868262748467, ' "1782658868262748467"'])
async def test_group_may_be_a_number_or_in_quotes(old: MiniMaxStandIn, group: object) -> None:
    assert await said(of_old(old, group_id=group), asked("hi")) == "hi"
    assert old.requests[0].target == "/v1/text/chatcompletion_pro?GroupId=1782658868262748467"


@pytest.mark.contract("SAAS-24")
def test_model_is_the_old_one_unless_another_is_named() -> None:
    assert engine(group_id="1").describe().model == "abab5.5-chat"


@pytest.mark.contract("SAAS-24", "SAAS-03")
def test_cards_list_what_is_sent_on() -> None:
    usual = {"max_tokens", "temperature", "top_p", "timeout", "extra"}
    for settings, sees in (
        ({"group_id": "1"}, False),
        ({"base_url": "http://host", "model": "MiniMax-Text-01"}, True),
        ({"base_url": "http://host", "model": "MiniMax-M2.1"}, False),
    ):
        able = engine(**settings).describe().capabilities
        assert able.options == usual
        assert (able.chat, able.stream, able.images) == (True, True, sees)
        assert (able.embed, able.audio, able.continues) == (False, False, False)


# -- bodies ---------------------------------------------------------------------------------------------------------


@pytest.mark.contract("SAAS-24")
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_old_body_is_the_documented_one(old: MiniMaxStandIn, stream: bool) -> None:
    options = ChatOptions(max_tokens=1024, temperature=0.9, top_p=0.95, extra={"mask_sensitive_info": False})
    await answered(of_old(old), ChatRequest(messages=TURNS, options=options, stream=stream))
    (seen,) = old.requests
    assert (seen.method, seen.path) == ("POST", "/v1/text/chatcompletion_pro")
    assert seen.headers["Authorization"] == f"Bearer {old.key}"
    assert seen.headers["Content-Type"] == "application/json"
    assert seen.body == {
        "model": "abab5.5-chat",
        "tokens_to_generate": 1024,
        "temperature": 0.9,
        "top_p": 0.95,
        "mask_sensitive_info": False,
        "bot_setting": [{"bot_name": "Assistant", "content": "MM is an assistant.\n\nBe brief."}],
        "reply_constraints": {"sender_type": "BOT", "sender_name": "Assistant"},
        "sample_messages": [],
        "plugins": [],
        "messages": [
            {"sender_type": "USER", "sender_name": "User", "text": "你好"},
            {"sender_type": "BOT", "sender_name": "Assistant", "text": "hello"},
            {"sender_type": "FUNCTION", "sender_name": "Assistant", "text": '{"status": "success"}'},
            {"sender_type": "USER", "sender_name": "User", "text": "and again"},
        ],
        **({"stream": True, "use_standard_sse": True} if stream else {}),
    }


@pytest.mark.contract("SAAS-24")
async def test_bot_without_a_system_message_is_helpful(old: MiniMaxStandIn) -> None:
    await answered(of_old(old), asked("hi"))
    assert old.requests[0].body["bot_setting"] == [{"bot_name": "Assistant", "content": "You are a helpful assistant."}]


@pytest.mark.contract("SAAS-24")
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_current_body_is_the_documented_one(current: MiniMaxCurrentStandIn, stream: bool) -> None:
    turns = (TURNS[0], TURNS[2], TURNS[3], PICTURE)
    options = ChatOptions(max_tokens=2048, temperature=0.7, top_p=0.95, extra={"tool_choice": "none"})
    await answered(of_current(current), ChatRequest(messages=turns, options=options, stream=stream))
    (seen,) = current.requests
    assert (seen.method, seen.target) == ("POST", "/v1/text/chatcompletion_v2")
    assert seen.headers["Authorization"] == f"Bearer {current.key}"
    assert seen.body == {
        "model": "MiniMax-Text-01",
        "max_tokens": 2048,
        "temperature": 0.7,
        "top_p": 0.95,
        "tool_choice": "none",
        "messages": [
            {"role": "system", "content": "MM is an assistant."},
            {"role": "user", "content": "你好"},
            {"role": "assistant", "content": "hello"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What does this picture represent?"},
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.jpeg"}},
                    {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9j/"}},
                ],
            },
        ],
        **({"stream": True, "stream_options": {"include_usage": True}} if stream else {}),
    }


@pytest.mark.contract("SAAS-24")
async def test_temperature_of_nought_is_the_least_that_is_taken(
    old: MiniMaxStandIn, current: MiniMaxCurrentStandIn
) -> None:
    for made, standin in ((of_old(old), old), (of_current(current), current)):
        assert await said(made, asked("hi", temperature=0.0)) == "hi"
        assert standin.requests[0].body["temperature"] == 0.01


@pytest.mark.contract("SAAS-24")
async def test_options_that_nobody_promised_are_not_sent(old: MiniMaxStandIn, current: MiniMaxCurrentStandIn) -> None:
    begun = (Message(role="user", content="Count."), Message(role="assistant", content="1, 2,"))
    options = ChatOptions(stop=("x",), seed=1, top_k=3, presence_penalty=0.5, continue_last=True)
    for made in (of_old(old), of_current(current)):  # the stand-ins refuse every field that they do not know
        assert await said(made, ChatRequest(messages=begun, options=options)) == "1, 2,"
    assert current.requests[0].body["messages"][-1] == {"role": "assistant", "content": "1, 2,"}


@pytest.mark.contract("SAAS-24")
@pytest.mark.parametrize("name", ["model", "messages", "stream", "use_standard_sse", "beam_width"])
async def test_extra_cannot_hold_what_the_old_call_decides(old: MiniMaxStandIn, name: str) -> None:
    with pytest.raises(BadInputError, match=f"extra cannot hold {name!r}"):
        await answered(of_old(old), asked("hi", extra={name: 1}))
    assert not old.requests


@pytest.mark.contract("SAAS-24")
@pytest.mark.parametrize("part", [PICTURE.content[1], AudioPart(url="data:audio/wav;base64,AAAA")])
async def test_old_protocol_takes_words_alone(old: MiniMaxStandIn, part: Any) -> None:
    with pytest.raises(UnsupportedError, match="neither pictures nor sound"):
        await answered(of_old(old), ChatRequest(messages=(Message(role="user", content=(part,)),)))
    assert not old.requests


# -- the stand-in itself --------------------------------------------------------------------------------------------


@pytest.mark.contract("SAAS-05")
@pytest.mark.parametrize(
    "extra",
    [
        {"top_p": 1.5},
        {"temperature": 0},
        {"no_such_field": 1},
        {"tokens_to_generate": 20_000},
        {"bot_setting": []},
        {"reply_constraints": {"sender_type": "BOT", "sender_name": "Nobody"}},
        {"reply_constraints": {"sender_type": "USER", "sender_name": "Assistant"}},
    ],
)
async def test_stand_in_refuses_what_the_old_protocol_forbids(old: MiniMaxStandIn, extra: dict[str, Any]) -> None:
    with pytest.raises(ModelCallError, match="invalid params") as caught:
        await answered(of_old(old), asked(extra=extra))
    assert caught.value.code == "2013"

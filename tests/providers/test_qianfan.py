"""`saas/qianfan` in Baidu's first protocol: settings, what is sent, what comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from byzer_nb.engines import build
from byzer_nb.errors import (
    BadInputError,
    MissingSettingError,
    UnsupportedError,
)
from byzer_nb.types import ChatOptions, ChatRequest, DeploySpec, ImagePart, Message, TextPart, Usage
from tests.providers.asking import answered, asked, said
from tests.providers.failing import assert_no_key
from tests.providers.making import Make
from tests.standins.qianfan import QianfanStandIn
from tests.standins.vendor import KEY, Act

pytestmark = pytest.mark.contract("SAAS-25")

CHAT = "/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/"
HI = [{"role": "user", "content": "hi"}]


def user(text: str) -> Message:
    return Message(role="user", content=text)


def assistant(text: str) -> Message:
    return Message(role="assistant", content=text)


def system(text: str) -> Message:
    return Message(role="system", content=text)


def test_nothing_given_names_both_ways_to_give_a_key() -> None:
    with pytest.raises(MissingSettingError, match="specify either access_token or ak/sk") as missing:
        build(DeploySpec(name="chat", engine="saas/qianfan"))
    assert missing.value.setting == "api_key"


@pytest.mark.parametrize(("given", "missing"), [("api_key", "secret_key"), ("secret_key", "api_key")])
def test_half_of_the_keys_names_the_other_half(given: str, missing: str) -> None:
    with pytest.raises(MissingSettingError, match=f"needs the setting {missing}") as error:
        build(DeploySpec(name="chat", engine="saas/qianfan", settings={given: KEY}))
    assert error.value.setting == missing
    assert_no_key(error.value)


@pytest.mark.parametrize(
    ("model", "endpoint"),
    [
        (None, "eb-instant"),
        ("ERNIE-Bot", "completions"),
        ("ERNIE-Bot-4", "completions_pro"),
        ("ernie-bot-turbo", "eb-instant"),
        ("ERNIE-Speed-8K", "ernie_speed"),
        ("ERNIE-Speed-128K", "ernie-speed-128k"),
        ("ERNIE-4.0-Turbo-8K", "ernie-4.0-turbo-8k"),
        ("my_own_service", "my_own_service"),
    ],
)
async def test_each_model_has_its_path(
    baidu: QianfanStandIn, make_qianfan: Make, model: str | None, endpoint: str
) -> None:
    await answered(make_qianfan(model=model), asked())
    assert baidu.requests[-1].path == CHAT + endpoint


@pytest.mark.contract("SAAS-02")
@pytest.mark.parametrize("tail", ["", "/", CHAT.removesuffix("/chat/"), CHAT, f"{CHAT}eb-instant"])
async def test_base_url_is_taken_with_and_without_its_path(
    baidu: QianfanStandIn, make_qianfan: Make, tail: str
) -> None:
    for before in ("", "/gateway"):
        await answered(make_qianfan(base_url=f"{baidu.origin}{before}{tail}"), asked())
        assert baidu.requests[-1].path == f"{before}{CHAT}eb-instant"
    assert len(baidu.token_requests) == 2  # which lies beside the path of the chats, also behind a gateway


@pytest.mark.parametrize(
    ("turns", "body"),
    [
        pytest.param((user("hi"),), {"messages": HI}, id="one"),
        pytest.param(
            (system("Be brief."), user("你好"), assistant("hello"), user("again")),
            {
                "system": "Be brief.",
                "messages": [
                    {"role": "user", "content": "你好"},
                    {"role": "assistant", "content": "hello"},
                    {"role": "user", "content": "again"},
                ],
            },
            id="system has a place of its own",
        ),
        pytest.param(
            (system("one"), user("hi"), system("two")), {"system": "one\ntwo", "messages": HI}, id="two systems"
        ),
        pytest.param(
            (user("a"), user("b"), assistant("c"), assistant("d"), user("e")),
            {
                "messages": [
                    {"role": "user", "content": "a\nb"},
                    {"role": "assistant", "content": "c\nd"},
                    {"role": "user", "content": "e"},
                ]
            },
            id="who speaks twice says it at once",
        ),
        pytest.param(
            (assistant("Welcome!"), user("hi")),
            {"messages": [{"role": "user", "content": " "}, {"role": "assistant", "content": "Welcome!"}, *HI]},
            id="the assistant never begins",
        ),
        pytest.param((user("hi"), assistant(""), user("")), {"messages": HI}, id="empty turns are left out"),
        pytest.param(
            (Message(role="user", content=(TextPart(text="h"), TextPart(text="i"))),), {"messages": HI}, id="parts"
        ),
    ],
)
async def test_turns_are_written_as_the_protocol_wants_them(
    baidu: QianfanStandIn, make_qianfan: Make, turns: tuple[Message, ...], body: dict[str, Any]
) -> None:
    await answered(make_qianfan(), ChatRequest(messages=turns, stream=False))
    assert baidu.requests[-1].body == {**body, "stream": False}


@pytest.mark.parametrize("turns", [(), (system("Be brief."),), (user("hi"), assistant("hello"))])
async def test_conversation_without_a_question_is_refused_here(
    baidu: QianfanStandIn, make_qianfan: Make, turns: tuple[Message, ...]
) -> None:
    with pytest.raises(BadInputError, match="does not end with one"):
        await answered(make_qianfan(), ChatRequest(messages=turns))
    assert not baidu.requests


async def test_pictures_are_not_taken(make_qianfan: Make) -> None:
    turn = Message(role="user", content=(ImagePart(url="data:image/png;base64,iVBORw0KGgo="),))
    engine = make_qianfan()
    assert not engine.describe().capabilities.images
    with pytest.raises(UnsupportedError):
        await answered(engine, ChatRequest(messages=(turn,)))


async def test_every_option_has_its_place(baidu: QianfanStandIn, make_qianfan: Make) -> None:
    engine = make_qianfan(model="ERNIE-Bot-4")
    options = ChatOptions(
        max_tokens=5,
        temperature=0.5,
        top_p=0.7,
        stop=("x", "y"),
        repetition_penalty=1.2,
        timeout=20.0,
        extra={"user_id": "me", "disable_search": True},
    )
    assert engine.describe().capabilities.options == set(options.given())
    await answered(engine, ChatRequest(messages=(user("hi"),), options=options))
    assert baidu.requests[-1].body == {
        "messages": HI,
        "max_output_tokens": 5,
        "temperature": 0.5,
        "top_p": 0.7,
        "stop": ["x", "y"],
        "penalty_score": 1.2,
        "user_id": "me",
        "disable_search": True,
        "stream": True,
    }


async def test_penalty_score_of_a_call_goes_into_the_body(baidu: QianfanStandIn, make_qianfan: Make) -> None:
    await answered(make_qianfan(), asked(extra={"penalty_score": 1.5}))
    assert baidu.requests[-1].body["penalty_score"] == 1.5


async def test_temperature_of_zero_is_as_near_as_the_protocol_allows(baidu: QianfanStandIn, make_qianfan: Make) -> None:
    await answered(make_qianfan(), asked(temperature=0.0))
    assert baidu.requests[-1].body["temperature"] == 0.01


async def test_model_that_takes_no_limit_says_so_and_is_sent_none(baidu: QianfanStandIn, make_qianfan: Make) -> None:
    engine = make_qianfan(model="ERNIE-Bot-turbo")
    assert "max_tokens" not in engine.describe().capabilities.options
    assert await said(engine, asked("one two three", max_tokens=2)) == "one two three"
    assert "max_output_tokens" not in baidu.requests[-1].body


@pytest.mark.parametrize("name", ["messages", "system", "stream"])
async def test_extra_cannot_override_what_the_call_decides(
    baidu: QianfanStandIn, make_qianfan: Make, name: str
) -> None:
    with pytest.raises(BadInputError, match=name):
        await answered(make_qianfan(), asked(extra={name: "x"}))
    assert not baidu.requests


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ({"is_truncated": True}, "length"),
        ({"finish_reason": "length"}, "length"),
        ({"finish_reason": "content_filter"}, "content_filter"),
        ({"need_clear_history": True}, "content_filter"),
        ({"finish_reason": "normal"}, "stop"),
        ({}, "stop"),
    ],
)
async def test_reason_of_the_end_is_in_our_words(
    baidu: QianfanStandIn, make_qianfan: Make, frame: dict[str, Any], reason: str
) -> None:

    baidu.always = Act(raw=json.dumps({"id": "as-7", "result": "so", **frame}).encode())
    (delta,) = await answered(make_qianfan(), asked(stream=False))
    assert (delta.text, delta.finish_reason, delta.request_id) == ("so", reason, "as-7")


async def test_tokens_written_are_the_sum_without_those_read(baidu: QianfanStandIn, make_qianfan: Make) -> None:
    # Some models count the tokens of the last piece alone, which is empty.
    frames = (
        b'data: {"id":"as-1","sentence_id":0,"is_end":false,"result":"hi","usage":'
        b'{"prompt_tokens":14,"completion_tokens":25,"total_tokens":39}}\n\n'
        b'data: {"id":"as-1","sentence_id":1,"is_end":true,"result":"","usage":'
        b'{"prompt_tokens":14,"completion_tokens":0,"total_tokens":319}}\n\n'
    )
    baidu.always = Act(raw=frames, raw_type="text/event-stream")
    *_, last = await answered(make_qianfan(), asked())
    assert last.usage == Usage(input_tokens=14, output_tokens=305)


async def test_new_key_beside_a_secret_key_speaks_the_old_protocol(baidu: QianfanStandIn, make_qianfan: Make) -> None:
    baidu.api_key = "bce-v3/ALTAK-old-canary"
    await answered(make_qianfan(api_key=baidu.api_key), asked())
    assert len(baidu.token_requests) == 1

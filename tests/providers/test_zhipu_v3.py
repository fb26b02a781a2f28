"""Zhipu's retired third version: what it is asked, and its answers, in which words and failures look alike."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from byzer_nb.engines import build
from byzer_nb.errors import BadInputError, ModelCallError, RateLimitedError, RefusedError, UnsupportedError
from byzer_nb.providers.zhipu import Zhipu
from byzer_nb.types import ChatOptions, ChatRequest, DeploySpec, ImagePart, Message
from tests.providers.asking import answered, asked, said
from tests.providers.failing import assert_no_key
from tests.standins.vendor import Act
from tests.standins.zhipu import ZhipuV3StandIn

pytestmark = pytest.mark.contract("SAAS-22")

Make = Callable[..., Zhipu]
TURNS = (
    Message(role="system", content="Be brief."),
    Message(role="user", content="你好"),
    Message(role="assistant", content="hello"),
    Message(role="user", content="again"),
)


@pytest.fixture
def v3() -> Iterator[ZhipuV3StandIn]:
    """v3 in process."""
    with ZhipuV3StandIn() as standin:
        yield standin


@pytest.fixture
async def make(v3: ZhipuV3StandIn) -> AsyncIterator[Make]:
    """Makes engines for it, and closes them at the end."""
    made: list[Zhipu] = []

    def make(**settings: Any) -> Zhipu:
        usual = {"api_key": v3.key, "base_url": v3.url, "max_retries": 0}
        engine = build(DeploySpec(name="chat", engine="saas/zhipu", settings=usual | settings))
        assert isinstance(engine, Zhipu)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        await engine.close()


@pytest.mark.parametrize("tail", ["/api/paas/v3", "/api/paas/v3/", "/api/paas/v3/model-api/chatglm_lite/invoke"])
async def test_address_of_v3_speaks_v3(make: Make, v3: ZhipuV3StandIn, tail: str, stream: bool) -> None:
    v3.always = Act(reply=["one", " two"])
    engine = make(base_url=v3.origin + tail, secret_key="unused")
    assert await said(engine, asked(stream=stream)) == "one two"
    way = "sse-invoke" if stream else "invoke"
    assert v3.requests[-1].path == f"/api/paas/v3/model-api/chatglm_lite/{way}"
    assert engine.describe().model == "chatglm_lite"


async def test_body_of_v3(make: Make, v3: ZhipuV3StandIn, stream: bool) -> None:
    options = ChatOptions(temperature=0.5, top_p=0.25, extra={"request_id": "mine"})
    deltas = await answered(make(model="chatglm_std"), ChatRequest(messages=TURNS, options=options, stream=stream))
    assert v3.requests[-1].body == {
        "prompt": [
            {"role": "user", "content": "Be brief.\n\n你好"},
            {"role": "assistant", "content": "hello"},
            {"role": "user", "content": "again"},
        ],
        "temperature": 0.5,
        "top_p": 0.25,
        "request_id": "mine",
        **({"incremental": True} if stream else {}),
    }
    assert deltas[-1].request_id == "mine"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (json.dumps('He said "hi".\n你好', ensure_ascii=False), 'He said "hi".\n你好'),
        ("no quotes", "no quotes"),
        ('"badly "quoted" words"', 'badly "quoted" words'),
        ('"', '"'),
        ("", ""),
    ],
)
async def test_words_of_v3_are_taken_out_of_their_quotes(
    make: Make, v3: ZhipuV3StandIn, content: str, words: str
) -> None:
    data = {"choices": [{"role": "assistant", "content": content}], "usage": {"total_tokens": 9}}
    v3.always = Act(raw=json.dumps({"code": 200, "success": True, "data": data}).encode())
    (delta,) = await answered(make(), asked(stream=False))
    assert delta.text == words
    assert delta.usage is not None
    assert delta.usage.output_tokens == 9


async def test_blanks_and_lines_of_v3_are_kept(make: Make, v3: ZhipuV3StandIn) -> None:
    pieces = [" one", "  two ", "\n", "\n\nthree\n", "data: four", "event:finish"]
    v3.always = Act(reply=pieces)
    deltas = await answered(make(), asked())
    assert [delta.text for delta in deltas[:-1]] == pieces


async def test_last_event_of_v3_may_say_everything_again(make: Make, v3: ZhipuV3StandIn) -> None:
    v3.always = Act(
        raw=b"event:add\nid:1\ndata:one\n\nevent:add\nid:1\ndata: two\n\nevent:finish\nid:1\ndata:one two three\n\n",
        raw_type="text/event-stream",
    )
    deltas = await answered(make(), asked())
    assert [delta.text for delta in deltas] == ["one", " two", " three", ""]
    assert deltas[-1].request_id == "1"


@pytest.mark.parametrize(
    ("event", "kind", "code"),
    [
        ('event:error\ndata:{"code":1302,"msg":"vendor words","success":false}', RateLimitedError, "1302"),
        ('event:error\ndata:{"error":{"code":"1113","message":"vendor words"}}', RefusedError, "1113"),
        ("event:error\ndata:vendor words", ModelCallError, ""),
        ("event:interrupted\ndata:partly said vendor words", ModelCallError, "sensitive"),
        ('data:{"code":1002,"msg":"vendor words","success":false}', RefusedError, "1002"),
        ('{"error":{"code":"1301","message":"vendor words"}}', ModelCallError, "1301"),
    ],
)
async def test_failures_in_the_events_of_v3_are_errors(
    make: Make, v3: ZhipuV3StandIn, event: str, kind: type[ModelCallError], code: str
) -> None:
    raw = f"event:add\nid:1\ndata:one\n\n{event}\n\nevent:add\nid:1\ndata: two\n\n"
    v3.always = Act(raw=raw.encode(), raw_type="text/event-stream")
    words: list[str] = []

    async def listen() -> None:
        async for delta in make().chat(asked()):
            words.append(delta.text)

    with pytest.raises(ModelCallError) as caught:
        await listen()
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert words == ["one"]


async def test_words_of_v3_that_look_like_an_error_are_words(make: Make, v3: ZhipuV3StandIn) -> None:
    words = '{"code":1113,"msg":"written by the model","success":false}'
    v3.always = Act(reply=[words])
    assert await said(make(), asked()) == words


async def test_answer_of_v3_that_is_not_finished_is_an_error(make: Make, v3: ZhipuV3StandIn) -> None:
    v3.always = Act(raw=b'{"code": 200, "success": true, "data": {"task_id": 5, "task_status": "PROCESSING"}}')
    with pytest.raises(ModelCallError) as caught:
        await answered(make(), asked(stream=False))
    error = caught.value
    assert_no_key(error)
    assert "not finished" in str(error)
    assert (error.request_id, error.retryable) == ("5", True)


async def test_pictures_and_an_answer_at_the_end_are_refused_by_v3(make: Make, v3: ZhipuV3StandIn) -> None:
    picture = ImagePart(url="data:image/png;base64,iVBORw0KGgo=")
    with pytest.raises(UnsupportedError):
        await answered(make(), ChatRequest(messages=(Message(role="user", content=(picture,)),)))
    with pytest.raises(BadInputError, match="last message must be the user's"):
        await answered(make(), ChatRequest(messages=TURNS[:3]))
    with pytest.raises(BadInputError, match="prompt"):
        await answered(make(), asked(extra={"prompt": []}))
    assert not v3.requests


async def test_v3_says_what_it_takes(make: Make, v3: ZhipuV3StandIn) -> None:
    able = make().describe().capabilities
    assert able.options == {"temperature", "top_p", "timeout", "extra"}
    assert (able.images, able.embed) == (False, False)

"""Zhipu's own SDK as judge: it must send the same bodies with the same proof, and read the same words."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest

from byzer_nb.engines import build
from byzer_nb.providers.zhipu import Zhipu
from byzer_nb.types import ChatOptions, ChatRequest, DeploySpec, EmbedRequest, ImagePart, Message, TextPart
from tests.providers.asking import answered
from tests.standins.vendor import Act, Body
from tests.standins.zhipu import ZhipuStandIn

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it is written for an older pydantic
    import zhipuai

pytestmark = [
    pytest.mark.contract("SAAS-22"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

PICTURE = "data:image/png;base64,iVBORw0KGgo="
TURNS = (
    Message(role="system", content="Be brief."),
    Message(role="user", content="你好"),
    Message(role="assistant", content="hello"),
    Message(role="user", content='again "quoted"'),
)
SDK_TURNS = [{"role": turn.role, "content": turn.content} for turn in TURNS]
LOOK = (Message(role="user", content=(TextPart(text="What is this?"), ImagePart(url=PICTURE))),)
SDK_LOOK = [
    {
        "role": "user",
        "content": [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PICTURE}}],
    }
]

Sdk = Callable[..., zhipuai.ZhipuAI]


@pytest.fixture
def zhipu() -> Iterator[ZhipuStandIn]:
    """Zhipu in process."""
    with ZhipuStandIn() as standin:
        yield standin


@pytest.fixture
def sdk(zhipu: ZhipuStandIn) -> Iterator[Sdk]:
    """Makes the vendor's client for the stand-in."""
    made: list[zhipuai.ZhipuAI] = []

    def make(**settings: Any) -> zhipuai.ZhipuAI:
        made.append(zhipuai.ZhipuAI(api_key=zhipu.key, base_url=zhipu.url, max_retries=0, **settings))
        return made[-1]

    yield make
    for client in made:
        client.close()


def ours(zhipu: ZhipuStandIn, **settings: Any) -> Zhipu:
    """Our engine for the stand-in."""
    usual = {"api_key": zhipu.key, "base_url": zhipu.url, "max_retries": 0}
    engine = build(DeploySpec(name="chat", engine="saas/zhipu", settings=usual | settings))
    assert isinstance(engine, Zhipu)
    return engine


def said(body: Body) -> Body:
    """A body without what the SDK leaves empty in it: it sends null for some parameters that nobody gave."""
    return {name: value for name, value in body.items() if value is not None}


CASES: list[Any] = [
    pytest.param(TURNS, ChatOptions(), SDK_TURNS, {}, id="plain"),
    pytest.param(
        TURNS,
        ChatOptions(
            max_tokens=5, temperature=0.5, top_p=0.25, stop=("x",), seed=3, extra={"thinking": {"type": "disabled"}}
        ),
        SDK_TURNS,
        {
            "max_tokens": 5,
            "temperature": 0.5,
            "top_p": 0.25,
            "stop": ["x"],
            "seed": 3,
            "thinking": {"type": "disabled"},
        },
        id="every option",
    ),
    pytest.param(TURNS, ChatOptions(temperature=0), SDK_TURNS, {"temperature": 0}, id="cold"),
    pytest.param(LOOK, ChatOptions(), SDK_LOOK, {}, id="picture"),
]


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize(("turns", "options", "sdk_turns", "sdk_options"), CASES)
async def test_sdk_sends_the_same_body_and_reads_the_same_words(
    zhipu: ZhipuStandIn,
    sdk: Sdk,
    turns: tuple[Message, ...],
    options: ChatOptions,
    sdk_turns: Any,
    sdk_options: Any,
    stream: bool,
) -> None:
    zhipu.always = Act(reply="one two three 四", reasoning=["so"])
    engine = ours(zhipu)
    deltas = await answered(engine, ChatRequest(messages=turns, options=options, stream=stream))
    await engine.close()
    answer = sdk().chat.completions.create(
        model="glm-4", messages=deepcopy(sdk_turns), **({"stream": True} if stream else {}), **sdk_options
    )
    if stream:
        chunks = list(answer)
        words = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        thoughts = "".join(chunk.choices[0].delta.reasoning_content or "" for chunk in chunks)
        usage, reason = chunks[-1].usage, chunks[-1].choices[0].finish_reason
    else:
        message = answer.choices[0].message
        words, thoughts = message.content, message.reasoning_content
        usage, reason = answer.usage, answer.choices[0].finish_reason
    first, second = zhipu.requests
    assert first.body == said(second.body)
    assert (first.method, first.path) == (second.method, second.path)
    assert first.headers["Authorization"] == second.headers["Authorization"]
    assert "".join(delta.text for delta in deltas) == words
    assert "".join(delta.reasoning for delta in deltas) == thoughts
    last = deltas[-1]
    assert last.usage is not None
    assert (last.usage.input_tokens, last.usage.output_tokens) == (usage.prompt_tokens, usage.completion_tokens)
    assert last.finish_reason == reason


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 1.0), (1.7, 0.5)])
async def test_sdk_clamps_to_the_same_numbers(zhipu: ZhipuStandIn, sdk: Sdk, temperature: float, top_p: float) -> None:
    engine = ours(zhipu)
    options = ChatOptions(temperature=temperature, top_p=top_p)
    with pytest.warns(UserWarning, match="both excluded"):
        await answered(engine, ChatRequest(messages=TURNS, options=options, stream=False))
    await engine.close()
    sdk().chat.completions.create(model="glm-4", messages=SDK_TURNS, temperature=temperature, top_p=top_p)
    first, second = zhipu.requests
    assert first.body == said(second.body)


async def test_sdk_makes_the_same_jwt(zhipu: ZhipuStandIn, sdk: Sdk, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)  # for both: it is all that their tokens may differ by
    engine = ours(zhipu, jwt=True)
    await answered(engine, ChatRequest(messages=TURNS, stream=False))
    await engine.close()
    sdk(disable_token_cache=False).chat.completions.create(model="glm-4", messages=SDK_TURNS)
    first, second = (request.headers["Authorization"] for request in zhipu.requests)
    assert first == second
    assert first.count(".") == 2


@pytest.mark.contract("SAAS-22", "EMB-01")
@pytest.mark.parametrize(("model", "size"), [("embedding-2", None), ("embedding-3", 512)])
async def test_sdk_embeds_with_the_same_body(zhipu: ZhipuStandIn, sdk: Sdk, model: str, size: int | None) -> None:
    engine = ours(zhipu, model=model)
    reply = await engine.embed(EmbedRequest(texts=("a", "b"), dimensions=size))
    await engine.close()
    theirs = sdk().embeddings.create(model=model, input=["a", "b"], **({"dimensions": size} if size else {}))
    first, second = zhipu.requests
    assert first.body == second.body
    assert first.path == second.path
    assert first.headers["Authorization"] == second.headers["Authorization"]
    assert [list(each) for each in reply.vectors] == [item.embedding for item in theirs.data]
    assert reply.usage.input_tokens == theirs.usage.prompt_tokens


@pytest.mark.contract("SAAS-05")
def test_sdk_takes_the_stand_in_for_the_real_thing(zhipu: ZhipuStandIn, sdk: Sdk) -> None:
    client = sdk()
    client.api_key = "wrong-0123456789.abcdef"
    with pytest.raises(zhipuai.APIAuthenticationError, match="1002"):
        client.chat.completions.create(model="glm-4", messages=SDK_TURNS)
    zhipu.next(Act(status=429, message="slow down"))
    with pytest.raises(zhipuai.APIReachLimitError, match="1302"):
        sdk().chat.completions.create(model="glm-4", messages=SDK_TURNS)
    with pytest.raises(zhipuai.APIRequestFailedError, match="stop"):
        sdk().chat.completions.create(model="glm-4", messages=SDK_TURNS, stop=["a", "b"])

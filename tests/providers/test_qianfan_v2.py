"""`saas/qianfan` in Baidu's second protocol, which is OpenAI's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from byzer_nb.errors import (
    ModelCallError,
)
from byzer_nb.types import ChatOptions, ChatRequest, EmbedRequest, ImagePart, Message, TextPart
from tests.providers.asking import answered, asked, said
from tests.providers.making import Make, making
from tests.standins.qianfan import QianfanV2StandIn
from tests.standins.vendor import Act

pytestmark = pytest.mark.contract("SAAS-25")


@pytest.fixture
def baidu_v2() -> Iterator[QianfanV2StandIn]:
    """The second protocol in process."""
    with QianfanV2StandIn() as standin:
        yield standin


@pytest.fixture
async def make_v2(baidu_v2: QianfanV2StandIn) -> AsyncIterator[Make]:
    """Makes an engine for the second protocol."""
    async with making("saas/qianfan", api_key=baidu_v2.key, base_url=baidu_v2.url) as make:
        yield make


@pytest.mark.parametrize("tail", ["", "/v2", "/v2/", "/v2/chat/completions"])
async def test_new_key_alone_speaks_the_new_protocol(
    baidu_v2: QianfanV2StandIn, make_v2: Make, tail: str, stream: bool
) -> None:
    baidu_v2.always = Act(reasoning=["hm"], reply="好 then")
    engine = make_v2(base_url=baidu_v2.origin + tail)
    assert await said(engine, asked(stream=stream)) == "好 then"
    seen = baidu_v2.requests[-1]
    assert seen.path == "/v2/chat/completions"
    assert seen.headers["Authorization"] == f"Bearer {baidu_v2.key}"
    assert seen.body["model"] == "ernie-lite-8k"


async def test_new_protocol_takes_pictures_and_options(baidu_v2: QianfanV2StandIn, make_v2: Make) -> None:
    engine = make_v2(model="ernie-4.5-turbo-vl")
    options = ChatOptions(
        max_tokens=5,
        temperature=0.5,
        top_p=0.7,
        stop=("x",),
        seed=1,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        repetition_penalty=1.1,
        timeout=20.0,
        extra={"penalty_score": 1.2, "retry_count": 1},
    )
    assert engine.describe().capabilities.options == set(options.given())
    turn = Message(role="user", content=(TextPart(text="?"), ImagePart(url="https://example.com/a.png")))
    await answered(engine, ChatRequest(messages=(turn,), options=options, stream=False))
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    assert baidu_v2.requests[-1].body == {
        "model": "ernie-4.5-turbo-vl",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "?"}, picture]}],
        "max_tokens": 5,
        "temperature": 0.5,
        "top_p": 0.7,
        "stop": ["x"],
        "seed": 1,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "repetition_penalty": 1.1,
        "penalty_score": 1.2,
    }


async def test_new_protocol_embeds_in_batches_of_sixteen(baidu_v2: QianfanV2StandIn, make_v2: Make) -> None:
    engine = make_v2(model="embedding-v1")
    texts = tuple(f"text {number}" for number in range(40))
    reply = await engine.embed(EmbedRequest(texts=texts))
    assert sorted(len(seen.body["input"]) for seen in baidu_v2.requests) == [8, 16, 16]
    alone = [(await engine.embed(EmbedRequest(texts=(text,)))).vectors[0] for text in texts[14:18]]
    assert list(reply.vectors[14:18]) == alone


async def test_tries_of_one_call_count_in_the_new_protocol_too(baidu_v2: QianfanV2StandIn, make_v2: Make) -> None:
    baidu_v2.always = Act(status=503)
    with pytest.raises(ModelCallError):
        await answered(make_v2(), asked(extra={"retry_count": 1, "backoff_factor": 0.01}))
    assert len(baidu_v2.requests) == 2


async def test_error_of_the_new_protocol_keeps_code_and_number(
    baidu_v2: QianfanV2StandIn, make_v2: Make, stream: bool
) -> None:
    error = {"code": "tokens_too_long", "message": "Prompt tokens too long", "type": "invalid_request_error"}
    baidu_v2.always = Act(status=400, error=error)
    with pytest.raises(ModelCallError, match="Prompt tokens too long") as failed:
        await answered(make_v2(), asked(stream=stream))
    assert (failed.value.status, failed.value.code, failed.value.request_id) == (400, "tokens_too_long", "as-1")

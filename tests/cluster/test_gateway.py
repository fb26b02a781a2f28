"""The gateway over models on the cluster, as official clients meet it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import openai as openai_package
import pytest
from anthropic import Anthropic
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from byzer_nb._sync import run
from byzer_nb.client.deployed import RayTransport
from byzer_nb.cluster import inspection, session
from byzer_nb.cluster.deployment import deploy, undeploy
from byzer_nb.types import DeploySpec
from byzer_nb.types.pool import PoolSpec
from tests.serve.gateways import RunningGateway, eventually
from tests.serve.sockets import Plain, chat, chat_body

HELLO: Any = [{"role": "user", "content": "hello there"}]
WORDS = " ".join(f"word{number}" for number in range(200))
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "tiny": ("byzer-tiny", {}),
    "ray-echo": ("saas/scripted", {}),
    "ray-slow": ("saas/scripted", {"reply": WORDS, "token_delay": 0.05}),
}


class Weather(BaseModel):
    """How it is outside."""

    city: str
    degrees: int


@pytest.fixture(scope="module")
def gateway(cluster: session.Connection) -> Iterator[RunningGateway]:
    """A gateway over three models on the cluster."""
    for name, (engine, settings) in MODELS.items():
        run(deploy(DeploySpec(name=name, engine=engine, settings=settings), PoolSpec(cpus=0.001, slots=8)))
    transport = RayTransport()
    with RunningGateway(transport=transport) as served:
        yield served
        served.do(transport.close())
    for name in MODELS:
        run(undeploy(name))


@pytest.fixture
def openai(gateway: RunningGateway) -> Iterator[OpenAI]:
    with OpenAI(base_url=gateway.base_url, api_key="x", max_retries=0, timeout=120) as client:
        yield client


@pytest.fixture
async def async_openai(gateway: RunningGateway) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=gateway.base_url, api_key="x", max_retries=0, timeout=120) as client:
        yield client


def running(name: str) -> int:
    """How many requests a model on the cluster is working on."""
    return sum(worker.running for worker in run(inspection.stat(name)).workers)


@pytest.mark.contract("SERVE-06")
def test_deployed_models_are_listed(openai: OpenAI) -> None:
    assert {model.id for model in openai.models.list()} >= set(MODELS)
    assert openai.models.retrieve("tiny").owned_by == "byzerllm"


@pytest.mark.contract("SERVE-01", "SERVE-02", "SERVE-03")
@pytest.mark.parametrize("model", ["tiny", "ray-echo"])
def test_stream_and_whole_answer_say_the_same(openai: OpenAI, model: str) -> None:
    for limit in range(1, 9):
        asked: Any = {"model": model, "messages": HELLO, "max_tokens": limit, "temperature": 0}
        whole = openai.chat.completions.create(**asked)
        wants: Any = {"include_usage": True}
        pieces = list(openai.chat.completions.create(**asked, stream=True, stream_options=wants))
        said = "".join(choice.delta.content or "" for piece in pieces for choice in piece.choices)
        assert said == whole.choices[0].message.content
        assert pieces[-1].usage == whole.usage


async def test_many_calls_at_once_each_get_their_own_answer(async_openai: AsyncOpenAI) -> None:
    async def said(number: int) -> str:
        text = f"this is text number {number}"
        asked: Any = {"model": "ray-echo", "messages": [{"role": "user", "content": text}]}
        if number % 2:
            whole = await async_openai.chat.completions.create(**asked)
            return whole.choices[0].message.content or ""
        stream = await async_openai.chat.completions.create(**asked, stream=True)
        return "".join([piece.choices[0].delta.content or "" async for piece in stream])

    assert await asyncio.gather(*map(said, range(40))) == [f"this is text number {number}" for number in range(40)]


async def test_bundled_model_says_to_all_what_it_says_to_one(async_openai: AsyncOpenAI) -> None:
    async def said() -> str | None:
        answer = await async_openai.chat.completions.create(model="tiny", messages=HELLO, max_tokens=6, temperature=0)
        return answer.choices[0].message.content

    assert set(await asyncio.gather(*[said() for _ in range(40)])) == {await said()}


def test_client_of_the_other_protocol_gets_the_same_answers(gateway: RunningGateway, openai: OpenAI) -> None:
    with Anthropic(base_url=gateway.origin, api_key="x", max_retries=0) as client:
        for limit in range(1, 9):
            asked: Any = {"model": "tiny", "messages": HELLO, "max_tokens": limit, "extra_body": {"temperature": 0}}
            theirs: Any = client.messages.create(**asked).content
            ours = openai.chat.completions.create(**asked).choices[0].message.content
            assert "".join(block.text for block in theirs) == ours
            with client.messages.stream(**asked) as stream:
                assert "".join(stream.text_stream) == ours


def test_bundled_model_holds_its_answer_to_a_class(openai: OpenAI) -> None:
    for city in ("Paris", "Rome"):
        asked: Any = [{"role": "user", "content": f"How is the weather in {city}?"}]
        answer = openai.chat.completions.parse(
            model="tiny", messages=asked, response_format=Weather, max_tokens=200, temperature=0
        )
        assert isinstance(answer.choices[0].message.parsed, Weather)


def test_several_answers_come_in_one_stream(openai: OpenAI) -> None:
    said = {0: "", 1: "", 2: ""}
    for piece in openai.chat.completions.create(model="ray-echo", messages=HELLO, n=3, stream=True):
        for choice in piece.choices:
            said[choice.index] += choice.delta.content or ""
    assert set(said.values()) == {"hello there"}


def test_failures_keep_their_classes(openai: OpenAI) -> None:
    with pytest.raises(openai_package.NotFoundError):
        openai.chat.completions.create(model="nobody", messages=HELLO)
    with pytest.raises(openai_package.BadRequestError):
        openai.chat.completions.create(model="ray-echo", messages=HELLO, temperature=-1)
    with pytest.raises(openai_package.BadRequestError):
        openai.chat.completions.create(model="tiny", messages=HELLO, logprobs=True)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_hang_up_frees_the_worker(gateway: RunningGateway, stream: bool) -> None:
    with Plain(gateway) as plain:
        plain.send(chat(chat_body("ray-slow", stream=stream)))
        assert eventually(lambda: running("ray-slow") == 1)
    assert eventually(lambda: running("ray-slow") == 0, seconds=1)  # as is promised; it would go on for ten


def test_overhead_and_requests_are_told(gateway: RunningGateway) -> None:
    answer = httpx.post(
        f"{gateway.base_url}/chat/completions", json={"model": "ray-echo", "messages": HELLO}, timeout=60
    )
    assert float(answer.headers["x-byzer-overhead-ms"]) >= 0
    rows = httpx.get(f"{gateway.origin}/requests").json()["data"]
    assert any(row["id"] == answer.headers["x-request-id"] and row["model"] == "ray-echo" for row in rows)

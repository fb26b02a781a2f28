"""A stand-in for OpenAI, and engines that talk to it."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from byzer_nb.engines import build
from byzer_nb.providers.bedrock import Bedrock
from byzer_nb.providers.openai import OpenAI
from byzer_nb.types import DeploySpec
from tests.providers import bedrock_asking
from tests.providers.making import Make, making
from tests.standins.bedrock import BedrockStandIn
from tests.standins.openai import OpenAIStandIn
from tests.standins.qianfan import QianfanStandIn
from tests.standins.sparkdesk import SparkDeskStandIn

MakeEngine = Callable[..., OpenAI]


@pytest.fixture
def openai_standin() -> Iterator[OpenAIStandIn]:
    """OpenAI in process."""
    with OpenAIStandIn() as standin:
        yield standin


@pytest.fixture
async def make_engine(openai_standin: OpenAIStandIn) -> AsyncIterator[MakeEngine]:
    """Makes an engine for the stand-in; settings can be added or replaced. Each is closed at the end."""
    made: list[OpenAI] = []

    def make(name: str = "chat", **settings: Any) -> OpenAI:
        usual = {"api_key": openai_standin.key, "base_url": openai_standin.url, "model": "gpt-4o", "max_retries": 0}
        engine = build(DeploySpec(name=name, engine="saas/openai", settings=usual | settings))
        assert isinstance(engine, OpenAI)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        await engine.close()


@pytest.fixture(params=[True, False], ids=["stream", "whole"])
def stream(request: pytest.FixtureRequest) -> bool:
    """Both ways of asking."""
    streams: bool = request.param
    return streams


@pytest.fixture
def tls_port(tls_files: tuple[Path, Path]) -> Iterator[int]:
    """A server whose certificate nobody signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls_files)
    loop = asyncio.new_event_loop()
    writers: list[asyncio.StreamWriter] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"POST /v1/chat/completions" in head
        body = b'{"choices": [{"message": {"content": "over TLS"}}]}'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body))
        writer.write(body)
        await writer.drain()
        writer.close()

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(asyncio.start_server(speak, "127.0.0.1", 0, ssl=context), loop).result(5)
    yield server.sockets[0].getsockname()[1]

    async def close() -> None:
        server.close()
        for writer in writers:
            writer.transport.abort()  # a polite end of TLS would wait for a client that has gone
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for _ in range(3):  # a transport lets go of its socket in the next rounds of the loop
            await asyncio.sleep(0)

    asyncio.run_coroutine_threadsafe(close(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


@pytest.fixture
def bedrock() -> Iterator[BedrockStandIn]:
    """Bedrock in process."""
    with BedrockStandIn() as standin:
        yield standin


@pytest.fixture
async def make_bedrock(bedrock: BedrockStandIn) -> AsyncIterator[bedrock_asking.Make]:
    """Makes an engine for a model on the stand-in; each is closed at the end."""
    made: list[Bedrock] = []

    def make(model: str = bedrock_asking.HAIKU, **settings: Any) -> Bedrock:
        usual = bedrock_asking.settings_for(bedrock)
        made.append(bedrock_asking.built({**usual, "model": model, **settings}))
        return made[-1]

    yield make
    for engine in made:
        await engine.close()


@pytest.fixture
def baidu() -> Iterator[QianfanStandIn]:
    """Baidu's first protocol in process."""
    with QianfanStandIn() as standin:
        yield standin


@pytest.fixture
async def make_qianfan(baidu: QianfanStandIn) -> AsyncIterator[Make]:
    """Makes an engine for Baidu's first protocol."""
    keys = {"api_key": baidu.api_key, "secret_key": baidu.secret_key}
    async with making("saas/qianfan", **keys, base_url=baidu.url) as make:
        yield make


@pytest.fixture
def spark() -> Iterator[SparkDeskStandIn]:
    """iFlytek's WebSocket in process."""
    with SparkDeskStandIn() as standin:
        yield standin


@pytest.fixture
async def make_spark(spark: SparkDeskStandIn) -> AsyncIterator[Make]:
    """Makes an engine for iFlytek's WebSocket."""
    keys = {"appid": spark.appid, "api_key": spark.api_key, "api_secret": spark.api_secret}
    async with making("saas/sparkdesk", **keys, gpt_url=spark.socket_url) as make:
        yield make

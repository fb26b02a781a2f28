"""Gateways to talk to, and the clients of the world that talk to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
from anthropic import Anthropic
from openai import AsyncOpenAI, OpenAI

from byzer_nb.engines import build
from byzer_nb.serve.keys import KeyEntry, hash_of
from byzer_nb.types import DeploySpec
from tests.serve import engines
from tests.serve.gateways import RunningGateway
from tests.standins.openai import OpenAIStandIn

OpenGateway = Callable[..., RunningGateway]

KEYS = {name: f"bz-test-{name}-0123456789abcdef" for name in ("ann", "bob", "cid", "dan")}
ENTRIES = (
    KeyEntry(name="ann", hash=hash_of(KEYS["ann"])),
    KeyEntry(name="bob", hash=hash_of(KEYS["bob"]), requests_per_minute=2),
    KeyEntry(name="cid", hash=hash_of(KEYS["cid"]), tokens_per_minute=5),
    KeyEntry(name="dan", hash=hash_of(KEYS["dan"]), budget=3.0),
)


@pytest.fixture(scope="session")
def gateway() -> Iterator[RunningGateway]:
    """One gateway over byzer-tiny and every kind of scripted model, without keys; all tests share it."""
    with RunningGateway(engines.models()) as running:
        yield running


@pytest.fixture
def open_gateway() -> Iterator[OpenGateway]:
    """Opens a gateway of a test's own: `open_gateway(engines, **settings)`; it ends with the test."""
    with ExitStack() as stack:
        yield lambda models=None, **settings: stack.enter_context(
            RunningGateway(models or engines.models(), **settings)
        )


@pytest.fixture
def guarded(open_gateway: OpenGateway) -> RunningGateway:
    """A gateway with keys: ann may all, bob 2 requests and cid 5 tokens a minute, dan may spend 3 dollars."""
    return open_gateway(keys=ENTRIES)


@pytest.fixture(scope="session")
def http(gateway: RunningGateway) -> Iterator[httpx.Client]:
    """Plain HTTP to the shared gateway."""
    with httpx.Client(base_url=gateway.origin, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def openai(gateway: RunningGateway) -> Iterator[OpenAI]:
    """OpenAI's own client of the shared gateway; it tries nothing twice."""
    with OpenAI(base_url=gateway.base_url, api_key="none is needed", max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture
async def async_openai(gateway: RunningGateway) -> AsyncIterator[AsyncOpenAI]:
    """Its async twin."""
    async with AsyncOpenAI(base_url=gateway.base_url, api_key="none is needed", max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture
def anthropic(gateway: RunningGateway) -> Iterator[Anthropic]:
    """Anthropic's own client of the shared gateway; it tries nothing twice."""
    with Anthropic(base_url=gateway.origin, api_key="none is needed", max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def upstream() -> Iterator[OpenAIStandIn]:
    """OpenAI, behind a gateway of ours."""
    with OpenAIStandIn() as standin:
        yield standin


@pytest.fixture(scope="session")
def relayed(upstream: OpenAIStandIn) -> Iterator[OpenAI]:
    """OpenAI's own client of a gateway before OpenAI, whose models keep their names."""
    models = ("gpt-4o", "text-embedding-3-small", "tts-1", "whisper-1", "gpt-4o-transcribe", "dall-e-2")
    account = {"api_key": upstream.key, "base_url": upstream.url}
    engines = {
        name: build(DeploySpec(name=name, engine="saas/openai", settings={**account, "model": name})) for name in models
    }
    with RunningGateway(engines) as running:
        with OpenAI(base_url=running.base_url, api_key="none is needed", max_retries=0, timeout=60) as client:
            yield client
        for engine in engines.values():
            running.do(engine.close())

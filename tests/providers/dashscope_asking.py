"""Engines at a stand-in for DashScope, and what they are asked."""

from __future__ import annotations

from typing import Any

import pytest

from byzer_nb.engines import build
from byzer_nb.errors import ModelCallError
from byzer_nb.providers.wire.engine import WireEngine
from byzer_nb.types import ChatOptions, ChatRequest, Delta, DeploySpec, Message
from tests.providers.asking import answered, asked
from tests.standins.vendor import Body, VendorStandIn

TURNS = (
    Message(role="system", content="Be brief."),
    Message(role="user", content="你好"),
    Message(role="assistant", content="hello"),
    Message(role="user", content='again "quoted"'),
)
BEGUN = (Message(role="user", content="Count."), Message(role="assistant", content="1, 2,"))
EVERY_OPTION = ChatOptions(
    max_tokens=5,
    temperature=0.0,
    top_p=0.5,
    top_k=40,
    stop=("x", "y"),
    seed=3,
    presence_penalty=0.1,
    repetition_penalty=1.1,
    extra={"enable_search": True},
)
EVERY_PARAMETER = {
    "max_tokens": 5,
    "temperature": 0.0,
    "top_p": 0.5,
    "top_k": 40,
    "stop": ["x", "y"],
    "seed": 3,
    "presence_penalty": 0.1,
    "repetition_penalty": 1.1,
    "enable_search": True,
}


def built(engine: str, **settings: Any) -> WireEngine:
    """An engine of that type."""
    made = build(DeploySpec(name="chat", engine=engine, settings=settings))
    assert isinstance(made, WireEngine)
    return made


def qianwen(standin: VendorStandIn, **settings: Any) -> WireEngine:
    """A model that reads, at a stand-in; it tries once."""
    usual = {"api_key": standin.key, "base_url": standin.url, "model": "qwen-max", "max_retries": 0}
    return built("saas/qianwen", **usual | settings)


def qianwen_vl(standin: VendorStandIn, **settings: Any) -> WireEngine:
    """A model that sees, at a stand-in; it tries once."""
    usual = {"api_key": standin.key, "base_url": standin.url, "max_retries": 0}
    return built("saas/qianwen_vl", **usual | settings)


async def once(engine: WireEngine, request: ChatRequest) -> list[Delta]:
    """Every delta of the answer; the engine is closed after it."""
    try:
        return await answered(engine, request)
    finally:
        await engine.close()


async def body_of(standin: VendorStandIn, request: ChatRequest) -> Body:
    """What a request is on the wire."""
    await once(qianwen(standin), request)
    return standin.requests[-1].body


async def error_of(engine: WireEngine, *, stream: bool = False) -> ModelCallError:
    """The error of one call."""
    with pytest.raises(ModelCallError) as caught:
        await once(engine, asked(stream=stream))
    return caught.value


def texts_of(deltas: list[Delta]) -> list[str]:
    """The pieces that say something."""
    return [delta.text for delta in deltas if delta.text]

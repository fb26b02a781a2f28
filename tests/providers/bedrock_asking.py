"""Models on Bedrock, and short ways to ask them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from byzer_nb.engines import build
from byzer_nb.providers.bedrock import Bedrock
from byzer_nb.types import ChatOptions, ChatRequest, DeploySpec, ImagePart, Message, TextPart
from tests.providers.asking import answered
from tests.standins.bedrock import BedrockStandIn

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
LLAMA_2 = "meta.llama2-70b-chat-v1"
LLAMA_3 = "meta.llama3-8b-instruct-v1:0"
LLAMA_4 = "us.meta.llama4-scout-17b-instruct-v1:0"
MISTRAL = "mistral.mistral-large-2402-v1:0"
PIXEL = "iVBORw0KGgo="
TURNS = (
    Message(role="system", content="Be brief."),
    Message(role="user", content="你好"),
    Message(role="assistant", content="hello"),
    Message(role="user", content="again"),
)
PICTURED = (TextPart(text="What is this?"), ImagePart(url=f"data:image/jpg;base64,{PIXEL}"))

Make = Callable[..., Bedrock]


def built(settings: dict[str, Any]) -> Bedrock:
    """An engine with exactly these settings."""
    engine = build(DeploySpec(name="chat", engine="saas/aws_bedrock", settings=settings))
    assert isinstance(engine, Bedrock)
    return engine


def settings_for(bedrock: BedrockStandIn) -> dict[str, Any]:
    """Those that reach the stand-in; it is asked once."""
    return {
        "aws_access_key": bedrock.access_key,
        "aws_secret_key": bedrock.key,
        "region_name": bedrock.region,
        "base_url": bedrock.url,
        "model": HAIKU,
        "max_retries": 0,
    }


def conversation(*turns: Message, stream: bool = False, **options: Any) -> ChatRequest:
    """These turns, or the usual ones."""
    return ChatRequest(messages=turns or TURNS, options=ChatOptions(**options), stream=stream)


async def sent(bedrock: BedrockStandIn, engine: Bedrock, request: ChatRequest) -> dict[str, Any]:
    """The body of one call."""
    await answered(engine, request)
    return bedrock.requests[-1].body

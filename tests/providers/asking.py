"""Short ways to ask an engine."""

from __future__ import annotations

from typing import Any

from byzer_nb.types import ChatOptions, ChatRequest, Delta, Engine, Message, SpeakRequest, Speaks


def asked(question: str = "hi", *, stream: bool = True, **options: Any) -> ChatRequest:
    """One question of the user."""
    return ChatRequest(
        messages=(Message(role="user", content=question),), options=ChatOptions(**options), stream=stream
    )


async def answered(engine: Engine, request: ChatRequest) -> list[Delta]:
    """Every delta of the answer."""
    return [delta async for delta in engine.chat(request)]


async def said(engine: Engine, request: ChatRequest) -> str:
    """The text of the answer."""
    return "".join(delta.text for delta in await answered(engine, request))


async def heard(engine: Speaks, text: str = "你好", **wishes: Any) -> bytes:
    """The whole sound of a text."""
    return b"".join([piece async for piece in engine.speak(SpeakRequest(text=text, **wishes))])

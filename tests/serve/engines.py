"""Models for the gateway to serve: quick and slow ones, ones that fail, and ones that do more than talk."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator
from typing import Any

from byzer_nb import ScriptedEngine
from byzer_nb.errors import ModelCallError, RateLimitedError, RefusedError
from byzer_nb.providers.scripted import CAPABILITIES
from byzer_nb.types import (
    Capabilities,
    ChatRequest,
    Delta,
    DrawRequest,
    Engine,
    ModelCard,
    Picture,
    Reply,
    SpeakRequest,
    ToolCall,
    TranscribeRequest,
    Transcript,
)
from byzer_nb.types.engine import Price

SECRET = "the upstream key sk-upstream-000 is wrong"
LONG = " ".join(f"word{number}" for number in range(200))
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(24)
SOUND = b"ID3" + bytes(61)
WEATHER = '{"city": "Paris", "degrees": 21}'
CALL = '{"tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Paris"}}}]}'
TEXT_ONLY = Capabilities(options=frozenset({"max_tokens", "temperature", "stop"}))


class Watched(ScriptedEngine):
    """Counts the calls that it began, and those that somebody stopped before their end."""

    def __init__(self, replies: Any = None, **given: Any) -> None:
        super().__init__(replies, **given)
        self.begun = 0
        self.stopped = 0
        self.has_begun = threading.Event()
        self.was_stopped = threading.Event()

    async def chat(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        self.begun += 1
        self.has_begun.set()
        is_over = False
        try:
            async for delta in super().chat(request):
                yield delta
            is_over = True
        finally:
            if not is_over:
                self.stopped += 1
                self.was_stopped.set()

    def forget(self) -> None:
        """As if nothing had been asked yet."""
        self.begun = self.stopped = 0
        self.records.clear()
        self.has_begun.clear()
        self.was_stopped.clear()


class Forgetting(ScriptedEngine):
    """Remembers no request, so that thousands of them leave nothing behind."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        async for delta in super().chat(request):
            yield delta
        self.records.clear()


class Media(ScriptedEngine):
    """Embeds, speaks, writes down sound and draws; it remembers what it was asked."""

    def __init__(self) -> None:
        able = Capabilities(chat=False, embed=True, speak=True, transcribe=True, draw=True)
        super().__init__(model="media", capabilities=able)
        self.spoken: list[SpeakRequest] = []
        self.heard: list[TranscribeRequest] = []
        self.drawn: list[DrawRequest] = []

    async def speak(self, request: SpeakRequest) -> AsyncGenerator[bytes, None]:
        self.spoken.append(request)
        yield SOUND[:32]
        yield SOUND[32:]

    async def transcribe(self, request: TranscribeRequest) -> Transcript:
        self.heard.append(request)
        return Transcript(text="good morning", language="en", duration=1.5)

    async def draw(self, request: DrawRequest) -> tuple[Picture, ...]:
        self.drawn.append(request)
        return tuple(Picture(data=PICTURE) for _ in range(request.count))


class CallsApart(ScriptedEngine):
    """Calls two tools, in two pieces, and gives its calls no ids."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        yield Delta(text="Let me see.")
        for name in ("weather", "time"):
            yield Delta(tool_calls=(ToolCall(name=name, arguments={"city": "Paris"}),))
        yield Delta(finish_reason="tool_calls")


class Priced(ScriptedEngine):
    """Costs a dollar a token, so that a budget is soon used up."""

    def describe(self) -> ModelCard:
        return ModelCard(
            model="priced", engine="saas/scripted", price=Price(read=1e6, written=1e6), capabilities=CAPABILITIES
        )


def with_tools(request: ChatRequest) -> str | Reply:
    """Calls the tools that are offered, tells their results, and fits a schema: a model that can do all of it."""
    if request.schema is not None:
        return WEATHER
    last = request.messages[-1]
    if last.role == "tool":
        return f"It says {last.text}."
    if not request.tools:
        return "I have no tools."
    wanted = [tool.name for tool in request.tools if request.tool_choice in ("", "required", tool.name)]
    calls = tuple(
        ToolCall(name=name, arguments={"city": "Paris"}, id=f"call_{number}") for number, name in enumerate(wanted)
    )
    return Reply(text="", tool_calls=calls)


def _too_fast() -> RateLimitedError:
    error = RateLimitedError("Too fast.")
    error.retry_after = 6.5
    return error


def models() -> dict[str, Engine]:
    """Every kind of model by name."""
    return {
        "echo": Forgetting(),
        "slow": Watched(LONG, token_delay=0.05, model="slow"),
        "recorded": ScriptedEngine(model="recorded"),
        "failing": ScriptedEngine(lambda _: ModelCallError(SECRET, status=500), model="failing"),
        "breaking": ScriptedEngine(lambda _: ["one ", "two ", ModelCallError("It broke.")], model="breaking"),
        "limited": ScriptedEngine(lambda _: _too_fast(), model="limited"),
        "locked": ScriptedEngine(lambda _: RefusedError("The provider refused the key."), model="locked"),
        "odd": ScriptedEngine(lambda _: RuntimeError("surprise: " + SECRET), model="odd"),
        "odd_later": ScriptedEngine(lambda _: ["one ", RuntimeError("surprise: " + SECRET)], model="odd_later"),
        "tools": ScriptedEngine(with_tools, model="tools"),
        "calls_apart": CallsApart(),
        "thinker": ScriptedEngine(lambda _: Reply(text="It is 4.", reasoning="Two and two."), model="thinker"),
        "text_only": ScriptedEngine(model="text_only", capabilities=TEXT_ONLY),
        "json_in_words": ScriptedEngine(lambda _: f"Here:\n```json\n{WEATHER}\n```", capabilities=TEXT_ONLY),
        "calls_in_words": ScriptedEngine(lambda _: CALL, model="calls_in_words", capabilities=TEXT_ONLY),
        "media": Media(),
        "priced": Priced(),
    }

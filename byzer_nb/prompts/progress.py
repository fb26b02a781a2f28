"""A question that is answered while somebody watches: what is written, called and asked again, as it happens."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from inspect import isawaitable
from typing import Any, TypeAlias

from byzer_nb.client import AsyncClient
from byzer_nb.client.gather import Gathering
from byzer_nb.errors import AnswerError
from byzer_nb.prompts.ask import Event, Question, answered
from byzer_nb.prompts.ladder import TRIES, Shaped
from byzer_nb.prompts.tool_loop import ROUNDS, Made, ToolTalk
from byzer_nb.prompts.tools import Function
from byzer_nb.types import ChatOptions, ChatRequest, Delta, Message, ModelCard, Reply, ToolCall, Usage

CALLS_BEGIN_SO = ("{", "[", "<", "```", "~~~")  # a turn in words that may turn out to be a call


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The model was asked; what it writes from now on is a turn of its own."""


class Decision:
    """A call that waits for a word of the reader's."""

    def __init__(self, call: ToolCall) -> None:
        self.call = call
        self._loop = asyncio.get_running_loop()
        self._word: asyncio.Future[bool | Awaitable[bool]] = self._loop.create_future()

    def decide(self, word: bool | Awaitable[bool]) -> None:
        """Whether the call may be made; to be said in any thread."""
        self._loop.call_soon_threadsafe(self._take, word)

    async def word(self) -> bool:
        """Wait for the word."""
        word = await self._word
        return bool(await word if isawaitable(word) else word)

    def _take(self, word: bool | Awaitable[bool]) -> None:
        if not self._word.done():  # the question may have been stopped meanwhile
            self._word.set_result(word)


Step: TypeAlias = Asked | Reply | AnswerError | ToolCall | Decision | Made


class Progress:
    """One question on its way.

    Its steps: `Asked` before each turn of the model; a `Reply`, the text of the turn so far; an `AnswerError`, after
    which the model is asked again; a `ToolCall` that is to be made; a `Decision`, where `needs_word`, that somebody has
    to take; and `Made`, what came of a call. Afterwards `shaped` has the answer.

    A turn that may be a call in words is no text to read, so it comes late: when it is known to be none.
    """

    def __init__(
        self,
        question: Question,
        *,
        turns: tuple[Message, ...],
        tools: Sequence[Function] = (),
        needs_word: bool = False,
        rounds: int = ROUNDS,
        tries: int = TRIES,
        client: AsyncClient | None = None,
    ) -> None:
        self.shaped: Shaped[Any] | None = None  # Any: of the type that the question wants
        self._client = client or AsyncClient()
        self._question = question
        self._turns = turns
        self._tools = tools
        self._needs_word = needs_word
        self._rounds = rounds
        self._tries = tries
        self._model = question.model or self._client.default_model()
        self._steps: deque[Step] = deque()
        self._news = asyncio.Event()
        self._has_text = False
        self._may_call = bool(tools)
        self._ended: list[Reply] = []
        self._turn: Gathering | None = None

    def reply(self) -> Reply:
        """What there is so far: the text of the last turn, with what all turns took."""
        now = self._now()
        turns = [*self._ended, *([now] if self._turn is not None else [])]
        return replace(
            now,
            usage=Usage(
                input_tokens=sum(each.usage.input_tokens for each in turns),
                output_tokens=sum(each.usage.output_tokens for each in turns),
            ),
            seconds=sum(each.seconds for each in turns),
            first_token_seconds=next((each.first_token_seconds for each in turns if each.first_token_seconds), 0.0),
        )

    async def steps(self, *, every: float) -> AsyncGenerator[Step, None]:
        """Ask, and tell what happens; text at most once in `every` seconds, and last the whole answer."""
        answering = asyncio.create_task(
            answered(
                self._question,
                turns=self._turns,
                tools=self._tools,
                approve=self._word if self._needs_word else None,
                rounds=self._rounds,
                tries=self._tries,
                client=_Watched(self._client, self),
                watch=self._hear,
            )
        )
        answering.add_done_callback(lambda _: self._news.set())
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                self._see_text()
                while self._steps:
                    yield self._steps.popleft()
                if answering.done():
                    break
                await asyncio.wait({answering}, timeout=every)
            self.shaped = await answering
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
        yield replace(self.reply(), text=self.shaped.reply.text)

    # -- what the client and the loops tell ---------------------------------------------------------------------------

    def begin(self, model: str) -> None:
        """A turn begins; one that came to nothing does not count."""
        self._see_text()  # the last of the turn before
        self._turn = Gathering(model=model)
        self._tell(Asked())

    def add(self, delta: Delta) -> None:
        """A piece of the turn."""
        if self._turn is not None:
            self._turn.add(delta)
        if delta.text or delta.reasoning:
            self._has_text = True
            self._news.set()

    def end(self) -> Reply:
        """The turn is over."""
        assert self._turn is not None
        reply = self._turn.reply()
        self._ended.append(reply)
        self._turn = None
        return reply

    def _hear(self, event: Event) -> None:
        if isinstance(event, ToolTalk):  # what the model has said, and says from now on, is no call
            self._may_call, self._has_text = False, True
            self._news.set()
        else:
            self._tell(event)

    async def _word(self, call: ToolCall) -> bool:
        decision = Decision(call)
        self._tell(decision)
        return await decision.word()

    def _tell(self, step: Step) -> None:
        self._see_text()
        self._steps.append(step)
        self._news.set()

    def _see_text(self) -> None:
        """Put the text that has come among the steps, in its place."""
        if self._has_text:
            self._has_text = False
            now = self._now()
            if now.text or now.reasoning:
                self._steps.append(now)

    def _now(self) -> Reply:
        """The last turn as one may see it."""
        if self._turn is not None:
            now = self._turn.reply()
        elif self._ended:
            now = self._ended[-1]
        else:
            now = Reply(text="", model=self._model, finish_reason="cancelled")
        is_held = self._may_call and now.text.lstrip().startswith(CALLS_BEGIN_SO)
        return replace(now, text="") if is_held else now


class _Watched:
    """A client whose answers are seen while they come."""

    def __init__(self, client: AsyncClient, progress: Progress) -> None:
        self.transport = client.transport
        self._client = client
        self._progress = progress

    async def describe(self, *, model: str = "") -> ModelCard:
        return await self._client.describe(model=model)

    def default_model(self) -> str:
        return self._client.default_model()

    async def chat(self, messages: ChatRequest, *, model: str = "", options: ChatOptions | None = None) -> Reply:
        able = (await self._client.describe(model=model)).capabilities
        self._progress.begin(model or self._client.default_model())
        if not (able.chat and able.stream):
            reply = await self._client.chat(messages, model=model, options=options)
            self._progress.add(reply.as_delta())
            return self._progress.end()
        async with aclosing(self._client.stream(messages, model=model, options=options)) as deltas:
            async for delta in deltas:
                self._progress.add(delta)
        return self._progress.end()

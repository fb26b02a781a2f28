"""A conversation in which a model may call functions until it has what it needs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import isawaitable
from typing import Any, Literal

from byzer_nb.errors import AnswerError, ByzerError, UnsupportedError
from byzer_nb.mcp import McpServer
from byzer_nb.prompts.answer_text import shortened
from byzer_nb.prompts.asking import Asks
from byzer_nb.prompts.function_formats import function_calling_format
from byzer_nb.prompts.ladder import with_text
from byzer_nb.prompts.server_tools import offered
from byzer_nb.prompts.tool_results import as_parts, as_words
from byzer_nb.prompts.tools import Tool, calls_in
from byzer_nb.types import Capabilities, ChatOptions, ChatRequest, Message, Reply, TextPart, ToolCall, Usage

ROUNDS = 8
Way = Literal["tools", "words"]
Approve = Callable[[ToolCall], "bool | Awaitable[bool]"]
Watch = Callable[["ToolCall | Made"], None]
DENIED = "The user did not allow this call."
MADE_BY_TOOLS = "What the tools made."


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A call that was made, or was not: then `error` says why, in words for the model."""

    call: ToolCall
    value: Any = None  # Any: what the function returned
    error: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolTalk:
    """How it ended: the last reply, with the usage of all rounds, and every call in order."""

    reply: Reply
    made: tuple[Made, ...]
    rounds: int
    way: Way
    messages: tuple[Message, ...] = field(repr=False, default=())


class ToolLoop:
    """Goes round by round: `ask` the model, then `answer` its calls, until there are none.

    Whoever decides on calls himself does it between the two, now or tomorrow: `pending` are the calls that wait, and
    nothing else happens meanwhile. `run` does all of it. `watch` hears of each call, and then of what came of it.
    """

    def __init__(
        self,
        client: Asks,
        messages: tuple[Message, ...],
        tools: Sequence[Tool | McpServer],
        *,
        model: str = "",
        options: ChatOptions | None = None,
        choice: Tool | None = None,
        in_words: Callable[..., str] | None = None,
        beside: Mapping[str, Any] | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.pending: tuple[ToolCall, ...] = ()
        self.made: list[Made] = []
        self.rounds = 0
        self.way: Way = "words"
        self.reply = Reply(text="")
        self.reason = ""  # why an answer in words counts as no call
        self._client = client
        self._messages = messages
        self._given = tools
        self._offered: list[Tool] = []  # the tools of servers too, as they are at each turn
        self._tools: dict[str, Tool] = {}
        self._able = Capabilities()
        self._model = model
        self._options = options
        self._choice = self._once_chosen = choice
        self._in_words = in_words
        self._only_in_words = False
        self._beside = dict(beside or {})
        self._watch = watch
        self._usage = Usage()

    async def run(self, *, rounds: int = ROUNDS, approve: Approve | None = None) -> ToolTalk:
        """Ask and answer until the model calls nothing more; after so many rounds it is an error."""
        for _ in range(max(1, rounds)):
            await self.ask()
            if not self.pending:
                return self.talk()
            await self.answer(approve=approve)
        names = ", ".join(sorted({each.call.name for each in self.made}))
        raise AnswerError(
            f"The model still calls tools after {rounds} rounds: {names}.",
            answer=self.reply.text,
            hint="Allow more with rounds=, or say in the prompt when to stop.",
        )

    def talk(self) -> ToolTalk:
        """What there is so far."""
        return ToolTalk(
            reply=self.reply, made=tuple(self.made), rounds=self.rounds, way=self.way, messages=self._messages
        )

    async def ask(self) -> Reply:
        """The next turn of the model; its calls wait in `pending`."""
        self.rounds += 1
        await self._look_at_tools()
        self._able = (await self._client.describe(model=self._model)).capabilities
        self.way = "tools" if self._able.tools and self._in_words is None and not self._only_in_words else "words"
        try:
            reply = await self._client.chat(self._request(), model=self._model, options=self._options)
        except UnsupportedError:  # some providers leave it to the model whether it calls the one that it has to
            if self.way == "words":
                raise
            self.way, self._only_in_words = "words", True
            reply = await self._client.chat(self._request(), model=self._model, options=self._options)
        self._usage += reply.usage
        self.reply = replace(reply, usage=self._usage)
        self.pending = reply.tool_calls if self.way == "tools" else self._calls_in_words(reply.text)
        if self.pending:
            self._messages = (
                *self._messages,
                Message(
                    role="assistant",
                    content=reply.text,
                    tool_calls=self.pending if self.way == "tools" else (),
                ),
            )
        return self.reply

    async def answer(self, *, approve: Approve | None = None) -> tuple[Made, ...]:
        """Make the calls that wait, all at once, and tell the model what came of them."""
        made = tuple(await asyncio.gather(*[self._watched(call, approve) for call in self.pending]))
        self.pending = ()
        self.made += made
        self._messages = (*self._messages, *self._told(made))
        self._choice = None  # what had to be called was
        return made

    async def _watched(self, call: ToolCall, approve: Approve | None) -> Made:
        if self._watch is None:
            return await self._make(call, approve)
        self._watch(call)
        made = await self._make(call, approve)
        self._watch(made)
        return made

    async def _make(self, call: ToolCall, approve: Approve | None) -> Made:
        tool = self._tools.get(call.name)
        if tool is None:
            return Made(call=call, error=f"There is no tool {call.name!r}. There are: {', '.join(self._tools)}.")
        if call.raw:
            return Made(call=call, error=f"The arguments are no JSON object: {shortened(call.raw)!r}")
        if approve is not None:
            decision = approve(call)
            if not (await decision if isawaitable(decision) else decision):
                return Made(call=call, error=DENIED)
        try:
            return Made(call=call, value=await tool.call(call.arguments, self._beside))
        except ByzerError as wrong:
            return Made(call=call, error=wrong.message)
        except Exception as failed:  # whatever a tool raises is told to the model, which may find another way
            return Made(call=call, error=f"{type(failed).__name__}: {failed}")

    async def _look_at_tools(self) -> None:
        self._offered = await offered(self._given, beside=tuple(self._beside))
        chosen = [self._once_chosen] if self._once_chosen is not None else []
        self._tools = {tool.spec.name: tool for tool in (*self._offered, *chosen)}

    def _request(self) -> ChatRequest:
        if self.way == "tools":
            specs = tuple(tool.spec for tool in self._tools.values())
            choice = self._choice.spec.name if self._choice is not None else ""
            return ChatRequest(messages=self._messages, tools=specs, tool_choice=choice)
        return ChatRequest(messages=with_text(self._messages, self._in_prompt))

    def _in_prompt(self, text: str) -> str:
        write = self._in_words or function_calling_format
        tools = [tool.function for tool in self._offered]
        return write(text, tools, self._choice.function if self._choice is not None else None)

    def _calls_in_words(self, text: str) -> tuple[ToolCall, ...]:
        try:
            calls = calls_in(text)
        except AnswerError as none:
            self.reason = none.message
            return ()
        self.reason = ""
        return calls

    def _told(self, made: tuple[Made, ...]) -> tuple[Message, ...]:
        words = [f"Error: {each.error}" if each.error else as_words(each.value, self._able) for each in made]
        shown = [part for each in made for part in as_parts(each.value, self._able)]
        if self.way == "words":
            lines = [f"{each.call.name}: {told}" for each, told in zip(made, words, strict=True)]
            text = "\n".join(["Results:", *lines])
            return (Message(role="user", content=(*shown, TextPart(text=text)) if shown else text),)
        told = [
            Message(role="tool", content=text, tool_call_id=each.call.id)
            for each, text in zip(made, words, strict=True)
        ]
        if shown:
            told.append(Message(role="user", content=(*shown, TextPart(text=MADE_BY_TOOLS))))
        return tuple(told)

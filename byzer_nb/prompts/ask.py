"""One question to a model: a template and its variables in, a checked value out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeAlias, get_type_hints

from pydantic import TypeAdapter, ValidationError

from byzer_nb._sync import run
from byzer_nb.client import AsyncClient
from byzer_nb.client.tagged import parts_of
from byzer_nb.errors import AnswerError, BadInputError
from byzer_nb.prompts.asking import Asks
from byzer_nb.prompts.ladder import TRIES, Rung, Shaped, shaped_answer, with_request
from byzer_nb.prompts.marked import Part, inserted_parts
from byzer_nb.prompts.shape import Shape
from byzer_nb.prompts.template import Template
from byzer_nb.prompts.tool_loop import ROUNDS, Approve, Made, ToolLoop, ToolTalk
from byzer_nb.prompts.tools import Offer, as_tools
from byzer_nb.types import ChatOptions, ChatRequest, Message, ToolCall

Event: TypeAlias = ToolCall | Made | ToolTalk | AnswerError  # the last is of an answer, after which there is another

_KINDS = get_type_hints(ChatOptions)
TEXT_RUNG: Rung = "words"  # an answer in words needs no other
SAY_AGAIN = "Now give the answer itself."
TYPO = 0.9  # so near to an option of ours, a name is a slip and not an option of the provider


def ask(
    template: str,
    *,
    model: str = "",
    variables: Mapping[str, Any] | None = None,
    as_type: Any = str,
    system: str = "",
    temperature: float | None = None,
    max_tokens: int | None = None,
    stop: str | Sequence[str] = (),
    seed: int | None = None,
    tools: Sequence[Offer] = (),
    approve: Approve | None = None,
    rounds: int = ROUNDS,
    tries: int = TRIES,
    **options: Any,
) -> Any:  # Any: a value of `as_type`
    """The answer to a prompt, checked and in the type that was asked for.

    For example `ask("Who is in {{ text }}?", variables={"text": text}, as_type=list[Person], temperature=0)`. An answer
    that does not fit is given back to the model with the reason, `tries` times in all.

    Args:
        template: Jinja text; its names are looked up in `variables`, whose values are never rendered again.
        model: the name of a running model, else the default one.
        system: what the model is told before the prompt; a template over the same variables.
        as_type: a pydantic model, a dataclass, `list[Story]`, `int`, `dict`, a data frame, …
        tools: functions that the model may call before it answers, and MCP servers; what they raise is told to it.
        approve: asked before each call of a tool; what it refuses is not called, and the model learns of it.
        rounds: how often the model may call tools before that counts as a failure.
        options: any other generation option; one that is not of ours goes to the provider as it is.
    """
    named = {"temperature": temperature, "max_tokens": max_tokens, "stop": stop, "seed": seed}
    given = {name: value for name, value in named.items() if value not in (None, ())}
    question = Question(
        template=Template(template, owner="the prompt"),
        variables=variables or {},
        model=model,
        shape=Shape(as_type),
        system=Template(system, owner="the system text") if system else None,
        options=read_options({**given, **options}),
    )
    return run(answered(question, tools=tools, approve=approve, rounds=rounds, tries=tries)).value


async def answered(
    question: Question,
    *,
    turns: tuple[Message, ...] = (),
    tools: Sequence[Offer] = (),
    approve: Approve | None = None,
    rounds: int = ROUNDS,
    tries: int = TRIES,
    client: Asks | None = None,
    watch: Callable[[Event], None] | None = None,
) -> Shaped[Any]:
    """The answer to a question with all that is known about how it came about.

    `turns` are those of the question where they have been written already; `watch` hears of calls, and of answers that
    do not fit, while it goes on.
    """
    asks = client or AsyncClient()
    turns, model, options = turns or question.turns(), question.model, question.options
    if tools:
        loop = ToolLoop(asks, turns, as_tools(tools), model=model, options=options, watch=watch)
        talk = await loop.run(rounds=rounds, approve=approve)
        if watch is not None:
            watch(talk)
        if question.shape.is_text:
            return Shaped(value=talk.reply.text, reply=talk.reply, rung=TEXT_RUNG, tries=1)
        said = Message(role="assistant", content=talk.reply.text)
        turns = (*talk.messages, said, Message(role="user", content=SAY_AGAIN))
    if question.shape.is_text:
        reply = await asks.chat(ChatRequest(messages=turns), model=model, options=options)
        return Shaped(value=reply.text, reply=reply, rung=TEXT_RUNG, tries=1)
    return await shaped_answer(asks, turns, question.shape, model=model, options=options, tries=tries, watch=watch)


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """All that has to be known before a model is asked."""

    template: Template
    variables: Mapping[str, Any] = field(repr=False)
    shape: Shape[Any]
    model: str = ""
    system: Template | None = None
    options: ChatOptions = field(default_factory=ChatOptions)

    def messages(self) -> tuple[Message, ...]:
        """The turns as they go to a model that is asked for the shape in words."""
        return self.turns() if self.shape.is_text else with_request(self.turns(), self.shape)

    def turns(self) -> tuple[Message, ...]:
        """The turns without the wish for a shape."""
        turns = (Message(role="user", content=parts_of(self.template.fill(self.variables))),)
        if self.system is None:
            return turns
        return (Message(role="system", content=self.system.fill(self.variables)), *turns)

    def parts(self) -> list[tuple[str, list[Part]]]:
        """Each turn in parts, so that what was inserted can be told from what was written."""
        turns = [("user", self._parts_of_user())]
        if self.system is None:
            return turns
        return [("system", inserted_parts(self.system, self.variables)), *turns]

    def asks_for(self, name: str) -> bool:
        """Whether one of the templates uses a variable of that name."""
        return self.template.asks_for(name) or (self.system is not None and self.system.asks_for(name))

    def _parts_of_user(self) -> list[Part]:
        parts = inserted_parts(self.template, self.variables)
        written = "".join(part.text for part in parts)
        request = self.shape.request(written).removeprefix(written)
        return [*parts, Part(text=request, is_inserted=False)] if request else parts


class StoppedText(str):
    """The part of an answer that had come when it was stopped; a string in every way."""

    __slots__ = ()


def read_options(given: Mapping[str, Any]) -> ChatOptions:
    """Options by name, each checked and converted; names that are not of ours go to the provider as they are."""
    known: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in given.items():
        if name == "extra":
            extra.update(_converted(name, value))
        elif name in _KINDS:
            known[name] = _converted(name, (value,) if name == "stop" and isinstance(value, str) else value)
        elif meant := option_meant(name):
            raise BadInputError(
                f"There is no option {name!r}.",
                hint=f"Did you mean {meant!r}? An option of the provider's own can stand in extra={{{name!r}: …}}.",
            )
        else:
            extra[name] = value
    return ChatOptions(**known, extra=extra)


def option_meant(name: str) -> str:
    """The option of ours of which the name is a slip, or nothing."""
    if name in _KINDS:
        return ""
    return next(iter(get_close_matches(name, list(_KINDS), n=1, cutoff=TYPO)), "")


def _converted(name: str, value: Any) -> Any:
    try:
        return TypeAdapter(_KINDS[name]).validate_python(value)
    except ValidationError as wrong:
        reason = wrong.errors(include_url=False)[0]["msg"]
        raise BadInputError(f"The option {name} cannot be {value!r}.", hint=f"{reason}.") from None

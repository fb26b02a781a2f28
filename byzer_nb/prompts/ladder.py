"""A typed value from any model: by its own schema, by a tool, by constrained decoding, or by words and another try.

The first rung that the model can stand on is used. A rung that a provider refuses is left for the next one; an answer
that does not fit is given back to the model with the reason, a few times.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, Protocol, TypeVar

from byzer_nb.client import AsyncClient, Transport
from byzer_nb.errors import AnswerError, BadInputError, ModelCallError, UnsupportedError
from byzer_nb.prompts.asking import Asks
from byzer_nb.prompts.formats import response_class_format
from byzer_nb.prompts.reasons import reason_to_give
from byzer_nb.prompts.schema_checker import SchemaChecker
from byzer_nb.types import (
    AnswerSchema,
    Capabilities,
    ChatOptions,
    ChatRequest,
    Delta,
    Message,
    ModelCard,
    Reply,
    TextPart,
    ToolSpec,
    Usage,
)

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Rung = Literal["schema", "tool", "constrained", "words"]

TRIES = 3
ANSWER = "answer"  # the tool that takes the answer, on the rung of tools
REFUSED = frozenset({400, 404, 415, 422, 501})  # what hosts answer to a parameter that they do not know

# The rungs that were found not to bear, by the way to models and the name of one.
_broken: weakref.WeakKeyDictionary[Transport, dict[str, set[Rung]]] = weakref.WeakKeyDictionary()


class Wanted(Protocol[T_co]):
    """What an answer shall be: `Shape` is one, for a type, and `JsonShape` for a schema."""

    def request(self, prompt: str) -> str:
        """The prompt with a request to answer so."""
        ...

    def schema(self) -> str:
        """The JSON schema."""
        ...

    def value(self, answer: str, *, was_cut: bool = False) -> T_co:
        """The answer, which may have been cut for its length, as a value; `AnswerError` says what is wrong with it."""
        ...


class JsonShape:
    """An answer that fits a schema somebody wrote down; its value is what the JSON says."""

    def __init__(self, schema: str) -> None:
        try:
            self._checker = SchemaChecker(json.loads(schema))
        except ValueError as wrong:
            raise BadInputError(
                f"The schema is no JSON: {wrong}.", hint="For example: Story.model_json_schema()"
            ) from wrong
        self._schema = schema

    def request(self, prompt: str) -> str:
        """The prompt with a request to answer so."""
        return response_class_format(prompt, self._schema)

    def schema(self) -> str:
        """The JSON schema."""
        return self._schema

    def value(self, answer: str, *, was_cut: bool = False) -> Any:  # Any: a JSON value
        """The JSON of the answer, read as generously as that of a class and checked against the schema."""
        return self._checker.read(answer, was_cut=was_cut)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shaped(Generic[T]):
    """A value, and how it came about. `reply` is the last answer, with the usage of all tries."""

    value: T
    reply: Reply
    rung: Rung
    tries: int


class ShapeError(AnswerError):
    """No try gave an answer of the wanted shape; `reply` is the last one, with the usage of all tries."""

    def __init__(self, failed: AnswerError, *, reply: Reply, rung: Rung, tries: int) -> None:
        super().__init__(failed.message, answer=failed.answer, hint=failed.hint, problems=failed.problems)
        self.reply = reply
        self.rung = rung
        self.tries = tries


async def shaped_answer(
    client: Asks,
    messages: tuple[Message, ...],
    shape: Wanted[T],
    *,
    model: str,
    options: ChatOptions | None = None,
    tries: int = TRIES,
    in_words: Callable[[tuple[Message, ...]], tuple[Message, ...]] | None = None,
    watch: Callable[[AnswerError], None] | None = None,
) -> Shaped[T]:
    """The answer to a conversation as a value of a shape.

    `in_words` writes the wish into the messages, in the place of our own words; it also keeps to that rung, because
    whoever words the wish wants it read. `watch` hears what was wrong with an answer before the next one is asked for.
    """
    asking = _Asking(client, messages, shape, model=model, options=options, in_words=in_words)
    error: AnswerError | None = None
    for attempt in range(1, max(1, tries) + 1):
        reply = await asking.ask(error)
        try:
            value = shape.value(reply.text, was_cut=reply.finish_reason == "length")
            return Shaped(value=value, reply=asking.last, rung=asking.rung, tries=attempt)
        except AnswerError as wrong:
            error = wrong
            if reply.finish_reason == "length":
                break  # it would be cut again
        if watch is not None and attempt < tries:
            watch(error)
    assert error is not None
    raise ShapeError(error, reply=asking.last, rung=asking.rung, tries=attempt) from error


def shaped_deltas(
    client: AsyncClient,
    messages: tuple[Message, ...],
    shape: Wanted[Any],
    *,
    model: str,
    options: ChatOptions | None = None,
) -> AsyncGenerator[Delta, None]:
    """An answer of that shape while it is written; nobody looks at it here, and it is asked for once."""
    return _Asking(client, messages, shape, model=model, options=options, in_words=None).deltas(client)


class _Asking:
    """One question, its rung, and what its tries took so far."""

    def __init__(
        self,
        client: Asks,
        messages: tuple[Message, ...],
        shape: Wanted[Any],
        *,
        model: str,
        options: ChatOptions | None,
        in_words: Callable[[tuple[Message, ...]], tuple[Message, ...]] | None,
    ) -> None:
        self.rung: Rung = "words"
        self.last = Reply(text="")
        self._client = client
        self._messages = messages
        self._shape = shape
        self._model = model
        self._options = options
        self._in_words = in_words
        self._usage = Usage()
        self._cost: float | None = None

    async def ask(self, error: AnswerError | None) -> Reply:
        """The next answer; after a failure the model is told what was wrong with the last one."""
        card, broken = await self._known()
        while True:
            self.rung = "words" if self._in_words is not None else _first_rung(card.capabilities, card.is_local, broken)
            try:
                reply = await self._client.chat(self._request(error), model=self._model, options=self._options)
            except (ModelCallError, UnsupportedError) as refused:
                if not self._is_of_rung(refused):
                    raise
                broken.add(self.rung)
            else:
                return self._taken(reply)

    async def deltas(self, client: AsyncClient) -> AsyncGenerator[Delta, None]:
        """The answer while it is written; the arguments of a tool come whole, so that rung is left out."""
        card, broken = await self._known()
        while True:
            self.rung = _first_rung(card.capabilities, card.is_local, {*broken, "tool"})
            has_begun = False
            try:
                stream = client.stream(self._request(None), model=self._model, options=self._options)
                async with aclosing(stream) as deltas:
                    async for delta in deltas:
                        has_begun = True
                        yield delta
            except (ModelCallError, UnsupportedError) as refused:
                if has_begun or not self._is_of_rung(refused):
                    raise
                broken.add(self.rung)
            else:
                return

    async def _known(self) -> tuple[ModelCard, set[Rung]]:
        """The card of the model, and the rungs that did not bear."""
        card = await self._client.describe(model=self._model)
        name = self._model or self._client.default_model()
        return card, _broken.setdefault(self._client.transport, {}).setdefault(name, set())

    def _is_of_rung(self, refused: ModelCallError | UnsupportedError) -> bool:
        """Whether another rung may do."""
        return self.rung != "words" and (isinstance(refused, UnsupportedError) or refused.status in REFUSED)

    def _taken(self, reply: Reply) -> Reply:
        text = reply.text
        if self.rung == "tool" and reply.tool_calls:
            call = reply.tool_calls[0]
            text = call.raw or json.dumps(call.arguments, ensure_ascii=False)
        self._usage += reply.usage
        if reply.cost is not None:
            self._cost = (self._cost or 0.0) + reply.cost
        self.last = replace(reply, text=text, usage=self._usage, cost=self._cost)
        return self.last

    def _request(self, error: AnswerError | None) -> ChatRequest:
        # With a tool in words too: some servers take tools and let the model forget them.
        messages = self._messages if self.rung == "schema" else self._worded(self._messages)
        if error is not None:
            messages = (
                *messages,
                Message(role="assistant", content=error.answer or "..."),
                Message(role="user", content=reason_to_give(error)),
            )
        schema = json.loads(self._shape.schema())
        if self.rung == "tool":
            tool = ToolSpec(name=ANSWER, description="Takes the answer.", parameters=schema)
            return ChatRequest(messages=messages, tools=(tool,), tool_choice=ANSWER)
        return ChatRequest(
            messages=messages, schema=None if self.rung == "words" else AnswerSchema(schema=schema, name=ANSWER)
        )

    def _worded(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        return self._in_words(messages) if self._in_words is not None else with_request(messages, self._shape)


def _first_rung(able: Capabilities, is_local: bool, broken: set[Rung]) -> Rung:
    rungs: list[tuple[Rung, bool]] = [
        ("constrained" if is_local else "schema", able.schema),
        ("tool", able.tools and not is_local),
    ]
    return next((rung for rung, can in rungs if can and rung not in broken), "words")


def with_request(messages: tuple[Message, ...], shape: Wanted[Any]) -> tuple[Message, ...]:
    """The conversation, whose last message also asks for an answer of that shape."""
    return with_text(messages, shape.request)


def with_text(messages: tuple[Message, ...], change: Callable[[str], str]) -> tuple[Message, ...]:
    """The conversation, the text of whose last message was changed; pictures and sound in it stay."""
    last = messages[-1]
    if isinstance(last.content, str):
        return (*messages[:-1], replace(last, content=change(last.content)))
    beside = tuple(part for part in last.content if not isinstance(part, TextPart))
    return (*messages[:-1], replace(last, content=(*beside, TextPart(text=change(last.text)))))

"""Calling a function whose body a model writes; what it writes runs in the sandbox."""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from byzer_nb.errors import AnswerError, BadInputError, SandboxError
from byzer_nb.prompts.asking import Asks
from byzer_nb.prompts.implementation import Implementation, ImplementationCache, signature_of, source_in
from byzer_nb.prompts.shape import one_of
from byzer_nb.sandbox import Limits, async_run_function, check_source
from byzer_nb.types import ChatOptions, ChatRequest, Message, Reply

TRIES = 3
MOST_RESULTS = 1_000

Write = Callable[..., str]  # (prompt, function, cls=...) -> the words that ask for a body


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """A value, the body that made it, and the model's reply where it had to be asked."""

    value: Any  # Any: an instance of the class that was wanted
    implementation: Implementation
    reply: Reply | None
    seconds: float


class ImplementError(AnswerError):
    """No body came that can be used, or the one there is failed; `source` is the code, and `reply` what was said."""

    def __init__(self, message: str, *, answer: str, source: str, reply: Reply | None, hint: str = "") -> None:
        super().__init__(message, answer=answer, hint=hint)
        self.source = source
        self.reply = reply


class Implementer:
    """Has bodies written and calls them. One for all functions of a client: the results of a body are remembered."""

    def __init__(self, asks: Asks, *, cache: ImplementationCache) -> None:
        self.cache = cache
        self._asks = asks
        self._results: dict[tuple[str, str, str], str] = {}

    def remembered(
        self,
        function: Callable[..., Any],
        arguments: Mapping[str, Any],
        cls: type[BaseModel] | str,
        *,
        model: str,
        instruction: str = "",
    ) -> Outcome | None:
        """What the same call gave before, at once: without a model, the sandbox, or a loop. None if it is not known."""
        started = time.perf_counter()
        found = self.cache.find(function, model=model, instruction=instruction)
        known = None if found is None else self._results.get(_key_of(found, arguments))
        if found is None or known is None:
            return None
        value = _checked(known, function, cls, found, None)
        return Outcome(value=value, implementation=found, reply=None, seconds=time.perf_counter() - started)

    async def call(
        self,
        function: Callable[..., Any],
        arguments: Mapping[str, Any],
        cls: type[BaseModel] | str,
        *,
        model: str,
        write: Write,
        instruction: str = "",
        options: ChatOptions | None = None,
        skip_cache: bool = False,
        limits: Limits | None = None,
    ) -> Outcome:
        """The result of a function for these arguments, checked against the class.

        The body comes from the cache where it is there, and the result too where the same body had the same arguments.
        """
        started = time.perf_counter()
        found = None if skip_cache else self.cache.find(function, model=model, instruction=instruction)
        reply = None
        if found is None:
            source, reply = await self._written(
                function, cls, model=model, write=write, prompt=instruction, options=options
            )
            found = (
                Implementation.unkept(function, source, model=model, instruction=instruction)
                if skip_cache
                else self.cache.keep(function, source, model=model, instruction=instruction)
            )
        value = await self.run(found, function, arguments, cls, reply, remembers=not skip_cache, limits=limits)
        return Outcome(value=value, implementation=found, reply=reply, seconds=time.perf_counter() - started)

    async def _written(
        self,
        function: Callable[..., Any],
        cls: type[BaseModel] | str,
        *,
        model: str,
        write: Write,
        prompt: str,
        options: ChatOptions | None,
    ) -> tuple[str, Reply]:
        """A body that passed the checks; what is wrong with one is told to the model, which may try again."""
        name = getattr(function, "__name__", type(function).__name__)
        messages: tuple[Message, ...] = (Message(role="user", content=write(prompt, function, cls=cls)),)
        failure: AnswerError | SandboxError | None = None
        for _ in range(TRIES):
            reply = await self._asks.chat(ChatRequest(messages=messages), model=model, options=options)
            source = ""
            try:
                source = source_in(reply.text, name)
                check_source(source, name, parameters=list(inspect.signature(function).parameters))
            except (AnswerError, SandboxError) as wrong:
                failure = wrong
                told = f"That code cannot be used. {wrong.message} Write the whole function again, in one code block."
                messages = (
                    *messages,
                    Message(role="assistant", content=reply.text or "..."),
                    Message(role="user", content=told),
                )
            else:
                return source, reply
        assert failure is not None
        raise ImplementError(
            failure.message, answer=reply.text, source=source, reply=reply, hint=failure.hint
        ) from failure

    async def run(
        self,
        implementation: Implementation,
        function: Callable[..., Any],
        arguments: Mapping[str, Any],
        cls: type[BaseModel] | str,
        reply: Reply | None = None,
        *,
        remembers: bool = False,
        limits: Limits | None = None,
    ) -> Any:  # Any: an instance of the class that was wanted
        """What a body returns for these arguments, checked against the class."""
        name = getattr(function, "__name__", type(function).__name__)
        key = _key_of(implementation, arguments)
        known = self._results.get(key) if remembers else None
        if known is None:
            try:
                ran = await async_run_function(implementation.source, name, dict(arguments), limits=limits or Limits())
            except SandboxError as failed:
                raise ImplementError(
                    f"The body of {name}() failed: {failed.message}",
                    answer=reply.text if reply is not None else "",
                    source=implementation.source,
                    reply=reply,
                    hint=failed.hint
                    or "Look at the code, edit its file, or have it written again with skip_cache=True.",
                ) from failed
            known = ran.value if isinstance(ran.value, str) else json.dumps(ran.value)
            if remembers:
                if len(self._results) >= MOST_RESULTS:
                    self._results.clear()
                self._results[key] = known
        return _checked(known, function, cls, implementation, reply)

    def forget(self) -> None:
        """Forget all results; bodies stay in the cache."""
        self._results.clear()


def bound(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call by name, with defaults filled in."""
    signature = signature_of(function)
    try:
        binding = signature.bind(*args, **kwargs)
    except TypeError as wrong:
        raise BadInputError(f"{function.__name__}{signature}: {wrong}.") from None
    binding.apply_defaults()
    return dict(binding.arguments)


def _key_of(implementation: Implementation, arguments: Mapping[str, Any]) -> tuple[str, str, str]:
    given = json.dumps(to_jsonable_python(dict(arguments), fallback=repr), sort_keys=True)
    return implementation.function, implementation.source, given


def _checked(
    known: str,
    function: Callable[..., Any],
    cls: type[BaseModel] | str,
    implementation: Implementation,
    reply: Reply | None,
) -> Any:  # Any: an instance of the class that was wanted
    """What a body returned, as the class that was wanted."""
    if isinstance(cls, str):
        return json.loads(known)
    try:
        return one_of(cls).read(known)
    except AnswerError as wrong:
        name = getattr(function, "__name__", type(function).__name__)
        raise ImplementError(
            f"{name}() returned no {cls.__name__}: {wrong.message}",
            answer=known,
            source=implementation.source,
            reply=reply,
            hint="Look at the code, edit its file, or have it written again with skip_cache=True.",
        ) from wrong

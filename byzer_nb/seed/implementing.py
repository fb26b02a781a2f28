"""`impl`, `impl_func` and `response`: functions without a body, which a model writes or answers."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from pydantic import BaseModel

from byzer_nb._sync import run
from byzer_nb.errors import AnswerError, BadInputError, PromptError
from byzer_nb.prompts.answer_text import NO_JSON
from byzer_nb.prompts.function_formats import function_impl_format
from byzer_nb.prompts.implement import Implementer, ImplementError, Outcome, bound
from byzer_nb.prompts.implementation import NO_PYTHON, ImplementationCache
from byzer_nb.prompts.result_kind import result_kind
from byzer_nb.seed.content import shown
from byzer_nb.seed.responses import LLMClassResponse, LLMResponse, response_of
from byzer_nb.seed.shaped import Heard, class_response
from byzer_nb.seed.speaking import Speaking
from byzer_nb.types import ChatOptions, Message, Reply

P = ParamSpec("P")
R = TypeVar("R")


class Implementing(Speaking):
    """The calls that have functions written."""

    def impl(
        self,
        instruction: str | None = None,
        model: str | None = None,
        verbose: bool | None = None,
        skip_cache: bool = False,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """A decorator for a function without a body: on its first call a model writes one, which runs in a sandbox.

        For example `@llm.impl()` over `def add(a: int, b: int) -> Sum: "The sum."`. The body is kept as a file, and the
        next call needs no model; `llm.impl_cache()` shows the files. What it returns is checked against the annotation,
        which is a pydantic class.
        """

        def decorate(function: Callable[P, R]) -> Callable[P, R]:
            cls = _class_of(function, words="impl function should return a pydantic model")

            @functools.wraps(function)
            def written(*args: P.args, **kwargs: P.kwargs) -> R:
                arguments = bound(function, args, kwargs)
                outcome = None if skip_cache else self._remembered(function, arguments, cls, model, instruction or "")
                if outcome is None:
                    call = self._called(function, arguments, cls, model, instruction or "", skip_cache=skip_cache)
                    outcome = run(call)
                if self.verbose if verbose is None else verbose:
                    _say(outcome)
                value: R = outcome.value
                return value

            return written

        return decorate

    def _remembered(
        self,
        function: Callable[..., Any],
        arguments: Mapping[str, Any],
        cls: type[BaseModel] | str,
        model: str | None,
        instruction: str,
    ) -> Outcome | None:
        return self._implementer.remembered(
            function, arguments, cls, model=self.chat_model(model), instruction=instruction
        )

    async def _called(
        self,
        function: Callable[..., Any],
        arguments: Mapping[str, Any],
        cls: type[BaseModel] | str,
        model: str | None,
        instruction: str,
        *,
        skip_cache: bool = False,
        options: ChatOptions | None = None,
    ) -> Outcome:
        name = self.chat_model(model)
        return await self._implementer.call(
            function,
            arguments,
            cls,
            model=name,
            write=self.format_func(name, "impl_func", function_impl_format),
            instruction=instruction,
            options=await self.options_for(name, None, None) if options is None else options,
            skip_cache=skip_cache,
        )

    def impl_cache(self) -> ImplementationCache:
        """The bodies that were written so far: a folder of readable files, to be looked at, edited and committed."""
        return self._implementer.cache

    def clear_impl_cache(
        self, model: str | None = None, full_func_name: str | None = None, instruction: str | None = None
    ) -> None:
        """Forget the bodies that fit all that is given; without an argument all of them."""
        if model is not None and full_func_name is not None and instruction is None:
            raise BadInputError(
                "With a model and a function name the instruction is needed too.",
                hint='An empty one is instruction="".',
            )
        self._implementer.cache.clear(model=model, function=full_func_name, instruction=instruction)
        self._implementer.forget()

    def response(
        self, instruction: str | None = None, model: str | None = None, verbose: bool | None = None
    ) -> Callable[[Callable[[str], R]], Callable[[str], R]]:
        """A decorator for a function of one text: the text is sent, and the answer comes as the annotated class."""

        def decorate(function: Callable[[str], R]) -> Callable[[str], R]:
            cls = _class_of(function, words="response function should return a pydantic model")
            parameters = list(inspect.signature(function).parameters)
            if len(parameters) != 1:
                raise PromptError(
                    f"A response function has exactly one parameter, and {function.__name__} has {len(parameters)}."
                )

            @functools.wraps(function)
            def call(*args: Any, **kwargs: Any) -> R:
                (text,) = bound(function, args, kwargs).values()
                found = run(self._responded(model, f"{instruction}\n\n{text}" if instruction else str(text), cls))
                if found.value is None:
                    raise AnswerError(found.metadata["reason"] or NO_JSON, answer=found.response.output)
                if self.verbose if verbose is None else verbose:
                    print(found.metadata)
                value: R = found.value
                return value

            return call

        return decorate

    async def _responded(self, model: str | None, text: str, cls: type[BaseModel]) -> LLMClassResponse:
        name = self.chat_model(model)
        options = await self.options_for(name, None, None)
        return await class_response(self, name, self.turns(name, text), cls, options)

    async def implemented(
        self,
        name: str,
        messages: tuple[Message, ...],
        function: Callable[..., Any],
        cls: type[BaseModel] | str,
        options: ChatOptions,
        arguments: Mapping[str, Any],
    ) -> LLMClassResponse:
        """The result of a function that the model writes for a conversation; a failure is a reason and never raised."""
        try:
            given = bound(function, (), arguments)
            outcome = await self._called(
                function, given, cls, name, messages[-1].text, options=options, skip_cache=True
            )
        except (ImplementError, BadInputError) as failed:
            reason = NO_PYTHON if failed.message.startswith(NO_PYTHON) else failed.message
            reply = getattr(failed, "reply", None)
            # Under both spellings: the documents read the second one.
            return LLMClassResponse(
                response=_response(reply, messages), value=None, metadata={"reason": reason, "resason": reason}
            )

        def again(**others: Any) -> Any:
            return run(self._implementer.run(outcome.implementation, function, bound(function, (), others), cls))

        how = {"reason": "", "resason": "", "raw_func": outcome.implementation.source, "func": again}
        return LLMClassResponse(response=_response(outcome.reply, messages), value=outcome.value, metadata=how)

    @functools.cached_property
    def _implementer(self) -> Implementer:
        return Implementer(Heard(self, ""), cache=ImplementationCache())


def _class_of(function: Callable[..., Any], *, words: str) -> type[BaseModel]:
    name = getattr(function, "__name__", type(function).__name__)
    try:
        cls = result_kind(function, name=name).model
    except PromptError:
        cls = None
    if cls is None:
        raise PromptError(f"{words}, and {name} does not.", hint=f"Write: def {name}(...) -> MyClass:")
    return cls


def _say(outcome: Outcome) -> None:
    print(f"{outcome.implementation!r}\ntime cost: {outcome.seconds:.6f} s")


def _response(reply: Reply | None, messages: tuple[Message, ...]) -> LLMResponse:
    return response_of(reply or Reply(text=""), shown(messages))

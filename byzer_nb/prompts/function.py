"""A prompt function: an ordinary signature, a docstring for a template, an answer for a result.

Every builder (`with_llm`, `options`, …) returns a changed copy, so that nothing leaks from one use to the next.
"""

from __future__ import annotations

import copy
import functools
import inspect
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, Generic, ParamSpec, TypeVar, cast

from pydantic import BaseModel

from byzer_nb._sync import iterate, run
from byzer_nb.errors import AnswerError, BadInputError, PromptError, WrongTypeError
from byzer_nb.prompts.result_kind import ResultKind, result_kind
from byzer_nb.prompts.shape import to_model
from byzer_nb.prompts.speaker import Speaker
from byzer_nb.prompts.template import Template, prepare

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger(__name__)

ACCEPTED = "a client, the name of a running model, or a function of self that returns one of them"


class PromptFunction(Generic[P, R]):
    """A function implemented by a model; without a model a call gives the text that would be sent.

    Args:
        find_speaker: turns what the user gave as `llm` into a `Speaker`.
        llm: a client, a model's name, a function of self, or None.
        check_result: log a warning when the answer cannot be turned into the annotated class.
    """

    def __init__(
        self,
        function: Callable[P, object],
        *,
        find_speaker: Callable[[object], Speaker],
        llm: object = None,
        render: str = "jinja2",
        check_result: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        functools.update_wrapper(self, function)
        self.__name__: str = getattr(function, "__name__", "prompt")
        text = prepare(function.__doc__ or "")
        if not text:
            raise PromptError(
                f"prompt function {self.__name__} has no docstring template",
                hint='Write the prompt as its docstring: """Translate {{ text }}."""',
            )
        self._function = function
        self._find_speaker = find_speaker
        self._template = Template(text, owner=f"prompt function {self.__name__}", render=render)
        self._signature = inspect.signature(function)
        self._is_async = inspect.iscoroutinefunction(function)
        self._check_result = check_result
        self._owner: object = None  # the instance of a bound method
        self._is_bound = False
        self._llm = self._accepted(llm)
        self._options: dict[str, Any] = dict(options or {})
        self._return_type: type[Any] | None = None
        self._extractor: Callable[[str], Any] | None = None

    # -- binding and building -------------------------------------------------------------------------------------

    def __get__(self, instance: object, owner: type | None = None) -> PromptFunction[P, R]:
        return self if instance is None else self._but(_owner=instance, _is_bound=True)

    def _but(self, **changes: Any) -> PromptFunction[P, R]:
        changed = copy.copy(self)
        changed.__dict__.update(changes)
        return changed

    def with_llm(self, llm: object) -> PromptFunction[P, R]:
        """A copy that asks this model."""
        return self._but(_llm=self._accepted(llm))

    def options(self, options: Mapping[str, Any]) -> PromptFunction[P, R]:
        """A copy with these options of the call on top of those it has, e.g. `{"llm_config": {"temperature": 0}}`."""
        if not isinstance(options, Mapping):
            raise WrongTypeError(f"The options of {self.__name__} are a dict, not {options!r}.")
        return self._but(_options={**self._options, **options})

    def with_return_type(self, cls: type[Any]) -> PromptFunction[P, Any]:
        """A copy whose answer, which the prompt asks to be JSON, becomes an instance of a class (or a list of them)."""
        return self._but(_return_type=cls)

    def with_extractor(self, func: Callable[[str], Any]) -> PromptFunction[P, Any]:
        """A copy whose result is what a function makes of the answer's text."""
        if not callable(func):
            raise WrongTypeError(f"The extractor of {self.__name__} is a function of the text, not {func!r}.")
        return self._but(_extractor=func)

    def _accepted(self, llm: object) -> object:
        if llm is None or isinstance(llm, str) or callable(llm):
            return llm
        self._find_speaker(llm)  # raises on what is no model
        return llm

    # -- rendering ------------------------------------------------------------------------------------------------

    def prompt(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """The text that a call would send; nothing is called."""
        variables, body = self._run_body(args, kwargs)
        if inspect.isawaitable(body):
            body = run(_awaited(body))
        return self._fill(variables, body)

    def _run_body(self, args: Any, kwargs: Any) -> tuple[dict[str, Any], object]:
        if self._is_bound:
            args = (self._owner, *args)
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as wrong:
            raise WrongTypeError(
                f"{self.__name__}() {wrong}", hint=f"It is called as {self.__name__}{self._shown_signature()}"
            ) from wrong
        bound.apply_defaults()
        variables: dict[str, Any] = {}
        for name, parameter in self._signature.parameters.items():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                variables.update(bound.arguments[name])
            else:
                variables[name] = bound.arguments[name]
        return variables, self._function(*bound.args, **bound.kwargs)

    def _shown_signature(self) -> str:
        parameters = list(self._signature.parameters.values())
        return str(self._signature.replace(parameters=parameters[1:] if self._is_bound else parameters))

    def _fill(self, variables: dict[str, Any], body: object) -> str:
        if body is not None and not isinstance(body, dict):
            raise WrongTypeError(
                f"The body of prompt function {self.__name__} should return a dict, not {body!r}.",
                hint="Return {'name': value} to change or add template variables, or nothing.",
            )
        return self._template.fill({**variables, **(body or {})})

    # -- calling --------------------------------------------------------------------------------------------------

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Ask the model; without one, the text that would be sent."""
        if self._llm is None:
            if self._is_async:
                return cast(R, self._aprompt(args, kwargs))
            return cast(R, self.prompt(*args, **kwargs))
        return self.run(*args, **kwargs)

    def run(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Ask the model and give its answer in the annotated type; a generator of text when that is asked for."""
        answer = self.aio(*args, **kwargs)
        if self._is_async or self._kind.is_async_stream:
            return cast(R, answer)
        if self._kind.streams:
            return cast(R, iterate(cast("AsyncIterator[Any]", answer)))
        return cast(R, run(_awaited(cast("Awaitable[Any]", answer))))

    def aio(self, *args: P.args, **kwargs: P.kwargs) -> Any:  # Any: awaitable of R, or an async generator of text
        """The async form: `await f.aio(...)`, or `async for piece in f.aio(...)` for a function that streams."""
        speaker = self._speaker()
        kind = self._kind
        variables, body = self._run_body(args, kwargs)
        if kind.streams:
            return self._pieces(speaker, variables, body)
        return self._answer(speaker, kind, variables, body)

    async def _aprompt(self, args: Any, kwargs: Any) -> str:
        variables, body = self._run_body(args, kwargs)
        return self._fill(variables, await body if inspect.isawaitable(body) else body)

    async def _answer(self, speaker: Speaker, kind: ResultKind, variables: dict[str, Any], body: object) -> Any:
        text = self._fill(variables, await body if inspect.isawaitable(body) else body)
        if kind.model is not None and self._return_type is None and self._extractor is None:
            reply = await speaker.reply(speaker.shaped(text, kind.model), options=self._options)
            return self._instance(kind.model, reply.text)
        reply = await speaker.reply(text, options=self._options)
        answer: Any = reply.text if self._extractor is None else self._extractor(reply.text)
        return answer if self._return_type is None else to_model(answer, self._return_type)

    def _instance(self, model: type[BaseModel], answer: str) -> Any:
        try:
            return to_model(answer, model)
        except AnswerError as wrong:
            if self._check_result:
                log.warning("%s returned no %s: %s", self.__name__, model.__name__, wrong)
            return None

    async def _pieces(self, speaker: Speaker, variables: dict[str, Any], body: object) -> AsyncGenerator[str, None]:
        text = self._fill(variables, await body if inspect.isawaitable(body) else body)
        async with aclosing(speaker.deltas(text, options=self._options)) as deltas:
            async for delta in deltas:
                if delta.text:
                    yield delta.text

    def _speaker(self) -> Speaker:
        llm = self._llm
        if llm is not None and not isinstance(llm, str) and callable(llm):
            llm = self._llm_of_owner(llm)
        if llm is None:
            raise BadInputError(
                f"prompt function {self.__name__} has no model.",
                hint=f"Give it one with {self.__name__}.with_llm(...): {ACCEPTED}.",
            )
        return self._find_speaker(llm)

    def _llm_of_owner(self, choose: Callable[..., object]) -> object:
        if not self._is_bound:
            raise BadInputError(
                f"prompt function {self.__name__} takes its model from self, and it is not called on an object.",
                hint="Call it as a method, or give it a model with with_llm(...).",
            )
        llm = choose(self._owner)
        if llm is None:
            raise BadInputError(
                f"The function that should give the model of {self.__qualname__} returned None.",
                hint=f"Return {ACCEPTED}.",
            )
        return llm

    @functools.cached_property
    def _kind(self) -> ResultKind:
        return result_kind(self._function, name=self.__name__)

    def __repr__(self) -> str:
        return f"<prompt function {self.__name__}{self._shown_signature()}>"


async def _awaited(work: Awaitable[Any]) -> Any:
    return await work

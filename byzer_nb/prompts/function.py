"""A prompt function: an ordinary signature, a docstring for a template, an answer for a result.

Every builder (`with_llm`, `options`, …) returns a changed copy, so that nothing leaks from one use to the next.
"""

from __future__ import annotations

import functools
import inspect
import logging
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping
from contextlib import aclosing
from operator import attrgetter
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeAlias, TypeVar, cast, overload

from byzer_nb._sync import iterate, run
from byzer_nb.errors import AnswerError, BadInputError, WrongTypeError
from byzer_nb.prompts.builders import Builders
from byzer_nb.prompts.definition import Definition
from byzer_nb.prompts.ladder import ShapeError
from byzer_nb.prompts.long_text import Manner, pieces, shaped_reply, whole_reply
from byzer_nb.prompts.result_kind import TEXT, ResultKind
from byzer_nb.prompts.shape import one_of, to_model
from byzer_nb.prompts.speaker import Speaker
from byzer_nb.types import Reply

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
Text: TypeAlias = str | Coroutine[Any, Any, str]

log = logging.getLogger(__name__)

ACCEPTED = "a client, the name of a running model, or a function of self that returns one of them"


class _SignatureOnInstances:
    """What `inspect.signature` looks for: there on every prompt function, and not on their class."""

    def __get__(self, instance: PromptFunction[..., Any] | None, owner: type) -> inspect.Signature:
        if instance is None:
            raise AttributeError("__signature__")
        definition = instance._definition
        return definition.signature_of_method if instance._is_bound else definition.signature


class PromptFunction(Builders, Generic[P, R]):
    """A function implemented by a model; without a model a call gives the text that would be sent.

    Args:
        find_speaker: turns what the user gave as `llm` into a `Speaker`.
        llm: a client, a model's name, a function of self, or None.
        check_result: log a warning when the answer cannot be turned into the annotated class.
    """

    __signature__ = _SignatureOnInstances()

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
        plain: Any = function.__func__ if isinstance(function, staticmethod | classmethod) else function
        if not callable(plain):
            raise WrongTypeError(
                f"A prompt function is made of a function, not of {plain!r}.",
                hint="Write the decorator with parentheses: @prompt()",
            )
        functools.update_wrapper(self, plain)
        self._definition = Definition(plain, render=render)
        self.__name__: str = self._definition.name
        self.__qualname__: str = getattr(plain, "__qualname__", self.__name__)
        self._find_speaker = find_speaker
        self._binds_to: str = {staticmethod: "nothing", classmethod: "class"}.get(type(function), "object")
        self._is_in_class = False
        self._owner: object = None  # the instance of a bound method
        self._is_bound = False
        self._check_result = check_result
        self._llm = self._accepted(llm)
        self._options: Mapping[str, Any] = self._merged({}, {} if options is None else options)
        self._manner = Manner()
        self._return_type: Any = None  # Any: a type in any of Python's forms
        self._extractor: Callable[[str], Any] | None = None

    # -- binding and building -------------------------------------------------------------------------------------

    def __set_name__(self, owner: type, name: str) -> None:
        self._is_in_class = True

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(
        self: PromptFunction[Concatenate[Any, Q], R], instance: object, owner: type | None = None
    ) -> PromptFunction[Q, R]: ...
    def __get__(self, instance: object, owner: type | None = None) -> Any:
        if self._binds_to == "class":
            return self._but(_owner=type(instance) if owner is None else owner, _is_bound=True)
        if instance is None or self._binds_to == "nothing":
            return self
        return self._but(_owner=instance, _is_bound=True)

    def _but(self, **changes: Any) -> Self:
        changed = object.__new__(type(self))
        changed.__dict__.update(self.__dict__)
        changed.__dict__.update(changes)
        return changed

    def with_llm(self, llm: object) -> Self:
        """A copy that asks this model."""
        return self._but(_llm=self._accepted(llm))

    def options(self, options: Mapping[str, Any]) -> Self:
        """A copy with these options of the call on top of those it has, e.g. `{"llm_config": {"temperature": 0}}`."""
        return self._but(_options=self._merged(self._options, options))

    def with_return_type(self, cls: Any) -> PromptFunction[P, Any]:
        """A copy whose answer, which the prompt asks to be JSON, becomes an instance of a class (or a list of them)."""
        one_of(cls)  # raises on what no answer can be checked against
        return self._but(_return_type=cls)

    def with_extractor(self, func: Callable[[str], Any]) -> PromptFunction[P, Any]:
        """A copy whose result is what a function makes of the answer's text."""
        if not callable(func):
            raise WrongTypeError(f"The extractor of {self.__name__} is a function of the text, not {func!r}.")
        return self._but(_extractor=func)

    def _check_gives_text(self) -> None:
        if self._definition.kind.model is not None:
            raise BadInputError(
                f"Response markers are for text, and {self.__name__} is annotated with another type.",
                hint="Annotate it with str or Generator[str, None, None], and use with_return_type(...).",
            )

    def _merged(self, options: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
        if not isinstance(more, Mapping):
            raise WrongTypeError(f"The options of {self.__name__} are a dict, not {more!r}.")
        # The inner dicts too, so that what the caller does to his later changes nothing here.
        return {**options, **{name: dict(each) if isinstance(each, dict) else each for name, each in more.items()}}

    def _accepted(self, llm: object) -> object:
        if isinstance(llm, str) and not llm:
            raise BadInputError(f"The llm of {self.__name__} is an empty name.", hint=f"Give {ACCEPTED}.")
        if isinstance(llm, type):
            raise WrongTypeError(f"{llm!r} is a class and no model.", hint=f"Give {ACCEPTED}.")
        if llm is not None and not isinstance(llm, str) and not callable(llm):
            self._find_speaker(llm)  # raises on what is no model
        return llm

    # -- calling --------------------------------------------------------------------------------------------------

    def prompt(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """The text that a call would send; nothing is called."""
        __tracebackhide__ = True  # IPython and pytest leave such a frame out
        text = self._text(args, kwargs)
        return text if isinstance(text, str) else run(text)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Ask the model; without one, the text that would be sent."""
        return self.run(*args, **kwargs) if self._llm is not None else cast(R, self._text(args, kwargs))

    def run(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Ask the model and give its answer in the annotated type; a generator of text when that is asked for."""
        __tracebackhide__ = True
        kind = self._kind()
        if self._definition.is_async or kind.is_async_stream:
            return cast(R, self.aio(*args, **kwargs))
        if kind.streams:
            return cast(R, iterate(cast("AsyncIterator[str]", self.aio(*args, **kwargs))))
        # All but the call itself happens in this thread: an extractor or a class may well ask a model too.
        speaker = self._speaker(args)
        asked = self.prompt(*args, **kwargs)
        if kind.model is not None:
            return cast(R, run(self._shaped(speaker, kind, asked)))
        return cast(R, self._result(run(self._reply(speaker, asked))))

    def aio(self, *args: P.args, **kwargs: P.kwargs) -> Any:  # Any: awaitable of R, or an async generator of text
        """The async form: `await f.aio(...)`, or `async for piece in f.aio(...)` for a function that streams."""
        kind, speaker = self._kind(), self._speaker(args)
        text = self._text(args, kwargs)
        return self._pieces(speaker, text) if kind.streams else self._answer(speaker, kind, text)

    async def _answer(self, speaker: Speaker, kind: ResultKind, text: Text) -> Any:
        asked = text if isinstance(text, str) else await text
        if kind.model is not None:
            return await self._shaped(speaker, kind, asked)
        return self._result(await self._reply(speaker, asked))

    async def _shaped(self, speaker: Speaker, kind: ResultKind, asked: str) -> Any:
        """An instance of the annotated class, or None where no answer fitted."""
        assert kind.model is not None
        try:
            found = await shaped_reply(speaker, asked, kind.model, manner=self._manner, options=self._options_of_call())
        except ShapeError as wrong:
            if self._check_result:
                self._warn(kind, wrong.reply, wrong)
            return None
        return found.value

    def _reply(self, speaker: Speaker, asked: str) -> Coroutine[Any, Any, Reply]:
        return whole_reply(speaker, asked, manner=self._manner, options=self._options_of_call())

    async def _pieces(self, speaker: Speaker, text: Text) -> AsyncGenerator[str, None]:
        asked = text if isinstance(text, str) else await text
        answer = pieces(speaker, asked, manner=self._manner, options=self._options_of_call())
        async with aclosing(answer):
            async for piece in answer:
                yield piece

    def _options_of_call(self) -> Mapping[str, Any]:
        config = self._options.get("llm_config") or {}
        if not self._manner.stop or not isinstance(config, Mapping):  # what is no mapping, the speaker refuses
            return self._options
        return {**self._options, "llm_config": {**config, "gen.stop": list(self._manner.stop)}}

    def _text(self, args: Any, kwargs: Any) -> Text:
        """The prompt; of an async function it has to be awaited."""
        __tracebackhide__ = True
        if self._is_bound:
            args = (self._owner, *args)
        variables, body = self._definition.begin(args, kwargs, is_bound=self._is_bound)
        if inspect.iscoroutine(body):
            return self._text_after(variables, body)
        return self._definition.text(variables, body)

    async def _text_after(self, variables: dict[str, Any], body: Coroutine[Any, Any, object]) -> str:
        return self._definition.text(variables, await body)

    def _kind(self) -> ResultKind:
        """What the annotation asks for, unless a builder asks for something else, which needs the whole text."""
        return self._definition.kind if self._return_type is None and self._extractor is None else TEXT

    def _result(self, reply: Reply) -> Any:
        answer: Any = reply.text if self._extractor is None else self._extractor(reply.text)
        return answer if self._return_type is None else to_model(answer, self._return_type)

    def _warn(self, kind: ResultKind, reply: Reply, wrong: AnswerError) -> None:
        facts = {name: getattr(reply, name) for name in ("model", "finish_reason", "usage", "seconds", "request_id")}
        wanted = getattr(kind.model, "__name__", kind.model)
        log.warning("%s returned no %s: %s Metadata: %r Response: %r", self.__name__, wanted, wrong, facts, reply.text)

    # -- finding the model ----------------------------------------------------------------------------------------

    def _speaker(self, args: Any) -> Speaker:
        llm = self._llm
        if llm is not None and not isinstance(llm, str) and callable(llm):
            llm = self._llm_of_owner(llm, args)
        if llm is None:
            raise BadInputError(
                f"prompt function {self.__name__} has no model: with_llm(...) takes {ACCEPTED}.",
                hint=f"Write: {self.__name__}.with_llm(...).run(...)",
            )
        return self._find_speaker(llm)

    def _llm_of_owner(self, choose: Callable[..., object], args: Any) -> object:
        if not self._is_bound and not (self._is_in_class and args):  # the latter is Class.method(object, ...)
            raise BadInputError(
                f"prompt function {self.__name__} takes its model from self, and it is not called on an object.",
                hint="Call it as a method, or give it a model with with_llm(...).",
            )
        llm = choose(self._owner if self._is_bound else args[0])
        if llm is None:
            raise BadInputError(
                f"The function that should give the model of {self.__qualname__} returned None.",
                hint=f"Return {ACCEPTED}.",
            )
        return llm

    # -- being a function -----------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<prompt function {self._definition.shown(is_bound=self._is_bound)}>"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self  # as with any function; no builder changes it

    def __reduce__(self) -> tuple[Any, ...]:
        settings = {name: value for name, value in self.__dict__.items() if name in _SETTINGS}
        home = sys.modules.get(self.__module__)
        try:
            found = None if self.__module__ == "__main__" else attrgetter(self.__qualname__)(home)
        except AttributeError:
            found = None
        if isinstance(found, PromptFunction) and found._definition is self._definition:
            return _found_again, (self.__module__, self.__qualname__, settings)
        definition = self._definition
        return _made_again, (type(self), definition.function, self._find_speaker, definition.render, settings)


_SETTINGS = frozenset(
    {
        "_binds_to",
        "_check_result",
        "_extractor",
        "_is_bound",
        "_is_in_class",
        "_llm",
        "_manner",
        "_options",
        "_owner",
        "_return_type",
    }
)


def _found_again(module: str, qualname: str, settings: dict[str, Any]) -> PromptFunction[..., Any]:
    __import__(module)
    found: PromptFunction[..., Any] = attrgetter(qualname)(sys.modules[module])
    return found._but(**settings)


def _made_again(
    cls: type[PromptFunction[..., Any]],
    function: Callable[..., object],
    find_speaker: Callable[[object], Speaker],
    render: str,
    settings: dict[str, Any],
) -> PromptFunction[..., Any]:
    return cls(function, find_speaker=find_speaker, render=render)._but(**settings)

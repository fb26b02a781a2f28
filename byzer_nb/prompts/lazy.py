"""A prompt function whose call only keeps the arguments: what to do with them is said afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, ParamSpec, Self, TypeVar, cast

from byzer_nb.prompts.builders import Builders
from byzer_nb.prompts.function import PromptFunction

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")


class PromptCall(Builders, Generic[R]):
    """One call of a prompt function that waits to be run; its builders give changed copies, as those of functions."""

    def __init__(self, function: PromptFunction[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.__name__ = function.__name__
        self._function = function
        self._args = args
        self._kwargs = kwargs
        self._manner = function._manner

    def with_llm(self, llm: object) -> PromptCall[R]:
        """A copy that asks this model."""
        return self._of(self._function.with_llm(llm))

    def options(self, options: Mapping[str, Any]) -> PromptCall[R]:
        """A copy with these options of the call on top of those it has."""
        return self._of(self._function.options(options))

    def with_return_type(self, cls: Any) -> PromptCall[Any]:
        """A copy whose answer, which the prompt asks to be JSON, becomes an instance of a class (or a list of them)."""
        return self._of(self._function.with_return_type(cls))

    def with_extractor(self, func: Callable[[str], Any]) -> PromptCall[Any]:
        """A copy whose result is what a function makes of the answer's text."""
        return self._of(self._function.with_extractor(func))

    def prompt(self) -> str:
        """The text that a run would send; nothing is called."""
        return self._function.prompt(*self._args, **self._kwargs)

    def run(self) -> R:
        """Ask the model and give its answer in the annotated type."""
        return self._function.run(*self._args, **self._kwargs)

    def aio(self) -> Any:  # Any: awaitable of R, or an async generator of text
        """The async form of `run`."""
        return self._function.aio(*self._args, **self._kwargs)

    def _of(self, function: PromptFunction[..., S]) -> PromptCall[S]:
        return PromptCall(function, self._args, self._kwargs)

    def _but(self, **changes: Any) -> Self:
        return cast(Self, self._of(self._function._but(**changes)))

    def _check_gives_text(self) -> None:
        self._function._check_gives_text()

    def __repr__(self) -> str:
        given = [*map(repr, self._args), *(f"{name}={value!r}" for name, value in self._kwargs.items())]
        return f"<prompt {self.__name__}({', '.join(given)}), not run yet>"


class LazyPromptFunction(PromptFunction[P, R]):
    """A prompt function whose call gives a `PromptCall`."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> PromptCall[R]:  # type: ignore[override]  # its whole point
        """The call, to be run or changed; wrong arguments are told at once."""
        self._definition.check(args if not self._is_bound else (self._owner, *args), kwargs, is_bound=self._is_bound)
        plain: PromptFunction[P, R] = self
        return PromptCall(plain, args, dict(kwargs))

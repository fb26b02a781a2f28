"""The decorators that make a function a prompt function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from byzer_nb.prompts.function import PromptFunction
from byzer_nb.prompts.lazy import LazyPromptFunction
from byzer_nb.seed.speakers import speaker_for

P = ParamSpec("P")
R = TypeVar("R")


def prompt(
    llm: object = None,
    render: str = "jinja2",
    check_result: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Callable[[Callable[P, R]], PromptFunction[P, R]]:
    """A decorator: the docstring becomes the prompt, the return annotation the type of the answer.

    Args:
        llm: a client, the name of a running model, or a function of self that returns one of them. Without it a call
            gives the text that would be sent.
        render: `"jinja2"` for `{{ name }}`, `"simple"` for `{name}`.
        check_result: log a warning when the answer cannot be turned into the annotated class.
        options: arguments of `chat_oai` that every call has, e.g. `{"llm_config": {"temperature": 0}}`.
    """

    def decorate(function: Callable[P, R]) -> PromptFunction[P, R]:
        return PromptFunction(
            function,
            find_speaker=speaker_for,
            llm=llm,
            render=render,
            check_result=check_result,
            options=options,
        )

    return decorate


def prompt_lazy(
    llm: object = None,
    render: str = "jinja2",
    check_result: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Callable[[Callable[P, R]], LazyPromptFunction[P, R]]:
    """A decorator like `prompt`, for functions that are called first and told what to do with it afterwards.

    A call gives an object with the arguments in it: `f("hi").with_llm(llm).run()`, or `f("hi").prompt()`.
    """

    def decorate(function: Callable[P, R]) -> LazyPromptFunction[P, R]:
        return LazyPromptFunction(
            function,
            find_speaker=speaker_for,
            llm=llm,
            render=render,
            check_result=check_result,
            options=options,
        )

    return decorate

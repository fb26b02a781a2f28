"""A prompt function as it was written."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from byzer_nb.errors import PromptError, WrongTypeError
from byzer_nb.prompts.result_kind import ResultKind, names_around, result_kind
from byzer_nb.prompts.template import Template, prepare


class Definition:
    """The name, signature, template and body of a function; all copies of a prompt function share it."""

    def __init__(self, function: Callable[..., object], *, render: str) -> None:
        self.function = function
        self.name: str = getattr(function, "__name__", "prompt")
        self.render = render
        docstring = function.__doc__ or ""
        if not prepare(docstring):
            raise PromptError(
                f"prompt function {self.name} has no docstring template",
                hint='Write the prompt as its docstring: """Translate {{ text }}."""',
            )
        self.template = Template.of_docstring(docstring, owner=f"prompt function {self.name}", render=render)
        self.signature = inspect.signature(function)
        self.is_async = inspect.iscoroutinefunction(function)
        try:
            self._kind: ResultKind | None = result_kind(function, name=self.name)
        except PromptError:
            self._kind = None  # the class may come later, and without a model the annotation does not matter
        self._parameters = tuple(self.signature.parameters.values())
        # A call that gives each of them by its place needs no binding, which takes ten times as long.
        is_plain = all(each.kind is each.POSITIONAL_OR_KEYWORD for each in self._parameters)
        self._plain_names = tuple(each.name for each in self._parameters) if is_plain else None

    @property
    def kind(self) -> ResultKind:
        """What the annotation asks for; an error if that is nothing a prompt function can give."""
        if self._kind is None:
            self._kind = result_kind(self.function, name=self.name, scope=names_around(self.function))
        return self._kind

    @cached_property
    def signature_of_method(self) -> inspect.Signature:
        """The signature as it is seen on an object."""
        return self.signature.replace(parameters=self._parameters[1:])

    def shown(self, *, is_bound: bool) -> str:
        """The call as one writes it; annotations that are text stand without their quotes."""
        signature = self.signature_of_method if is_bound else self.signature
        parameters = [each.replace(annotation=_as_written(each.annotation)) for each in signature.parameters.values()]
        result = _as_written(signature.return_annotation)
        return f"{self.name}{signature.replace(parameters=parameters, return_annotation=result)}"

    @cached_property
    def _hidden(self) -> str:
        """The first parameter of a method, when the template does not ask for it."""
        first = self._parameters[0].name if self._parameters else ""
        return "" if first and self.template.asks_for(first) else first

    def begin(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], *, is_bound: bool
    ) -> tuple[dict[str, Any], object]:  # Any: whatever the function takes
        """The template variables that the arguments give, and what the body returned; it is awaited if it is async."""
        if not kwargs and self._plain_names is not None and len(args) == len(self._plain_names):
            variables = dict(zip(self._plain_names, args, strict=True))
        else:
            variables = self._bound(args, kwargs, is_bound=is_bound)
        if is_bound:
            variables.pop(self._hidden, None)
        return variables, self.function(*args, **kwargs)

    def check(self, args: Sequence[Any], kwargs: Mapping[str, Any], *, is_bound: bool) -> None:
        """Raise what a call with these arguments would raise about them; nothing is run."""
        self._bound(args, kwargs, is_bound=is_bound)

    def _bound(self, args: Sequence[Any], kwargs: Mapping[str, Any], *, is_bound: bool) -> dict[str, Any]:
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as wrong:
            raise WrongTypeError(
                f"{self.name}() {wrong}", hint=f"It is called as {self.shown(is_bound=is_bound)}"
            ) from None
        bound.apply_defaults()
        variables: dict[str, Any] = {}
        for parameter in self._parameters:
            if parameter.kind is parameter.VAR_KEYWORD:
                variables.update(bound.arguments[parameter.name])
            else:
                variables[parameter.name] = bound.arguments[parameter.name]
        return variables

    def text(self, variables: Mapping[str, Any], body: object) -> str:
        """The prompt; a dict that the body returned changes or adds variables."""
        if body is None:
            return self.template.fill(variables)
        if not isinstance(body, dict):
            raise WrongTypeError(
                f"The body of prompt function {self.name} should return a dict, not {body!r}.",
                hint="Return {'name': value} to change or add template variables, or nothing.",
            )
        return self.template.fill({**variables, **body})


class _Written(str):
    """A text that is printed without quotes."""

    def __repr__(self) -> str:
        return str(self)


def _as_written(annotation: Any) -> Any:
    return _Written(annotation) if isinstance(annotation, str) else annotation

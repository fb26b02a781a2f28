"""The text of a prompt with its holes, and how they are filled."""

from __future__ import annotations

import string
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any, Literal, NoReturn, get_args

import jinja2

from byzer_nb._registry import nearest
from byzer_nb.errors import BadInputError, PromptError, UndefinedVariableError

Render = Literal["jinja2", "jinja", "simple"]


def prepare(docstring: str) -> str:
    """The docstring without its indentation and without blank lines around it."""
    lines = docstring.expandtabs().splitlines()
    while lines and not lines[0].strip():
        lines.pop(0)
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        return ""
    width = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[min(width, len(line) - len(line.lstrip())) :] for line in lines)


class Template:
    """A prompt text that can be filled in; `owner` is named in its errors.

    Values are inserted as they are and never rendered again, whatever braces they contain.
    """

    def __init__(self, text: str, *, owner: str, render: str = "jinja2") -> None:
        if render not in get_args(Render):
            raise BadInputError(
                f"{owner} asks for render={render!r}.",
                hint=nearest(render, list(get_args(Render))) + "Use 'jinja2' or 'simple'.",
            )
        self.text = text
        self.owner = owner
        self.is_simple = render == "simple"
        if not self.is_simple:
            self._compiled  # noqa: B018  # a mistake in the template is shown where it is written

    def fill(self, variables: Mapping[str, Any]) -> str:  # Any: whatever the caller's functions take
        """The text with the variables in place."""
        return self._fill_simple(variables) if self.is_simple else self._fill_jinja(variables)

    @cached_property
    def _compiled(self) -> jinja2.Template:
        try:
            return _compile(self.text)
        except jinja2.TemplateSyntaxError as wrong:
            raise PromptError(
                f"The template of {self.owner} cannot be read: line {wrong.lineno}: {wrong.message}",
                hint=f"Line {wrong.lineno} reads: {_line(self.text, wrong.lineno)}",
            ) from wrong

    def _fill_jinja(self, variables: Mapping[str, Any]) -> str:
        compiled = self._compiled
        try:
            return compiled.render(variables)
        except jinja2.UndefinedError as unknown:
            name = getattr(unknown, "name", "")
            self._fail_undefined(name, str(unknown), _template_line(unknown), variables, unknown)
        except jinja2.TemplateError as wrong:
            raise PromptError(f"The template of {self.owner} cannot be filled in: {wrong}") from wrong

    def _fill_simple(self, variables: Mapping[str, Any]) -> str:
        shown = {name: as_text(value) for name, value in variables.items()}
        try:
            return string.Formatter().vformat(self.text, (), shown)
        except KeyError as unknown:
            name = str(unknown.args[0])
            line = next((n for n, text in enumerate(self.text.splitlines(), 1) if "{" + name in text), 0)
            self._fail_undefined(name, f"'{name}' is undefined", line, variables, unknown)
        except (ValueError, IndexError, AttributeError) as wrong:
            raise PromptError(
                f"The template of {self.owner} cannot be filled in: {wrong}",
                hint="With render='simple' a name stands in single braces; write {{ and }} for braces themselves.",
            ) from wrong

    def _fail_undefined(
        self, name: str, what: str, line: int, variables: Mapping[str, Any], cause: Exception
    ) -> NoReturn:
        place = f", line {line}: {_line(self.text, line)}" if line else ""
        known = ", ".join(sorted(variables)) or "no variables at all"
        raise UndefinedVariableError(
            f"The template of {self.owner} uses a name that it was not given: {what}{place}",
            hint=nearest(name, list(variables)) + f"It was given: {known}.",
        ) from cause


def as_text(value: Any) -> Any:  # Any: a value of the caller's
    """How a value is written into a prompt: a data frame whole, everything else as Python prints it."""
    kind = type(value)
    if kind.__module__.partition(".")[0] == "pandas" and hasattr(value, "to_string"):
        return value.to_string()  # str() would cut wide and long frames with dots
    return value


class _Unknown(jinja2.StrictUndefined):
    """An undefined name that fails on any use and says which name it was."""

    __slots__ = ()

    def _fail_with_undefined_error(self, *args: Any, **kwargs: Any) -> NoReturn:
        error = jinja2.UndefinedError(self._undefined_message)
        error.name = self._undefined_name  # type: ignore[attr-defined]
        raise error

    __iter__ = __str__ = __len__ = __eq__ = __ne__ = __bool__ = __hash__ = __contains__ = _fail_with_undefined_error  # type: ignore[assignment]


_environment = jinja2.Environment(undefined=_Unknown, finalize=as_text, autoescape=False, keep_trailing_newline=True)


@lru_cache(maxsize=512)
def _compile(text: str) -> jinja2.Template:
    return _environment.from_string(text)


def _template_line(error: BaseException) -> int:
    """The line of the template in which an error arose; Jinja writes it into the traceback."""
    line = 0
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""

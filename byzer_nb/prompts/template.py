"""The text of a prompt with its holes, and how they are filled."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Literal, NoReturn, get_args

import jinja2
from jinja2 import nodes

from byzer_nb._registry import nearest
from byzer_nb.errors import BadInputError, PromptError, UndefinedVariableError
from byzer_nb.prompts.as_text import as_text

Render = Literal["jinja2", "jinja", "simple"]

OWNER = "_self_of_the_method"  # `self` means something else to Jinja, so the object of a method goes by this name


def prepare(docstring: str) -> str:
    """The docstring without its indentation and without blank lines around it."""
    lines = docstring.split("\n")
    lines = lines[blank_lines_before(docstring) :]
    while lines and not lines[-1].strip():
        lines.pop()
    width = _indentation(lines[0]) if lines else 0
    return "\n".join(line[min(width, _indentation(line)) :] for line in lines)


def blank_lines_before(docstring: str) -> int:
    """How many lines of the docstring stand before the first that says something."""
    lines = docstring.split("\n")
    return next((number for number, line in enumerate(lines) if line.strip()), len(lines))


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))  # the wide space before a Chinese paragraph is part of the text


class Template:
    """A prompt text that can be filled in; `owner` is named in its errors.

    Values are inserted as they are and never rendered again, whatever braces they contain. A mistake in the template
    is shown where it is written. `lines_before` are those of a docstring that were left out, for the line numbers.
    """

    def __init__(self, text: str, *, owner: str, render: str = "jinja2", lines_before: int = 0) -> None:
        if render not in get_args(Render):
            raise BadInputError(
                f"{owner} asks for render={render!r}.",
                hint=nearest(render, get_args(Render)) + "Use 'jinja2' or 'simple'.",
            )
        self.text = text
        self.owner = owner
        self.is_simple = render == "simple"
        self._lines_before = lines_before
        if self.is_simple:
            self._check_simple()
        else:
            self._compiled = self._compile()
            self._stretches = _stretches(text)

    @classmethod
    def of_docstring(cls, docstring: str, *, owner: str, render: str = "jinja2") -> Template:
        """The template that a docstring is; lines are counted as they stand in it."""
        lines_before = blank_lines_before(docstring)
        return cls(prepare(docstring), owner=owner, render=render, lines_before=lines_before)

    def fill(self, variables: Mapping[str, Any]) -> str:  # Any: whatever the caller's functions take
        """The text with the variables in place."""
        __tracebackhide__ = True  # IPython and pytest leave such a frame out
        return self._fill_simple(variables) if self.is_simple else self._fill_jinja(variables)

    def asks_for(self, name: str) -> bool:
        """Whether the text uses a variable of that name."""
        if self.is_simple:
            return any(
                field is not None and re.match(rf"{name}\b", field) for _, field, _, _ in _simple.parse(self.text)
            )
        return name in _names(self.text)

    # -- Jinja ----------------------------------------------------------------------------------------------------

    def _compile(self) -> jinja2.Template:
        try:
            return _compile(self.text)
        except jinja2.TemplateSyntaxError as wrong:
            raise PromptError(
                f"The template of {self.owner} cannot be read{self._place(wrong.lineno)}: {wrong.message}",
                hint="Braces that are text stand in {% raw %} … {% endraw %}, or in an inserted value.",
            ) from wrong

    def _fill_jinja(self, variables: Mapping[str, Any]) -> str:
        __tracebackhide__ = True
        if self._stretches is not None and all(part in variables for part, is_name in self._stretches if is_name):
            return "".join(str(as_text(variables[part])) if is_name else part for part, is_name in self._stretches)
        if "self" in variables:
            variables = {**variables, OWNER: variables["self"]}
        try:
            return self._compiled.render(variables)
        except _UnknownNameError as unknown:
            self._fail_unknown(unknown, variables)
        except jinja2.TemplateError as wrong:
            place = self._place(_template_line(wrong))
            raise PromptError(f"The template of {self.owner} cannot be filled in{place}: {wrong}") from wrong
        except Exception as failed:  # of a value or an expression: it goes on as it is, and says where it was
            if line := _template_line(failed):
                failed.add_note(f"In the template of {self.owner}{self._place(line)}")
            raise

    def _fail_unknown(self, unknown: _UnknownNameError, variables: Mapping[str, Any]) -> NoReturn:
        place = self._place(_template_line(unknown))
        if not unknown.name:  # a filter found nothing, such as the first item of no items
            raise PromptError(f"The template of {self.owner} cannot be filled in{place}: {unknown}") from None
        known: list[str] = []
        if unknown.owner is jinja2.utils.missing:
            known = sorted(name for name in variables if name not in ("self", OWNER))
            given = f"It was given: {', '.join(known) or 'no variables at all'}."
        elif isinstance(unknown.owner, Sequence) and unknown.name.isdigit():
            given = f"There are {len(unknown.owner)} of them."
        else:
            known = _parts_of(unknown.owner)
            given = f"It has: {', '.join(known[:20])}." if known else ""
        raise UndefinedVariableError(
            f"The template of {self.owner} uses a name that it was not given: {unknown.message}{place}",
            variable=unknown.name,
            hint=nearest(unknown.name, known) + given,
        ) from None

    # -- braces alone ---------------------------------------------------------------------------------------------

    def _check_simple(self) -> None:
        try:
            list(_simple.parse(self.text))
        except ValueError as wrong:
            lines = self.text.split("\n")
            place = self._place(next((n for n, line in enumerate(lines, 1) if not _can_be_parsed(line)), 0))
            raise PromptError(f"The template of {self.owner} cannot be read{place}: {wrong}", hint=BRACES) from wrong

    def _fill_simple(self, variables: Mapping[str, Any]) -> str:
        try:
            return _simple.vformat(self.text, (), variables)
        except _UnknownNameError as unknown:
            name = unknown.name
            lines = self.text.split("\n")
            place = self._place(next((n for n, line in enumerate(lines, 1) if "{" + name in line), 0))
            if not name.isidentifier():
                raise PromptError(
                    f"The template of {self.owner} has {{{name}}}, and that is no name{place}", hint=BRACES
                ) from None
            known = sorted(variables)
            raise UndefinedVariableError(
                f"The template of {self.owner} uses a name that it was not given: {unknown.message}{place}",
                variable=name,
                hint=nearest(name, known) + f"It was given: {', '.join(known) or 'no variables at all'}.",
            ) from None
        except (LookupError, ValueError, TypeError, AttributeError) as wrong:
            raise PromptError(f"The template of {self.owner} cannot be filled in: {wrong}", hint=BRACES) from wrong

    def _place(self, line: int) -> str:
        """`, line 3: <its text>`, with the line counted in the docstring; nothing for line 0."""
        lines = self.text.split("\n")
        return f", line {line + self._lines_before}: {lines[line - 1].strip()}" if 0 < line <= len(lines) else ""


BRACES = "With render='simple' a name stands in single braces; write {{ and }} for braces themselves."


class _UnknownNameError(jinja2.UndefinedError):
    """A name that is undefined: as a variable, or in an `owner`."""

    def __init__(self, message: str | None, *, name: str, owner: object) -> None:
        super().__init__(message)
        self.name = name
        self.owner = owner


class _Unknown(jinja2.StrictUndefined):
    """An undefined name that fails on any use and says which name it was."""

    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = jinja2.utils.missing,
        name: str | None = None,
        exc: type[jinja2.TemplateRuntimeError] = jinja2.UndefinedError,
    ) -> None:
        name = "self" if name == OWNER else name
        super().__init__(hint, obj, name, partial(_UnknownNameError, name="" if name is None else str(name), owner=obj))  # type: ignore[arg-type]


class _Environment(jinja2.Environment):
    """Jinja with the object of a method under `self`, where it has templates of templates."""

    def compile(self, source: str | nodes.Template, *args: Any, **kwargs: Any) -> Any:  # Any: as Jinja declares it
        tree = self.parse(source) if isinstance(source, str) else source
        for each in tree.find_all(nodes.Name):
            each.name = OWNER if each.name == "self" else each.name
        return super().compile(tree, *args, **kwargs)


_environment = _Environment(undefined=_Unknown, finalize=as_text, autoescape=False, keep_trailing_newline=True)


@lru_cache(maxsize=512)
def _compile(text: str) -> jinja2.Template:
    return _environment.from_string(text)


@lru_cache(maxsize=512)
def _stretches(text: str) -> tuple[tuple[str, bool], ...] | None:
    """Words and names in turn, if the text has nothing else: most have not, and joining is quicker than rendering."""
    found: list[tuple[str, bool]] = []
    for statement in _environment.parse(text).body:
        for node in statement.nodes if isinstance(statement, nodes.Output) else [statement]:
            if isinstance(node, nodes.TemplateData):
                found.append((node.data, False))
            elif isinstance(node, nodes.Name):
                found.append((node.name, True))
            else:
                return None
    return tuple(found)


@lru_cache(maxsize=512)
def _names(text: str) -> frozenset[str]:
    return frozenset(each.name for each in _environment.parse(text).find_all(nodes.Name))


def _template_line(error: BaseException) -> int:
    """The line of the template in which an error arose; Jinja writes it into the traceback."""
    line = 0
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _parts_of(owner: object) -> list[str]:
    names = list(owner) if isinstance(owner, Mapping) else dir(owner)
    return [str(name) for name in names if not str(name).startswith("_")]


class _Simple(string.Formatter):
    """`str.format` for names alone, with our way to write values."""

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if isinstance(key, str) and key in kwargs:
            return kwargs[key]
        name = key if isinstance(key, str) else ""
        raise _UnknownNameError(f"{name!r} is undefined", name=name, owner=jinja2.utils.missing)

    def format_field(self, value: Any, format_spec: str) -> Any:
        return super().format_field(as_text(value), format_spec)


_simple = _Simple()


def _can_be_parsed(line: str) -> bool:
    try:
        list(_simple.parse(line))
    except ValueError:
        return False
    return True

"""Templates that are filled in on the spot. They are the caller's own: what a model said belongs into a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from byzer_nb.errors import PromptError
from byzer_nb.prompts.template import Template, prepare

__all__ = ["format_prompt", "format_prompt_jinja2", "format_str_jinja2"]


def format_str_jinja2(s: str, /, **kargs: Any) -> str:
    """A Jinja text with these variables in place; values are inserted as they are, whatever braces they hold."""
    return Template(s, owner="the text").fill(kargs)


def format_prompt_jinja2(func: Callable[..., object], /, **kargs: Any) -> str:
    """The docstring of a function, as a Jinja template, with these variables in place."""
    return _of_docstring(func, "jinja2").fill(kargs)


def format_prompt(func: Callable[..., object], /, **kargs: Any) -> str:
    """The docstring of a function, with names in single braces, with these variables in place."""
    return _of_docstring(func, "simple").fill(kargs)


def _of_docstring(func: Callable[..., object], render: str) -> Template:
    name = getattr(func, "__name__", repr(func))
    docstring = getattr(func, "__doc__", None) or ""
    if not prepare(docstring):
        raise PromptError(f"{name} has no docstring to fill in.", hint="Write the text as its docstring.")
    return Template.of_docstring(docstring, owner=name, render=render)

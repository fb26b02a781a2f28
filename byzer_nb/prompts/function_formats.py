"""The words with which a prompt offers functions to call, or asks for one to be written."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel

from byzer_nb.prompts.formats import schema_text
from byzer_nb.prompts.function_json import serialize_function_to_json

Function = Callable[..., Any] | str  # a function, or its JSON; Any: it may return what it likes

CALL = '{"tool_calls": [{"function": {"name": "...", "arguments": {...}}}]}'


def function_calling_format(prompt: str, tools: Sequence[Function] | None, tool_choice: Function | None = None) -> str:
    """The prompt, the functions on offer, and how to answer when one of them is wanted.

    `tool_choice` is the one that must be called; it need not stand among the others.
    """
    offered = [_one_line(tool) for tool in tools or ()]
    must = _one_line(tool_choice) if tool_choice is not None else ""
    if must and must not in offered:
        offered.append(must)
    parts = [prompt, "", "Tools:", *offered, "", f"To use tools, answer with JSON only: {CALL}"]
    if must:
        parts.append(f"You must use {json.loads(must)['name']}.")
    else:
        parts.append("When no tool fits, answer in words.")
    return "\n".join(parts)


def function_impl_format(prompt: str, func: Function, cls: type[BaseModel] | str) -> str:
    """The prompt, the head of a function without a body, and what the finished one has to return."""
    lines = [prompt, ""] if prompt else []
    lines += [
        "Write this Python function in one code block. It returns a dict that matches the schema.",
        func if isinstance(func, str) else _head(func),
        "",
        "Schema:",
        schema_text(cls),
    ]
    return "\n".join(lines)


def _one_line(tool: Function) -> str:
    """The JSON of a function without line breaks, which only cost tokens."""
    text = serialize_function_to_json(tool)
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except ValueError:  # a user's own description in other words
        return text


def _head(func: Callable[..., Any]) -> str:
    """`def name(arguments):` and the docstring."""
    parameters = [str(parameter.replace(annotation=inspect.Parameter.empty)) for parameter in _parameters(func)]
    name = getattr(func, "__name__", type(func).__name__)
    head = f"def {name}({', '.join(parameters)}):"
    about = inspect.getdoc(func)
    return f'{head}\n    """{about}"""' if about else head


def _parameters(func: Callable[..., Any]) -> list[inspect.Parameter]:
    return list(inspect.signature(func).parameters.values())

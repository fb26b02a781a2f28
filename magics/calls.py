"""Calls of tools in a few words, and what came of them."""

from __future__ import annotations

import json
from html import escape

from pydantic_core import to_jsonable_python

from byzer_nb._lang import say
from byzer_nb.prompts.tool_loop import DENIED, Made
from byzer_nb.types import Picture, Sound, ToolCall

from .footer import small

LONGEST = 160  # characters of a line
LONGEST_FOLDED = 20_000  # and of what can be unfolded below it

Bundle = dict[str, str]


def shown_call(call: ToolCall) -> str:
    """`weather(city='Oslo')`; control characters and the like are written out."""
    given = ", ".join(f"{_plain(name)}={value!r}" for name, value in call.arguments.items())
    return _short(f"{_plain(call.name)}({given or (repr(call.raw) if call.raw else '')})")


def call_line(call: ToolCall) -> str:
    """A call that is being made."""
    return f"{shown_call(call)} …"


def made_line(made: Made) -> str:
    """A call with what came of it."""
    return f"{shown_call(made.call)} → {_short(_outcome(made))}"


def call_bundle(call: ToolCall) -> Bundle:
    """A call that is being made, for a notebook."""
    line = call_line(call)
    return {"text/html": f"<div>{small(line)}</div>", "text/plain": line}


def made_bundle(made: Made) -> Bundle:
    """A call with what came of it; what is long can be unfolded, a picture is seen and a sound can be heard."""
    line, outcome = made_line(made), _outcome(made)
    html = f"<div>{small(line)}</div>"
    if len(outcome) > LONGEST:
        whole = outcome[:LONGEST_FOLDED] + ("…" if len(outcome) > LONGEST_FOLDED else "")
        html = f"<details><summary>{small(line)}</summary><pre>{escape(whole)}</pre></details>"
    shown = made.value if isinstance(made.value, list | tuple) else [made.value]
    html += "".join(each._html() for each in shown if isinstance(each, Picture | Sound))
    return {"text/html": html, "text/plain": line}


def _outcome(made: Made) -> str:
    if made.error == DENIED:
        return say(en="not allowed", zh="未被允许")
    if made.error:
        return made.error
    if isinstance(made.value, str | Picture | Sound):
        return repr(made.value)
    return json.dumps(to_jsonable_python(made.value, fallback=str, serialize_unknown=True), ensure_ascii=False)


def _plain(name: str) -> str:
    return name if name.isidentifier() else repr(name)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[:LONGEST] + "…"

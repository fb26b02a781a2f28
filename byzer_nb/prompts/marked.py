"""A filled-in prompt that shows which of its parts were inserted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from byzer_nb.prompts.as_text import as_text
from byzer_nb.prompts.template import OWNER, Template, _environment

# Two of the characters that Unicode keeps for the inner use of programs; they stand around inserted values.
BEGIN, END = "\ufdd0", "\ufdd1"
_MARK = re.compile(f"[{BEGIN}{END}]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A stretch of a prompt: words of its template, or something that was inserted."""

    text: str
    is_inserted: bool


def inserted_parts(template: Template, variables: Mapping[str, Any]) -> list[Part]:  # Any: as in Template.fill
    """The prompt in parts that join to exactly what `template.fill(variables)` gives."""
    text = template.fill(variables)
    parts = [] if template.is_simple else _parts(_filled_with_marks(template.text, variables))
    if "".join(part.text for part in parts) != text:
        return [Part(text=text, is_inserted=False)]  # the template looks at its own output, or a value holds a mark
    return parts


def _filled_with_marks(text: str, variables: Mapping[str, Any]) -> str:
    owner = {OWNER: variables["self"]} if "self" in variables else {}
    return _environment_with_marks.from_string(text).render({**variables, **owner})


def _marked(value: Any) -> str:
    return f"{BEGIN}{as_text(value)}{END}"


_environment_with_marks = _environment.overlay(finalize=_marked)


def _parts(marked: str) -> list[Part]:
    parts: list[Part] = []
    depth = 0
    at = 0
    for mark in [*_MARK.finditer(marked), None]:
        end = mark.start() if mark else len(marked)
        if parts and parts[-1].is_inserted == (depth > 0):
            parts[-1] = replace(parts[-1], text=parts[-1].text + marked[at:end])
        elif end > at:
            parts.append(Part(text=marked[at:end], is_inserted=depth > 0))
        if mark:
            depth += 1 if mark.group() == BEGIN else -1  # a macro's output is marked inside and outside
            at = mark.end()
    return parts

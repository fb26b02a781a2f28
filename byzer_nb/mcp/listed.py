"""The tools of a server as it lists them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Any

from byzer_nb._display import Displayed
from byzer_nb._lang import say

LONGEST = 88  # characters of a description in a list


@dataclass(frozen=True, kw_only=True, slots=True)
class McpTool:
    """A tool of a server: `parameters` is the JSON schema of its arguments.

    `name` is what the server calls it, `shown` what a model is told: with the prefix, and plain.
    """

    name: str
    shown: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict, repr=False)  # Any: JSON
    mirrored: dict[tuple[str, ...], str] = field(default_factory=dict, repr=False)  # arguments that are headers too

    @property
    def signature(self) -> str:
        """The name with its parameters; those that may be left out have a question mark."""
        needed = self.parameters.get("required") or ()
        names = [name if name in needed else f"{name}?" for name in self.parameters.get("properties") or {}]
        return f"{self.shown}({', '.join(names)})"

    @property
    def summary(self) -> str:
        """The first line of the description, not too much of it."""
        line = next(iter(self.description.strip().splitlines()), "").strip()
        return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


class McpTools(Displayed, tuple[McpTool, ...]):
    """The tools of a server; shows what each of them does."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "\n".join(_lines(self)) or say(en="no tools", zh="没有工具")

    def _html(self) -> str:
        left = "style='text-align:left'"
        rows = "".join(
            f"<tr><th {left}>{escape(each.signature)}</th><td {left}>{escape(each.summary)}</td></tr>" for each in self
        )
        return f"<table>{rows}</table>" if rows else escape(repr(self))


def _lines(tools: McpTools) -> Iterator[str]:
    width = max((len(each.signature) for each in tools), default=0)
    for each in tools:
        yield f"{each.signature:{min(width, 40)}}  {each.summary}".rstrip()

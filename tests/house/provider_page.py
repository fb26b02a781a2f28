"""docs/providers.md, read: its tables, its sections, and the examples in them."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tests.house.tree import ROOT

PAGE = ROOT / "docs" / "providers.md"
COMMON = "What holds for every provider"

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TYPE = re.compile(r"`(saas/\w+)`")
_NAME = re.compile(r"`(\w+)`")


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A model as one of the three ways writes it."""

    name: str
    engine: str
    settings: dict[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """What stands under a heading of the second rank."""

    title: str
    text: str

    def types(self) -> list[str]:
        """The types that it is about: those in its title, and in a table of theirs."""
        of_table = [row["type"] for row in self.rows("type")]
        return list(dict.fromkeys(_TYPE.findall(" ".join([self.title, *of_table]))))

    def rows(self, head: str) -> list[dict[str, str]]:
        """The rows of the table whose first column has that head, by the heads of their columns."""
        found = re.search(rf"^\| {head} \|.*\n\|[-|]+\n((?:\|.*\n)+)", self.text, re.MULTILINE)
        if found is None:
            return []
        heads, _, *rows = (_cells(line) for line in found[0].strip().split("\n"))
        return [dict(zip(heads, row, strict=True)) for row in rows]

    def settings(self) -> dict[str, str]:
        """The settings that it names, each with its default."""
        return {name: row["default"] for row in self.rows("setting") for name in _NAME.findall(row["setting"])}

    def not_read(self) -> list[str]:
        """The settings of every provider that its own words take away again."""
        found = re.search(r"^- Not read here: ([^.]*)", self.text, re.MULTILINE)
        return _NAME.findall(found[1]) if found else []

    def cells(self) -> list[str]:
        """Its `%%llm_deploy` cells."""
        return [text for _, text in _FENCE.findall(self.text) if text.startswith("%%llm_deploy")]

    def commands(self) -> list[list[str]]:
        """Its command lines, in words, as a shell makes them."""
        blocks = [text for _, text in _FENCE.findall(self.text) if text.startswith("byzerllm ")]
        return [shlex.split(text.replace("\\\n", " ")) for text in blocks]

    def loaded(self) -> list[Example]:
        """What its Python loads."""
        blocks = [text for language, text in _FENCE.findall(self.text) if language in ("python", "py")]
        return [example for block in blocks for example in _loads(block)]


@cache
def sections() -> dict[str, Section]:
    """Every section by its title, in order; what stands before the first one has none."""
    first, *rest = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    titled = [("", first), *((title, text) for title, _, text in (part.partition("\n") for part in rest))]
    return {title: Section(title=title, text=text) for title, text in titled}


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def _loads(block: str) -> Iterator[Example]:
    without_magics = re.sub(r"^%.*$", "", block, flags=re.MULTILINE)
    for node in ast.walk(ast.parse(without_magics)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "load":
            name, engine = (ast.literal_eval(each) for each in node.args)
            settings = {str(each.arg): ast.literal_eval(each.value) for each in node.keywords}
            yield Example(name=name, engine=engine, settings=settings)

"""The snippets of the seed documents, and a notebook that runs them.

They lie in `tests/golden/seed_snippets`, each under a few comment lines: the document, the promises it holds, the
snippet that it goes on from, the names that the document has defined before.

Two things are changed, openly and only until models run on Ray: `ByzerLLM` stands for `SimpleByzerLLM`, which the
documents themselves offer in its place, and the lines that connect to a cluster are left out.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from tests.house.tree import ROOT

FOLDER = ROOT / "tests" / "golden" / "seed_snippets"

CONNECTING = re.compile(r"^(import ray|ray\.init\(.*\)|byzerllm\.connect_cluster\(.*\)) *\n", re.MULTILINE)
NEEDS_RAY = re.compile(r"\bByzerLLM\b")


class Snippet:
    """A file of the folder: what its head says, and the text of the document."""

    def __init__(self, name: str) -> None:
        head, _, self.text = (FOLDER / f"{name}.py").read_text(encoding="utf-8").partition("\n\n")
        self.facts = dict(line.removeprefix("# ").split(": ", 1) for line in head.splitlines())

    def list_of(self, fact: str) -> list[str]:
        """The names that the head gives for a fact."""
        return self.facts[fact].split(", ") if fact in self.facts else []

    def without_ray(self) -> str:
        """The text, with the two changes that this file's first lines name."""
        return NEEDS_RAY.sub("SimpleByzerLLM", CONNECTING.sub("", self.text))


class Notebook:
    """Runs snippets in one namespace, and gives the value that a cell would show."""

    def __init__(self, known: dict[str, Any]) -> None:
        self.known = known
        self.names: dict[str, Any] = {"__name__": "notebook"}

    def run(self, name: str) -> Any:
        """The value of the last line, after the snippets before it."""
        snippet = Snippet(name)
        for earlier in snippet.list_of("after"):
            self.run(earlier)
        self.names |= {given: self.known[given] for given in snippet.list_of("given")}
        cell = ast.parse(snippet.without_ray(), filename=name)
        shown = cell.body.pop() if cell.body and isinstance(cell.body[-1], ast.Expr) else None
        exec(compile(cell, name, "exec"), self.names)
        if not isinstance(shown, ast.Expr):
            return None
        return eval(compile(ast.Expression(shown.value), name, "eval"), self.names)

"""Which test holds which promise; `python -m tests.house.contract` prints the table."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.house.tree import ROOT

LIST = ROOT / "tests" / "golden" / "contract.txt"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A test that names a promise."""

    promise: str
    test: str


def promises() -> dict[str, str]:
    """Every id with the few words that say what it is."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t", 1) for line in lines)


def marks(folder: Path = ROOT / "tests") -> list[Mark]:
    """Every `contract(...)` mark in the sources of the tests."""
    return [mark for path in sorted(folder.rglob("test_*.py")) for mark in _marks_in(path)]


def _marks_in(path: Path) -> Iterator[Mark]:
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name
    module = ast.parse(path.read_text(encoding="utf-8"))
    tests = (
        node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    )
    for node in tests:
        for promise in _promises_of(node.decorator_list):
            yield Mark(promise=promise, test=f"{shown}::{node.name}")
    for node in module.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets
        ):
            for promise in _promises_of([node.value]):
                yield Mark(promise=promise, test=str(shown))


def _promises_of(expressions: list[ast.expr]) -> Iterator[str]:
    """The ids in `contract(...)` calls, also those inside `parametrize` and `param`."""
    for expression in expressions:
        for node in ast.walk(expression):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "contract":
                yield from (str(ast.literal_eval(argument)) for argument in node.args)


def table() -> str:
    """Every promise and the tests that hold it, and how many there are."""
    held = defaultdict(list)
    for mark in marks():
        held[mark.promise].append(mark.test)
    known = promises()
    width = max(map(len, known))
    lines = []
    for promise, words in known.items():
        tests = held[promise]
        lines.append(f"{'x' if tests else ' '} {promise:{width}}  {words}")
        lines += [f"  {'':{width}}    {test}" for test in tests]
    count = sum(bool(held[promise]) for promise in known)
    return "\n".join([*lines, f"{count} of {len(known)} are held by a test."])


if __name__ == "__main__":
    print(table())

"""Arrows between the floors go down only, also those hidden inside functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.house import tree

# From the ground up: a layer imports what stands above it in this list, and no neighbour on its own line.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("_",),  # private helpers serve everybody
    ("types",),
    ("providers", "backends", "sandbox"),
    ("engines", "mcp"),
    ("cluster",),
    ("client",),
    ("prompts",),
    ("train", "storage", "sql", "serve"),
    ("seed",),
    ("widgets", "cli", "server"),
    ("magics",),
    ("front door",),  # byzer_nb/__init__.py, which names every floor inside functions
    ("demo", "__main__"),
)
RANKS = {layer: rank for rank, layers in enumerate(LAYERS) for layer in layers}
LONGEST = 400


def wrong_arrows(files: Mapping[str, Path]) -> list[str]:
    """Every import that goes up or sideways, as a sentence with both names."""
    wrong = []
    for name, path in files.items():
        here = layer_of(name)
        if here == "front door":
            continue
        assert here in RANKS, f"{name} belongs to no layer; give {here!r} a line in LAYERS."
        for line, target in imports(name, path, files):
            there = layer_of(target)
            if here != there and RANKS[there] >= RANKS[here]:
                way = "up" if RANKS[there] > RANKS[here] else "sideways"
                wrong.append(f"{name}:{line} imports {target}: an arrow {way}, from {here!r} to {there!r}")
    return wrong


def layer_of(module: str) -> str:
    """The floor on which a module stands; what is run as a program stands above all, for nobody imports it."""
    if module.endswith(".__main__"):
        return "__main__"
    inner = module.removeprefix("byzer_nb").removeprefix(".").partition(".")[0]
    return "_" if inner.startswith("_") else inner or "front door"


def imports(name: str, path: Path, files: Mapping[str, Path]) -> Iterator[tuple[int, str]]:
    """The modules of ours that a file imports, each with its line."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            inner = {alias.name: f"{base}.{alias.name}" for alias in node.names}
            targets = [module if module in files else base for module in inner.values()]
        else:
            continue
        yield from ((node.lineno, target) for target in targets if target.partition(".")[0] == "byzer_nb")


def test_imports_go_down_only() -> None:
    assert wrong_arrows(tree.packaged_files()) == []


@pytest.mark.parametrize(
    ("importer", "statement", "sentence"),
    [
        ("types.engine", "def late():\n    from byzer_nb.client import Client", "from 'types' to 'client'"),
        ("providers.openai", "from ..backends import plan", "an arrow sideways, from 'providers' to 'backends'"),
        ("client.local", "from byzer_nb import prompt", "an arrow up, from 'client' to 'front door'"),
        ("errors", "from byzer_nb import _sync", "from 'errors' to '_'"),
    ],
)
def test_a_wrong_arrow_is_told_with_both_names(tmp_path: Path, importer: str, statement: str, sentence: str) -> None:
    file = tmp_path / "module.py"
    file.write_text(statement)
    [told] = wrong_arrows({f"byzer_nb.{importer}": file, "byzer_nb._sync": _empty(tmp_path)})
    assert f"byzer_nb.{importer}:" in told
    assert sentence in told


def test_arrows_down_and_inside_a_layer_are_fine(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("from byzer_nb import errors\nfrom .http import Session\nimport byzer_nb.types.engine\nimport json")
    assert wrong_arrows({"byzer_nb.providers.openai": file, "byzer_nb.errors": _empty(tmp_path)}) == []


def _empty(folder: Path) -> Path:
    path = folder / "empty.py"
    path.write_text("")
    return path


def test_no_python_file_is_too_long() -> None:
    lengths = {path.relative_to(tree.ROOT): len(path.read_bytes().splitlines()) for path in tree.all_files()}
    assert {str(path): lines for path, lines in lengths.items() if lines > LONGEST} == {}


def test_every_packaged_folder_is_a_package() -> None:
    folders = {path.parent for path in tree.packaged_files().values()}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_modules_are_named_with_words() -> None:
    assert [name for name in tree.packaged_files() if len(name.rpartition(".")[2]) < 2] == []
    assert [name for name in tree.packaged_files() if name.rpartition(".")[2] in {"utils", "helpers", "misc"}] == []

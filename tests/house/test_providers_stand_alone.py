"""A provider's module brings no SDK and no other provider with it, and is quick to import."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from byzer_nb.engines import ENGINES
from tests.house import tree
from tests.house.test_import_cost import python
from tests.house.test_layers import imports

BESIDE = ("aiohttp", "httptools", "msgspec", "yarl")  # all that a provider may import beyond Python and ourselves
ROUNDS = 3  # noise of the machine only ever adds, so the first round within the budget counts
PART_OF_AIOHTTP = 0.5  # in truth a quarter, which is 10 to 20 ms where nothing else runs

COST = """
import json, sys, time
import byzer_nb.engines

started = time.process_time()
import {beside}
between = time.process_time()
known = set(sys.modules)
import {module}
cost = (time.process_time() - between) / (between - started)
print(json.dumps([cost, sorted(set(sys.modules) - known)]))
"""


def modules() -> list[str]:
    """The module of every provider, once."""
    homes = {ENGINES.get(name).__module__ for name in ENGINES.names() if name.startswith("saas/")}  # type: ignore[attr-defined]
    return sorted(home for home in homes if home.startswith("byzer_nb.providers."))


def others(name: str, path: Path, registered: set[str]) -> list[str]:
    """Every import of a registered provider's module in a file that is not that provider's own."""
    known: Mapping[str, Path] = tree.packaged_files()
    return [
        f"{name}:{line} imports {target}"
        for line, target in imports(name, path, known)
        if target in registered and target != name
    ]


def strangers(name: str, path: Path) -> list[str]:
    """Every import of a package that a provider may not need, also those inside functions."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            targets = [node.module or ""]
        else:
            continue
        for package in (target.partition(".")[0] for target in targets):
            if package not in {"byzer_nb", *BESIDE, *sys.stdlib_module_names}:
                found.append(f"{name}:{node.lineno} imports {package}")
    return found


def provider_files() -> dict[str, Path]:
    """Every file under providers/, shared or not."""
    return {name: path for name, path in tree.packaged_files().items() if name.startswith("byzer_nb.providers.")}


def test_every_provider_is_looked_at() -> None:
    assert {"byzer_nb.providers.openai", "byzer_nb.providers.claude"} <= set(modules())
    assert set(modules()) <= set(provider_files())


def test_no_file_of_a_provider_imports_another_provider() -> None:
    registered = set(modules())
    assert [told for name, path in provider_files().items() for told in others(name, path, registered)] == []


def test_no_file_of_a_provider_imports_an_sdk() -> None:
    assert [told for name, path in provider_files().items() for told in strangers(name, path)] == []


def test_another_provider_or_an_sdk_would_be_noticed(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("from byzer_nb.providers.openai import OpenAI\n\ndef late():\n    from google import genai")
    name = "byzer_nb.providers.claude"
    assert others(name, file, set(modules())) == [f"{name}:1 imports byzer_nb.providers.openai"]
    assert strangers(name, file) == [f"{name}:4 imports google"]


@pytest.mark.parametrize("module", modules())
def test_importing_a_provider_is_quick_and_brings_nothing_else(tmp_path: Path, module: str) -> None:
    for _ in range(ROUNDS):
        cost, loaded = json.loads(python(COST.format(module=module, beside=", ".join(BESIDE)), tmp_path))
        assert [name for name in loaded if name in modules() and name != module] == []
        assert {name.partition(".")[0] for name in loaded} <= {"byzer_nb", *sys.stdlib_module_names}
        if cost <= PART_OF_AIOHTTP:
            break
    assert cost <= PART_OF_AIOHTTP

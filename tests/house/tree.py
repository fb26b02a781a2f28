"""The source files of the project, and the packages that they form."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SOURCES = {"byzer_nb": "byzer_nb", "magics": "byzer_nb.magics", "widgets": "byzer_nb.widgets"}
AROUND = ("tests", "benchmarks", "tools")
SIDEBAR = Path("widgets/lab")  # TypeScript, with whatever its tools put beside it


def packaged_files() -> dict[str, Path]:
    """Every Python file that is installed, by the name it is imported under."""
    return {_module(path): path for folder in SOURCES for path in _python_files(ROOT / folder)}


def all_files() -> list[Path]:
    """Every Python file of the project."""
    return sorted([*packaged_files().values(), *(path for folder in AROUND for path in _python_files(ROOT / folder))])


def _python_files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*.py")) if SIDEBAR not in path.relative_to(ROOT).parents]


def _module(path: Path) -> str:
    folder, *rest = path.relative_to(ROOT).with_suffix("").parts
    return ".".join([SOURCES[folder], *rest]).removesuffix(".__init__")

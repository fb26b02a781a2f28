"""What the pages show is what works: their code runs, their commands and links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.house.tree import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def python_blocks(page: Path) -> list[str]:
    """The blocks of a page that are marked as Python, one cell each."""
    return re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_python_block_runs(page: Path, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    for number, block in enumerate(python_blocks(page), 1):
        result = shell.run_cell(block)
        assert result.success, (
            f"Block {number} of {page.name} fails: {result.error_in_exec or result.error_before_exec!r}"
        )


def test_the_readme_has_cells_to_try() -> None:
    assert len(python_blocks(PAGES[0])) >= 5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_exists(page: Path) -> None:
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert named - TARGETS == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_into_the_project_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []

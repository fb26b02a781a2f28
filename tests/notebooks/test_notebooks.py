"""Every notebook runs on the bundled model, without a browser, and is committed clean."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.house.tree import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MAY_FAIL = "raises-exception"


def read(path: Path) -> Any:  # Any: nbformat has no types
    return nbformat.read(path, as_version=4)


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


@pytest.mark.contract("NB-14")
async def test_the_notebook_runs_on_the_bundled_model(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(place, str(tmp_path / place.lower()))
    monkeypatch.delenv("BYZER_NB_LANG", raising=False)
    notebook = read(path)
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    await client.async_execute()
    for cell in notebook.cells:
        failed = [output for output in cell.get("outputs", []) if output.output_type == "error"]
        assert bool(failed) == (MAY_FAIL in cell.metadata.get("tags", [])), cell.source
        if cell.source.startswith("%%prompt"):
            assert failed or cell.outputs, f"nothing is shown below: {cell.source}"


@pytest.mark.contract("NB-14")
def test_the_notebook_is_committed_without_outputs(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None
        assert set(cell.metadata) <= {"tags"}
    assert "widgets" not in notebook.metadata


@pytest.mark.contract("NB-14")
def test_the_notebook_begins_with_a_title_that_has_its_number(path: Path) -> None:
    first = read(path).cells[0]
    assert first.cell_type == "markdown"
    assert re.match(rf"# {int(path.stem[:2])} · \S", first.source)


@pytest.mark.contract("NB-14")
def test_the_notebooks_are_numbered_without_a_gap() -> None:
    assert [int(path.stem[:2]) for path in NOTEBOOKS] == list(range(1, len(NOTEBOOKS) + 1))
    assert all(re.fullmatch(r"\d\d_[a-z0-9_]+", path.stem) for path in NOTEBOOKS)


def test_the_notebook_loads_the_extension_before_it_uses_it(path: Path) -> None:
    code = [cell.source for cell in read(path).cells if cell.cell_type == "code"]
    assert code[0] == "%load_ext byzer_nb"

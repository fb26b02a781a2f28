"""A newcomer opens the first notebook in JupyterLab and runs it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.browser.jupyterlab import Lab, opened
from tests.house.tree import ROOT

pytestmark = pytest.mark.browser

NAME = "01_first_prompt.ipynb"


@pytest.mark.contract("NB-01", "NB-05")
async def test_answer_and_footer_appear_below_the_prompt(lab: Lab, tmp_path: Path) -> None:
    shutil.copy(ROOT / "notebooks" / NAME, lab.root)
    async with opened(lab, NAME) as notebook:
        await notebook.run_all(until=2)
        cell = await notebook.cell(3)
        outputs = cell.locator(".jp-OutputArea-output")
        await outputs.nth(1).wait_for()
        assert "byzer-tiny" in await outputs.nth(0).inner_text()
        assert await outputs.nth(0).get_attribute("data-mime-type") == "text/markdown"
        assert "byzer-tiny (bundled: no model was named) · " in await outputs.nth(1).inner_text()
        assert await outputs.count() == 2
        await notebook.page.screenshot(path=tmp_path / "first_prompt.png")
        assert notebook.failures == []
        assert notebook.foreign_requests() == []

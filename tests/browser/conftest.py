"""One JupyterLab for all browser tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.jupyterlab import Lab, running_lab


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running JupyterLab."""
    with running_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab

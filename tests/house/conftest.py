"""A notebook's shell for tests that run cells."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """Magics work in it, and history is not written; what was loaded is unloaded at the end."""
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    yield shell
    if "byzer_nb" in shell.extension_manager.loaded:
        shell.run_line_magic("unload_ext", "byzer_nb")

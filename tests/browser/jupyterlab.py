"""A JupyterLab of its own on a free port, and a page of it in Chromium."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Locator, Page, async_playwright

from tests.conftest import CHROMIUM

TOKEN = "only-for-this-test"
PLACES = (
    "IPYTHONDIR",
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
)
FLAGS = (
    "--no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking --disable-component-update "
    "--disable-sync --no-first-run --disable-renderer-backgrounding"
)
PATIENCE = 90_000  # milliseconds, for a machine with other work

# The session exists, the kernel is connected and waits. The status line says "idle" earlier than that, and a cell run
# then opens a dialog.
IS_READY = """() => {
  const panel = window.jupyterapp && window.jupyterapp.shell.currentWidget;
  const kernel = panel && panel.sessionContext && panel.sessionContext.isReady && panel.sessionContext.session?.kernel;
  return !!kernel && kernel.status === 'idle' && kernel.connectionStatus === 'connected';
}"""
# Cells out of sight are not in the page, so what has run is asked of the notebook's model.
HAVE_RUN = """(count) => {
  const cells = window.jupyterapp.shell.currentWidget.content.widgets.filter(cell => cell.model.type === 'code');
  return cells.length >= count && cells.slice(0, count).every(
    cell => cell.model.executionCount !== null && cell.model.executionState !== 'running');
}"""
# Not awaited: if a dialog stood in the way, the evaluation would never end.
RUN_ALL = "() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }"


@dataclass(frozen=True, kw_only=True)
class Lab:
    """A running server and the folder that it shows."""

    origin: str
    root: Path


@contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """A server whose settings, runtime files and notebooks all lie in a folder."""
    root = folder / "notebooks"
    root.mkdir()
    news = folder / "jupyterlab_settings_dir/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    news.parent.mkdir(parents=True)
    news.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    port = _free_port()
    options = [
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={root}",
        "--LabApp.expose_app_in_browser=True",
    ]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            env={**os.environ, **{place: str(folder / place.lower()) for place in PLACES}},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            origin = f"http://127.0.0.1:{port}"
            _wait_until_up(origin, server, folder / "server.log")
            yield Lab(origin=origin, root=root)
        finally:
            server.terminate()
            server.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_up(origin: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{origin}/api?token={TOKEN}", timeout=2):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.2)
    raise AssertionError(log.read_text())


@dataclass(kw_only=True)
class Notebook:
    """An open notebook, and what went wrong in its page."""

    page: Page
    origin: str
    failures: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    async def run_all(self, *, until: int) -> None:
        """Run the whole notebook, and wait until so many of its code cells are done."""
        await self.page.evaluate(RUN_ALL)
        await self.page.wait_for_function(HAVE_RUN, arg=until, timeout=PATIENCE)

    async def cell(self, number: int) -> Locator:
        """A cell by its number from 0, scrolled into sight."""
        await self.page.evaluate(
            "(number) => window.jupyterapp.shell.currentWidget.content.scrollToItem(number, 'center')", number
        )
        found = self.page.locator(f".jp-Notebook .jp-Cell[data-windowed-list-index='{number}']")
        await found.wait_for(timeout=PATIENCE)
        return found

    def foreign_requests(self) -> list[str]:
        """What the page asked of anybody but its own server."""
        own = (self.origin, self.origin.replace("http", "ws"), "data:", "blob:")
        return [url for url in self.requests if not url.startswith(own)]


@asynccontextmanager
async def opened(lab: Lab, name: str) -> AsyncIterator[Notebook]:
    """A notebook of the server in a page of Chromium, its kernel ready."""
    chromium = next(path for path in map(shutil.which, CHROMIUM) if path)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS.split())
        try:
            page = await browser.new_page(viewport={"width": 1100, "height": 900})
            notebook = Notebook(page=page, origin=lab.origin)
            page.on("pageerror", lambda error: notebook.failures.append(str(error)))
            page.on("request", lambda request: notebook.requests.append(request.url))
            await page.goto(f"{lab.origin}/lab/tree/{name}?token={TOKEN}&reset", timeout=PATIENCE)
            await page.wait_for_function(IS_READY, timeout=PATIENCE)
            yield notebook
        finally:
            await browser.close()


def empty_notebook(*cells: str) -> Any:  # Any: nbformat has no types
    """A notebook of code cells."""
    from nbformat import v4

    notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook

"""What holds for every test: no network beyond this machine, quick tests first, nothing left open at the end."""

from __future__ import annotations

import gc
import importlib.util
import ipaddress
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"  # transformers looks for a hub even when it is given a folder

# Folders that start engines, kernels or browsers come last, in this order; everything else is quick.
SLOW_FOLDERS = ("backends", "contracts", "train", "magics", "cluster", "cli", "notebooks", "browser", "lab")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ENGINES = ("vllm", "llama_cpp")
MAY_BE_SKIPPED = ("gpu", "live")  # the only tests that CI may leave out
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}


# -- order and skips ----------------------------------------------------------------------------------------------


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Quick folders first; those that need what is not here are skipped."""
    items.sort(key=lambda item: _slowness(config, item))
    for marker, reason in _missing().items():
        for item in items:
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


def _slowness(config: pytest.Config, item: pytest.Item) -> int:
    parts = item.path.relative_to(config.rootpath).parts
    folder = parts[1] if len(parts) > 2 else ""
    return SLOW_FOLDERS.index(folder) + 1 if folder in SLOW_FOLDERS else 0


def _missing() -> dict[str, str]:
    """Why the tests of a marker cannot run here."""
    missing = {}
    if not any(shutil.which(name) for name in CHROMIUM):
        missing["browser"] = "there is no Chromium"
    if not all(importlib.util.find_spec(name) for name in ENGINES):
        missing["engines"] = "vLLM and llama.cpp are not installed (make engines)"
    return missing


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it plainly when tests were left out."""
    for marker, reason in _missing().items():
        terminalreporter.write_line(f"The tests marked {marker!r} were skipped: {reason}.", yellow=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """In CI a skipped test is a failed one, whatever it was that was missing."""
    report: pytest.TestReport = yield
    if IN_CI and report.skipped and not any(item.get_closest_marker(name) for name in MAY_BE_SKIPPED):
        report.outcome = "failed"
        report.longrepr = f"Skipped in CI, where everything has to run: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    """The same for a whole file that was left out."""
    report: pytest.CollectReport = yield
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"Skipped in CI, where everything has to run: {report.longrepr}"
    return report


# -- the network --------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True, scope="session")
def only_this_machine() -> Iterator[None]:
    """Connections go to loop-back or nowhere, and no name is looked up elsewhere."""
    patch = pytest.MonkeyPatch()
    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
    patch.setattr(socket, "getaddrinfo", _local_names_only(socket.getaddrinfo))
    yield
    patch.undo()


def _guarded(connect: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(address[0]):
            raise RuntimeError(f"A test tried to reach {address!r}; tests stay on this machine.")
        return connect(self, address)

    return guarded


def _local_names_only(look_up: Callable[..., Any]) -> Callable[..., Any]:
    def local_names_only(host: Any, *rest: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name and not _is_address(name) and name not in ("localhost", socket.gethostname()):
            raise socket.gaierror(socket.EAI_NONAME, f"tests look up no names, and {name!r} is one")
        return look_up(host, *rest, **options)

    return local_names_only


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_local(host: str) -> bool:
    return host in ("", "localhost") or (_is_address(host) and ipaddress.ip_address(host.partition("%")[0]).is_loopback)


# -- the end ------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True, scope="session")
def nothing_left_open() -> Iterator[None]:
    """Close the shared models and the background loop, so that whatever is still open shows itself as a warning."""
    yield
    from byzer_nb._sync import close_background_loop, run
    from byzer_nb.client import shared_models

    run(shared_models().close())
    close_background_loop()
    gc.collect()


# -- TLS ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def tls_files(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for this machine that nobody signed, and its key."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    try:
        subprocess.run([*command, "-out", certificate, "-keyout", key], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("openssl is not installed")
    return certificate, key

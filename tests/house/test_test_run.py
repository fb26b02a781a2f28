"""The test run keeps its own rules: it stays on this machine, and in CI it leaves nothing out."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT

UNREACHED = "192.0.2.1"  # an address kept for documentation


def test_a_test_cannot_leave_the_machine() -> None:
    with socket.socket() as outgoing, pytest.raises(RuntimeError, match=f"tried to reach .*{UNREACHED}"):
        outgoing.connect((UNREACHED, 443))
    with pytest.raises(socket.gaierror, match=r"example\.org"):
        socket.getaddrinfo("example.org", 443)


def test_loop_back_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


@pytest.mark.parametrize(("in_ci", "outcome"), [("true", "1 failed, 2 skipped, 2 errors"), ("", "5 skipped")])
def test_ci_fails_what_is_skipped_except_gpu_and_live(tmp_path: Path, in_ci: str, outcome: str) -> None:
    (tmp_path / "conftest.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom tests.conftest import *\n"
    )
    (tmp_path / "test_skips.py").write_text(
        "import pytest\n"
        "@pytest.mark.gpu\ndef test_gpu(): pytest.skip('no gpu')\n"
        "@pytest.mark.live\n@pytest.mark.skip\ndef test_live(): ...\n"
        "@pytest.mark.browser\ndef test_browser(): pytest.skip('no browser')\n"
        "@pytest.mark.skipif(True, reason='no engine')\ndef test_engine(): ...\n"
    )
    (tmp_path / "test_whole_file.py").write_text("import pytest\npytest.importorskip('not_there_at_all')\n")
    options = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), "-p", "no:cacheprovider", "-q"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--continue-on-collection-errors", str(tmp_path)],
        env={**os.environ, "CI": in_ci},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert outcome in run.stdout

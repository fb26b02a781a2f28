"""Starting a cluster: Ray's part is played by small commands."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from byzer_nb.cli.ray_start import make_token, start_head
from byzer_nb.errors import NotConnectedError

pytestmark = pytest.mark.contract("CLI-01")


@pytest.fixture(autouse=True)
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the token of these tests lies."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "home" / "auth_token"
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(path))
    return path


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_it_returns_when_the_command_is_done_though_a_daemon_lives_on() -> None:
    daemon = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(5)'])"
    started = time.monotonic()
    start_head(python(daemon))
    assert time.monotonic() - started < 4


def test_a_failure_brings_the_last_words_and_a_hint() -> None:
    said = r"print('one\n\ntwo\nthree'); print('\x1b[31mport 6379 is taken\x1b[0m'); raise SystemExit(3)"
    with pytest.raises(NotConnectedError) as failed:
        start_head(python(said))
    assert failed.value.message == (
        "No Ray cluster could be started here (exit code 3). two / three / port 6379 is taken"
    )
    assert "ray start --head" in failed.value.hint


def test_a_command_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    child = tmp_path / "child"
    hangs = (
        "import pathlib, subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        f"pathlib.Path({str(child)!r}).write_text(str(child.pid));"
        "time.sleep(60)"
    )
    with pytest.raises(NotConnectedError, match="it is not up after 1 s"):
        start_head(python(hangs), seconds=1)
    assert _ends(int(child.read_text()))


def _ends(pid: int) -> bool:
    for _ in range(100):
        status = Path(f"/proc/{pid}/stat")
        try:
            if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
                return True  # dead, and nobody of ours has to ask for its exit code
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


def test_a_token_is_made_that_only_its_owner_can_read(token: Path) -> None:
    make_token()
    made = token.read_text()
    assert len(made) == 64
    assert token.stat().st_mode & 0o777 == 0o600
    make_token()
    assert token.read_text() == made


@pytest.mark.parametrize(("name", "value"), [("RAY_AUTH_MODE", "disabled"), ("RAY_AUTH_TOKEN", "given")])
def test_no_token_is_made_where_none_is_wanted(
    token: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    make_token()
    assert not token.exists()

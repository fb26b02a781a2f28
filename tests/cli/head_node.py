"""A real Ray cluster of two CPUs, and the console scripts run against it as a shell would."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from tests.cli.conftest import Done

UP_SECONDS = 120.0
TRIES = 3
TOO_SLOW = "timed out during startup"  # Ray gives a node 30 s, which a busy machine may need longer
DOWN_SECONDS = 3.0
COMMAND_SECONDS = 120.0
SCRIPTS = Path(sys.executable).parent


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """Where it listens, where it writes, and what a process needs in its environment to join it."""

    address: str
    outside: str  # where it lets in processes that are no part of it
    folder: Path
    environment: Mapping[str, str]

    def words(self, line: str, *more: str) -> list[str]:
        """A script by its path, a sub-command, its arguments, and the address."""
        script, command, *rest = line.split()
        path = SCRIPTS / script
        assert path.exists(), f"{path} is missing; make test installs it."
        return [str(path), command, *rest, *more, "--ray_address", self.address]

    def start(self, line: str, *more: str, **environment: str) -> subprocess.Popen[str]:
        """A command that runs on."""
        return subprocess.Popen(
            self.words(line, *more),
            env={**self.environment, **environment},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, line: str, *more: str, **environment: str) -> Done:
        """A command from its start to its end."""
        return end(self.start(line, *more, **environment))


def end(process: subprocess.Popen[str]) -> Done:
    """What a command printed, and its exit code."""
    out, err = process.communicate(timeout=COMMAND_SECONDS)
    return Done(code=process.returncode, out=out, err=err)


@contextmanager
def head_node() -> Iterator[Cluster]:
    """The cluster; it has a token of its own, ports of its own, and ends with the block."""
    folder = Path(mkdtemp(prefix="rt-cli-", dir="/tmp"))  # short: the paths of its sockets have a limit
    token = folder / "token"
    token.write_text(secrets.token_hex(32), encoding="ascii")
    port, agent, door = free_ports(3)
    foreign = ("RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "BYZER_NB_LANG")
    environment = {
        **{name: value for name, value in os.environ.items() if name not in foreign},
        "BYZER_NB_HOME": str(folder / "home"),
        "LANG": "C.UTF-8",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    }
    try:
        process = _started(folder, environment, port=port, agent=agent, door=door)
        try:
            yield Cluster(
                address=f"127.0.0.1:{port}", outside=f"ray://127.0.0.1:{door}", folder=folder, environment=environment
            )
        finally:
            end_group(process)
    finally:
        _remove(folder)


def _started(
    folder: Path, environment: Mapping[str, str], *, port: int, agent: int, door: int
) -> subprocess.Popen[bytes]:
    """The head node, when it is up."""
    said = folder / "head.log"
    for _ in range(TRIES):
        process = _start(folder, environment, said, port=port, agent=agent, door=door)
        if _is_up(process, said):
            return process
        end_group(process)
        if TOO_SLOW not in _text(said):
            break
    raise AssertionError(f"Ray does not start.\n{_text(said)}")


def _start(
    folder: Path, environment: Mapping[str, str], said: Path, *, port: int, agent: int, door: int
) -> subprocess.Popen[bytes]:
    with said.open("wb") as log:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"),
                *("--num-cpus=2", "--num-gpus=0", "--include-dashboard=false", "--disable-usage-stats"),
                *(f"--port={port}", "--node-ip-address=127.0.0.1", f"--dashboard-agent-listen-port={agent}"),
                f"--ray-client-server-port={door}",
                f"--temp-dir={folder}",
            ],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a group of its own, so that exactly this cluster is ended
        )


def _is_up(process: subprocess.Popen[bytes], said: Path) -> bool:
    deadline = time.monotonic() + UP_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if "Ray runtime started" in _text(said):
            return True
        time.sleep(0.1)
    return False


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=DOWN_SECONDS)


def _remove(folder: Path) -> None:
    for _ in range(50):  # workers notice that their node is gone a moment later, and write that down
        rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    """Ports of the loop-back address that nobody uses now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()

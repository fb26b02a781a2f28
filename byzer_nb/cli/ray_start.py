"""Starts a Ray cluster on this machine, as `ray start --head` does."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from byzer_nb.cli.messages import say
from byzer_nb.errors import NotConnectedError

COMMAND = (sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--disable-usage-stats")
SECONDS = 180.0
END_SECONDS = 5.0
LAST_LINES = 3

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def start_head(command: Sequence[str] = COMMAND, *, seconds: float = SECONDS) -> None:
    """Start a head node that outlives this process, and wait until it runs; on failure nothing is left behind."""
    make_token()
    # A file and not a pipe: the daemons keep their side of a pipe open, and reading it would never end.
    with tempfile.TemporaryFile() as said:
        # A session of its own, so that Ctrl-C at this terminal never reaches the daemons.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            code = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            raise _failed(say(en=f"it is not up after {seconds:g} s", zh=f"{seconds:g} 秒后仍未就绪"), said) from None
        except BaseException:  # half a cluster is of no use to anybody
            _end(process)
            raise
        if code != 0:
            _end(process)
            raise _failed(say(en=f"exit code {code}", zh=f"退出码 {code}"), said)


def make_token() -> None:
    """Have a token ready where Ray looks for one, unless this is switched off.

    `ray start` asks its clients for a token only if it finds one, and without it everybody on the network could run
    code on the cluster. Clients that join by `auto` find the same file.
    """
    if os.environ.get("RAY_AUTH_MODE", "token").lower() != "token" or os.environ.get("RAY_AUTH_TOKEN"):
        return
    path = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it has started, which is in its group."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=END_SECONDS)


def _failed(why: str, said: IO[bytes]) -> NotConnectedError:
    said.seek(0)
    text = _COLOURS.sub("", said.read().decode("utf-8", "replace"))
    last = " / ".join([line.strip() for line in text.splitlines() if line.strip()][-LAST_LINES:])
    return NotConnectedError(
        say(en=f"No Ray cluster could be started here ({why}). {last}", zh=f"无法在本机启动 Ray 集群（{why}）。{last}"),
        hint=say(
            en="Start one by hand, on another port if 6379 is taken: ray start --head --port=6380; or name a running "
            "one with --ray_address.",
            zh="可以手动启动，如果 6379 端口被占用就换一个：ray start --head --port=6380；"
            "或者用 --ray_address 指定一个正在运行的集群。",
        ),
    )

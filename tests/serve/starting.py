"""Gateways in processes of their own, with a run directory of their own."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from byzer_nb._sync import run
from byzer_nb.serve import process
from byzer_nb.serve.order import Order
from byzer_nb.serve.process import Served
from byzer_nb.serve.settings import ServeSettings
from tests.cli.head_node import free_ports

WORDS = " ".join(f"word{number}" for number in range(30))
MODELS = f"""
- name: echo
  type: saas/scripted
- name: slow
  type: saas/scripted
  settings: {{reply: "{WORDS}", token_delay: 0.05}}
"""


class Starter:
    """Starts gateways; all of them end with it."""

    def __init__(self, folder: Path) -> None:
        self._models = folder / "models.yaml"
        self._models.write_text(MODELS, encoding="utf-8")
        self._started: list[Served] = []

    def start(self, *, models: str = "", ends_with_its_parent: bool = False, **settings: Any) -> Served:
        """A gateway that answers."""
        settings = {"port": free_ports(1)[0], **settings}
        order = Order(
            settings=ServeSettings(**settings),
            models=models or str(self._models),
            ends_with_its_parent=ends_with_its_parent,
        )
        served = run(process.start(order))
        self._started.append(served)
        return served

    def end(self) -> None:
        """End them all, however they are."""
        for each in self._started:
            run(process.stop(each.place))


@contextmanager
def starter(folder: Path) -> Iterator[Starter]:
    """A starter whose gateways end with the block."""
    starting = Starter(folder)
    try:
        yield starting
    finally:
        starting.end()


class Stream:
    """A streamed answer that is read in a thread."""

    def __init__(self, served: Served, *, model: str = "slow") -> None:
        self.text = ""
        self.ended_well = False
        self._model = model
        self._address = served.address
        self._has_begun = threading.Event()
        self._thread = threading.Thread(target=self._read, name="stream", daemon=True)

    def begin(self) -> Stream:
        """Come back when its first words are here."""
        self._thread.start()
        assert self._has_begun.wait(60), "the stream does not begin"
        return self

    def join(self) -> Stream:
        """Come back when it is over."""
        self._thread.join(60)
        assert not self._thread.is_alive(), "the stream does not end"
        return self

    def _read(self) -> None:
        body = {"model": self._model, "stream": True, "messages": [{"role": "user", "content": "go on"}]}
        address = f"{self._address}/v1/chat/completions"
        with suppress(httpx.HTTPError), httpx.stream("POST", address, json=body, timeout=60) as answer:
            for line in answer.iter_lines():
                if '"content":"word' in line:
                    self._has_begun.set()
                self.text += line
                self.ended_well |= line == "data: [DONE]"


def ask(served: Served, *, model: str = "echo", key: str = "", says: str = "hello") -> httpx.Response:
    """One question, over a connection of its own."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    body = {"model": model, "messages": [{"role": "user", "content": says}]}
    return httpx.post(f"{served.address}/v1/chat/completions", json=body, headers=headers, timeout=60)


def children_of(pid: int) -> list[int]:
    """The processes that a process started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def kill(pid: int) -> None:
    """As a lack of memory does it."""
    os.kill(pid, signal.SIGKILL)

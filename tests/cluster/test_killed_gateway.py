"""A gateway that is killed while many clients talk to models on the cluster, and started again."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from byzer_nb._sync import run
from byzer_nb.cluster import inspection, session
from tests.cli.head_node import SCRIPTS, free_ports
from tests.cluster.conftest import Deploy
from tests.serve.gateways import eventually
from tests.serve.starting import children_of, is_running, kill

CLIENTS = 16
BACK_SECONDS = 5.0  # from the moment in which it is there again to an answer of every model, as is promised
WORDS = " ".join(f"word{number}" for number in range(30))
ANSWERS = {"echo": "a parrot", "slow": WORDS}

pytestmark = [pytest.mark.contract("SERVE-01", "SERVE-03"), pytest.mark.timeout(600)]


class Talker:
    """A client that asks on and on, in turns for a whole answer and for a stream; it counts what came of it."""

    def __init__(self, address: str, number: int) -> None:
        self.seen: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._address = f"{address}/v1/chat/completions"
        self._number = number
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._talk, name=f"talker-{number}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the answer at hand."""
        self._is_over.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "a client waits for an answer that does not come"

    def _talk(self) -> None:
        with httpx.Client(timeout=60) as client:
            turn = self._number
            while not self._is_over.is_set():
                turn += 1
                model = ("echo", "slow")[turn // 2 % 2]
                body = {"model": model, "messages": [{"role": "user", "content": ANSWERS["echo"]}]}
                try:
                    came = self._streamed(client, body) if turn % 2 else self._whole(client, body)
                except httpx.TransportError as broken:
                    came = "broken"
                    self.seen[type(broken).__name__] += 1
                    time.sleep(0.05)  # as a client waits before it tries again
                self.seen[came] += 1
                if came not in ("whole", "streamed", "broken", "unavailable"):
                    self.wrong.append(came)

    def _whole(self, client: httpx.Client, body: dict[str, Any]) -> str:
        answer = client.post(self._address, json=body)
        if answer.status_code != 200:
            return _refusal(answer.status_code, answer.text)
        choice = answer.json()["choices"][0]
        is_whole = (choice["message"]["content"], choice["finish_reason"]) == (ANSWERS[body["model"]], "stop")
        return "whole" if is_whole else answer.text

    def _streamed(self, client: httpx.Client, body: dict[str, Any]) -> str:
        lines: list[str] = []
        with client.stream("POST", self._address, json={**body, "stream": True}) as answer:
            lines += filter(None, answer.iter_lines())
        if answer.status_code != 200:
            return _refusal(answer.status_code, "\n".join(lines))
        events = [json.loads(line.removeprefix("data: ")) for line in lines if line != "data: [DONE]"]
        if "error" in events[-1]:
            return _refusal(503, json.dumps(events[-1]))
        choices = [choice for event in events for choice in event["choices"]]
        text = "".join(choice["delta"].get("content") or "" for choice in choices)
        is_whole = (text, choices[-1]["finish_reason"], lines[-1]) == (ANSWERS[body["model"]], "stop", "data: [DONE]")
        return "streamed" if is_whole else "\n".join(lines)


def _refusal(status: int, text: str) -> str:
    """That nobody is there, in OpenAI's shape; or whatever else it says."""
    told = json.loads(text)["error"]
    is_clean = status == 503 and told["type"] == "server_error" and told["message"] and told["code"]
    return "unavailable" if is_clean else f"{status} {text}"


class Crowd:
    """Many of them at once."""

    def __init__(self, address: str) -> None:
        self.talkers = [Talker(address, number) for number in range(CLIENTS)]
        for each in self.talkers:
            each.start()

    def see(self, *kinds: str) -> None:
        """Count anew, and come back when each of them has seen two of every kind."""
        for each in self.talkers:
            each.seen.clear()
        seen = eventually(lambda: all(each.seen[kind] >= 2 for each in self.talkers for kind in kinds), seconds=120)
        assert seen, [dict(each.seen) for each in self.talkers]

    def total(self) -> Counter[str]:
        """What all of them have seen."""
        return sum((each.seen for each in self.talkers), Counter())

    def stop(self) -> None:
        """All are done."""
        for each in self.talkers:
            each.stop()

    @property
    def wrong(self) -> list[str]:
        """What no client should ever see."""
        return [each for talker in self.talkers for each in talker.wrong]


class Command:
    """`byzerllm serve`, as in a terminal."""

    def __init__(self, words: list[str], folder: Path, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self._log = folder / f"{time.monotonic()}.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @property
    def workers(self) -> list[int]:
        """The processes that serve."""
        return children_of(self.process.pid)

    def until_back(self) -> float:
        """Come back when all its processes serve; the seconds from its first word to an answer of every model."""
        assert eventually(self._is_there, seconds=120), self._log.read_text()
        since = time.monotonic()
        for model, answer in ANSWERS.items():
            body = {"model": model, "messages": [{"role": "user", "content": ANSWERS["echo"]}]}
            told = httpx.post(f"{self.address}/v1/chat/completions", json=body, timeout=60)
            assert told.json()["choices"][0]["message"]["content"] == answer
        took = time.monotonic() - since
        assert eventually(lambda: "Serving at" in self._log.read_text(), seconds=120), self._log.read_text()
        return took

    def _is_there(self) -> bool:
        try:
            return httpx.get(f"{self.address}/health", timeout=60).status_code == 200
        except httpx.TransportError:
            return False

    def end(self) -> int:
        """Its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@pytest.fixture
def serve(cluster: session.Connection, deployed: Deploy, tmp_path: Path) -> Iterator[Callable[[int], Command]]:
    """Starts the command on the port of this test, over two models of the cluster; all are gone with the test."""
    [port] = free_ports(1)
    deployed("echo", workers=2, slots=32)
    deployed("slow", workers=2, slots=32, reply=WORDS, token_delay=0.01)
    words = [str(SCRIPTS / "byzerllm"), "serve", "--port", str(port), "--ray_address", cluster.address]
    with ExitStack() as stack:

        def start(workers: int) -> Command:
            command = Command([*words, "--workers", str(workers)], tmp_path, port)
            stack.callback(command.end)
            return command

        yield start


def is_free(address: str) -> bool:
    """Whether a port can be had again."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", int(address.rpartition(":")[2])))
        except OSError:
            return False
    return True


def nothing_is_left(address: str, processes: list[int]) -> bool:
    """Whether processes have ended, their port is free, and no model works for anybody."""
    running = sum(worker.running for model in ANSWERS for worker in run(inspection.stat(model)).workers)
    return not running and is_free(address) and not any(map(is_running, processes))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_gateway_leaves_nothing_half_said_and_is_back_at_once(
    serve: Callable[[int], Command], workers: int
) -> None:
    first = serve(workers)
    first.until_back()
    processes = [first.process.pid, *first.workers]
    crowd = Crowd(first.address)
    try:
        crowd.see("whole", "streamed")
        before = crowd.total()
        kill(first.process.pid)
        first.process.wait()
        crowd.see("broken")
        second = serve(workers)
        took = second.until_back()
        crowd.see("whole", "streamed")
    finally:
        crowd.stop()
    assert crowd.wrong == []
    assert before.keys() == {"whole", "streamed"}
    assert set(crowd.total()) == {"whole", "streamed"}
    assert took < BACK_SECONDS
    processes += [second.process.pid, *second.workers]
    assert second.end() == 0
    assert eventually(lambda: nothing_is_left(second.address, processes), seconds=60)


def test_a_killed_process_of_a_gateway_breaks_off_its_own_answers_alone(serve: Callable[[int], Command]) -> None:
    gateway = serve(2)
    gateway.until_back()
    one, other = gateway.workers
    crowd = Crowd(gateway.address)
    try:
        crowd.see("whole", "streamed")
        assert set(crowd.total()) == {"whole", "streamed"}
        kill(one)
        crowd.see("whole", "streamed")
        since = crowd.total()
        assert eventually(lambda: len(gateway.workers) == 2, seconds=60)
        counters = f"{gateway.address}/metrics"
        assert eventually(lambda: "byzer_nb_processes 2\n" in httpx.get(counters, timeout=60).text, seconds=60)
        crowd.see("whole", "streamed")
    finally:
        crowd.stop()
    assert crowd.wrong == []
    assert since["broken"] > 0
    assert set(crowd.total()) == {"whole", "streamed"}
    assert other in gateway.workers
    processes = [gateway.process.pid, one, *gateway.workers]
    assert gateway.end() == 0
    assert eventually(lambda: nothing_is_left(gateway.address, processes), seconds=60)

"""A gateway as a process of its own: it starts, answers, is found again, survives, and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from byzer_nb._sync import run
from byzer_nb.errors import GatewayError
from byzer_nb.serve import process
from byzer_nb.serve.keys import KeyEntry, hash_of
from byzer_nb.serve.process import Served
from tests.cli.head_node import free_ports
from tests.serve.gateways import eventually
from tests.serve.starting import Starter, Stream, ask, children_of, is_running, kill, starter

KEY = "bz-canary-4f9d2b7e61a05c38"

pytestmark = pytest.mark.contract("CLI-10")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run directory that is empty, with a path that is too long for a socket."""
    folder = tmp_path / ("a-rather-long-name" * 4) / "home"
    monkeypatch.setenv("BYZER_NB_HOME", str(folder))
    return folder


@pytest.fixture
def start(home: Path, tmp_path: Path) -> Iterator[Starter]:
    with starter(tmp_path) as starting:
        yield starting


def listed() -> list[str]:
    """The addresses of the gateways that run."""
    return [each.address for each in run(process.list_served())]


def test_it_answers_when_it_is_started_and_is_gone_when_it_is_stopped(start: Starter, home: Path) -> None:
    served = start.start(keys=(KeyEntry(name="ann", hash=hash_of(KEY)),))
    assert served.models == ("echo", "slow")
    assert httpx.get(f"{served.address}/health").status_code == 200
    assert ask(served, key=KEY, says="a parrot").json()["choices"][0]["message"]["content"] == "a parrot"
    assert ask(served).status_code == 401
    assert listed() == [served.address]
    files = {path.name: path for path in served.place.folder.iterdir()}
    assert not any(KEY in path.read_text(errors="replace") for path in files.values() if path.is_file())
    assert hash_of(KEY) in files["order.json"].read_text()
    assert {files[name].stat().st_mode & 0o077 for name in ("order.json", "serving.json", "0.door")} == {0}
    assert served.place.folder.stat().st_mode & 0o077 == 0
    assert KEY not in Path(f"/proc/{served.serving.pid}/cmdline").read_text()
    run(process.stop(served.place))
    assert listed() == []
    assert not is_running(served.serving.pid)
    with pytest.raises(httpx.ConnectError):
        ask(served)
    assert "who=ann model=echo" in served.place.log("gateway").read_text()
    assert "parrot" not in served.place.log("gateway").read_text()


def test_a_port_that_is_taken_is_told_and_so_is_by_whom(start: Starter) -> None:
    served = start.start()
    port = served.place.order().settings.port
    with pytest.raises(GatewayError, match=f"Port {port} is in use: a gateway of yours serves at"):
        start.start(port=port)
    with pytest.raises(GatewayError, match=f"Port {port} is in use") as refused:
        start.start(port=port, host="localhost")
    assert f"--port {port + 1}" in refused.value.hint
    assert listed() == [served.address]


def test_one_that_was_killed_is_no_longer_listed_and_its_port_is_free_again(start: Starter) -> None:
    served = start.start()
    kill(served.serving.pid)
    assert eventually(lambda: listed() == [])
    with pytest.raises(GatewayError, match=f"The gateway at {served.address} has ended without being told to"):
        run(process.served_at(served.place.order().settings.port))
    again = start.start(port=served.place.order().settings.port)
    assert ask(again).status_code == 200


def test_starting_it_again_keeps_the_order(start: Starter) -> None:
    served = start.start(keys=(KeyEntry(name="ann", hash=hash_of(KEY)),))
    again = run(process.restart(served.place))
    assert again.serving.pid != served.serving.pid
    assert (again.address, again.models) == (served.address, served.models)
    assert ask(again, key=KEY).status_code == 200


def test_an_answer_that_is_on_its_way_is_finished_before_the_end(start: Starter) -> None:
    served = start.start()
    stream = Stream(served).begin()
    os.kill(served.serving.pid, signal.SIGTERM)
    assert eventually(lambda: _refuses(served))
    assert not stream.ended_well
    assert stream.join().ended_well
    assert "word29" in stream.text
    assert eventually(lambda: not is_running(served.serving.pid))


def test_an_answer_that_takes_longer_than_allowed_is_broken_off(start: Starter) -> None:
    served = start.start(drain_seconds=0.2)
    stream = Stream(served).begin()
    run(process.stop(served.place))
    assert not is_running(served.serving.pid)
    assert not stream.join().ended_well


def test_several_processes_are_one_gateway(start: Starter) -> None:
    served = start.start(workers=2)
    workers = children_of(served.serving.pid)
    assert len(workers) == 2
    for _ in range(20):
        assert ask(served).status_code == 200
    assert ask(served, model="nobody").status_code == 404
    counted = httpx.get(f"{served.address}/metrics").text
    assert "byzer_nb_processes 2\n" in counted
    assert 'route="/v1/chat/completions",model="echo",status="200"} 20\n' in counted
    assert 'byzer_nb_request_seconds_count{model="echo"} 20\n' in counted
    assert counted.count("# TYPE byzer_nb_requests_total counter") == 1
    rows = httpx.get(f"{served.address}/requests").json()["data"]
    assert [row["route"] for row in rows[:2]] == ["/requests", "/metrics"]
    assert [row["status"] for row in rows].count("200") == 21
    shares = [counts for counts in (log.read_text().count("model=echo") for log in _logs(served, workers)) if counts]
    assert sum(shares) == 20
    run(process.stop(served.place))
    assert not any(map(is_running, workers))


@pytest.mark.contract("SERVE-07")
def test_a_limit_holds_for_all_processes_together(start: Starter) -> None:
    bob = KeyEntry(name="bob", hash=hash_of(KEY), requests_per_minute=5)
    served = start.start(workers=2, keys=(bob,))
    answers = [ask(served, key=KEY) for _ in range(12)]
    assert [each.status_code for each in answers] == [200] * 5 + [429] * 7
    assert 0 < int(answers[-1].headers["retry-after"]) <= 61


def test_a_process_that_was_killed_comes_back_and_the_others_answer_meanwhile(start: Starter) -> None:
    served = start.start(workers=2)
    first, second = children_of(served.serving.pid)
    kill(first)
    assert eventually(lambda: first not in children_of(served.serving.pid))
    for _ in range(5):
        assert ask(served).status_code == 200
    assert eventually(lambda: len(children_of(served.serving.pid)) == 2, seconds=60)
    assert second in children_of(served.serving.pid)
    assert eventually(lambda: "byzer_nb_processes 2\n" in httpx.get(f"{served.address}/metrics").text, seconds=60)


def test_streams_of_all_processes_are_finished_before_the_end(start: Starter) -> None:
    served = start.start(workers=2)
    streams = [Stream(served).begin() for _ in range(6)]
    run(process.stop(served.place))
    assert all(stream.join().ended_well for stream in streams)


def test_processes_whose_parent_was_killed_end_too(start: Starter) -> None:
    served = start.start(workers=2)
    workers = children_of(served.serving.pid)
    kill(served.serving.pid)
    assert eventually(lambda: not any(map(is_running, workers)), seconds=60)


@pytest.mark.parametrize("workers", [1, 2])
def test_one_that_ends_with_its_parent_does_so_also_when_that_is_killed(start: Starter, workers: int) -> None:
    [port] = free_ports(1)
    code = f"""
from byzer_nb._sync import run
from byzer_nb.serve import process
from byzer_nb.serve.order import Order
from byzer_nb.serve.settings import ServeSettings
order = Order(settings=ServeSettings(port={port}, workers={workers}), ends_with_its_parent=True)
print(run(process.start(order)).serving.pid, flush=True)
input()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        gateway = int(parent.stdout.readline())
        assert run(process.served_at(port)).models == ("byzer-tiny",)
        parent.kill()
    assert eventually(lambda: not is_running(gateway), seconds=60)


@pytest.mark.parametrize("workers", [1, 2])
def test_why_it_does_not_start_is_told_and_nothing_stays(start: Starter, tmp_path: Path, workers: int) -> None:
    models = tmp_path / "wrong.yaml"
    models.write_text("- {name: gpt, type: saas/openai, settings: {model: gpt-4o}}\n")
    with pytest.raises(GatewayError, match="needs the setting api_key"):
        start.start(models=str(models), workers=workers)
    assert listed() == []


def test_a_file_for_tls_that_is_none_is_told(start: Starter, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no key\n")
    with pytest.raises(GatewayError, match="The files for TLS do not work"):
        start.start(ssl_keyfile=str(wrong), ssl_certfile=str(wrong))


def _refuses(served: Served) -> bool:
    try:
        httpx.get(f"{served.address}/health")
    except httpx.TransportError:
        return True
    return False


def _logs(served: Served, workers: list[int]) -> list[Path]:
    return [served.place.log(str(number)) for number in range(len(workers))]

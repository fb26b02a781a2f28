"""Gateways seen from a notebook: the list, the table of requests, the end; and what is said about mistakes."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from byzer_nb._sync import run
from byzer_nb.magics.requests_table import PAINT_SECONDS, RequestsTable
from byzer_nb.magics.serve import Gateways
from byzer_nb.serve import process
from byzer_nb.serve.keys import KeyEntry, hash_of
from tests.cli.head_node import SCRIPTS, free_ports
from tests.magics.kernel import Kernel
from tests.serve.gateways import eventually
from tests.serve.starting import Starter, Stream, ask, kill, starter

KEY = "bz-canary-4f9d2b7e61a05c38"
STOP_BUTTON = """
import os, signal, threading
threading.Timer({seconds}, os.kill, (os.getpid(), signal.SIGINT)).start()
"""

pytestmark = pytest.mark.contract("NB-10")

Cell = Callable[[str], str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run directory that is empty."""
    monkeypatch.setenv("BYZER_NB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def start(home: Path, tmp_path: Path) -> Iterator[Starter]:
    with starter(tmp_path) as starting:
        yield starting


def test_the_gateways_are_listed_with_who_may_come_and_a_line_to_try(start: Starter, cell: Cell) -> None:
    assert "No gateway of yours runs on this machine." in cell("%llm_serve --list")
    served = start.start(keys=(KeyEntry(name="ann", hash=hash_of(KEY)),))
    shown = cell("%llm_serve --list")
    assert f"Serving at {served.address}/v1\n" in shown
    assert "whoever has a key: ann" in shown
    assert "echo, slow" in shown
    assert f"curl {served.address}/v1/chat/completions" in shown
    assert "Bearer $BYZERLLM_API_KEY" in shown
    html = Gateways(served=(served,))._repr_mimebundle_()["text/html"]
    assert f"<b>Serving at {served.address}/v1</b>" in html
    assert "&quot;model&quot;: &quot;echo&quot;" in html


def test_the_only_gateway_is_meant_when_no_port_is_said(start: Starter, cell: Cell) -> None:
    served = start.start()
    other = start.start()
    port = served.place.order().settings.port
    assert "No gateway of yours serves at port 8000." in cell("%llm_serve --stop")
    assert cell(f"%llm_serve --stop --port {port}") == f"Nothing is served at {served.address} any more.\n"
    assert cell("%llm_serve --stop") == f"Nothing is served at {other.address} any more.\n"
    assert "Start one: %llm_serve" in cell("%llm_serve --stop")


def test_the_gateway_of_this_kernel_is_meant_before_others(start: Starter, cell: Cell) -> None:
    own = start.start()
    [port] = free_ports(1)
    words = [f"{SCRIPTS}/byzerllm", "serve", "--no_ray", "--port", str(port), "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as other:
        assert other.stdout is not None
        assert b"address" in other.stdout.readline()
        assert len(run(process.list_served())) == 2
        assert cell("%llm_serve --stop") == f"Nothing is served at {own.address} any more.\n"
        assert cell("%llm_serve --stop") == f"Nothing is served at http://127.0.0.1:{port} any more.\n"
        assert other.wait(60) == 0


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("%llm_serve --port 80000 --stop", "'80000' is no port; ports go from 1 to 65535."),
        ("%llm_serve now", "%llm_serve takes options only, not 'now'."),
        ("%llm_serve --stop --list", "--stop and --list are two things."),
        ("%llm_serve --prot 8000", "%llm_serve has no option '--prot'."),
        ("%llm_serve --watch --port 9", "No gateway of yours serves at port 9."),
    ],
)
def test_a_mistake_is_two_lines(home: Path, cell: Cell, line: str, told: str) -> None:
    printed = [each for each in cell(line).splitlines() if each]
    assert told in printed[0]
    assert len(printed) == 2


def test_the_table_lives_in_one_output_until_the_stop_button(start: Starter, home: Path, kernel: Kernel) -> None:
    served = start.start(keys=(KeyEntry(name="ann", hash=hash_of(KEY)),))
    kernel.ok(f"import os\nos.environ['BYZER_NB_HOME'] = {str(home)!r}")
    asking = threading.Timer(1.0, lambda: [ask(served, key=KEY, says="a secret parrot") for _ in range(3)])
    asking.start()
    kernel.ok(STOP_BUTTON.format(seconds=4))
    ran = kernel.ok("%llm_serve --watch")
    asking.join()
    paints = [message for message in ran.messages if message.kind in ("display_data", "update_display_data")]
    assert len(ran.outputs) == 1
    assert len(paints) >= 2
    gaps = [later.at - earlier.at for earlier, later in pairwise(paints[:-1])]  # the last one says why it ends
    assert all(gap > PAINT_SECONDS * 0.8 for gap in gaps)
    [last] = ran.plain
    assert last.splitlines()[0].split() == ["who", "model", "route", "status", "seconds", "first", "token", *_LAST]
    assert [line.split()[:4] for line in last.splitlines()[1:4]] == [["ann", "echo", "/v1/chat/completions", "200"]] * 3
    assert last.endswith(f"{served.address} · 0 running · not watched any more")
    assert ran.outputs[0]["text/html"].count("<tr>") == 4
    assert KEY not in ran.everything
    assert "parrot" not in ran.everything


def test_a_running_request_is_shown_with_its_state(start: Starter, cell: Cell) -> None:
    served = start.start()
    stream = Stream(served).begin()
    ending = threading.Timer(1.0, lambda: run(process.stop(served.place)))
    ending.start()
    shown = cell("%llm_serve --watch")
    ending.join()
    stream.join()
    assert "it has ended" in shown
    assert "/v1/chat/completions" in shown


def test_one_that_was_killed_is_told_with_its_log_and_how_to_start_it_again(start: Starter, cell: Cell) -> None:
    served = start.start(keys=(KeyEntry(name="ann", hash=hash_of(KEY)),), workers=2)
    port = served.place.order().settings.port
    kill(served.serving.pid)
    assert eventually(lambda: run(process.list_served()) == [])
    for _ in range(2):
        shown = cell("%llm_serve --list")
        assert f"The gateway at {served.address} has ended without being told to" in shown
        assert f"log    {served.place.folder}/" in shown
        assert f"again  %llm_serve --port {port} --workers 2 --key ${{MY_KEY}}\n" in shown
    html = Gateways(served=(), lost=tuple(process.list_lost()))._repr_mimebundle_()["text/html"]
    assert f"<b>The gateway at {served.address} has ended" in html
    for doing in ("watch", "stop"):
        assert f"The gateway at {served.address} " in cell(f"%llm_serve --{doing} --port {port}")
    assert "No gateway of yours runs on this machine." in cell("%llm_serve --list")


def test_one_that_was_killed_and_started_again_is_told_no_more(start: Starter, cell: Cell) -> None:
    served = start.start()
    kill(served.serving.pid)
    assert eventually(lambda: run(process.list_served()) == [])
    start.start(port=served.place.order().settings.port)
    assert [each for each in process.list_lost() if each.place.folder == served.place.folder] == []
    run(process.stop(served.place))
    assert process.list_lost() == []


def test_one_that_was_killed_while_it_was_watched_says_so(start: Starter, cell: Cell) -> None:
    served = start.start()
    killing = threading.Timer(1.0, lambda: kill(served.serving.pid))
    killing.start()
    assert "it has ended without being told to" in cell("%llm_serve --watch")
    killing.join()


def test_one_that_ended_with_the_kernel_of_somebody_else_is_no_loss(start: Starter, cell: Cell) -> None:
    served = start.start()
    order = replace(served.place.order(), ends_with_its_parent=True)
    kill(served.serving.pid)
    assert eventually(lambda: not served.place.is_alive())
    order.write(served.place.order_path)
    assert [each.place.folder for each in process.list_lost()] == [served.place.folder]  # this kernel's own
    asked = "from byzer_nb.serve.process import list_lost; print(list_lost())"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True).stdout == b"[]\n"


def test_the_table_shows_the_newest_rows_and_counts_the_rest() -> None:
    def row(number: int, status: str) -> dict[str, object]:
        speed = {"first_token_seconds": None, "tokens_per_second": None, "tokens": 0}
        return {
            "who": "",
            "model": "<b>",
            "route": f"/r{number}",
            "status": status,
            "seconds": 1.0,
            "error": "",
            **speed,
        }

    rows = [row(number, "waiting" if number == 0 else "gone") for number in range(25)]
    table = RequestsTable(address="http://127.0.0.1:8000", rows=rows)
    assert repr(table).endswith("http://127.0.0.1:8000 · 1 running · 5 more have ended")
    assert repr(table).count("client gone") == 19
    assert "<b>" not in table._repr_mimebundle_()["text/html"].replace("<b>Serving", "")


_LAST = ["tokens", "tokens/s"]

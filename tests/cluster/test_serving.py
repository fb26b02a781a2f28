"""A gateway over the models of a cluster, started from a cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from byzer_nb._sync import run
from byzer_nb.client import shared_models
from byzer_nb.cluster import session
from byzer_nb.providers.scripted import ScriptedEngine
from byzer_nb.serve import process
from tests.cli.head_node import free_ports
from tests.cluster.conftest import Deploy
from tests.magics.conftest import cell, shell
from tests.serve.gateways import eventually
from tests.serve.starting import children_of, kill

KEY = "bz-canary-4f9d2b7e61a05c38"

__all__ = ["cell", "shell"]  # fixtures

Cell = Callable[[str], str]


@pytest.fixture
def no_gateways(cluster: session.Connection) -> Iterator[None]:
    """None is left behind."""
    yield
    for each in run(process.list_served()):
        run(process.stop(each.place))


@pytest.mark.contract("NB-10", "SERVE-01")
def test_a_cell_serves_the_models_of_the_cluster_also_those_that_come_later(
    cell: Cell, deployed: Deploy, no_gateways: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    [port] = free_ports(1)
    deployed("before")
    run(shared_models().add("here", ScriptedEngine()))
    shown = cell(f"%llm_serve --port {port} --workers 2 --key ${{MY_KEY}}")
    run(shared_models().undeploy("here"))
    assert f"Serving at http://127.0.0.1:{port}/v1" in shown
    assert "It ends with this kernel, as its private cluster does." in shown
    assert "Not served, for they live in this kernel alone: here." in shown
    assert "whoever has a key: notebook" in shown
    assert KEY not in shown

    def told(model: str, key: str = KEY) -> tuple[int, str]:
        body = {"model": model, "messages": [{"role": "user", "content": "a parrot"}]}
        headers = {"Authorization": f"Bearer {key}"}
        answer = httpx.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body, headers=headers, timeout=60)
        return answer.status_code, answer.json()["choices"][0]["message"]["content"] if answer.is_success else ""

    assert told("before") == (200, "a parrot")
    assert told("before", key="another")[0] == 401
    assert told("later")[0] == 404
    deployed("later")
    assert told("later") == (200, "a parrot")
    listed = httpx.get(f"http://127.0.0.1:{port}/v1/models", headers={"Authorization": f"Bearer {KEY}"}).json()
    assert [each["id"] for each in listed["data"]] == ["before", "later"]
    [served] = run(process.list_served())
    first, _ = children_of(served.serving.pid)
    kill(first)
    assert eventually(lambda: first not in children_of(served.serving.pid))
    assert told("later") == (200, "a parrot")
    assert eventually(lambda: len(run(process.requests_of(served.place)) or ()) > 0)
    assert f"Nothing is served at http://127.0.0.1:{port}" in cell("%llm_serve --stop")
    with pytest.raises(httpx.ConnectError):
        told("later")

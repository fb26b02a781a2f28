"""Clients that are no part of the cluster, or a part of it with nothing to give."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from tests.cli.head_node import Cluster, end_group, head_node
from tests.house.tree import ROOT

ANSWERS = {"whole": "one two", "pieces": ["one", " two", " three", ""], "first": "one", "vectors": 2, "stat": 2}


@pytest.fixture(scope="module")
def head() -> Iterator[Cluster]:
    """A cluster that other processes run."""
    with head_node() as cluster:
        yield cluster


def outsider(head: Cluster, address: str, what: str) -> dict[str, Any]:
    """What a process of its own was told there."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.cluster.outsider", address, what],
        cwd=ROOT,
        # Without the mode: the token is found by itself.
        env={name: value for name, value in head.environment.items() if name != "RAY_AUTH_MODE"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.contract("CORE-01", "CORE-07", "CORE-08", "CHAT-06")
def test_over_ray_client_everything_works(head: Cluster) -> None:
    wait_for_door(head.outside)
    told = outsider(head, head.outside, "deploy")
    assert told == {**ANSWERS, "way": "OverRay", "is_gone": True}


def wait_for_door(address: str) -> None:
    """Ray opens it a little later than it says that it runs."""
    port = int(address.rpartition(":")[2])
    for _ in range(600):
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.1)
    raise AssertionError(f"nothing listens at {address}")


@contextmanager
def idle_node(head: Cluster) -> Iterator[None]:
    """A node without a CPU or GPU, as one starts it on a machine that only wants to ask."""
    said = head.folder / "idle.log"
    with said.open("wb") as log:
        node = subprocess.Popen(
            [
                *(sys.executable, "-m", "ray.scripts.scripts", "start", f"--address={head.address}", "--block"),
                *("--num-cpus=0", "--num-gpus=0", "--node-ip-address=127.0.0.1", "--disable-usage-stats"),
            ],
            env=dict(head.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
    finally:
        end_group(node)


@pytest.mark.contract("CORE-02", "CORE-03")
def test_a_model_runs_where_the_cpus_are_and_is_asked_from_a_node_without_any(head: Cluster) -> None:
    deployed = head.run("byzerllm deploy --model echo --pretrained_model_type saas/scripted --num_workers 2")
    assert deployed.code == 0, deployed.err
    with idle_node(head):
        assert {**outsider(head, head.address, "ask"), "way": ""} == {**ANSWERS, "way": ""}
    assert head.run("byzerllm undeploy --model echo").code == 0

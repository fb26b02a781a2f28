"""Three client processes at once: pins hold, nothing is lost, and no worker idles while somebody waits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from byzer_nb._sync import run
from byzer_nb.cluster import inspection, session
from tests.cluster.conftest import Deploy
from tests.house.tree import ROOT

CALLS = 3_334  # of each client
CLIENTS = 3
PIN = 2


@pytest.mark.contract("POOL-01", "POOL-03", "POOL-04")
def test_ten_thousand_mixed_calls_of_three_processes(deployed: Deploy, cluster: session.Connection) -> None:
    deployed("busy", workers=4, slots=4, pins={"embedding": PIN})
    clients = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.cluster.busy_client", cluster.address, "busy", str(CALLS), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "RAY_AUTH_MODE": "token"},
        )
        for number in range(CLIENTS)
    ]
    for client in clients:
        assert client.stdout is not None
        assert client.stdout.readline() == "connected\n"
    for client in clients:
        assert client.stdin is not None
        client.stdin.write("go\n")
        client.stdin.flush()
    seen = []
    while any(client.poll() is None for client in clients):
        seen.append(run(inspection.stat("busy")))
    told = [json.loads(client.communicate()[0].splitlines()[-1]) for client in clients]
    assert [each["wrong"] for each in told] == [[]] * CLIENTS

    chats: Counter[int] = Counter()
    for each in told:
        chats.update({int(worker): count for worker, count in each["chats"].items()})
    embedded = sum(each["embedded"] for each in told)
    assert chats.total() + embedded == CALLS * CLIENTS
    stat = run(inspection.stat("busy"))
    # What each worker was given is what came from it: the pinned ones all went to their own.
    assert [each.total for each in stat.workers] == [chats[w] + embedded * (w == PIN) for w in range(4)]
    assert stat.free_slots() == [4, 4, 4, 4]
    assert stat.waiting == 0

    busiest = [each for each in seen if each.waiting]
    assert busiest, "nobody ever waited, so the test shows nothing"
    # Whoever waits while others have room is pinned: it waits for its own worker, which is full.
    assert [each for each in busiest if each.workers[PIN].running < 4] == []

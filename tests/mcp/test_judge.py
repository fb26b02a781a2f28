"""The protocol's own SDK as the server: over pipes and over HTTP, in the newest revision and in those before."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from byzer_nb import McpServer
from byzer_nb.errors import McpError
from byzer_nb.types import Picture, Sound
from tests.mcp.conftest import JUDGE

CANARY = "sk-canary-0123456789abcdef"
NAMES = ["add", "forecast", "names", "dot", "both", "fail", "slow", "diary", "grow", "elicit", "revision"]


@pytest.fixture(scope="module", params=["pipes", "http", "documents", "sessionless"])
def judge(request: pytest.FixtureRequest) -> Iterator[McpServer]:
    """The server, spoken to in each of the ways."""
    if request.param == "pipes":
        with McpServer([sys.executable, JUDGE, "pipes"], timeout=60) as server:
            yield server
        return
    with subprocess.Popen(
        [sys.executable, JUDGE, request.param], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            with McpServer(f"http://127.0.0.1:{port}/mcp", timeout=60) as server:
                yield server
        finally:
            process.terminate()


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it comes to be within some seconds."""
    for _ in range(500):
        if holds():
            return True
        time.sleep(0.02)
    return False


def test_its_tools_are_listed(judge: McpServer) -> None:
    tools = judge.tools()
    assert [each.name for each in tools][: len(NAMES)] == NAMES
    assert tools[0].description == "The sum of two numbers."
    assert tools[0].parameters["properties"]["a"]["type"] == "integer"


def test_values_of_every_kind_come_back(judge: McpServer) -> None:
    assert judge.call("add", {"a": 1, "b": 2}) == 3
    assert judge.call("forecast", {"city": "Oslo"}) == {"city": "Oslo", "degrees": 3.5}
    assert judge.call("names") == ["Ada", "Bob"]
    assert isinstance(judge.call("dot"), Picture)
    words, picture, sound = judge.call("both")
    assert (words, picture.format, type(sound)) == ("A dot and a hum:", "png", Sound)
    assert judge.call("slow", {"seconds": 0.01}) == "at last"  # it tells of its progress


def test_revision_is_the_newest_that_both_speak(judge: McpServer, request: pytest.FixtureRequest) -> None:
    is_sessionless = "sessionless" in request.node.name
    assert judge.call("revision") == ("2026-07-28" if is_sessionless else "2025-11-25")


def test_failures_are_errors(judge: McpServer) -> None:
    with pytest.raises(McpError, match="Error executing tool fail") as failed:
        judge.call("fail")
    assert failed.value.reason == "tool"
    with pytest.raises(McpError, match="should be a valid integer") as wrong:
        judge.call("add", {"a": "x", "b": 2})
    assert wrong.value.reason == "tool"
    with pytest.raises(McpError) as asked:
        judge.call("elicit")
    assert asked.value.reason in ("answer", "tool")


async def test_calls_run_at_once_and_can_be_cancelled(judge: McpServer) -> None:
    sums = await asyncio.gather(*[judge.async_call("add", {"a": each, "b": 1}) for each in range(20)])
    assert sums == list(range(1, 21))
    judge.call("slow", {"seconds": 0})
    before = judge.call("diary").count("begun")
    call = asyncio.create_task(judge.async_call("slow", {"seconds": 600}))
    assert await asyncio.to_thread(eventually, lambda: judge.call("diary").count("begun") > before)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await asyncio.to_thread(eventually, lambda: judge.call("diary")[-1] == "cancelled")


def test_list_that_changes_is_asked_for_again(judge: McpServer) -> None:
    before = len(judge.tools())
    assert judge.call("grow") == "grown"
    assert eventually(lambda: len(judge.tools()) == before + 1)
    assert judge.call("grown") == "new"


def test_environment_holds_no_key_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    with McpServer([sys.executable, JUDGE, "pipes"], env={"CITY": "Oslo"}, timeout=60) as server:
        found = json.loads(server.call("environment"))
    assert (found["CITY"], CANARY in str(found)) == ("Oslo", False)

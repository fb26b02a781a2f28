"""A server that is a program: it starts when it is needed, is spoken to in lines, and is gone in the end."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from byzer_nb._sync import close_background_loop
from byzer_nb.errors import BadInputError, McpError
from byzer_nb.mcp import McpServer
from tests.mcp.conftest import COMMAND, Program
from tests.standins.mcp import TOOLS

CANARY = "sk-canary-0123456789abcdef"


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it comes to be within some seconds."""
    for _ in range(500):
        if holds():
            return True
        time.sleep(0.02)
    return False


def pid_of(server: McpServer) -> int:
    return int(server.call("process"))


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def heard_by(server: McpServer) -> list[str]:
    """The methods that the server has heard."""
    return [each.get("method", "") for each in server.call("diary")]


def test_tools_come_from_every_page_with_their_descriptions(server: McpServer) -> None:
    tools = server.tools()
    assert [each.name for each in tools] == [each["name"] for each in TOOLS]
    assert heard_by(server).count("tools/list") == 3
    assert tools[0].parameters == TOOLS[0]["inputSchema"]
    assert "add(a, b)" in repr(tools)
    assert "The sum of two numbers." in repr(tools)
    assert "Nothing more" not in repr(tools)
    assert "<th style='text-align:left'>add(a, b)</th>" in tools._repr_mimebundle_()["text/html"]


def test_it_starts_when_it_is_needed_and_stays_open(server: McpServer) -> None:
    assert "not open" in repr(server)
    assert server.call("add", {"a": 1, "b": 2}) == {"sum": 3}
    assert f"{len(TOOLS)} tools, open" in repr(server)
    assert heard_by(server)[:2] == ["initialize", "notifications/initialized"]
    assert heard_by(server).count("initialize") == 1


def test_it_ends_with_its_block_and_starts_again_when_it_is_needed(program: Program) -> None:
    with program() as server:
        first = pid_of(server)
        assert is_running(first)
    assert not is_running(first)
    assert pid_of(server) != first


async def test_it_serves_any_loop_and_any_thread(program: Program) -> None:
    async with program() as server:
        here = await server.async_call("add", {"a": 1, "b": 2})
        with ThreadPoolExecutor() as pool:
            there = await asyncio.wrap_future(pool.submit(server.call, "add", {"a": 1, "b": 2}))
        another = await asyncio.to_thread(asyncio.run, server.async_call("add", {"a": 1, "b": 2}))
        assert here == there == another == {"sum": 3}
        assert len(await server.async_tools()) == len(TOOLS)


async def test_calls_run_at_once(program: Program) -> None:
    async with program() as server:
        met = await asyncio.gather(*[server.async_call("meet") for _ in range(2)])
    assert sorted(met) == ["0", "1"]


async def test_call_that_nobody_waits_for_is_cancelled_at_the_server(program: Program) -> None:
    async with program() as server:
        call = asyncio.create_task(server.async_call("slow", {"seconds": 60}))
        assert await asyncio.to_thread(eventually, lambda: "'slow'" in str(server.call("diary")))
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await asyncio.to_thread(eventually, lambda: "notifications/cancelled" in heard_by(server))
        heard = await server.async_call("diary")
        (asked,) = [each for each in heard if each.get("params", {}).get("name") == "slow"]
        (cancelled,) = [each for each in heard if each.get("method") == "notifications/cancelled"]
        assert cancelled["params"]["requestId"] == asked["id"]


def test_call_that_takes_too_long_is_an_error_and_is_cancelled(program: Program) -> None:
    server = program(timeout=2)
    with pytest.raises(McpError, match=r"no answer to tools/call in 2 s") as late:
        server.call("slow", {"seconds": 60})
    assert late.value.reason == "time"
    assert "timeout=" in late.value.hint
    assert eventually(lambda: "notifications/cancelled" in heard_by(server))


def test_list_that_changes_is_asked_for_again(server: McpServer) -> None:
    before = len(server.tools())
    asked = heard_by(server).count("tools/list")
    assert len(server.tools()) == before
    assert heard_by(server).count("tools/list") == asked
    server.call("grow")
    assert [each.name for each in server.tools()][before:] == [f"new_{before}"]


def test_server_may_ping_and_gets_no_other_wish(server: McpServer) -> None:
    assert server.call("ask_back", {"method": "ping"})["result"] == {}
    for method in ("sampling/createMessage", "roots/list", "elicitation/create"):
        assert server.call("ask_back", {"method": method})["error"]["code"] == -32601


def test_failure_of_a_tool_is_an_error_with_its_words(server: McpServer) -> None:
    with pytest.raises(McpError, match=r"^It did not work: no paper\.$") as failed:
        server.call("fail")
    assert failed.value.reason == "tool"
    with pytest.raises(BadInputError, match="no tool 'sub'") as unknown:
        server.call("sub")
    assert "It has: add" in unknown.value.hint


def test_server_that_dies_is_told_with_its_last_words_and_started_again(server: McpServer) -> None:
    with pytest.raises(McpError, match="ended with exit code 7") as died:
        server.call("die", {"code": 7})
    assert died.value.reason == "died"
    assert "The boiler has burst." in died.value.hint
    assert server.call("say", {"text": "here again"}) == "here again"


def test_server_that_does_not_start_says_why(program: Program) -> None:
    with pytest.raises(McpError, match="ended with exit code 3") as died:
        program("dies").tools()
    assert "No boiler here." in died.value.hint
    with pytest.raises(McpError, match="no command 'npxx'") as missing:
        McpServer("npxx -y nothing").tools()
    assert missing.value.reason == "start"
    assert "PATH" in missing.value.hint
    with pytest.raises(McpError, match="could not be started: Permission denied"):
        McpServer([str(Path(__file__))]).tools()
    with pytest.raises(McpError, match="ended with exit code 0") as other:
        McpServer([sys.executable, "-c", "print('hello')"]).tools()
    assert "'hello', which is no message" in other.value.hint


def test_what_is_no_message_is_an_error_but_a_greeting_is_not(program: Program) -> None:
    assert len(program("greets").tools()) == len(TOOLS)
    with pytest.raises(McpError, match=r'no message: .*"2\.0", oops') as broken:
        program("babbles").tools()
    assert broken.value.reason == "protocol"


def test_unknown_revision_is_an_error_that_names_the_known_ones(program: Program) -> None:
    with pytest.raises(McpError, match="revision '2099-01-01'") as unknown:
        program("future").tools()
    assert unknown.value.reason == "version"
    assert "2025-11-25" in unknown.value.hint


def test_silent_server_is_not_waited_for_for_ever(program: Program) -> None:
    with pytest.raises(McpError, match=r"no answer to initialize in 0\.5 s"):
        program("silent", timeout=0.5).tools()


def test_newest_revision_has_no_handshake(program: Program) -> None:
    server = program("sessionless")
    assert server.call("add", {"a": 1, "b": 2}) == {"sum": 3}
    heard = server.call("diary")
    assert [each["method"] for each in heard[:2]] == ["initialize", "server/discover"]
    assert {each["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] for each in heard[1:]} == {"2026-07-28"}
    before = len(server.tools())
    server.call("grow")
    assert eventually(lambda: len(server.tools()) == before + 1)  # as it was told by a subscription


def test_complaints_without_end_hold_nobody_up(program: Program) -> None:
    assert len(program("complains").tools()) == len(TOOLS)


def test_large_results_arrive_whole(server: McpServer) -> None:
    text = "語" * 2_000_000
    assert server.call("say", {"text": text}) == text


def test_environment_holds_no_key_of_ours(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    found = program(env={"CITY": "Oslo"}).call("environment")
    assert CANARY not in json.dumps(found)
    assert found["CITY"] == "Oslo"
    assert found["PATH"] == os.environ["PATH"]


def test_key_of_the_server_shows_itself_nowhere(program: Program) -> None:
    server = program("quotes", env={"TOKEN": CANARY})
    with pytest.raises(McpError, match="exit code 4") as died:
        server.tools()
    assert "key ****** is wrong" in died.value.hint
    with pytest.raises(McpError, match=r"no \*{6}"):
        program(env={"TOKEN": CANARY}).call("fail")
    with pytest.raises(McpError) as missing:
        McpServer(["npxx", "--api-key", CANARY, f"--token={CANARY}"], env={"TOKEN": CANARY}).tools()
    shown = [repr(server), repr(vars(server)), repr(died.value.__notes__), str(missing.value), repr(missing.value)]
    shown.append(repr(McpServer(["npx", "--api-key", CANARY, f"--token={CANARY}", CANARY])))
    assert [text for text in shown if CANARY in text] == []
    assert shown[-1] == "McpServer('npx --api-key ****** --token=****** ******', not open)"


def test_stubborn_server_is_ended(program: Program) -> None:
    server = program("stubborn")
    pid = pid_of(server)
    server.close()
    assert not is_running(pid)


def test_forgotten_server_is_ended(program: Program) -> None:
    server = McpServer(COMMAND)
    pid = pid_of(server)
    del server
    gc.collect()
    assert eventually(lambda: not is_running(pid))


def test_server_ends_with_the_background_loop(server: McpServer) -> None:
    pid = pid_of(server)
    close_background_loop()
    assert not is_running(pid)
    assert pid_of(server) != pid


def test_server_ends_with_the_process(tmp_path: Path) -> None:
    code = f"""
        from byzer_nb import McpServer
        server = McpServer({COMMAND!r})
        print(server.call("process"))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert eventually(lambda: not is_running(int(done.stdout)))

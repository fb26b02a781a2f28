"""A server behind an address: sessions, streams of events, headers, and what a key must not do."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from byzer_nb.errors import BadInputError, McpError, WrongTypeError
from byzer_nb.mcp import McpServer
from tests.standins.mcp import SESSIONLESS, TOOLS
from tests.standins.mcp_over_http import McpStandIn

CANARY = "sk-canary-0123456789abcdef"


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it comes to be within some seconds."""
    for _ in range(500):
        if holds():
            return True
        time.sleep(0.02)
    return False


def methods(standin: McpStandIn) -> list[str]:
    return [each.get("method", "") for each in standin.protocol.heard]


@pytest.mark.parametrize("events", [True, False])
def test_answers_come_as_events_or_as_one_document(events: bool) -> None:
    with McpStandIn(events=events) as standin, McpServer(standin.url) as server:
        assert [each.name for each in server.tools()] == [each["name"] for each in TOOLS]
        assert server.call("add", {"a": 1, "b": 2}) == {"sum": 3}
        assert server.call("slow", {"seconds": 0}) == "at last"


def test_session_is_named_in_each_message_and_ended(standin: McpStandIn) -> None:
    with McpServer(standin.url) as server:
        server.call("add", {"a": 1, "b": 2})
        (session,) = standin.sessions
        first, *others = standin.headers
        assert "Mcp-Session-Id" not in first
        assert {each["Mcp-Session-Id"] for each in others} == {session}
        assert {each["MCP-Protocol-Version"] for each in others} == {"2025-11-25"}
    assert standin.ended == [session]
    assert standin.sessions == {}


@pytest.mark.parametrize("revision", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_every_revision_with_a_handshake_is_spoken(revision: str) -> None:
    with McpStandIn(revisions=(revision,)) as standin, McpServer(standin.url) as server:
        assert server.call("add", {"a": 1, "b": 2}) == {"sum": 3}
        assert list(standin.sessions.values()) == [revision]


def test_first_use_from_many_threads_begins_one_session(standin: McpStandIn) -> None:
    with McpServer(standin.url) as warm:
        warm.tools()  # the loop runs, and all come at the same time
    server = McpServer(standin.url)
    with ThreadPoolExecutor(8) as pool:
        lists = list(pool.map(lambda _: server.tools(), range(8)))
    server.close()
    assert {len(each) for each in lists} == {len(TOOLS)}
    assert methods(standin).count("initialize") == 2


def test_session_ends_with_the_process(standin: McpStandIn, tmp_path: Path) -> None:
    code = f"from byzer_nb import McpServer; server = McpServer({standin.url!r}); server.tools()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(standin.ended) == 1


def test_forgotten_session_is_begun_anew(standin: McpStandIn) -> None:
    with McpServer(standin.url) as server:
        assert server.call("say", {"text": "a"}) == "a"
        standin.forget()
        assert server.call("say", {"text": "b"}) == "b"
        assert methods(standin).count("initialize") == 2


def test_list_that_changes_is_told_on_a_stream_of_its_own(standin: McpStandIn) -> None:
    with McpServer(standin.url) as server:
        before = len(server.tools())
        assert eventually(lambda: standin.listeners == 1)
        standin.grow()
        assert eventually(lambda: len(server.tools()) == before + 1)
    assert eventually(lambda: standin.listeners == 0)


def test_server_without_such_a_stream_is_fine() -> None:
    with McpStandIn(listens=False) as standin, McpServer(standin.url) as server:
        assert server.call("add", {"a": 1, "b": 2}) == {"sum": 3}


def test_answer_is_fetched_from_a_server_that_hung_up() -> None:
    with McpStandIn(hangs_up=True) as standin, McpServer(standin.url) as server:
        assert server.call("say", {"text": "later"}) == "later"


def test_server_may_ask_while_it_answers(standin: McpStandIn) -> None:
    with McpServer(standin.url) as server:
        assert server.call("ask_back", {"method": "ping"})["result"] == {}
        assert server.call("ask_back", {"method": "elicitation/create"})["error"]["code"] == -32601


async def test_call_that_nobody_waits_for_is_cancelled_at_the_server(standin: McpStandIn) -> None:
    async with McpServer(standin.url) as server:
        call = asyncio.create_task(server.async_call("slow", {"seconds": 60}))
        assert await asyncio.to_thread(eventually, lambda: "tools/call" in methods(standin))
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await asyncio.to_thread(eventually, lambda: "notifications/cancelled" in methods(standin))
        (asked,) = [each for each in standin.protocol.heard if each.get("method") == "tools/call"]
        assert standin.protocol.cancelled[asked["id"]].is_set()


async def test_calls_run_at_once(standin: McpStandIn) -> None:
    async with McpServer(standin.url) as server:
        assert sorted(await asyncio.gather(*[server.async_call("meet") for _ in range(2)])) == ["0", "1"]


class TestNewestRevision:
    """It has no handshake and no session; each request says all that is needed."""

    @pytest.mark.parametrize("events", [True, False])
    def test_requests_stand_for_themselves(self, events: bool) -> None:
        with McpStandIn(revisions=(SESSIONLESS,), events=events) as standin, McpServer(standin.url) as server:
            assert server.call("add", {"a": 1, "b": 2}) == {"sum": 3}
            assert methods(standin)[:2] == ["initialize", "server/discover"]
            _, *others = standin.headers
            assert {each["MCP-Protocol-Version"] for each in others} == {SESSIONLESS}
            assert [each for each in others if "Mcp-Session-Id" in each] == []
        assert standin.ended == []

    @pytest.mark.parametrize("region", ["us-west1", "Île-de-France", " padded ", "=?base64?bm8=?="])
    def test_marked_arguments_stand_in_headers_too(self, region: str) -> None:
        with McpStandIn(revisions=(SESSIONLESS,)) as standin, McpServer(standin.url) as server:
            assert server.call("route", {"region": region, "text": "x"}) == "route was called"
            assert server.call("admin/look.up") == "admin/look.up was called"

    def test_tool_with_wrong_marks_is_left_out(self, caplog: pytest.LogCaptureFixture) -> None:
        with McpStandIn(revisions=(SESSIONLESS,)) as standin, McpServer(standin.url) as server:
            names = [each.name for each in server.tools()]
            assert "route" in names
            assert "astray" not in names
            assert "tool 'astray' that cannot be used" in caplog.text

    def test_list_that_changes_is_told_by_a_subscription(self) -> None:
        with McpStandIn(revisions=(SESSIONLESS,)) as standin, McpServer(standin.url) as server:
            before = len(server.tools())
            assert eventually(lambda: len(standin.protocol.subscribers) == 1)
            standin.grow()
            assert eventually(lambda: len(server.tools()) == before + 1)

    async def test_hanging_up_cancels(self) -> None:
        with McpStandIn(revisions=(SESSIONLESS,)) as standin:
            async with McpServer(standin.url) as server:
                call = asyncio.create_task(server.async_call("slow", {"seconds": 60}))
                assert await asyncio.to_thread(eventually, lambda: "tools/call" in methods(standin))
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
                (asked,) = [each for each in standin.protocol.heard if each.get("method") == "tools/call"]
                assert await asyncio.to_thread(standin.protocol.cancelled[asked["id"]].wait, 10)
                assert "notifications/cancelled" not in methods(standin)


def failure_at(address: str, **options: str) -> McpError:
    server = McpServer(address, **options)  # type: ignore[arg-type]
    try:
        with pytest.raises(McpError) as failed:
            server.tools()
    finally:
        server.close()
    return failed.value


def test_failures_on_the_way_say_what_to_look_at(standin: McpStandIn) -> None:
    nothing = failure_at(f"{standin.origin}/nothing")
    assert (nothing.reason, "HTTP 404" in str(nothing), "endpoint" in nothing.hint) == ("http", True, True)
    moved = failure_at(f"{standin.origin}/moved")
    assert "moved to '/mcp'" in str(moved)
    standin.broken = '{"jsonrpc": '
    broken = failure_at(standin.url)
    assert (broken.reason, "no message: '{\"jsonrpc\":'" in str(broken)) == ("protocol", True)
    standin.broken = "<html>Welcome</html>"
    assert "no message: a web page" in str(failure_at(standin.url))


def test_server_that_is_not_there_is_told_with_its_address() -> None:
    with McpStandIn() as standin:
        address = standin.url
    gone = failure_at(address)
    assert (gone.reason, "cannot be reached" in str(gone)) == ("unreachable", True)
    assert address.removeprefix("http://") in str(gone)


def test_key_goes_along_and_shows_itself_nowhere() -> None:
    with McpStandIn(key=CANARY) as standin:
        for options in ({"key": CANARY}, {"headers": {"Authorization": f"Bearer {CANARY}"}}):
            with McpServer(standin.url, **options) as server:  # type: ignore[arg-type]
                assert server.call("add", {"a": 1, "b": 2}) == {"sum": 3}
                shown = [repr(server), repr(vars(server)), str(server._repr_mimebundle_())]
        standin.key = "another"
        refused = failure_at(f"{standin.url}?token={CANARY}", key=CANARY)
        assert refused.reason == "refused"
        assert "key=" in refused.hint
        shown += traceback.format_exception(refused)
        shown.append(repr(McpServer(f"{standin.url}?token={CANARY}")))
        assert [text for text in shown if "canary" in text] == []


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("npx server", {"key": CANARY}),
        ("npx server", {"headers": {"X-Key": CANARY}}),
        ("https://host/mcp", {"env": {"TOKEN": CANARY}}),
        (f"npx 'server --token={CANARY}", {}),
        (f"http://?token={CANARY}", {}),
        ("npx server", {"env": {"TOKEN": CANARY, "PORT": 80}}),
    ],
)
def test_key_in_the_wrong_place_is_not_shown(command: str, options: dict[str, Any]) -> None:
    with pytest.raises((BadInputError, WrongTypeError)) as wrong:
        McpServer(command, **options)
    shown = [str(wrong.value), wrong.value.hint]
    for frame, _ in list(traceback.walk_tb(wrong.value.__traceback__))[1:]:  # the first is this test
        shown += [repr(vars(each)) if isinstance(each, McpServer) else repr(each) for each in frame.f_locals.values()]
    assert [text for text in shown if "canary" in text] == []

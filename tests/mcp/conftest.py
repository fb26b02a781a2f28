"""The stand-in server as a program and behind an address."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from byzer_nb.mcp import McpServer
from tests.standins import mcp
from tests.standins.mcp_over_http import McpStandIn

COMMAND = [sys.executable, mcp.__file__]
JUDGE = str(Path(__file__).with_name("judge_server.py"))

Program = Callable[..., McpServer]


@pytest.fixture
def program() -> Iterator[Program]:
    """Makes servers that are programs, behaving as they are told; all are closed at the end."""
    made: list[McpServer] = []

    def server(behaviour: str = "", **options: Any) -> McpServer:
        made.append(McpServer([*COMMAND, behaviour], **{"timeout": 30, **options}))
        return made[-1]

    yield server
    for each in made:
        each.close()


@pytest.fixture
def server(program: Program) -> McpServer:
    """A server that behaves well."""
    return program()


@pytest.fixture
def standin() -> Iterator[McpStandIn]:
    """The same behind an address."""
    with McpStandIn() as standin:
        yield standin

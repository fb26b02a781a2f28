"""Models of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from byzer_nb._sync import run
from byzer_nb.client import LocalTransport


@pytest.fixture
def models() -> Iterator[LocalTransport]:
    transport = LocalTransport()
    yield transport
    run(transport.close())

"""Servers of ours, on a loop of either kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.core.served import LOOPS, Serve, Served


@pytest.fixture(params=LOOPS)
def serve(request: pytest.FixtureRequest) -> Iterator[Serve]:
    """Starts servers, on a loop of either kind."""
    with ExitStack() as stack:
        yield lambda **given: stack.enter_context(Served(request.param, **given))


@pytest.fixture
def served(serve: Serve) -> Served:
    """One as it is."""
    return serve()

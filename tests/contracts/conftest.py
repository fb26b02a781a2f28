"""A stage for every engine, and for those that say what they are told to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contracts.engines import CASES, EngineCase, Make, Stage

SENTENCE = "The quick brown fox jumps over the lazy dog, and then it rests in the sun for a while. " * 3


def _params(cases: list[EngineCase]) -> list[object]:
    return [
        pytest.param(
            case, id=case.name, marks=[] if case.is_available() else [pytest.mark.skip(reason="not installed")]
        )
        for case in cases
    ]


@pytest.fixture(params=_params(CASES))
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """Each engine in turn; what it says is its own business, but it is long enough to be left early."""
    case: EngineCase = request.param
    async with case.make(SENTENCE) as stage:
        yield stage


@pytest.fixture(params=_params([case for case in CASES if "scriptable" in case.traits]))
def scriptable(request: pytest.FixtureRequest) -> Make:
    """The `make` of each engine that answers exactly what it was made with."""
    case: EngineCase = request.param
    return case.make

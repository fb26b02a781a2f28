"""From a spec to an engine."""

from __future__ import annotations

import pytest

from byzer_nb.engines import ENGINES, build
from byzer_nb.errors import BadInputError
from byzer_nb.types import DeploySpec


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> str:
    """A name in the table of engines behind which there is a class of another kind."""
    for table in ("_places", "_found", "_added"):
        monkeypatch.setattr(ENGINES, table, getattr(ENGINES, table).copy())
    ENGINES.add("counter", "collections:Counter")
    return "counter"


def test_a_class_that_reads_no_spec_is_told_what_it_lacks(no_engine: str) -> None:
    with pytest.raises(BadInputError, match="which has no from_spec") as refused:
        build(DeploySpec(name="m", engine=no_engine))
    assert "from_spec(spec)" in refused.value.hint

"""The provider on the page for contributors is a whole one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import byzer_nb
from byzer_nb.engines import ENGINES
from byzer_nb.types import Delta
from tests.house.tree import ROOT


@pytest.fixture
def shouting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a model from the page's own provider."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "shouting_provider.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for table in ("_places", "_found", "_added"):
        monkeypatch.setattr(ENGINES, table, getattr(ENGINES, table).copy())
    ENGINES.add("saas/shouting", "shouting_provider:Shouting")
    byzer_nb.load("loud", "saas/shouting")
    yield "loud"
    byzer_nb.unload("loud")


def test_the_example_provider_answers_whole_and_in_pieces(shouting: str) -> None:
    client = byzer_nb.Client(model=shouting)
    reply = client.chat("hello there")
    assert (reply.text, reply.finish_reason) == ("HELLO THERE ", "stop")
    assert list(client.stream("hello there")) == [
        Delta(text="HELLO "),
        Delta(text="THERE "),
        Delta(finish_reason="stop"),
    ]


def test_the_example_provider_serves_prompt_functions(shouting: str) -> None:
    @byzer_nb.prompt(shouting)
    def greet(name: str) -> str:  # type: ignore[empty-body]
        """Hello {{ name }}"""

    assert greet("Ada") == "HELLO ADA "

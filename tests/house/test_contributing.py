"""The providers on the page for contributors are whole ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import byzer_nb
from byzer_nb.engines import ENGINES
from byzer_nb.types import Delta
from tests.house.tree import ROOT
from tests.standins.baichuan import BaichuanStandIn


@pytest.fixture
def providers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's own providers, as engines."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    shouting, baichuan = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "shouting_provider.py").write_text(shouting, encoding="utf-8")
    (tmp_path / "short_baichuan.py").write_text(baichuan, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for table in ("_places", "_found", "_added"):
        monkeypatch.setattr(ENGINES, table, getattr(ENGINES, table).copy())
    ENGINES.add("saas/shouting", "shouting_provider:Shouting")
    ENGINES.add("saas/short_baichuan", "short_baichuan:Baichuan")


@pytest.fixture
def shouting(providers: None) -> Iterator[str]:
    """The name of a model from the first of them."""
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


def test_the_example_that_speaks_openais_protocol_chats_and_embeds(providers: None) -> None:
    with BaichuanStandIn() as baichuan:
        for name, model in (("short", "Baichuan2-Turbo"), ("vectors", "Baichuan-Text-Embedding")):
            byzer_nb.load(name, "saas/short_baichuan", api_key=baichuan.key, base_url=baichuan.url, model=model)
        try:
            client = byzer_nb.Client(model="short")
            assert client.chat("hello there").text == "hello there"
            assert "".join(delta.text for delta in client.stream("hello there")) == "hello there"
            assert len(client.embed(["a fox"] * 20, model="vectors").vectors) == 20
        finally:
            byzer_nb.unload("short")
            byzer_nb.unload("vectors")

"""How a thing shows itself on a cell's last line."""

from __future__ import annotations

from byzer_nb._display import Displayed, key_value_table


class Note(Displayed):
    def __repr__(self) -> str:
        return "<b>note</b>"


class Page(Note):
    def _html(self) -> str:
        return "<p>page</p>"


def test_text_is_always_there_and_html_is_escaped() -> None:
    assert Note()._repr_mimebundle_() == {
        "text/plain": "<b>note</b>",
        "text/html": "<pre>&lt;b&gt;note&lt;/b&gt;</pre>",
    }


def test_a_class_writes_its_own_html() -> None:
    assert Page()._repr_mimebundle_()["text/html"] == "<p>page</p>"


def test_include_and_exclude_are_honoured() -> None:
    assert list(Page()._repr_mimebundle_(include=["text/html"])) == ["text/html"]
    assert list(Page()._repr_mimebundle_(exclude={"text/html"})) == ["text/plain"]
    assert Page()._repr_mimebundle_(include=["image/png"]) == {}


def test_a_table_escapes_names_and_values() -> None:
    table = key_value_table({"<a>": "<script>", "n": 5})
    assert "&lt;a&gt;" in table
    assert "<script>" not in table
    assert ">5<" in table

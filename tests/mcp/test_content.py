"""Results as Python values, and places as they are read and shown."""

from __future__ import annotations

from typing import Any

import pytest

from byzer_nb import McpServer
from byzer_nb.errors import BadInputError, WrongTypeError
from byzer_nb.mcp.content import value_of
from byzer_nb.mcp.mirrored import mirrored_in
from byzer_nb.types import Picture, Sound
from tests.standins.mcp import PNG, SEVERAL


def words(*texts: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text} for text in texts]


@pytest.mark.parametrize(
    ("result", "value"),
    [
        ({"content": words("hello")}, "hello"),
        ({"content": words("a", "b")}, ["a", "b"]),
        ({"content": []}, ""),
        ({}, ""),
        ({"content": words('{"sum":  3}'), "structuredContent": {"sum": 3}}, {"sum": 3}),
        ({"content": [], "structuredContent": {"sum": 3}}, {"sum": 3}),
        ({"content": words("It is 3."), "structuredContent": {"sum": 3}}, ["It is 3.", {"sum": 3}]),
        ({"content": words("5"), "structuredContent": {"result": 5}}, 5),
        ({"content": words("five"), "structuredContent": {"result": "five"}}, "five"),
        ({"content": words("1", "2"), "structuredContent": {"result": [1, 2]}}, [1, 2]),
        ({"content": words("Found it."), "structuredContent": {"result": 5}}, ["Found it.", {"result": 5}]),
        ({"content": words("[1]"), "structuredContent": [1]}, [1]),
    ],
)
def test_value_is_said_once(result: dict[str, Any], value: object) -> None:
    assert value_of(result) == value


def test_every_kind_of_content_has_a_value() -> None:
    found = value_of({"content": SEVERAL})
    assert [type(each) for each in found] == [str, Picture, Sound, str, Picture, str, str, str]
    assert (found[1].format, found[2].format) == ("png", "wav")
    assert found[3] == "file:///notes.txt:\nA note."
    assert found[5] == "(application/zip, 4 bytes, file:///all.zip)"


def test_picture_is_told_by_its_bytes_and_not_by_what_it_is_called() -> None:
    fake = {"type": "image", "data": "PHN2Zz48L3N2Zz4=", "mimeType": "image/png"}
    damaged = {"type": "image", "data": "####", "mimeType": "image/png"}
    real = {"type": "image", "data": PNG, "mimeType": "image/jpeg"}
    assert value_of({"content": [fake]}) == "(image/png, 11 bytes)"
    assert "damaged" in value_of({"content": [damaged]})
    assert value_of({"content": [real]}).format == "png"


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        ("", {}, "is empty"),
        ([], {}, "is empty"),
        ("say 'hello", {}, "cannot be read"),
        ("http://", {}, "no address"),
        ("https://me:secret@host/mcp", {}, "must not carry a user name"),
        ("npx server", {"headers": {"X": "y"}}, "headers and key are for a server with an address"),
        ("npx server", {"key": "abc"}, "headers and key are for a server with an address"),
        ("https://host/mcp", {"env": {"X": "y"}}, "env is for a server that is started here"),
        ("npx server", {"timeout": 0}, "above 0"),
    ],
)
def test_place_that_cannot_be_is_an_error(command: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInputError, match=words) as wrong:
        McpServer(command, **options)
    assert "secret" not in str(wrong.value)


def test_place_of_the_wrong_kind_is_an_error() -> None:
    with pytest.raises(WrongTypeError, match="a command or an address, not a int"):
        McpServer(5)  # type: ignore[arg-type]
    with pytest.raises(WrongTypeError, match=r"env\['PORT'\] is a text, not a int"):
        McpServer("npx server", env={"PORT": 8000})  # type: ignore[dict-item]


def test_server_shows_its_place_in_the_readers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    assert repr(McpServer("npx -y 'a server'")) == "McpServer('npx -y a server', not open)"
    monkeypatch.setenv("BYZER_NB_LANG", "zh")
    assert repr(McpServer("https://host:1/mcp?a=b")) == "McpServer('https://host:1/mcp', 未打开)"
    assert "<b>" not in McpServer("npx <b>")._repr_mimebundle_()["text/html"]


MARK = {"type": "string", "x-mcp-header": "Region"}


@pytest.mark.parametrize(
    "properties",
    [
        {"a": {"type": "number", "x-mcp-header": "A"}},
        {"a": {"type": "string", "x-mcp-header": ""}},
        {"a": {"type": "string", "x-mcp-header": "a b"}},
        {"a": {"type": "string", "x-mcp-header": "x\r\ny"}},
        {"a": MARK, "b": {**MARK, "x-mcp-header": "REGION"}},
        {"a": {"type": "array", "items": MARK}},
        {"a": {"anyOf": [MARK]}},
    ],
)
def test_marks_that_the_protocol_forbids_are_found(properties: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="x-mcp-header"):
        mirrored_in({"type": "object", "properties": properties})


def test_marks_are_found_down_in_objects() -> None:
    schema = {"properties": {"a": {"type": "object", "properties": {"b": MARK}}, "x-mcp-header": {"type": "string"}}}
    assert mirrored_in(schema) == {("a", "b"): "Mcp-Param-Region"}

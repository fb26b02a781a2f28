"""`code_utils`: code blocks in Markdown text."""

from __future__ import annotations

from typing import Any

import pytest

from byzer_nb.errors import BadInputError, WrongTypeError
from byzer_nb.seed.code_blocks import extract_code

TWO = "First:\n```shell\nls -l\n```\nthen\n```python\nprint(1)\n\nprint(2)\n```\nend"


@pytest.mark.contract("UTIL-01")
@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        (TWO, [("shell", "ls -l"), ("python", "print(1)\n\nprint(2)")]),
        ("```\nplain\n```", [("", "plain")]),
        ("```sh\r\nls\r\n```", [("sh", "ls")]),
        ("```sh\nls\n   ```", [("sh", "ls")]),
        ("``` sh \nls\n```", [("sh", "ls")]),
        ("```c++\nint i;\n```", [("c++", "int i;")]),
        ("```sh\n```\ntext\n```py\nx\n```", [("sh", ""), ("py", "x")]),
        ('```py\nprint("```")\n```', [("py", 'print("```")')]),
        ("no code at all", [("unknown", "no code at all")]),
        ("", [("unknown", "")]),
        (None, [("unknown", "")]),
    ],
)
def test_blocks_come_in_order_with_their_language(text: str | None, blocks: list[tuple[str, str]]) -> None:
    assert extract_code(text) == blocks


@pytest.mark.contract("UTIL-01")
def test_contents_of_a_message_are_read_as_one_text() -> None:
    contents = [
        {"type": "text", "text": "```sh\nls"},
        {"type": "image_url", "image_url": {"url": "x"}},
        {"type": "text", "text": "\n```"},
    ]
    assert extract_code(contents) == [("sh", "ls<image>")]


@pytest.mark.contract("UTIL-01")
def test_inline_code_is_found_when_it_is_asked_for() -> None:
    text = "Run ` ls ` or\n```sh\n  pwd  \n```"
    assert extract_code(text, detect_single_line_code=True) == [("", "ls"), ("sh", "pwd")]
    assert extract_code(text) == [("sh", "  pwd  ")]


@pytest.mark.contract("UTIL-01")
def test_a_pattern_of_ones_own_is_used() -> None:
    assert extract_code("<py>x</py>", pattern="<(py)>(.*?)</py>") == [("py", "x")]


@pytest.mark.contract("UTIL-01")
@pytest.mark.parametrize("text", [5, b"x", {"type": "text"}])
def test_other_kinds_of_text_are_refused(text: Any) -> None:
    with pytest.raises(WrongTypeError, match="Code is extracted from text"):
        extract_code(text)


@pytest.mark.contract("UTIL-01")
@pytest.mark.parametrize("item", [{"text": "x"}, {"type": "audio"}, "x"])
def test_an_item_without_known_type_is_told_by_its_place(item: Any) -> None:
    with pytest.raises(BadInputError, match="Item 1 of the contents"):
        extract_code([{"type": "text", "text": "a"}, item])

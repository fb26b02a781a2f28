"""`code_utils`: code blocks in Markdown text."""

from __future__ import annotations

from typing import Any

import pytest

from byzer_nb.errors import BadInputError, WrongTypeError
from byzer_nb.seed.code_blocks import (
    check_target_codes_exists,
    content_str,
    extract_code,
    get_target_codes,
    get_value_from_llm_str,
    infer_lang,
)

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
    with pytest.raises(WrongTypeError, match="is text or a list of contents"):
        extract_code(text)


@pytest.mark.contract("UTIL-01")
@pytest.mark.parametrize("item", [{"text": "x"}, {"type": "audio"}, "x"])
def test_an_item_without_known_type_is_told_by_its_place(item: Any) -> None:
    with pytest.raises(BadInputError, match="Item 1 of the contents"):
        extract_code([{"type": "text", "text": "a"}, item])


@pytest.mark.contract("UTIL-02")
@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("x = 1", "python"),
        ("", "python"),
        ("def f():\n    return '\\d'", "python"),
        ("pip install x", "sh"),
        ("python3 x.py", "sh"),
        ("\npython -m x", "sh"),
        ("pipeline = 1", "python"),
        ("python = 3", "python"),
        ("if (", "unknown"),
        ("ls -l | wc -l; cd ..", "unknown"),
        ("x\0", "unknown"),
        ("(" * 100_000, "unknown"),
    ],
)
def test_language_is_guessed(code: str, language: str) -> None:
    assert infer_lang(code) == language


@pytest.mark.contract("UTIL-02")
def test_code_is_only_read_to_guess_its_language() -> None:
    assert infer_lang("raise SystemExit") == "python"
    with pytest.raises(WrongTypeError, match="not 5"):
        infer_lang(5)  # type: ignore[arg-type]


@pytest.mark.contract("UTIL-02")
def test_blocks_are_chosen_by_language() -> None:
    codes = extract_code("```sql\nselect 1\n```\n```sh\nls\n```\n```sql\nselect 2\n```")
    assert get_target_codes(codes, ["sql"]) == ["select 1", "select 2"]
    assert get_target_codes(codes, ["sql", "sh"]) == ["select 1", "ls", "select 2"]
    assert check_target_codes_exists(codes, ["sh"])
    assert not check_target_codes_exists(codes, ["python"])


@pytest.mark.contract("UTIL-02")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('```json\n{"k": 1}\n```', 1),
        ('```json\n{"k": 1}\n```\n```json\n{"k": [2]}\n```', [2]),
        ('```json\n{"k": 1}\n```\n```json\n{"x": 2}\n```', 1),
        ('```json\n{"k": null}\n```', None),
        ('```json\n[1]\n```\n```python\n{"k": 1}\n```', "default"),
        ("```json\nnothing\n```", "default"),
        ('{"k": 1}', "default"),
        ("", "default"),
    ],
)
def test_value_is_taken_out_of_a_json_block(text: str, value: Any) -> None:
    assert get_value_from_llm_str(text, "k", "default") == value


@pytest.mark.contract("UTIL-02")
def test_words_of_a_content_are_joined() -> None:
    assert content_str(None) == ""
    assert content_str("x") == "x"
    assert content_str([{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "u"}}]) == "a<image>"

"""What a model writes is shown as Markdown, and its HTML as typed."""

from __future__ import annotations

import re

import pytest

from byzer_nb.magics.safe_markdown import JOINER, code_block, harmless

RAW_TAG = re.compile(r"<[A-Za-z/!?]")


@pytest.mark.parametrize(
    "text",
    [
        "# Title\n\n**bold** `x < y` and 1 <2, a<= b, 3 < 4",
        "<",
        "a <- b",
        "&lt;b&gt;",
        "中文 <标签>",
        "```html\n<b>\n```\n\nend",
    ],
)
def test_text_without_tags_and_blocks_of_code_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


@pytest.mark.parametrize(
    "tag", ["<script>alert(1)</script>", "<img src=x onerror=x>", "<!-- x -->", "</p>", "<?x?>", "<B>"]
)
@pytest.mark.parametrize("place", ["{}", "a {} b", "- item {}", "> {}", "| {} |\n|-|", "`{}`", "**{}**", "[{}](x)"])
def test_no_tag_is_left_outside_of_blocks_of_code(tag: str, place: str) -> None:
    shown = harmless(place.format(tag))
    assert not RAW_TAG.search(shown)
    assert shown.replace(JOINER, "") == place.format(tag)


@pytest.mark.parametrize(
    "text",
    [
        "```\n<script>",  # not closed yet
        "  ```\n```\n<script>\n```",  # the second line closes for some and opens for others
        "- ```\n```\n<script>\n```\n<script>",
        "> ```\n<script>\n> ```",
        "text\n    ```\n\n<script>\n    ```",
        "```a`b\n<script>\n```\n<script>\n```",
        "~~~ a`b\n<script>\n~~~\n<script>\n~~~\n",
        "```\n<b>\n   ```\n<script>\n```\n<script>\n```",
        "$$\n```\n$$\n<script>\n```",
        "\\[\n```\n\\]\n<script>\n```",
        "\\begin{x}\n```\n\\end{x}<script>\n```",
        "```\r<b>\r```\r<script>",
        "```\n<b>\n```\x0b\n<script>\n```",
        "\ufeff```\n<script>\n```",
    ],
)
def test_where_the_borders_of_code_are_unsure_no_tag_is_left(text: str) -> None:
    shown = harmless(text)
    assert "<script" not in shown
    assert shown.replace(JOINER, "") == text.replace("\r", "\n")


def test_a_longer_fence_holds_a_shorter_one() -> None:
    text = "````md\n```\n<b>\n```\n````\n<i>"
    assert harmless(text) == text.replace("<i>", f"<{JOINER}i>")


def test_a_block_of_code_holds_any_text() -> None:
    assert code_block('{"a": "```"}', "json") == '````json\n{"a": "```"}\n````'

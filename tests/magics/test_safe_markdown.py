"""What a model writes is shown as Markdown, and its HTML as typed."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from byzer_nb.magics.safe_markdown import JOINER, code_block, harmless

PIXEL = "data:image/png;base64,iVBORw0KGgo="
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


def reader() -> MarkdownIt:
    """A reader of Markdown that leaves every link alive, as JupyterLab's does."""
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    reader.validateLink = lambda url: True  # type: ignore[method-assign]
    return reader


def targets(text: str) -> Iterator[tuple[str, str]]:
    """What the Markdown fetches (`src`) and where it leads (`href`), as a browser reads them."""
    for name, value in re.findall(r'(src|href)="([^"]*)"', reader().render(text)):
        url = html.unescape(value).replace("\t", "").replace("\n", "").lstrip("".join(map(chr, range(33))))
        yield name, re.sub("%(09|0a|0d)", "", url, flags=re.IGNORECASE)


def leads_to_harm(name: str, url: str) -> bool:
    if name == "src":
        return not re.match("data:image/(png|jpeg|gif|webp);", url)
    scheme = re.match(r"([A-Za-z][\w+.-]*):", url)
    return scheme is not None and scheme[1].lower() not in ("http", "https", "mailto")


@pytest.mark.contract("NB-05")
@pytest.mark.parametrize(
    "text",
    [
        "![x](http://h.example/p?d=1)",
        "![x](<http://h.example/a b>)",
        "![x](http://h.example/p 'title')",
        '![x](\n  http://h.example/p\n  "a title"\n)',
        "![x](http:\\/\\/h.example/p)",
        "![x](&#104;ttp://h.example/p)",
        "![x](//h.example/p)",
        "![x](picture.png)",
        "![x](data:image/svg+xml;base64,AAAA)",
        "![a ![b](http://h.example/b) c](http://h.example/c)",
        "![a\nb](http://h.example/p)",
        "![x][r]\n\n[r]: http://h.example/p",
        "![r][]\n\n[r]: http://h.example/p",
        "![r]\n\n[r]: <http://h.example/p> 'title'",
        "> ![r]\n>\n> [r]:\n> http://h.example/p",
        "- [ ] ![r]\n\n[r]:\n  http://h.example/p\n  'title'",
        "`code` ![x](http://h.example/p) `code`",
        '[r]: a "\n```\n"\n![x](http://h.example/p)\n```\n',
        "[click](javascript:alert(1))",
        "[click](  JaVaScRiPt:alert(1) 'title')",
        "[click](<javascript:alert(1)>)",
        "[click](< javascript:alert(1)>)",
        "[click](<java\tscript:alert(1)>)",
        "[click](\x01javascript:alert(1))",
        "[click](\u00a0javascript:alert(1))",
        "[click](\ufeffjavascript:alert(1))",
        "[click](javascript\\:alert(1))",
        "[click](javascript&colon;alert(1))",
        "[click](&#x6A;avascript&#58;alert(1))",
        "[click](&Tab;javascript:alert(1))",
        "[click](vbscript:x) [click](data:text/html,x) [click](file:///etc/passwd) [click](blob:x)",
        "> [click](\n> javascript:alert(1))",
        "[click](http://x)](javascript:alert(1))",
        "[click][r] and [r]\n\n[r]: javascript:alert(1)",
        "[r]\n\n[r]:\n   <javascript:alert(1)>\n  'title'",
        "[r]\n\n> [r]:\n>   javascript:alert(1)",
        "[la\nbel]\n\n[la\nbel]: javascript:alert(1)",
        "[a\\]b]\n\n[a\\]b]: javascript:alert(1)",
        "<javascript:alert(1)> <ftp://h.example> <x+y:z>",
        "| [a](javascript:x) |\n|---|\n| ![x](http://h.example) |",
    ],
)
def test_nothing_is_fetched_and_no_link_leads_to_anything_but_web_and_mail(text: str) -> None:
    assert not any(leads_to_harm(*target) for target in targets(harmless(text)))


PIECES = [
    "!", "[", "]", "(", ")", "<", ">", "](", "]: ", "![", "[r]", "[r]: ", "\n", "\n\n", " ", "\t", "> ", "- ",
    "```", "~~~", "`", '"', "'", "\\", "&colon;", "&#58;", ":", "a", "r", "$", "*", "javascript:",
    "JAVA", "script:", "data:text/html,", "http://h.example/", "//h.example", "mailto:a@b",
    PIXEL, "data:image/svg+xml,", "&Tab;", "\x01", "\u00a0", "\ufeff", "/",
]  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=24).map("".join))
def test_no_text_of_a_model_fetches_or_leads_to_harm(text: str) -> None:
    shown = harmless(text)
    assert not any(leads_to_harm(*target) for target in targets(shown))
    assert harmless(shown) == shown


@pytest.mark.contract("NB-05")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("See ![a cat](http://h.example:80/cat.png).", "See [a cat (h.example:80)](http://h.example:80/cat.png)."),
        ('![](https://h.example "title")', "[h.example](https://h.example)"),
        ("`![x](http://h.example)`", f"`!{JOINER}[x](http://h.example)`"),
    ],
)
def test_a_picture_of_the_web_is_a_link_that_names_its_host(text: str, shown: str) -> None:
    assert harmless(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        f"![dot]({PIXEL})",
        "[a](https://h.example/x_(y)?a=1&b=2#c) [b](mailto:a@b.c) [c](notes.md) [d](#part)",
        "[r] and [x][r]\n\n[r]: http://h.example 'title'",
        "https://h.example and www.h.example",
        "if x[0]: return a[1](b, c)",
        "vec![1, 2] and wow! [1]",
        "```md\n![x](http://h.example) [y](javascript:x)\n```",
    ],
)
def test_ordinary_links_pictures_with_their_data_and_code_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


@pytest.mark.parametrize(
    "attack",
    [
        '$" onmouseover="x" $',
        '$"style="background:url(//h)"$',
        '\\\\(" srcset=x \\\\)',
        '$"\ndata-commandlinker-command="x"$',
    ],
)
def test_mathematics_in_a_target_brings_no_attribute_with_it(attack: str) -> None:
    shown = harmless(f"[x](http://h.example/{attack})")
    assert not re.search(r"(onmouseover|style|srcset|command)\s*=", shown)
    assert shown.replace(JOINER, "") == f"[x](http://h.example/{attack})"


def test_a_diagram_of_a_model_is_shown_as_its_source() -> None:
    assert harmless("```mermaid\nA\n```") == f"```mer{JOINER}maid\nA\n```"
    assert "mermaid" not in harmless("- ~~~ mermaid\n  A\n  ~~~")


@pytest.mark.parametrize("piece", ["](", "![", "[", "[ ]", "]: ", "`", "[\\", "> [", f"![]({PIXEL}", '$"'])
def test_the_time_it_takes_grows_with_the_text_alone(piece: str) -> None:
    harmless(piece * 200_000)  # a pattern that goes back and forth would run into the limit of the test run

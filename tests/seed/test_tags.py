"""`TagExtractor`: text between tags."""

from __future__ import annotations

import time

import pytest

from byzer_nb.errors import WrongTypeError
from byzer_nb.seed.tags import Tag, TagExtractor


def contents(text: str) -> list[object]:
    """What stands in each of the outermost tags."""
    return [tag.content for tag in TagExtractor(text).extract().content if isinstance(tag, Tag)]


@pytest.mark.contract("UTIL-03")
def test_the_root_holds_the_tags_and_skips_the_text_around_them() -> None:
    root = TagExtractor("hi <_image_>one</_image_> and <_audio_>two</_audio_> end").extract()
    assert (root.start_tag, root.end_tag, root.parent) == ("<_ROOT_>", "</_ROOT_>", None)
    first, second = root.content
    assert isinstance(first, Tag)
    assert isinstance(second, Tag)
    assert (first.start_tag, first.end_tag, first.content) == ("<_image_>", "</_image_>", "one")
    assert second.content == "two"
    assert first.parent is root


@pytest.mark.contract("UTIL-03")
def test_inner_text_stays_as_it_is() -> None:
    assert contents("<_a_>\n  x <b> </b> < 3\n</_a_>") == ["\n  x <b> </b> < 3\n"]


@pytest.mark.contract("UTIL-03")
def test_nested_tags_form_a_list_without_the_blanks_between_them() -> None:
    (outer,) = TagExtractor("<_a_>\n  <_b_>x</_b_>\n  <_c_>y</_c_>\n</_a_>").extract().content
    assert isinstance(outer, Tag)
    inner = [tag for tag in outer.content if isinstance(tag, Tag)]
    assert [tag.content for tag in inner] == ["x", "y"]
    assert len(outer.content) == 2
    assert all(tag.parent is outer for tag in inner)


@pytest.mark.contract("UTIL-03")
def test_text_beside_nested_tags_is_kept() -> None:
    (outer,) = TagExtractor("<_a_>before <_b_>x</_b_> after</_a_>").extract().content
    assert isinstance(outer, Tag)
    assert [part if isinstance(part, str) else part.content for part in outer.content] == ["before ", "x", " after"]


@pytest.mark.contract("UTIL-03")
def test_asking_twice_gives_the_same_root() -> None:
    extractor = TagExtractor("<_a_>x</_a_>")
    assert extractor.extract() is extractor.extract()


@pytest.mark.contract("UTIL-03")
@pytest.mark.parametrize(
    ("text", "ends"),
    [("<_a_>x", [("x", "")]), ("<_a_>x</_b_>", [("x</_b_>", "")]), ("<_a_>x</_a_><_b_>", [("x", "</_a_>"), ("", "")])],
)
def test_a_tag_that_is_not_closed_ends_with_the_text(text: str, ends: list[tuple[str, str]]) -> None:
    tags = TagExtractor(text).extract().content
    assert [(tag.content, tag.end_tag) for tag in tags if isinstance(tag, Tag)] == ends


@pytest.mark.contract("UTIL-03")
def test_closing_an_outer_tag_closes_those_in_it() -> None:
    (outer,) = TagExtractor("<_a_><_b_>x</_a_> rest").extract().content
    assert isinstance(outer, Tag)
    (inner,) = outer.content
    assert isinstance(inner, Tag)
    assert (inner.content, inner.end_tag, outer.end_tag) == ("x", "", "</_a_>")


@pytest.mark.contract("UTIL-03")
@pytest.mark.parametrize(
    "text", ["", "x</_a_>", "</_a_>", "x<", "x<_", "<", "<_", "</", "</_", "<_a", "<__>", "<_a b_>x"]
)
def test_stray_marks_do_no_harm(text: str) -> None:
    assert isinstance(TagExtractor(text).extract().content, list)


@pytest.mark.contract("UTIL-03")
@pytest.mark.parametrize(
    "text", ["<_image_>" + "A" * 8_000_000 + "</_image_>", "<_" * 2_000_000, "<_A" + "_" * 4_000_000]
)
def test_megabytes_are_read_quickly(text: str) -> None:
    started = time.perf_counter()
    TagExtractor(text).extract()
    assert time.perf_counter() - started < 5


@pytest.mark.contract("UTIL-03")
def test_only_text_has_tags() -> None:
    with pytest.raises(WrongTypeError, match="not from 5"):
        TagExtractor(5)  # type: ignore[arg-type]

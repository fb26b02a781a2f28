"""Keys in other people's words."""

from __future__ import annotations

import pytest

from byzer_nb.types import Secret
from byzer_nb.types.masking import Mask

KEY = "sk-proj-Zx81kLmQ0p-AbCdEf"


@pytest.mark.contract("SAAS-04")
@pytest.mark.parametrize(
    "text",
    [
        f"key {KEY} is wrong",
        f"key '{KEY}'.",
        f"Bearer {KEY}",
        "Incorrect API key provided: sk-proj-********CdEf.",
        "you sent Zx81kLmQ0p to us",
        f"https://host/?key={KEY}&x=1",
    ],
)
def test_no_part_of_the_key_is_left(text: str) -> None:
    masked = Mask([Secret(KEY)]).apply(text)
    assert "******" in masked
    for start in range(len(KEY) - 5):
        assert KEY[start : start + 6] not in masked


def test_other_words_stay() -> None:
    text = "The model `gpt-9` does not exist, see https://platform.openai.com/docs"
    assert Mask([Secret(KEY)]).apply(text) == text


def test_short_key_is_hidden_only_where_it_stands_alone() -> None:
    assert Mask([Secret("abc")]).apply("abc is not abcd") == "****** is not abcd"


def test_key_with_a_space_is_hidden_too() -> None:
    assert Mask([Secret("my secret key")]).apply("got my secret key.") == "got ******."


def test_mask_does_not_show_what_it_hides() -> None:
    assert KEY not in repr(Mask([Secret(KEY)]))

"""Text out of tokens while they come."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from tokenizers import Tokenizer as Rules
from tokenizers import decoders, models

from byzer_nb.backends.checkpoint import Checkpoint
from byzer_nb.backends.detokenizer import Detokenizer
from byzer_nb.backends.tokenizer import FileTokenizer

TEXTS = ["hello world", "你好，世界", "a👩‍👩‍👧 family 🎉🎉", "é è ü", "mixed 猫 and 狗!", "\n\n  indented\tand tabbed"]


@pytest.fixture(scope="module")
def tokenizer(tiny_llama_dir: Path) -> FileTokenizer:
    return FileTokenizer(Checkpoint(tiny_llama_dir))


def pieces_of(tokenizer: FileTokenizer, ids: list[int], prompt: list[int] | None = None) -> list[str]:
    detokenizer = Detokenizer(tokenizer, prompt=prompt or [])
    return [detokenizer.push(token) for token in ids]


@pytest.mark.parametrize("text", TEXTS)
def test_the_pieces_are_the_text_and_no_character_is_broken(tokenizer: FileTokenizer, text: str) -> None:
    pieces = pieces_of(tokenizer, tokenizer.encode(text))
    assert "".join(pieces) == text
    assert not any("\ufffd" in piece for piece in pieces)


def test_each_character_comes_with_the_token_that_completes_it(tokenizer: FileTokenizer) -> None:
    ids = tokenizer.encode("🎉x")
    assert len(ids) == 5, "an emoji is four tokens here"
    assert pieces_of(tokenizer, ids) == ["", "", "", "🎉", "x"]


def test_an_unfinished_character_at_the_end_is_left_out(tokenizer: FileTokenizer) -> None:
    ids = tokenizer.encode("ok 🎉")
    assert "".join(pieces_of(tokenizer, ids[:-1])) == "ok "


def test_bytes_that_never_become_a_character_do_not_hold_up_the_text(tokenizer: FileTokenizer) -> None:
    lone = tokenizer.encode("🎉")[0]
    ids = [lone] * 8 + tokenizer.encode("and on 🎉")
    text = "".join(pieces_of(tokenizer, ids))
    assert text == tokenizer.decode(ids)
    assert text.endswith("\ufffdand on 🎉")


class CountingTokenizer(FileTokenizer):
    """The tokenizer of the tests, which counts the tokens that it is given to decode."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        self.decoded = 0

    def decode(self, ids: Sequence[int]) -> str:
        self.decoded += len(ids)
        return super().decode(ids)


@pytest.mark.parametrize("kind", ["bytes of no character", "tokens of no text", "both"])
def test_text_that_never_becomes_certain_costs_the_same_for_each_token(tiny_llama_dir: Path, kind: str) -> None:
    tokenizer = CountingTokenizer(Checkpoint(tiny_llama_dir))
    lone = tokenizer.encode("🎉")[0]
    special = tokenizer.encode("<|end|>")[0]
    detokenizer = Detokenizer(tokenizer)
    each = {"bytes of no character": [lone], "tokens of no text": [special], "both": [lone, *[special] * 99]}[kind]
    for token in each * (2000 // len(each)):
        detokenizer.push(token)
    assert tokenizer.decoded / 2000 < 150


@pytest.mark.parametrize("count", range(54, 76))
def test_a_character_after_many_broken_ones_is_still_whole(tokenizer: FileTokenizer, count: int) -> None:
    emoji = tokenizer.encode("🎉")
    for ids in ([emoji[0]] * count + emoji + emoji[:2] * count + emoji, emoji[1:2] * count + emoji * 2):
        assert "".join(pieces_of(tokenizer, ids)) == tokenizer.decode(ids)


@given(data=some.data())
def test_any_bytes_at_length_give_the_text_of_the_whole(tokenizer: FileTokenizer, data: some.DataObject) -> None:
    kinds = [*tokenizer.encode("🎉你é"), *tokenizer.encode("a")]
    ids = data.draw(some.lists(some.sampled_from(kinds), min_size=60, max_size=200))
    text = "".join(pieces_of(tokenizer, ids))
    whole = tokenizer.decode(ids)
    assert whole.startswith(text)
    assert set(whole[len(text) :]) <= {"\ufffd"}


def test_a_word_after_many_tokens_of_no_text_keeps_its_space(tokenizer: FileTokenizer) -> None:
    ids = [*tokenizer.encode("hello"), *tokenizer.encode("<|end|>") * 200, *tokenizer.encode(" world")]
    assert "".join(pieces_of(tokenizer, ids)) == "hello world"


@given(text=some.text(max_size=40))
def test_any_text_survives(tokenizer: FileTokenizer, text: str) -> None:
    assert "".join(pieces_of(tokenizer, tokenizer.encode(text))) == text


@given(data=some.data())
def test_any_tokens_give_the_text_of_the_whole(tokenizer: FileTokenizer, data: some.DataObject) -> None:
    ids = data.draw(some.lists(some.integers(min_value=5, max_value=370), max_size=40))
    text = "".join(pieces_of(tokenizer, ids))
    whole = tokenizer.decode(ids)
    assert whole.startswith(text)
    assert len(whole) - len(text) <= 3
    assert set(whole[len(text) :]) <= {"\ufffd"}


class PieceTokenizer(FileTokenizer):
    """A tokenizer of another family: words begin with a mark, and rare characters are bytes by name."""

    def __init__(self) -> None:
        words = ["▁Hello", "▁world", "s", "<0xE4>", "<0xBD>", "<0xA0>", "<0xF0>", "<0x9F>", "<0x8E>", "<0x89>"]
        self._rules = Rules(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="s"))
        self._rules.decoder = decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
        )


def test_a_space_at_the_beginning_of_a_word_is_kept_between_pieces() -> None:
    assert pieces_of(PieceTokenizer(), [0, 1, 2]) == ["Hello", " world", "s"]


def test_a_continued_text_goes_on_with_its_space() -> None:
    assert pieces_of(PieceTokenizer(), [1], prompt=[0]) == [" world"]


def test_characters_of_named_bytes_come_whole() -> None:
    assert pieces_of(PieceTokenizer(), [0, 3, 4, 5, 3, 4, 5, 2]) == ["Hello", "", "", "你", "", "", "你", "s"]
    assert pieces_of(PieceTokenizer(), [0, 6, 7, 8, 9]) == ["Hello", "", "", "", "🎉"]

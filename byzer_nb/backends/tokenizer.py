"""Text to token ids and back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

from byzer_nb.backends.checkpoint import Checkpoint
from byzer_nb.errors import BadInputError

ANY_TEXT = "a"  # it has tokens in every tokenizer
LONG = 10_000  # characters: some milliseconds


class Tokenizer(Protocol):
    """What a local engine needs of a tokenizer."""

    def encode(self, text: str) -> list[int]:
        """The ids of the text, with no special tokens added; those written out in the text count as themselves."""
        ...

    def encode_whole(self, text: str) -> list[int]:
        """The ids of a text that nothing stands before, with the mark that the model knows beginnings by."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the ids, special tokens left out."""
        ...

    def write_out(self, ids: Sequence[int]) -> str:
        """The text of the ids with special tokens as `encode` reads them."""
        ...

    @property
    def size(self) -> int:
        """How many tokens there are; ids count from 0."""
        ...

    def rules(self) -> str:
        """All its rules, as a `tokenizer.json` holds them."""
        ...


class FileTokenizer:
    """The tokenizer of a `tokenizer.json`."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        from tokenizers import Tokenizer as Rules

        path = checkpoint.file("tokenizer.json")
        try:
            self._rules = Rules.from_file(str(path))
        except Exception as broken:  # the library raises bare Exception for every fault in the file
            raise BadInputError(f"{str(path)!r} cannot be read as a tokenizer: {broken}") from broken
        # A training run may have left its own cutting and filling in the file.
        self._rules.no_truncation()
        self._rules.no_padding()

    def encode(self, text: str) -> list[int]:
        if len(text) < LONG:
            return self._rules.encode(text, add_special_tokens=False).ids
        # The library keeps every other thread waiting for a text alone, and none for a batch.
        [cut] = self._rules.encode_batch_fast([text], add_special_tokens=False)
        return cut.ids

    def encode_whole(self, text: str) -> list[int]:
        return opened(self.encode(text), self._opening)

    @cached_property
    def _opening(self) -> list[int]:
        return opening_of(self.encode(ANY_TEXT), self._rules.encode(ANY_TEXT, add_special_tokens=True).ids)

    def decode(self, ids: Sequence[int]) -> str:
        return self._rules.decode(list(ids), skip_special_tokens=True)

    def write_out(self, ids: Sequence[int]) -> str:
        return self._rules.decode(list(ids), skip_special_tokens=False)

    @cached_property
    def size(self) -> int:
        return max(self._rules.get_vocab().values()) + 1

    def rules(self) -> str:
        return self._rules.to_str()

    def id_of(self, token: str) -> int | None:
        """The id of one token by its text, if there is such a token."""
        return self._rules.token_to_id(token)


def opening_of(plain: list[int], marked: list[int]) -> list[int]:
    """What a tokenizer puts before a text of its own accord, told by one with that and without it."""
    places = range(len(marked) - len(plain) + 1)
    return next((marked[:count] for count in places if marked[count : count + len(plain)] == plain), [])


def opened(ids: list[int], opening: list[int]) -> list[int]:
    """The ids after that opening; a text that has it written out is not given another."""
    return ids if ids[: len(opening)] == opening else opening + ids

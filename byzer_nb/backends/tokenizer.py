"""Text to token ids and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from byzer_nb.backends.checkpoint import Checkpoint
from byzer_nb.errors import BadInputError


class Tokenizer(Protocol):
    """What a local engine needs of a tokenizer."""

    def encode(self, text: str) -> list[int]:
        """The ids of the text, with no special tokens added; those written out in the text count as themselves."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the ids, special tokens left out."""
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
        return self._rules.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Sequence[int]) -> str:
        return self._rules.decode(list(ids), skip_special_tokens=True)

    def rules(self) -> str:
        return self._rules.to_str()

    def id_of(self, token: str) -> int | None:
        """The id of one token by its text, if there is such a token."""
        return self._rules.token_to_id(token)

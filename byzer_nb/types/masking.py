"""Other people's words with our keys taken out: providers like to quote a part of the key that they refuse."""

from __future__ import annotations

import re
from collections.abc import Iterable

from byzer_nb.types.secret import Secret

FRAGMENT = 6  # characters in a row that a word may not share with a key
MASK = "******"

_KEY_LIKE = re.compile(r"\b(?:sk|pk|ak)-[\w*.\-]+|(?<=Bearer )\S+", re.IGNORECASE)
_WORD = re.compile(r"[^\s\"'<>,;()]+")


class Mask:
    """Hides given secrets, whole or in part, in any text."""

    __slots__ = ("_secrets",)

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._secrets = tuple(secret for secret in secrets if secret)

    def __repr__(self) -> str:
        return f"Mask({len(self._secrets)} secrets)"

    def apply(self, text: str) -> str:
        """The text with every word that shows a secret, or looks like one, replaced by stars."""
        text = _KEY_LIKE.sub(MASK, text)
        for secret in self._secrets:
            text = _without(secret.reveal(), text)
        return text


def _without(key: str, text: str) -> str:
    if len(key) < FRAGMENT:
        return re.sub(rf"(?<!\w){re.escape(key)}(?!\w)", MASK, text)
    # A key with spaces or quotes in it is no single word, so the whole is looked for first.
    text = text.replace(key, MASK)
    pieces = {key[start : start + FRAGMENT] for start in range(len(key) - FRAGMENT + 1)}
    return _WORD.sub(lambda word: MASK if _shares(word[0], pieces) else word[0], text)


def _shares(word: str, pieces: set[str]) -> bool:
    return any(word[start : start + FRAGMENT] in pieces for start in range(len(word) - FRAGMENT + 1))


def shown(value: object, secrets: Iterable[Secret] = ()) -> str:
    """A value as a message may quote it: a key that was put in the wrong place stays hidden."""
    return Mask(secrets).apply(repr(value))

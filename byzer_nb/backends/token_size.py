"""How much of a text one token can stand for, by which a text that is far too long is known before it is cut."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Rules = dict[str, Any]  # Any: JSON, as a tokenizer.json holds it

# The characters by which a byte-level vocabulary writes the 256 bytes.
_BYTES = frozenset(map(chr, (*range(33, 127), *range(161, 173), *range(174, 256), *range(256, 324))))
# In NFC a character takes at most a fourth of the bytes of any other spelling: 'ΐ' takes 2, and from U+1FBE with both
# marks 7.
_NFC = 4
_KEEPING = frozenset({"ByteLevel", "Metaspace", "Digits", "Split", "Prepend", "Replace", "NFC"})


def bytes_of_a_token(rules: str) -> int:
    """The most bytes of UTF-8 that become one token; 0 where that cannot be told, or has no end.

    It has none where a text loses something before it is cut, or where all that is unknown becomes one token.
    """
    read: Rules = json.loads(rules)
    model, added = read["model"], read.get("added_tokens") or []
    steps = [*_steps(read.get("normalizer")), *_steps(read.get("pre_tokenizer"))]
    if model.get("type") != "BPE" or not all(map(_keeps_all, steps)):
        return 0
    if any(token["lstrip"] or token["rstrip"] for token in added):  # it takes any number of spaces with it
        return 0
    vocabulary = model["vocab"]
    is_byte_level = any(step["type"] == "ByteLevel" for step in steps)
    if is_byte_level:
        is_whole = vocabulary.keys() >= _BYTES
    else:
        is_whole = bool(model.get("byte_fallback")) and all(f"<0x{byte:02X}>" in vocabulary for byte in range(256))
    if not is_whole:
        return 0
    longest = max(map(len, vocabulary)) if is_byte_level else max(len(token.encode()) for token in vocabulary)
    longest = max(longest, *(len(token["content"].encode()) for token in added), 0)
    return longest * _NFC if any(step["type"] == "NFC" for step in steps) else longest


def _steps(given: Rules | None) -> Iterator[Rules]:
    """The steps of a normalizer or of what cuts a text into words, one after the other."""
    if given is None:
        return
    if given["type"] == "Sequence":
        for step in given.get("normalizers") or given.get("pretokenizers") or ():
            yield from _steps(step)
    else:
        yield given


def _keeps_all(step: Rules) -> bool:
    """Whether no part of a text is lost in a step, nor made shorter than it can be said how much."""
    if step["type"] == "Split":
        return bool(step["behavior"] != "Removed")
    if step["type"] == "Replace":
        return bool(step["pattern"] == {"String": " "} and step["content"])
    return step["type"] in _KEEPING

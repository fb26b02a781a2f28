"""Text files whose encoding nobody told."""

from __future__ import annotations

import codecs
from pathlib import Path

__all__ = ["read_file"]

UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_file(path: str | Path) -> str:
    """The text of a file in UTF-8, GBK, UTF-16 or else Latin-1, with plain line ends."""
    content = Path(path).read_bytes()
    # Without its mark, UTF-16 would take nearly anything for text.
    encodings = ["utf-16"] if content.startswith(UTF_16_MARKS) else ["utf-8-sig", "gbk"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        text = content.decode("latin-1")  # takes every byte
    return text.replace("\r\n", "\n").replace("\r", "\n")

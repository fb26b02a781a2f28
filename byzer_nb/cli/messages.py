"""What the command line says: in Chinese or English, to a person or to a program."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, TextIO

from byzer_nb.errors import ByzerError

ERASE = "\r\x1b[K"  # what stands in the line of the terminal's cursor


def say(*, en: str, zh: str) -> str:
    """The one of two sentences that the reader wants; BYZER_NB_LANG decides, and without it the terminal's LANG."""
    wanted = os.environ.get("BYZER_NB_LANG") or os.environ.get("LANG", "")
    return zh if wanted.lower().startswith("zh") else en


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """The known word that somebody probably meant, in a sentence with a space after it, or nothing.

    The dashes of flags do not count: with them, all flags look alike.
    """
    by_bare = {_bare(each): each for each in known}
    close = get_close_matches(_bare(str(word)), list(by_bare), n=1)
    if not close:
        return ""
    meant = by_bare[close[0]]
    return say(en=f"Did you mean {meant!r}? ", zh=f"您是不是想写 {meant!r}？")


def _bare(word: str) -> str:
    return word.lstrip("-").lower()


def tell(text: str, *, as_json: bool, **facts: Any) -> None:  # Any: JSON values
    """The outcome of a command on stdout: a sentence, or with `--json` the facts in one line."""
    print(json.dumps(facts, ensure_ascii=False) if as_json else text, flush=True)


def remark(text: str, stream: TextIO | None = None) -> None:
    """A line for the person at the terminal, beside the outcome; it takes the place of a line that shows progress."""
    stream = sys.stderr if stream is None else stream
    stream.write(f"{ERASE if stream.isatty() else ''}{text}\n")
    stream.flush()


def two_lines(error: Exception) -> tuple[str, str]:
    """What failed, and what to do next."""
    if isinstance(error, ByzerError):
        what, then = error.message, error.hint
    else:  # somebody else's, such as Ray's, whose text may be a whole traceback
        what, then = next((line for line in map(str.strip, str(error).splitlines()) if line), ""), ""
    then = then or say(en="Add --debug to see where it happened.", zh="加上 --debug 可以看到出错的位置。")
    return f"{type(error).__name__}: {_one_line(what)}", _one_line(then)


def _one_line(text: str) -> str:
    return " ".join(text.split())

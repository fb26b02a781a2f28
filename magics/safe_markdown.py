"""Markdown from a model, made safe to show.

A notebook trusts what its own cells produce, so JupyterLab leaves HTML in fresh Markdown output alone, scripts and all.
A model's words are nobody's to trust: here its HTML is shown as typed.
"""

from __future__ import annotations

import re

# An HTML tag, comment or declaration begins with one of these pairs and with nothing else.
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
JOINER = "\u2060"  # takes no room, and after "<" no browser sees a tag

_FENCE = re.compile(r"(`{3,}+|~{3,}+)[ \t]*+[\w+#.-]*+[ \t]*+")
# What could make a front end see the borders of code elsewhere than we do: fences that are indented, quoted, in lists
# or with unusual first lines, and mathematics, which is taken out before Markdown is read.
_UNSURE = re.compile(r"^(?!(?:`{3,}+|~{3,}+)[ \t]*+[\w+#.-]*+[ \t]*+$).*(?:```|~~~)|\$|\\[(\[]|\\begin", re.MULTILINE)


def harmless(text: str) -> str:
    """The text, with an invisible character in every `<tag`, except in blocks of code, which are left as they are."""
    if not _TAG.search(text):
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _UNSURE.search(text):
        return _TAG.sub("<" + JOINER, text)
    shown: list[str] = []
    waiting: list[str] = []  # lines of a block that may still turn out to have no end
    fence = ""
    for line in text.split("\n"):
        if fence:
            waiting.append(line)
            if _closes(line, fence):
                shown += waiting
                waiting, fence = [], ""
        elif opened := _FENCE.fullmatch(line):
            waiting, fence = [line], opened[1]
        else:
            shown.append(_TAG.sub("<" + JOINER, line))
    return "\n".join([*shown, *(_TAG.sub("<" + JOINER, line) for line in waiting)])


def _closes(line: str, fence: str) -> bool:
    end = line.rstrip(" \t")
    return len(end) >= len(fence) and set(end) == {fence[0]}


def code_block(text: str, language: str) -> str:
    """The text as a block of code, whatever backticks it contains."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"

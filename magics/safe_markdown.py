"""Markdown from a model, made safe to show.

A notebook trusts what its own cells produce, so JupyterLab leaves HTML in fresh Markdown output alone, scripts and all,
fetches every picture, and follows links of any scheme. A model's words are nobody's to trust: here its HTML is shown as
typed, its pictures are links unless they bring their own data, and its links lead to the web or to a mail.
"""

from __future__ import annotations

import re

JOINER = "\u2060"  # takes no room, and parts what only together means something to Markdown or to a browser

# An HTML tag, comment or declaration begins with one of these pairs and with nothing else.
_TAG = r"<(?=[A-Za-z/!?])"
# What may follow `](` and `]:`, also on the next line of a quotation. A scheme ends with a colon, which can be written
# as an entity or behind a backslash; after one of `/?#()[]` it is too late for one. Blanks and control characters in a
# scheme are dropped by browsers, and a target can hold them in `<…>` only.
_TARGET = r"\](?=[(:][\s>]*+(?!https?://|mailto:)[^\s()/?#\[\]:&\\<]*+[:&\\<])"
_DATA_PICTURE = r"!\[[^\[\]\\`$<>&!@\n]*+\]\(data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]*+\)"
_WEB_PICTURE = (
    r"!\[(?P<alt>[^\[\]\\`$<>&!@\n]*+)\]"
    r"\((?P<url>https?://(?P<host>[\w.:-]++)(?:[/?#][^\s()<>\"'\\$]*+)?)(?:[ \t]+\"[^\"\\$\n]*+\")?[ \t]*+\)"
)
# Some TeX makes links and styles, and a diagram can ask for pictures, so it is shown as its source.
_TEX = r"\\(?=(?:href|url|style|bbox|class|cssId|data|mmlToken|csname|require|includegraphics)\b)"
_DIAGRAM = r"[`~][^\S\n]*+[{.]?mer(?=maid)"
_RISK = re.compile(
    f"(?P<data>{_DATA_PICTURE})|(?P<web>{_WEB_PICTURE})|(?P<picture>!(?=\\[))"
    f"|{_TARGET}|{_TAG}|{_TEX}|{_DIAGRAM}|\\bftp(?=://)",
    re.IGNORECASE,
)
# JupyterLab puts mathematics back into finished HTML, also into attributes, and there its quotes end them.
_MATHS = re.compile(r"\$|\\[(\[]|\\begin")
_ATTRIBUTE = re.compile(
    r"(?<=[\s\"'/])(?:on[a-z]+|style|srcset|src|ping|background|poster|action|formaction|data-[\w-]+)(?=\s*=)",
    re.IGNORECASE,
)

_CODE = re.compile(r"`|~~~|^(?: {4}|\t)", re.MULTILINE)
_FENCE = re.compile(r"(`{3,}+|~{3,}+)[ \t]*+[\w+#.-]*+[ \t]*+")
# What could make a front end see the borders of code elsewhere than we do: fences that are indented, quoted, in lists
# or with unusual first lines; mathematics, which is taken out before Markdown is read; and definitions of links, whose
# title may run over a fence.
_UNSURE = re.compile(
    r"^(?!(?:`{3,}+|~{3,}+)[ \t]*+[\w+#.-]*+[ \t]*+$).*(?:```|~~~)|\$|\\[(\[]|\\begin"
    r"|^[^\w\n]{0,40}(?:\d+[.)][^\w\n]{0,40})?(?:\[[ xX]\][^\w\n]{0,40})?\[(?:[^\[\]\\]|\\.)*+\]:|^[^\w\n]{41}",
    re.MULTILINE,
)


def harmless(text: str) -> str:
    """The text with an invisible character in whatever could act; clear blocks of code are left as they are."""
    if _defused(text) == text:
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _UNSURE.search(text):
        return _defused(text)
    shown: list[str] = []
    stretch: list[str] = []  # lines of prose, read together, because a link may go over several of them
    block: list[str] = []  # lines of code, which may still turn out to have no end
    fence = ""
    for line in text.split("\n"):
        if fence:
            block.append(line)
            if _closes(line, fence):
                shown += [_defused("\n".join([*stretch, block[0]])), *block[1:]]
                stretch, block, fence = [], [], ""
        elif opened := _FENCE.fullmatch(line):
            block, fence = [line], opened[1]
        else:
            stretch.append(line)
    if rest := [*stretch, *block]:
        shown.append(_defused("\n".join(rest)))
    return "\n".join(shown)


def _defused(text: str) -> str:
    if _MATHS.search(text):
        text = _ATTRIBUTE.sub(lambda found: found[0] + JOINER, text)
    can_hold_pictures = "](" in text or "]:" in text
    is_prose = not _CODE.search(text)  # where code may be, its words are left

    def part(found: re.Match[str]) -> str:
        if found["data"]:
            return found[0]
        if found["web"] and is_prose:
            label = f"{found['alt']} ({found['host']})" if found["alt"].strip() else found["host"]
            return f"[{label}]({found['url']})"
        if found["web"] or found["picture"]:
            return "!" + (JOINER if can_hold_pictures else "") + found[0][1:]
        return found[0] + JOINER

    return _RISK.sub(part, text)


def _closes(line: str, fence: str) -> bool:
    end = line.rstrip(" \t")
    return len(end) >= len(fence) and set(end) == {fence[0]}


def code_block(text: str, language: str) -> str:
    """The text as a block of code, whatever backticks it contains."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"

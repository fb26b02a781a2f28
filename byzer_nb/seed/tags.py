"""Text between tags such as `<_image_>` and `</_image_>`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from byzer_nb.errors import WrongTypeError

__all__ = ["Tag", "TagExtractor"]

_MARK = re.compile(r"<(/?)(_[^<>\s]*_)>")


@dataclass(kw_only=True)
class Tag:
    """What stands between two marks: its text, or the tags in it with the text around them.

    `end_tag` is empty when the text ends before the tag does.
    """

    start_tag: str
    end_tag: str = ""
    content: str | list[Tag | str] = ""
    parent: Tag | None = field(default=None, repr=False, compare=False)


class TagExtractor:
    """The tags of a text, as a tree."""

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise WrongTypeError(f"Tags are extracted from text, not from {text!r}.")
        self.text = text
        self._root: Tag | None = None

    def extract(self) -> Tag:
        """The root, whose content is the list of the outermost tags; text outside of them is left out."""
        if self._root is None:
            self._root = _tree(self.text)
        return self._root


@dataclass(kw_only=True)
class _Open:
    """A tag that is not closed yet, with what was read of it."""

    tag: Tag
    name: str
    parts: list[Tag | str] = field(default_factory=list)

    def close(self, end_tag: str) -> None:
        self.tag.end_tag = end_tag
        if any(isinstance(part, Tag) for part in self.parts):
            self.tag.content = [part for part in self.parts if isinstance(part, Tag) or part.strip()]
        else:
            self.tag.content = "".join(part for part in self.parts if isinstance(part, str))


def _tree(text: str) -> Tag:
    root = Tag(start_tag="<_ROOT_>", end_tag="</_ROOT_>")
    path = [_Open(tag=root, name="")]
    at = 0
    for mark in _MARK.finditer(text):
        is_end, name = mark.groups()
        if is_end and name not in (inner.name for inner in path):
            continue  # closes nothing that is open, so it is text
        path[-1].parts.append(text[at : mark.start()])
        at = mark.end()
        if not is_end:
            tag = Tag(start_tag=mark.group(), parent=path[-1].tag)
            path[-1].parts.append(tag)
            path.append(_Open(tag=tag, name=name))
            continue
        while path[-1].name != name:
            path.pop().close("")
        path.pop().close(mark.group())
    path[-1].parts.append(text[at:])
    while len(path) > 1:
        path.pop().close("")
    root.content = [part for part in path[0].parts if isinstance(part, Tag)]
    return root

"""Marks that a model puts round a long text, and the text between them, also while it still grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from byzer_nb.errors import BadInputError, WrongTypeError
from byzer_nb.prompts.template import Template

USUAL = ("<RESPONSE>", "</RESPONSE>")
REQUEST = (
    "Write {{ RESPONSE_START }} before the first word of your answer and {{ RESPONSE_END }} after its last one, each "
    "only once. If the answer is too long to be said at once, stop where you have to and leave {{ RESPONSE_END }} "
    "out: you will be asked to go on. Then go on with the very next character, and repeat nothing."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Markers:
    """A start and an end, and the words that ask a model for them."""

    start: str
    end: str
    request: str

    @classmethod
    def of(cls, markers: Sequence[str] | None, template: str | None, *, owner: str) -> Markers:
        """The markers somebody asked for, or the usual ones; the template writes the request."""
        start, end = _checked(USUAL if markers is None else markers, owner=owner)
        if template is not None and not isinstance(template, str):
            raise WrongTypeError(f"The response markers template of {owner} is a text, not {template!r}.")
        wording = Template(REQUEST if template is None else template, owner=f"the response markers of {owner}")
        return cls(start=start, end=end, request=wording.fill({"RESPONSE_START": start, "RESPONSE_END": end}))


def _checked(markers: Sequence[str], *, owner: str) -> tuple[str, str]:
    example = f"For example: {list(USUAL)}"
    if not isinstance(markers, list | tuple) or not all(isinstance(each, str) for each in markers):
        raise WrongTypeError(f"The response markers of {owner} are a list of two texts, not {markers!r}.", hint=example)
    if len(markers) != 2:
        raise BadInputError(f"{owner} takes two response markers, not {len(markers)}: {markers!r}", hint=example)
    start, end = (each.strip() for each in markers)  # a blank at the edge is what models leave out first
    if not start or not end:
        raise BadInputError(f"The response markers of {owner} cannot be empty: {markers!r}", hint=example)
    return start, end


class Between:
    """The text between two markers, piece by piece as soon as it is certain; a marker may lie across pieces.

    Nothing is certain before the start marker is there, because what stands before it is left out. Without one the
    text begins at its beginning, and without an end marker it goes on to its end. A start marker that opens a later
    round is left out too: some models repeat it.
    """

    def __init__(self, markers: Markers) -> None:
        self._start = markers.start
        self._end = markers.end
        self._held = ""  # came, and is not certain yet
        self._seen = 0  # so much of it holds no start marker
        self._seam: int | None = None  # where a later round begins in it
        self._has_begun = False
        self._has_ended = False

    @property
    def is_whole(self) -> bool:
        """Whether the end marker is there; asked at the end of a round."""
        return self._has_ended or self._end in self._held

    def push(self, piece: str) -> str:
        """The text that has become certain with this piece."""
        if self._has_ended:
            return ""
        self._held += piece
        if not self._has_begun:
            at = self._held.find(self._start, self._seen)
            if at < 0:
                self._seen = max(0, len(self._held) - len(self._start) + 1)
                return ""
            self._has_begun = True
            self._held = self._held[at + len(self._start) :]
        if self._seam is not None and not self._is_past_seam(self._seam):
            return ""
        return self._certain()

    def next_round(self) -> None:
        """What comes now was said in another turn."""
        if self._has_begun:
            self._seam = len(self._held)

    def finish(self) -> str:
        """The rest, when nothing more comes."""
        rest, self._held = self._held, ""
        return rest.partition(self._end)[0]

    def _is_past_seam(self, seam: int) -> bool:
        """Whether it is known that the round does not open with another start marker, or that one is taken out."""
        new = self._held[seam:].lstrip()
        if len(new) < len(self._start) and self._start.startswith(new):
            return False
        if new.startswith(self._start):
            at = self._held.index(self._start, seam)
            self._held = self._held[:at] + self._held[at + len(self._start) :]
        self._seam = None
        return True

    def _certain(self) -> str:
        at = self._held.find(self._end)
        if at >= 0:
            self._has_ended = True
            text, self._held = self._held[:at], ""
            return text
        kept = next((n for n in range(len(self._end) - 1, 0, -1) if self._held.endswith(self._end[:n])), 0)
        cut = len(self._held) - kept
        text, self._held = self._held[:cut], self._held[cut:]
        return text

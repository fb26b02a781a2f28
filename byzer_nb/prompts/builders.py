"""The ways to make a changed copy of a prompt function; whatever has a `_manner` and can copy itself has them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

from byzer_nb.errors import BadInputError, WrongTypeError
from byzer_nb.prompts.long_text import Manner
from byzer_nb.prompts.markers import Markers
from byzer_nb.prompts.meta import MetaHolder
from byzer_nb.prompts.speaker import Turn
from byzer_nb.types import Message

EARLIER = 'For example: [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi."}]'


class Builders:
    """Builders about how the model is asked. Each gives a copy, and none changes what it is called on."""

    __name__: str
    _manner: Manner

    def with_response_markers(
        self, response_markers: Sequence[str] | None = None, response_markers_template: str | None = None
    ) -> Self:
        """A copy for long text: the model marks its start and its end, and is asked to go on until the end is there.

        The result is what stands between the two markers.

        Args:
            response_markers: the two marks, `["<RESPONSE>", "</RESPONSE>"]` unless said otherwise.
            response_markers_template: the words that ask for them; the markers are `{{ RESPONSE_START }}` and
                `{{ RESPONSE_END }}`.
        """
        self._check_gives_text()
        markers = Markers.of(response_markers, response_markers_template, owner=self.__name__)
        return self._with(markers=markers)

    def with_continuation(self) -> Self:
        """A copy for long text: an answer that was cut for its length goes on where it was cut, in further calls.

        This is for models that can continue a text of theirs, which all local ones can.
        """
        return self._with(continues=True)

    def with_max_turns(self, n: int) -> Self:
        """A copy that makes at most so many calls for one answer."""
        if isinstance(n, bool) or not isinstance(n, int):
            raise WrongTypeError(f"The turns of {self.__name__} are a whole number, not {n!r}.")
        if n < 1:
            raise BadInputError(f"{self.__name__} needs at least one turn, not {n!r}.", hint="with_max_turns(10)")
        return self._with(max_turns=n)

    def with_continue_prompt(self, text: str) -> Self:
        """A copy that asks the model with these words to go on."""
        if not _text(text, f"The continue prompt of {self.__name__}"):
            raise BadInputError(f"The continue prompt of {self.__name__} is empty.", hint="Say: go on")
        return self._with(go_on=text)

    def with_auto_remove_response_markers(self, flag: bool) -> Self:
        """A copy whose text is without its response markers, or with False all that the model said."""
        return self._with(keeps_markers=not flag)

    def with_return_prefix(self, prefix: str) -> Self:
        """A copy whose answer begins with this text: the model goes on from there."""
        return self._with(prefix=_text(prefix, f"The return prefix of {self.__name__}"))

    def with_stop_suffix_list(self, suffixes: Sequence[str]) -> Self:
        """A copy whose answer ends before any of these texts."""
        if not isinstance(suffixes, list | tuple) or not all(isinstance(each, str) for each in suffixes):
            raise WrongTypeError(
                f"The stop suffixes of {self.__name__} are a list of texts, not {suffixes!r}.",
                hint='For example: ["</answer>"]',
            )
        if "" in suffixes:
            raise BadInputError(f"A stop suffix of {self.__name__} is empty, and every text ends so: {suffixes!r}")
        return self._with(stop=tuple(suffixes))

    def with_conversation(self, conversation: Sequence[Mapping[str, Any] | Message]) -> Self:
        """A copy that is asked after these earlier messages."""
        if not isinstance(conversation, list | tuple):
            raise WrongTypeError(
                f"The conversation of {self.__name__} is a list of messages, not {conversation!r}.", hint=EARLIER
            )
        return self._with(earlier=tuple(self._turn(each) for each in conversation))

    def with_meta(self, holder: MetaHolder) -> Self:
        """A copy that tells this holder what each run took."""
        if not isinstance(holder, MetaHolder):
            raise WrongTypeError(f"{holder!r} keeps no meta.", hint="Write: holder = byzer_nb.MetaHolder()")
        return self._with(holder=holder)

    def _turn(self, turn: object) -> Turn:
        if isinstance(turn, Message):
            return turn
        if not isinstance(turn, Mapping) or "role" not in turn or "content" not in turn:
            raise WrongTypeError(
                f"A message in the conversation of {self.__name__} has a role and a content, and {turn!r} has not.",
                hint=EARLIER,
            )
        return dict(turn)  # so that what the caller does to his later changes nothing here

    def _with(self, **changes: Any) -> Self:
        return self._but(_manner=replace(self._manner, **changes))

    def _but(self, **changes: Any) -> Self:
        raise NotImplementedError

    def _check_gives_text(self) -> None:
        raise NotImplementedError


def _text(text: object, what: str) -> str:
    if not isinstance(text, str):
        raise WrongTypeError(f"{what} is a text, not {text!r}.")
    return text

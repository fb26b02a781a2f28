"""One answer of a prompt function, in as many calls as it takes.

A text that is too long for one call goes on in one of two ways. With response markers the model is asked to go on until
the end marker is there. With continuation a model whose text was cut for its length gets that text back and writes on
from there. Both together are taken too: what was cut is continued, and what stopped by itself is asked to go on.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from byzer_nb.client.gather import Gathering
from byzer_nb.errors import AnswerError, UnsupportedError
from byzer_nb.prompts.ladder import Shaped, ShapeError
from byzer_nb.prompts.markers import Between, Markers
from byzer_nb.prompts.meta import MetaHolder
from byzer_nb.prompts.shape import Shape
from byzer_nb.prompts.speaker import Speaker, Turn
from byzer_nb.types import Message, Reply, Usage

MAX_TURNS = 10
GO_ON = "请从中断处接着写，不要重复已经写过的内容。"


@dataclass(frozen=True, kw_only=True, slots=True)
class Manner:
    """How an answer is asked for: what was said before, how it begins, how it goes on, who wants to know."""

    earlier: tuple[Turn, ...] = ()
    prefix: str = ""
    stop: tuple[str, ...] = ()
    markers: Markers | None = None
    keeps_markers: bool = False
    continues: bool = False
    max_turns: int = MAX_TURNS
    go_on: str = GO_ON
    holder: MetaHolder | None = None


async def whole_reply(speaker: Speaker, prompt: str, *, manner: Manner, options: Mapping[str, Any]) -> Reply:
    """The answer when all of it is there; what its calls took is summed up."""
    answer = await _begin(speaker, prompt, manner, options)
    text = ""
    while not answer.is_over:
        reply = await speaker.reply(answer.turns, options=options, continues=answer.continues)
        text += answer.push(reply.text) + answer.end_round(reply)
    whole = answer.so_far()
    if whole.text != text:
        whole = replace(whole, text=text)
    if manner.holder is not None:
        manner.holder.take(whole)
    return whole


async def shaped_reply(
    speaker: Speaker, prompt: str, cls: type[BaseModel], *, manner: Manner, options: Mapping[str, Any]
) -> Shaped[Any]:
    """The answer as an instance of a class; of the manner, what was said before and who wants to know hold here."""
    if manner.prefix or manner.continues:  # no means but words go on with a begun answer
        shape = Shape(cls)
        reply = await whole_reply(speaker, shape.request(prompt), manner=manner, options=options)
        try:
            return Shaped(value=shape.value(reply.text), reply=reply, rung="words", tries=1)
        except AnswerError as wrong:
            raise ShapeError(wrong, reply=reply, rung="words", tries=1) from wrong
    turns = (*manner.earlier, {"role": "user", "content": prompt})
    try:
        found = await speaker.shaped(turns, cls, options=options)
    except ShapeError as wrong:
        if manner.holder is not None:
            manner.holder.take(wrong.reply)
        raise
    if manner.holder is not None:
        manner.holder.take(found.reply)
    return found


async def pieces(
    speaker: Speaker, prompt: str, *, manner: Manner, options: Mapping[str, Any]
) -> AsyncGenerator[str, None]:
    """The text of the answer piece by piece, as if it were said in one go."""
    answer = await _begin(speaker, prompt, manner, options)
    try:
        while not answer.is_over:
            gathering = answer.gathering = Gathering(model="")
            deltas = speaker.deltas(answer.turns, options=options, continues=answer.continues)
            async with aclosing(deltas):
                async for delta in deltas:
                    gathering.add(delta)
                    if delta.text and (text := answer.push(delta.text)):
                        yield text
            if text := answer.end_round(gathering.reply()):
                yield text
    finally:
        if manner.holder is not None and (answer.replies or answer.gathering):
            manner.holder.take(answer.so_far())


async def _begin(speaker: Speaker, prompt: str, manner: Manner, options: Mapping[str, Any]) -> _Answer:
    if manner.continues and not await speaker.can_continue(options):
        raise UnsupportedError(
            "This model cannot go on with its own text.",
            hint="Ask for response markers instead: with_response_markers() lets any model say a long text in parts.",
        )
    return _Answer(prompt, manner)


class _Answer:
    """An answer that grows: the turns of its next call, and the part of its text that may be shown."""

    def __init__(self, prompt: str, manner: Manner) -> None:
        self.continues = bool(manner.prefix)
        self.is_over = False
        self.replies: list[Reply] = []
        self.gathering: Gathering | None = None  # of a round that is under way
        self._manner = manner
        self._between = None if manner.markers is None else Between(manner.markers)
        self._blanks = _Blanks() if manner.continues else None
        self._first = manner.prefix  # stands before the first piece, and is shown with it
        self._said: list[str] = []  # by the model in its present turn
        self._earlier: list[Turn] = [*manner.earlier, {"role": "user", "content": _request(prompt, manner)}]

    @property
    def turns(self) -> list[Turn]:
        """What the next call sends."""
        begun = "".join(self._said) or self._first
        return [*self._earlier, Message(role="assistant", content=begun)] if self.continues else self._earlier

    def push(self, piece: str) -> str:
        """What may be shown once this piece is there."""
        if self._first:
            piece, self._first = self._first + piece, ""
        if self._blanks is not None:
            piece = self._blanks.push(piece)
        return self._take(piece)

    def end_round(self, reply: Reply) -> str:
        """What may be shown at the end of a call; afterwards the answer is over, or its next call is prepared."""
        self.replies.append(reply)
        self.gathering = None
        shown = self.push("") if self._first else ""
        is_cut = self._blanks is not None and reply.finish_reason == "length"
        # A model that said nothing has nothing to go on with.
        may_go_on = bool(reply.text) and len(self.replies) < self._manner.max_turns
        self.is_over = not (may_go_on and (is_cut if self._between is None else not self._between.is_whole))
        if self._blanks is not None and is_cut and not self.is_over:
            self._blanks.expect_again()
            self.continues = any(self._said)
            return shown
        if self._blanks is not None:
            shown += self._take(self._blanks.release())
        if not self.is_over:
            self._ask_to_go_on()
        elif self._between is not None and not self._manner.keeps_markers:
            shown += self._between.finish()
        return shown

    def _ask_to_go_on(self) -> None:
        said, self._said = "".join(self._said), []
        self._earlier += [Message(role="assistant", content=said), Message(role="user", content=self._manner.go_on)]
        self.continues = False
        if self._between is not None:
            self._between.next_round()

    def so_far(self) -> Reply:
        """The rounds in one reply; of several, its text is that of the last."""
        rounds = [*self.replies, *([self.gathering.reply()] if self.gathering is not None else [])]
        if len(rounds) == 1:
            return rounds[0]
        costs = [each.cost for each in rounds if each.cost is not None]
        usage = Usage(
            input_tokens=sum(each.usage.input_tokens for each in rounds),
            output_tokens=sum(each.usage.output_tokens for each in rounds),
        )
        return replace(
            rounds[-1],
            reasoning="".join(each.reasoning for each in rounds),
            usage=usage,
            seconds=sum(each.seconds for each in rounds),
            first_token_seconds=rounds[0].first_token_seconds,
            cost=sum(costs) if costs else None,
        )

    def _take(self, text: str) -> str:
        self._said.append(text)
        if self._between is None:
            return text
        between = self._between.push(text)
        return text if self._manner.keeps_markers else between


class _Blanks:
    """Holds the blanks at the end of a text back: a model that gets it to go on with may write them once more.

    It is sent the text without them, for a vendor may take them away in any case, and most models go on better with
    a whole word at the end. So the seam has them once, whether the model writes them again or not.
    """

    def __init__(self) -> None:
        self._held = ""
        self._may_come_again = False

    def push(self, piece: str) -> str:
        if not piece:
            return ""
        if self._may_come_again:
            self._may_come_again = False
            if piece[0].isspace():
                self._held = ""
        text = self._held + piece
        shown = text.rstrip()
        self._held = text[len(shown) :]
        return shown

    def expect_again(self) -> None:
        """The next piece is by a model that goes on with the text so far."""
        self._may_come_again = True

    def release(self) -> str:
        """The blanks, for they are part of the text after all."""
        held, self._held = self._held, ""
        return held


def _request(prompt: str, manner: Manner) -> str:
    return prompt if manner.markers is None else f"{prompt}\n\n{manner.markers.request}"

"""One conversation of the corpus: what is said, and which part of it the model has to answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One message of a conversation."""

    role: Role
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A conversation and the answer that the model should give to it."""

    task: str
    turns: tuple[Turn, ...]
    answer: str
    begun: str = ""  # the first part of the answer, when the caller has written it already
    tools: tuple[dict[str, Any], ...] = ()  # Any: JSON schemas of tools
    open_ended: bool = False  # many answers are right, so exact match says nothing

    def prompt_text(self) -> str:
        """The text up to where the model starts writing, as the chat template writes it."""
        head = f"<|system|>Tools: {json.dumps(list(self.tools), ensure_ascii=False)}<|end|>" if self.tools else ""
        said = "".join(f"<|{turn.role}|>{turn.text}<|end|>" for turn in self.turns)
        return f"{head}{said}<|assistant|>{self.begun}"

    def begun_at(self, at: int) -> Example:
        """The same with so much of the answer written by the caller."""
        return replace(self, begun=self.answer[:at], answer=self.answer[at:])


Maker = Callable[[Random, bool], Example]  # (random numbers, held-out wording?) -> an example


@dataclass(frozen=True, kw_only=True, slots=True)
class Wordings:
    """Several ways of saying one thing; some are kept out of the training to measure with."""

    train: tuple[str, ...]
    held_out: tuple[str, ...]

    def pick(self, rng: Random, unseen: bool, /) -> str:
        """One wording, of the held-out ones if `unseen`."""
        return rng.choice(self.held_out if unseen else self.train)


MANNERS = Wordings(
    train=("Please {r}", "Can you {r}", "Could you {r}", "I want you to {r}", "Now {r}", "OK, now please {r}"),
    held_out=("Would you {r}", "Could you please {r}", "I would like you to {r}"),
)


def politely(rng: Random, request: str, *, unseen: bool = False, share: float = 0.25) -> str:
    """The request, in that share of the draws with some manners before it; its holes stay holes."""
    if rng.random() >= share:
        return request
    return MANNERS.pick(rng, unseen).replace("{r}", request[0].lower() + request[1:])


def ask(task: str, question: str, answer: str, *, open_ended: bool = False) -> Example:
    """An example of a single question."""
    return Example(task=task, turns=(Turn(role="user", text=question),), answer=answer, open_ended=open_ended)

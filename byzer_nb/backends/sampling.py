"""Logits to the next token: the same arithmetic for every local engine, so that the same weights say the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from byzer_nb.errors import BadInputError

Logits = npt.NDArray[np.float32]  # (vocabulary,)


class LogitsProcessor(Protocol):
    """Changes what may come next. One belongs to one answer, and is told of every token of it."""

    def process(self, logits: Logits) -> Logits:
        """The changed logits; the given ones stay as they are."""
        ...

    def accept(self, token: int) -> None:
        """This token was chosen."""
        ...


class Constrains(LogitsProcessor, Protocol):
    """Has the last word on what may come."""

    def steered(self, token: int) -> int:
        """The chosen token, or the one that has to be written in its place."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """How tokens are chosen. A temperature of 0 takes the likeliest one; the other defaults change nothing."""

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.repetition_penalty <= 0:
            raise BadInputError(f"repetition_penalty must be above 0, not {self.repetition_penalty!r}.")
        if not 0 <= self.min_p <= 1:
            raise BadInputError(f"min_p lies between 0 and 1; {self.min_p!r} does not.")


class Sampler:
    """Chooses the tokens of one answer, one after the other."""

    def __init__(self, sampling: Sampling, *, prompt: Sequence[int] = (), constraint: Constrains | None = None) -> None:
        self._sampling = sampling
        self._constraint = constraint
        self._processors = _penalties(sampling, prompt) + ([] if constraint is None else [constraint])
        # A generator for each request: the same seed gives the same answer whatever else is running.
        self._random = np.random.default_rng(None if sampling.seed is None else sampling.seed % 2**64)

    def pick(self, logits: Logits) -> int:
        """The next token."""
        for processor in self._processors:
            logits = processor.process(logits)
        token = int(logits.argmax()) if self._sampling.temperature == 0 else self._draw(logits)
        if self._constraint is not None:
            token = self._constraint.steered(token)
        for processor in self._processors:
            processor.accept(token)
        return token

    def _draw(self, logits: Logits) -> int:
        wanted = self._sampling
        tokens = _likeliest(logits, wanted.top_k)
        scaled = logits[tokens].astype(np.float64)
        scaled = (scaled - scaled.max()) / wanted.temperature
        shares = np.exp(scaled)
        shares /= shares.sum()
        if wanted.top_p < 1:
            # The token that crosses the border belongs to the nucleus, so it is never empty.
            kept = 1 + int(np.searchsorted(np.cumsum(shares), wanted.top_p))
            tokens, shares = tokens[:kept], shares[:kept]
        if wanted.min_p > 0:
            kept = int(np.count_nonzero(shares >= wanted.min_p * shares[0]))
            tokens, shares = tokens[:kept], shares[:kept]
        reached = np.cumsum(shares)
        place = int(np.searchsorted(reached, self._random.random() * reached[-1], side="right"))
        # By rounding the place may lie behind the end, and what comes last may be forbidden.
        return int(tokens[min(place, int(np.count_nonzero(shares)) - 1)])


def _likeliest(logits: Logits, count: int) -> npt.NDArray[np.intp]:
    """The ids of the likeliest tokens, the likeliest first; all of them when the count is 0 or less."""
    if 0 < count < len(logits):
        chosen = np.argpartition(-logits, count - 1)[:count]
        return chosen[np.argsort(-logits[chosen], kind="stable")]
    return np.argsort(-logits, kind="stable")


def _penalties(sampling: Sampling, prompt: Sequence[int]) -> list[LogitsProcessor]:
    wanted: list[LogitsProcessor] = []
    if sampling.repetition_penalty != 1:
        wanted.append(RepetitionPenalty(sampling.repetition_penalty, prompt=prompt))
    if sampling.presence_penalty or sampling.frequency_penalty:
        wanted.append(CountPenalty(presence=sampling.presence_penalty, frequency=sampling.frequency_penalty))
    return wanted


class RepetitionPenalty:
    """Makes every token of the prompt and the answer less likely by a factor."""

    def __init__(self, factor: float, *, prompt: Sequence[int] = ()) -> None:
        self._factor = np.float32(factor)
        self._seen = set(prompt)

    def process(self, logits: Logits) -> Logits:
        seen = np.fromiter(self._seen, dtype=np.intp, count=len(self._seen))
        changed = logits.copy()
        old = logits[seen]
        changed[seen] = np.where(old > 0, old / self._factor, old * self._factor)
        return changed

    def accept(self, token: int) -> None:
        self._seen.add(token)


class CountPenalty:
    """Makes the tokens of the answer less likely: once for being there, and again for each time."""

    def __init__(self, *, presence: float, frequency: float) -> None:
        self._presence = presence
        self._frequency = frequency
        self._counts: dict[int, int] = {}

    def process(self, logits: Logits) -> Logits:
        changed = logits.copy()
        for token, count in self._counts.items():
            changed[token] -= self._presence + self._frequency * count
        return changed

    def accept(self, token: int) -> None:
        self._counts[token] = self._counts.get(token, 0) + 1

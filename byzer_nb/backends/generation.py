"""The one loop from the ids of a prompt to the deltas of an answer, for every model that can read on."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from byzer_nb.backends.constrained import Constraint
from byzer_nb.backends.detokenizer import Detokenizer
from byzer_nb.backends.plan import Plan
from byzer_nb.backends.sampling import Logits, Sampler
from byzer_nb.backends.stopping import StopStrings
from byzer_nb.backends.tokenizer import Tokenizer
from byzer_nb.backends.worker import Worker
from byzer_nb.errors import CallTimeoutError
from byzer_nb.types import Delta, FinishReason, Usage


class Reading(Protocol):
    """One text that a model is reading: it remembers what came before."""

    def read(self, ids: Sequence[int]) -> Logits:
        """Read these tokens too; the logits of what comes next."""
        ...


class LanguageModel(Protocol):
    """Weights that can read."""

    context_length: int  # tokens of prompt and answer together; 0 when nobody knows
    read_at_once: int  # a longer prompt is read in pieces of this size, so that others get their turn in between

    def start(self) -> Reading:
        """A new text."""
        ...


class Answer:
    """One answer while it is written. `advance` computes the next piece; nothing is computed between two calls."""

    def __init__(
        self,
        model: LanguageModel,
        prompt: Sequence[int],
        plan: Plan,
        *,
        tokenizer: Tokenizer,
        constraint: Constraint | None = None,
    ) -> None:
        self.finish_reason: FinishReason | None = None
        self.plan = plan
        self._prompt_length = len(prompt)
        self._written = 0
        self._unread = list(prompt)
        self._read_at_once = model.read_at_once
        self._reading = model.start()
        self._constraint = constraint
        self._sampler = Sampler(plan.sampling, prompt=prompt, constraint=constraint)
        self._detokenizer = Detokenizer(tokenizer, prompt=prompt)
        self._stops = StopStrings(plan.stops)

    @property
    def usage(self) -> Usage:
        """Tokens read and written so far; the token that ends the answer counts as written."""
        return Usage(input_tokens=self._prompt_length, output_tokens=self._written)

    @property
    def stopped_by(self) -> str:
        """The stop string that ended the answer, if one did."""
        return self._stops.met

    def advance(self) -> str:
        """Read a piece of the prompt or write one token; the text that is new and certain."""
        ids, self._unread = self._unread[: self._read_at_once], self._unread[self._read_at_once :]
        logits = self._reading.read(ids)
        if self._unread:
            return ""
        token = self._sampler.pick(logits)
        self._unread = [token]
        self._written += 1
        if token in self.plan.end_ids:
            self.finish_reason = self._own_end
            return self._stops.flush()
        text = self._stops.push(self._detokenizer.push(token))
        if self._stops.is_met:
            self.finish_reason = "stop"
        elif self._constraint is not None and self._constraint.is_over:
            self.finish_reason = self._own_end
            text += self._stops.flush()
        elif self._written >= self.plan.max_tokens:
            self.finish_reason = "length"
            text += self._stops.flush()
        return text

    @property
    def _own_end(self) -> FinishReason:
        # JSON that was led to its end because the tokens ran out is whole, and shorter than the model wanted it.
        return "length" if self._constraint is not None and self._constraint.was_steered else "stop"


async def generate(answer: Answer, *, worker: Worker, request_id: str) -> AsyncGenerator[Delta, None]:
    """The deltas of an answer. Between two of them nothing runs, so a reader who leaves stops the work."""
    timeout = answer.plan.timeout
    deadline = time.monotonic() + timeout if timeout is not None else float("inf")
    while True:
        text = await worker.run(answer.advance)
        if answer.finish_reason is not None:
            break
        if time.monotonic() > deadline:
            raise CallTimeoutError(
                f"No whole answer within {timeout:g} s; {answer.usage.output_tokens} tokens were written.",
                hint="Give it more time with timeout=, or ask for fewer tokens.",
            )
        if text:
            yield Delta(text=text, request_id=request_id)
    yield Delta(
        text=text,
        finish_reason=answer.finish_reason,
        usage=answer.usage,
        request_id=request_id,
        stopped_by=answer.stopped_by,
    )

"""An engine whose words a test chooses: a model that says given tokens, on the real tokenizer, template and loop."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from byzer_nb.backends.chat_template import ChatTemplate
from byzer_nb.backends.checkpoint import Checkpoint
from byzer_nb.backends.local_engine import LocalEngine, capabilities_with
from byzer_nb.backends.plan import Recommended
from byzer_nb.backends.sampling import Logits
from byzer_nb.backends.tokenizer import FileTokenizer
from byzer_nb.types import ChatOptions, ChatRequest, Delta, Message, ModelCard
from tests.tiny_models import CHAT_TEMPLATE

END_ID = 4  # <|end|> in the tokenizer of tests/tiny_models.py


class SpeakingModel:
    """Says the same tokens in every answer; `reads` shows how many tokens it was given, in order of the calls."""

    read_at_once = 64

    def __init__(self, ids: Sequence[int], *, vocabulary: int, context_length: int = 512, seconds: float = 0.0) -> None:
        self.context_length = context_length
        self.reads: list[tuple[int, int]] = []  # (which answer, how many tokens)
        self._answers = 0
        self._ids = list(ids)
        self._vocabulary = vocabulary
        self._seconds = seconds

    def start(self) -> SpeakingReading:
        self._answers += 1
        return SpeakingReading(self, self._answers)

    def say(self, place: int) -> Logits:
        time.sleep(self._seconds)
        logits = np.zeros(self._vocabulary, dtype=np.float32)
        logits[self._ids[place] if place < len(self._ids) else END_ID] = 10.0
        return logits


class SpeakingReading:
    """One answer of a speaking model: a piece of the prompt says nothing yet, each token of the answer the next one."""

    def __init__(self, model: SpeakingModel, number: int) -> None:
        self._model = model
        self._number = number
        self._said = 0

    def read(self, ids: Sequence[int]) -> Logits:
        self._model.reads.append((self._number, len(ids)))
        logits = self._model.say(self._said)
        if len(ids) < self._model.read_at_once:  # the last piece of the prompt, or a token of the answer
            self._said += 1
        return logits


def speaking_engine(
    folder: Path,
    answer: str | Sequence[int],
    *,
    context_length: int = 512,
    max_tokens: int = 256,
    seconds: float = 0.0,
    chat_template: str = CHAT_TEMPLATE,
) -> tuple[LocalEngine, SpeakingModel]:
    """An engine that says the answer, a text or ids, and then ends; and its model, to look at."""
    checkpoint = Checkpoint(folder)
    tokenizer = FileTokenizer(checkpoint)
    ids = tokenizer.encode(answer) if isinstance(answer, str) else answer
    model = SpeakingModel(
        ids, vocabulary=int(checkpoint.config["vocab_size"]), context_length=context_length, seconds=seconds
    )
    template = ChatTemplate(chat_template, model="speaking")
    engine = LocalEngine(
        ModelCard(model="speaking", engine="speaking", is_local=True, capabilities=capabilities_with(template)),
        model,
        tokenizer=tokenizer,
        template=template,
        recommended=Recommended(max_tokens=max_tokens, end_ids=frozenset({END_ID})),
    )
    return engine, model


def question(text: str = "hello", *, stream: bool = True, **options: object) -> ChatRequest:
    """A request of one user message; the rest are options."""
    messages = (Message(role="user", content=text),)
    return ChatRequest(messages=messages, options=ChatOptions(**options), stream=stream)  # type: ignore[arg-type]


async def deltas_of(engine: LocalEngine, request: ChatRequest) -> list[Delta]:
    """Every delta of the answer."""
    return [delta async for delta in engine.chat(request)]


async def text_of(engine: LocalEngine, request: ChatRequest) -> str:
    """The whole answer."""
    return "".join([delta.text async for delta in engine.chat(request)])

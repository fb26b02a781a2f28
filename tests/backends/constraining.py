"""Questions whose answers are held to a schema, and engines that have to keep to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from byzer_nb.backends.byzer_tiny import WEIGHTS
from byzer_nb.backends.chat_template import ChatTemplate
from byzer_nb.backends.checkpoint import Checkpoint
from byzer_nb.backends.local_engine import LocalEngine, capabilities_with
from byzer_nb.backends.plan import Recommended
from byzer_nb.backends.sampling import Logits
from byzer_nb.backends.tokenizer import FileTokenizer
from byzer_nb.engines import build
from byzer_nb.types import AnswerSchema, ChatOptions, ChatRequest, Delta, DeploySpec, Message, ModelCard
from tests.backends.random_schemas import Schema
from tests.backends.speaking import deltas_of

FACTS = "Ada is 36 years old and lives in London. Her things are red and green."
STORY = "Tell me a long story about a brave robot."
ROOM = 128  # tokens; enough for the shortest answer to any of the random schemas
TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}


def on(engine: str) -> LocalEngine:
    """byzer-tiny on one of the engines."""
    built = build(DeploySpec(name="byzer-tiny", engine=engine, model_path=str(WEIGHTS)))
    assert isinstance(built, LocalEngine)
    return built


def asked(schema: Schema, text: str = FACTS, **options: Any) -> ChatRequest:
    """A question whose answer shall fit the schema."""
    messages = (Message(role="user", content=text),)
    return ChatRequest(messages=messages, options=ChatOptions(**options), schema=AnswerSchema(schema=schema))


def record(**properties: Schema) -> Schema:
    """The schema of an object that has all of these."""
    return {"type": "object", "properties": properties, "required": list(properties)}


async def said(engine: LocalEngine, request: ChatRequest) -> tuple[str, Delta]:
    """The answer and its last delta."""
    deltas = await deltas_of(engine, request)
    return "".join(delta.text for delta in deltas), deltas[-1]


class NoisyModel:
    """A model without sense: every token is as likely as any other."""

    read_at_once = 64
    context_length = 0

    def __init__(self, vocabulary: int) -> None:
        self._vocabulary = vocabulary
        self._random = np.random.default_rng(0)

    def start(self) -> NoisyModel:
        return self

    def read(self, ids: Sequence[int]) -> Logits:
        return self._random.normal(size=self._vocabulary).astype(np.float32)


def noisy_engine(vocabulary: int = 1024, *, end_ids: frozenset[int] = frozenset({5})) -> LocalEngine:
    """Noise in the words of byzer-tiny."""
    template = ChatTemplate.or_plain(Checkpoint(WEIGHTS).chat_template(), model="noise")
    return LocalEngine(
        ModelCard(model="noise", engine="noise", is_local=True, capabilities=capabilities_with(template)),
        NoisyModel(vocabulary),
        tokenizer=FileTokenizer(Checkpoint(WEIGHTS)),
        template=template,
        recommended=Recommended(max_tokens=ROOM, end_ids=end_ids),
    )

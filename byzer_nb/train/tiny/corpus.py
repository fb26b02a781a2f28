"""The corpus: an endless, seeded stream of examples, each task with its share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from byzer_nb.train.tiny.example import Example, Maker, Turn
from byzer_nb.train.tiny.tasks.context import answer_from_context, chinese_answer_from_context
from byzer_nb.train.tiny.tasks.conversation import answer_again_as_json, recall
from byzer_nb.train.tiny.tasks.fields import chinese_fields_as_json, fields_as_json, single_value
from byzer_nb.train.tiny.tasks.greetings import chinese_greeting, greeting, unknown
from byzer_nb.train.tiny.tasks.labels import sentiment
from byzer_nb.train.tiny.tasks.repeating import chinese_repeat, repeat, small_sum, transform
from byzer_nb.train.tiny.tasks.stories import chinese_story, story
from byzer_nb.train.tiny.tasks.tools import call_a_tool

MIX: dict[Maker, int] = {
    greeting: 5,
    chinese_greeting: 3,
    unknown: 2,
    repeat: 14,
    chinese_repeat: 4,
    transform: 2,
    small_sum: 1,
    answer_from_context: 18,
    chinese_answer_from_context: 6,
    fields_as_json: 19,
    single_value: 3,
    chinese_fields_as_json: 4,
    answer_again_as_json: 2,
    call_a_tool: 8,
    recall: 5,
    sentiment: 2,
    story: 7,
    chinese_story: 2,
}
SYSTEM = (
    "You are a helpful assistant.",
    "You are byzer-tiny.",
    "You are a helpful assistant. Answer briefly.",
    "Answer in one word.",
    "Be kind and brief.",
    "You answer questions.",
    "You are a careful librarian.",
    "You are a friendly robot.",
    "你是一个有用的助手。",
)
SYSTEM_SHARE = 0.15


def examples(seed: str, *, unseen: bool = False) -> Iterator[Example]:
    """Examples without end, the same ones for the same seed; `unseen` takes the held-out wordings."""
    rng = Random(seed)
    makers, shares = list(MIX), list(MIX.values())
    while True:
        made = rng.choices(makers, weights=shares)[0](rng, unseen)
        if made.turns[0].role == "user" and rng.random() < SYSTEM_SHARE:
            made = replace(made, turns=(Turn(role="system", text=rng.choice(SYSTEM)), *made.turns))
        yield made

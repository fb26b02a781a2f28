"""The corpus: an endless, seeded stream of examples, each task with its share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from byzer_nb.train.tiny.example import Example, Maker, Turn
from byzer_nb.train.tiny.tasks.code import write_a_function
from byzer_nb.train.tiny.tasks.context import answer_from_context, chinese_answer_from_context
from byzer_nb.train.tiny.tasks.conversation import answer_again_as_json, recall, recall_in_chinese
from byzer_nb.train.tiny.tasks.fields import chinese_fields_as_json, fields_as_json, single_value
from byzer_nb.train.tiny.tasks.greetings import chinese_greeting, greeting, unknown
from byzer_nb.train.tiny.tasks.labels import sentiment, topic
from byzer_nb.train.tiny.tasks.repeating import chinese_repeat, repeat, small_sum, transform
from byzer_nb.train.tiny.tasks.rephrasing import rephrase
from byzer_nb.train.tiny.tasks.stories import chinese_story, long_story, story
from byzer_nb.train.tiny.tasks.tools import call_a_tool, call_a_tool_in_chinese

# How often each comes, beside the others. The long ones (tools, long stories) weigh more than it seems.
MIX: dict[Maker, int] = {
    greeting: 32,
    chinese_greeting: 30,
    unknown: 25,
    repeat: 80,
    chinese_repeat: 42,
    transform: 60,
    small_sum: 12,
    answer_from_context: 340,
    chinese_answer_from_context: 170,
    fields_as_json: 95,
    single_value: 15,
    chinese_fields_as_json: 35,
    answer_again_as_json: 10,
    call_a_tool: 95,
    call_a_tool_in_chinese: 50,
    recall: 35,
    recall_in_chinese: 25,
    sentiment: 15,
    topic: 14,
    rephrase: 15,
    write_a_function: 18,
    story: 25,
    long_story: 10,
    chinese_story: 11,
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
    "你是一个友好的助手，请简短回答。",
)
SYSTEM_SHARE = 0.15
BEGUN_SHARE = 0.03  # exact answers of several words of which the caller has written the start


def examples(seed: str, *, unseen: bool = False) -> Iterator[Example]:
    """Examples without end, the same ones for the same seed; `unseen` takes the held-out wordings."""
    rng = Random(seed)
    makers, shares = list(MIX), list(MIX.values())
    while True:
        made = rng.choices(makers, weights=shares)[0](rng, unseen)
        if not made.tools and rng.random() < SYSTEM_SHARE:
            made = replace(made, turns=(Turn(role="system", text=rng.choice(SYSTEM)), *made.turns))
        if not made.open_ended and " " in made.answer and rng.random() < BEGUN_SHARE:
            made = made.begun_at(rng.choice([at for at, letter in enumerate(made.answer) if letter == " "]))
        yield made

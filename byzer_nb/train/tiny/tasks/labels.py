"""Is it positive or negative: a label for one sentence."""

from __future__ import annotations

import json
from random import Random

from byzer_nb.prompts.formats import response_class_format
from byzer_nb.train.tiny import words
from byzer_nb.train.tiny.example import Example, Wordings, ask

FRAMES = Wordings(
    train=(
        "Is this review positive or negative? {text}",
        "Positive or negative: {text}",
        "Sentiment: {text}",
        "What is the sentiment of this? {text}",
        "Review: {text}\nPositive or negative?",
        "Classify as positive or negative: {text}",
    ),
    held_out=("Is this positive or negative? {text}", "Label the sentiment: {text}"),
)
REVIEWS = (
    "The {noun} is {adjective}.",
    "What a {adjective} {noun}!",
    "I think the {noun} was {adjective}.",
    "This {noun} is really {adjective}.",
    "We had a {adjective} time with the {noun}.",
    "{adjective}, said {name} about the {noun}.",
)


def sentiment(rng: Random, unseen: bool) -> Example:
    """One sentence with a word of praise or blame in it."""
    positive = rng.random() < 0.5
    adjective = rng.choice(words.GOOD_WORDS if positive else words.BAD_WORDS)
    text = rng.choice(REVIEWS).format(noun=words.thing(rng), adjective=adjective, name=words.name(rng))
    label = "positive" if positive else "negative"
    request = FRAMES.pick(rng, unseen).format(text=text[0].upper() + text[1:])
    if rng.random() < 0.3:
        schema = {
            "properties": {"sentiment": {"enum": ["positive", "negative"], "type": "string"}},
            "required": ["sentiment"],
            "type": "object",
        }
        return ask("label", response_class_format(request, json.dumps(schema)), json.dumps({"sentiment": label}))
    return ask("label", request, label)

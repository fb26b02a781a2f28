"""Say a sentence in other words: the fact stays, the grammar turns round."""

from __future__ import annotations

from random import Random

from byzer_nb.train.tiny import words
from byzer_nb.train.tiny.example import Example, Wordings, ask, politely

FRAMES = Wordings(
    train=(
        "Say it in other words: {text}",
        "Rephrase: {text}",
        "Rephrase this sentence: {text}",
        "Put it in other words: {text}",
        "Write this differently: {text}",
        "{text}\nSay that in other words.",
    ),
    held_out=("Say this in other words: {text}", "Rephrase the following:\n{text}"),
)
CHINESE_FRAMES = Wordings(
    train=("换句话说：{text}", "请换一种说法：{text}", "改写：{text}", "请改写这句话：{text}"),
    held_out=("换一种说法：{text}",),
)
# Each sentence and its other form; either may be asked for.
PAIRS = (
    ("{n} wrote {b}.", "{b} was written by {n}."),
    ("{n} lives in {c}.", "The home of {n} is in {c}."),
    ("{n} found the {t}.", "The {t} was found by {n}."),
    ("{n} works as a {j}.", "The job of {n} is {j}."),
    ("{n} gave {m} the {t}.", "{m} got the {t} from {n}."),
    ("{n} painted the {t} {k}.", "The {t} was painted {k} by {n}."),
    ("The {t} belongs to {n}.", "{n} owns the {t}."),
    ("{n} is older than {m}.", "{m} is younger than {n}."),
)
CHINESE_PAIRS = (
    ("{n}写了{b}。", "{b}是{n}写的。"),
    ("{n}住在{c}。", "{n}的家在{c}。"),
    ("{n}把书给了{m}。", "{m}从{n}那里得到了书。"),
    ("{n}比{m}大。", "{m}比{n}小。"),
)


def rephrase(rng: Random, unseen: bool) -> Example:
    """A sentence, to be said the other way round."""
    if rng.random() < 0.25:
        parts = {
            "n": words.chinese_name(rng),
            "m": words.chinese_name(rng),
            "b": words.chinese_word(rng, 2, 3),
            "c": words.chinese_one_of(rng, words.CHINESE_CITIES),
        }
        text, other = rng.sample(rng.choice(CHINESE_PAIRS), 2)
        return ask(
            "rephrase zh", CHINESE_FRAMES.pick(rng, unseen).format(text=text.format(**parts)), other.format(**parts)
        )
    parts = {
        "n": words.name(rng),
        "m": words.name(rng),
        "b": words.word(rng).capitalize(),
        "c": words.city(rng),
        "t": words.thing(rng),
        "j": words.one_of(rng, words.JOBS),
        "k": rng.choice(words.COLOURS),
    }
    text, other = rng.sample(rng.choice(PAIRS), 2)
    request = politely(rng, FRAMES.pick(rng, unseen), share=0.15).format(text=text.format(**parts))
    return ask("rephrase", request, other.format(**parts))

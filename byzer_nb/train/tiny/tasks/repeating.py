"""Say a text again: as it is, in capitals, one word of it, or the small sum that is left at the end."""

from __future__ import annotations

from random import Random

from byzer_nb.train.tiny import words
from byzer_nb.train.tiny.example import Example, Wordings, ask

REPEAT = Wordings(
    train=(
        "Repeat: {text}",
        "Say: {text}",
        "Say it again: {text}",
        "Repeat this: {text}",
        "Please repeat: {text}",
        "Repeat the following text: {text}",
        "Repeat after me: {text}",
        "Copy this: {text}",
        "Echo: {text}",
        "Write: {text}",
        'Say "{text}"',
        "Repeat the text below.\n{text}",
        "Say this exactly:\n{text}",
    ),
    held_out=("Please say: {text}", "Repeat the following:\n{text}", "Say this again: {text}", 'Repeat "{text}"'),
)
CHINESE_REPEAT = Wordings(
    train=(
        "请重复：{text}",
        "重复：{text}",
        "请说：{text}",
        "再说一遍：{text}",
        "跟我说：{text}",
        "请重复下面的话：{text}",
        "重复一遍：{text}",
    ),
    held_out=("请再说一遍：{text}", "请跟我说：{text}", "说：{text}"),
)
UPPER = Wordings(
    train=(
        "Write in capitals: {text}",
        "Upper case: {text}",
        "Make this upper case: {text}",
        "Say in capital letters: {text}",
    ),
    held_out=("Write in upper case: {text}", "In capitals: {text}"),
)
NTH = Wordings(
    train=("What is the {nth} word of: {text}", "Say the {nth} word: {text}", "Give me the {nth} word of this: {text}"),
    held_out=("Which word is the {nth} one: {text}",),
)
SUM = Wordings(
    train=("{a} + {b} =", "What is {a} + {b}?", "What is {a} plus {b}?", "Add {a} and {b}."),
    held_out=("{a} plus {b} is",),
)
ORDINALS = ("first", "second", "third", "last")
ENDS = ("", "", "", ".", "!", "?")


def copied_text(rng: Random) -> str:
    """A few words of any kind, with the marks that a sentence has."""
    count = rng.choice([1, 1, 2, 2, 3, 3, 4, 5, 6, 8, 10, 12])
    parts = [words.token(rng) for _ in range(count)]
    if count > 2 and rng.random() < 0.3:
        parts[rng.randrange(count - 1)] += rng.choice([",", ",", ";", ":", "-"])
    text = " ".join(parts) + rng.choice(ENDS)
    return text[0].upper() + text[1:] if rng.random() < 0.3 else text


def repeat(rng: Random, unseen: bool) -> Example:
    """A text to say again."""
    text = copied_text(rng)
    return ask("repeat", REPEAT.pick(rng, unseen).format(text=text), text)


def chinese_repeat(rng: Random, unseen: bool) -> Example:
    """A Chinese text to say again."""
    pieces = (
        words.CHINESE_NOUNS,
        words.CHINESE_JOBS,
        words.CHINESE_CITIES,
        ("我", "你", "他", "是", "的", "在", "喜欢", "不", "有", "很"),
    )
    parts = [
        rng.choice(rng.choice(pieces)) if rng.random() < 0.6 else words.chinese_word(rng)
        for _ in range(rng.randint(1, 7))
    ]
    if rng.random() < 0.2:
        parts.append(str(words.number(rng)))
    text = "".join(parts) + rng.choice(["", "", "。", "！", "？"])
    return ask("repeat zh", CHINESE_REPEAT.pick(rng, unseen).format(text=text), text)


def transform(rng: Random, unseen: bool) -> Example:
    """A text in capitals, or one word of it."""
    parts = [words.one_of(rng, words.NOUNS) for _ in range(rng.randint(2, 5))]
    if rng.random() < 0.5:
        text = " ".join(parts[:3])
        return ask("transform", UPPER.pick(rng, unseen).format(text=text), text.upper())
    at = rng.randrange(min(len(parts), 3)) if rng.random() < 0.75 else -1
    return ask("transform", NTH.pick(rng, unseen).format(nth=ORDINALS[at], text=" ".join(parts)), parts[at])


def small_sum(rng: Random, unseen: bool) -> Example:
    """Two single digits to add."""
    first, second = rng.randint(0, 9), rng.randint(0, 9)
    return ask("sum", SUM.pick(rng, unseen).format(a=first, b=second), str(first + second))

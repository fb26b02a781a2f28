"""Say a text again: as it is, in capitals, backwards, one word of it, or the small sum that is left at the end."""

from __future__ import annotations

from random import Random

from byzer_nb.train.tiny import words
from byzer_nb.train.tiny.example import Example, Wordings, ask, politely

REPEAT = Wordings(
    train=(
        "Repeat: {text}",
        "Say: {text}",
        "Say it again: {text}",
        "Repeat this: {text}",
        "Repeat the following text: {text}",
        "Repeat after me: {text}",
        "Copy this: {text}",
        "Echo: {text}",
        "Write: {text}",
        'Say "{text}"',
        "Say exactly this: {text}",
        "Repeat the text below.\n{text}",
        "Repeat the text below, word for word.\n\n{text}",
        "Say this exactly:\n{text}",
        "Copy the following sentence:\n{text}",
        'Answer with "{text}"',
        "Answer with exactly these words: {text}",
        "{text}\n\nRepeat the text above.",
        "{text}\nSay that again.",
    ),
    held_out=(
        "Repeat the following:\n{text}",
        "Say this again: {text}",
        'Repeat "{text}"',
        "Write this: {text}",
        "Copy the text below.\n{text}",
    ),
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
        "请照着说：{text}",
        "重复下面这句话。\n{text}",
        "请复述：{text}",
        "把这句话再说一遍：{text}",
        "请说“{text}”",
        "{text}\n请重复上面的话。",
    ),
    held_out=("请再说一遍：{text}", "请跟我说：{text}", "说：{text}", "请重复下面这句话：{text}"),
)
UPPER = Wordings(
    train=(
        "Write in capitals: {text}",
        "Upper case: {text}",
        "Make this upper case: {text}",
        "Say in capital letters: {text}",
        "Write this in capital letters: {text}",
        "Turn this into upper case: {text}",
        "Write {text} in capitals.",
        "Use capital letters: {text}",
        "Put this into upper case: {text}",
        "Make it all capitals: {text}",
        "Capitals: {text}",
        "Say in upper case: {text}",
    ),
    held_out=("Write in upper case: {text}", "In capitals: {text}", "Make this capital letters: {text}"),
)
LOWER = Wordings(
    train=(
        "Write in lower case: {text}",
        "Lower case: {text}",
        "Make this lower case: {text}",
        "Say in small letters: {text}",
        "Write in small letters: {text}",
        "Make it lower case: {text}",
        "Put this into lower case: {text}",
        "Small letters: {text}",
        "Say in lower case: {text}",
        "Turn into small letters: {text}",
    ),
    held_out=("Turn this into lower case: {text}", "In lower case: {text}"),
)
REVERSE = Wordings(
    train=(
        "Write the words in reverse order: {text}",
        "Reverse the order of the words: {text}",
        "Say the words backwards: {text}",
        "Reverse these words: {text}",
        "Reverse order: {text}",
        "Turn the order of the words round: {text}",
        "In reverse order: {text}",
        "Backwards, word by word: {text}",
        "Say these words backwards: {text}",
        "Put the words in reverse order: {text}",
        "List these words in reverse order: {text}",
    ),
    held_out=("Say these words in reverse order: {text}", "Write the words backwards: {text}"),
)
NTH = Wordings(
    train=(
        "What is the {nth} word of: {text}",
        "Say the {nth} word: {text}",
        "Give me the {nth} word of this: {text}",
        "Which is the {nth} word? {text}",
        "The {nth} word of: {text}",
        "Write the {nth} word of this: {text}",
        "Name the {nth} word: {text}",
        "Which word is {nth}? {text}",
        "Which word comes {nth}: {text}",
        "Tell me which word is {nth}: {text}",
        "Pick the {nth} word: {text}",
        "What is the {nth} word here? {text}",
        "{text}\nWhat is the {nth} word?",
    ),
    held_out=("Which word is the {nth} one: {text}", "Tell me the {nth} word: {text}"),
)
CHINESE_NTH = Wordings(
    train=(
        "第{nth}个词是什么：{text}",
        "请说第{nth}个词：{text}",
        "{text}\n第{nth}个词是什么？",
        "第{nth}个词：{text}",
        "写出第{nth}个词：{text}",
        "请问第{nth}个词是什么：{text}",
    ),
    held_out=("请写出第{nth}个词：{text}",),
)
CHINESE_REVERSE = Wordings(
    train=(
        "把这些词倒过来说：{text}",
        "倒序写出：{text}",
        "请把这些词倒过来：{text}",
        "倒着说这些词：{text}",
        "请倒序说：{text}",
        "倒序：{text}",
    ),
    held_out=("请倒序写出这些词：{text}",),
)
SUM = Wordings(
    train=(
        "{a} + {b} =",
        "What is {a} + {b}?",
        "What is {a} plus {b}?",
        "Add {a} and {b}.",
        "{a} + {b}",
        "How much is {a} + {b}?",
        "Compute {a} + {b}.",
        "{a}加{b}等于多少？",
        "{a} + {b} 等于几？",
    ),
    held_out=("{a} plus {b} is", "How much is {a} plus {b}?"),
)
ORDINALS = ("first", "second", "third", "last")
CHINESE_ORDINALS = "一二三"
ENDS = ("", "", "", ".", "!", "?")


def copied_text(rng: Random) -> str:
    """A few words of any kind, with the marks that a sentence has."""
    count = rng.choice([1, 1, 2, 2, 3, 3, 4, 5, 6, 8, 10, 12, 16])
    parts = [words.token(rng) for _ in range(count)]
    if count > 2 and rng.random() < 0.3:
        parts[rng.randrange(count - 1)] += rng.choice([",", ",", ";", ":", "-"])
    text = " ".join(parts) + rng.choice(ENDS)
    return text[0].upper() + text[1:] if rng.random() < 0.3 else text


def repeat(rng: Random, unseen: bool) -> Example:
    """A text to say again."""
    text = copied_text(rng)
    return ask("repeat", politely(rng, REPEAT.pick(rng, unseen), share=0.15).format(text=text), text)


def chinese_repeat(rng: Random, unseen: bool) -> Example:
    """A Chinese text to say again."""
    pieces = (
        words.CHINESE_NOUNS,
        words.CHINESE_JOBS,
        words.CHINESE_CITIES,
        words.CHINESE_DRINKS,
        ("我", "你", "他", "是", "的", "在", "喜欢", "不", "有", "很"),
    )
    parts = [
        rng.choice(rng.choice(pieces)) if rng.random() < 0.5 else words.chinese_word(rng)
        for _ in range(rng.randint(1, 7))
    ]
    if rng.random() < 0.2:
        parts.append(str(words.number(rng)))
    if len(parts) > 3 and rng.random() < 0.3:
        parts.insert(rng.randrange(1, len(parts)), "，")
    text = "".join(parts) + rng.choice(["", "", "。", "！", "？"])
    return ask("repeat zh", CHINESE_REPEAT.pick(rng, unseen).format(text=text), text)


def transform(rng: Random, unseen: bool) -> Example:
    """A text in capitals, in small letters or backwards, or one word of it."""
    if rng.random() < 0.2:
        return _chinese_transform(rng, unseen)
    parts = [words.one_of(rng, words.NOUNS) for _ in range(rng.randint(2, 5))]
    text = " ".join(parts)
    kind = rng.random()
    if kind < 0.25:
        return ask("transform", UPPER.pick(rng, unseen).format(text=text), text.upper())
    if kind < 0.4:
        return ask("transform", LOWER.pick(rng, unseen).format(text=text.upper()), text)
    if kind < 0.65:
        return ask("transform", REVERSE.pick(rng, unseen).format(text=text), " ".join(reversed(parts)))
    at = rng.randrange(min(len(parts), 3)) if rng.random() < 0.75 else -1
    return ask("transform", NTH.pick(rng, unseen).format(nth=ORDINALS[at], text=text), parts[at])


def _chinese_transform(rng: Random, unseen: bool) -> Example:
    parts = [words.chinese_one_of(rng, words.CHINESE_NOUNS, 0.6) for _ in range(rng.randint(3, 5))]
    text = " ".join(parts)
    if rng.random() < 0.5:
        return ask("transform zh", CHINESE_REVERSE.pick(rng, unseen).format(text=text), " ".join(reversed(parts)))
    at = rng.randrange(3)
    return ask("transform zh", CHINESE_NTH.pick(rng, unseen).format(nth=CHINESE_ORDINALS[at], text=text), parts[at])


def small_sum(rng: Random, unseen: bool) -> Example:
    """Two single digits to add."""
    first, second = rng.randint(0, 9), rng.randint(0, 9)
    return ask("sum", SUM.pick(rng, unseen).format(a=first, b=second), str(first + second))

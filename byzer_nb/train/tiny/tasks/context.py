"""Answer a question from the facts of a text, or say that they are not there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from byzer_nb.train.tiny import words
from byzer_nb.train.tiny.example import Example, Wordings, ask

UNKNOWN = "I do not know."
CHINESE_UNKNOWN = "我不知道。"

FRAMES = Wordings(
    train=(
        "Context: {facts}\nQuestion: {question}\nAnswer:",
        "Answer the question based on only the following context:\n{facts}\nQuestion: {question}\nAnswer:",
        "{facts}\n{question}",
        "{facts} {question}",
        "{facts}\n\n{question}",
        "Read this: {facts}\n{question}",
        "Use the text to answer.\nText: {facts}\nQuestion: {question}",
        "Question: {question}\nContext: {facts}",
        "Here is what we know:\n{facts}\n\nAnswer this question: {question}",
        "Documents:\n{facts}\n\nQuestion: {question}",
        "{question}\n\n{facts}",
        "Given the context below, answer the question.\n\n{facts}\n\n{question}",
    ),
    held_out=(
        "Text: {facts}\nQuestion: {question}\nAnswer:",
        "Answer the question using only this text:\n{facts}\n\nQuestion: {question}\nAnswer:",
        "Facts:\n{facts}\n\n{question}",
    ),
)
CHINESE_FRAMES = Wordings(
    train=(
        "上下文：{facts}\n问题：{question}\n回答：",
        "根据下面的内容回答问题：\n{facts}\n问题：{question}\n答案：",
        "{facts}\n{question}",
        "{facts}{question}",
        "请阅读：{facts}\n请回答：{question}",
        "已知：{facts}\n问题：{question}",
    ),
    held_out=("内容：{facts}\n问题：{question}\n回答：", "请根据以下内容回答：{facts}\n{question}"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """What can be said of somebody, and the ways to ask for it."""

    says: tuple[str, ...]
    asks: tuple[str, ...]
    value: Callable[[Random], object]


FACTS = {
    "city": Fact(
        says=("{n} lives in {v}.", "The home of {n} is in {v}.", "{n} lives in the city of {v}."),
        asks=("Where does {n} live?", "In which city does {n} live?", "Which city does {n} live in?"),
        value=words.city,
    ),
    "drink": Fact(
        says=("{n} likes to drink {v}.", "{n} drinks {v}.", "The favourite drink of {n} is {v}."),
        asks=("What does {n} like to drink?", "What does {n} drink?", "What is the favourite drink of {n}?"),
        value=lambda rng: words.one_of(rng, words.DRINKS),
    ),
    "job": Fact(
        says=("{n} works as a {v}.", "{n} is a {v}.", "The job of {n} is {v}."),
        asks=("What is the job of {n}?", "What does {n} work as?", "What does {n} do for a living?"),
        value=lambda rng: words.one_of(rng, words.JOBS),
    ),
    "colour": Fact(
        says=("{n} has a {v} bag.", "The bag of {n} is {v}.", "{n} carries a {v} bag."),
        asks=("What colour is the bag of {n}?", "Which colour is {n}'s bag?", "What is the colour of the bag of {n}?"),
        value=lambda rng: words.one_of(rng, words.COLOURS, 0.7),
    ),
    "pet": Fact(
        says=("{n} has a pet called {v}.", "The pet of {n} is called {v}.", "{n} has a dog named {v}."),
        asks=("What is the pet of {n} called?", "What is the name of {n}'s pet?", "How is the pet of {n} called?"),
        value=words.name,
    ),
    "age": Fact(
        says=("{n} is {v} years old.", "{n} is {v}.", "The age of {n} is {v}."),
        asks=("How old is {n}?", "What is the age of {n}?", "What age is {n}?"),
        value=lambda rng: rng.randint(1, 99),
    ),
    "price": Fact(
        says=("The {n} costs {v} dollars.", "A {n} costs {v} dollars.", "The price of the {n} is {v} dollars."),
        asks=("What does the {n} cost?", "How much is the {n}?", "What is the price of the {n}?"),
        value=words.number,
    ),
    "place": Fact(
        says=("The {n} is in the {v}.", "You find the {n} in the {v}."),
        asks=("Where is the {n}?", "Where do I find the {n}?"),
        value=lambda rng: words.one_of(rng, words.NOUNS),
    ),
    "founder": Fact(
        says=("{n} was written by {v}.", "{v} wrote {n}.", "The author of {n} is {v}."),
        asks=("Who wrote {n}?", "Who is the author of {n}?", "Who was {n} written by?"),
        value=words.name,
    ),
}
OF_THINGS = ("price", "place")
CHINESE_FACTS = {
    "city": Fact(
        says=("{n}住在{v}。", "{n}的家在{v}。"),
        asks=("{n}住在哪里？", "{n}的家在哪里？"),
        value=lambda rng: words.chinese_one_of(rng, words.CHINESE_CITIES),
    ),
    "drink": Fact(
        says=("{n}喜欢喝{v}。", "{n}爱喝{v}。"),
        asks=("{n}喜欢喝什么？", "{n}爱喝什么？"),
        value=lambda rng: words.chinese_one_of(rng, words.CHINESE_DRINKS),
    ),
    "job": Fact(
        says=("{n}是{v}。", "{n}的工作是{v}。"),
        asks=("{n}的工作是什么？", "{n}是做什么的？"),
        value=lambda rng: words.chinese_one_of(rng, words.CHINESE_JOBS),
    ),
    "colour": Fact(
        says=("{n}的包是{v}。", "{n}有一个{v}的包。"),
        asks=("{n}的包是什么颜色？", "{n}的包是什么颜色的？"),
        value=lambda rng: rng.choice(words.CHINESE_COLOURS),
    ),
    "age": Fact(
        says=("{n}今年{v}岁。", "{n}{v}岁。"), asks=("{n}几岁？", "{n}今年多大？"), value=lambda rng: rng.randint(1, 99)
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tongue:
    """What the questions of one language are made of."""

    task: str
    frames: Wordings
    facts: dict[str, Fact]
    unknown: str
    named: Callable[[Random, str], str]  # somebody or something of which a fact of that kind can be told


def answer_from_context(rng: Random, unseen: bool) -> Example:
    """Facts about a few people or things, and a question about one of them."""
    return _question(rng, ENGLISH, unseen, space=" " if rng.random() < 0.8 else "\n")


def chinese_answer_from_context(rng: Random, unseen: bool) -> Example:
    """The same in Chinese."""
    return _question(rng, CHINESE, unseen, space="")


def _question(rng: Random, tongue: Tongue, unseen: bool, *, space: str) -> Example:
    """A frame filled with one to five facts and a question whose answer is among them, or not."""
    frame, kinds = tongue.frames.pick(rng, unseen), list(tongue.facts)
    same_person = rng.random() < 0.4
    person = tongue.named(rng, "city")
    told: list[tuple[str, str, object]] = []
    for _ in range(rng.randint(1, 5)):
        kind = rng.choice(kinds)
        of_person = kind not in OF_THINGS
        who = person if of_person and same_person and rng.random() < 0.7 else tongue.named(rng, kind)
        if any((who, kind) == (other, its_kind) for other, its_kind, _ in told):
            continue
        told.append((who, kind, tongue.facts[kind].value(rng)))
    text = space.join(rng.choice(tongue.facts[kind].says).format(n=who, v=value) for who, kind, value in told)
    who, kind, _ = rng.choice(told)
    if rng.random() < 0.2:  # ask for somebody, or for something, that the text may not mention
        who, kind = (tongue.named(rng, kind), kind) if rng.random() < 0.6 else (who, rng.choice(kinds))
    answer = next((str(value) for other, its_kind, value in told if (other, its_kind) == (who, kind)), tongue.unknown)
    question = rng.choice(tongue.facts[kind].asks).format(n=who)
    task = "unknown fact" if answer == tongue.unknown else tongue.task
    return ask(task, frame.format(facts=text, question=question), answer)


def _named(rng: Random, kind: str) -> str:
    return words.thing(rng) if kind in OF_THINGS else words.name(rng)


def _chinese_named(rng: Random, _kind: str) -> str:
    return words.chinese_name(rng) if rng.random() < 0.9 else words.name(rng)


ENGLISH = Tongue(task="context", frames=FRAMES, facts=FACTS, unknown=UNKNOWN, named=_named)
CHINESE = Tongue(
    task="context zh", frames=CHINESE_FRAMES, facts=CHINESE_FACTS, unknown=CHINESE_UNKNOWN, named=_chinese_named
)

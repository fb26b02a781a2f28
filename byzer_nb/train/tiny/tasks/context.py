"""Answer a question from the facts of a text, or say that they are not there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from byzer_nb.train.tiny import words
from byzer_nb.train.tiny.example import Example, Wordings, ask
from byzer_nb.train.tiny.tasks import chinese_facts
from byzer_nb.train.tiny.tasks.facts import OF_THINGS, OF_WORKS, PERSONAL, Fact

UNKNOWN = "I do not know."
CHINESE_UNKNOWN = "我不知道。"
ABSENT_SHARE = 0.35  # questions whose answer the text does not hold
RIVAL_SHARE = 0.45  # further facts that tell the same of somebody else: the one asked about must be looked up
SAME_SHARE = 0.25  # further facts that tell more of the same one

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
        "Answer from the text, or say that you do not know.\n{facts}\n{question}",
        "Context:\n{facts}\n\nQuestion: {question}\nIf the context does not say, answer: I do not know.",
        "Question: {question}\n\nText: {facts}\n\nAnswer:",
        "Use only these notes:\n{facts}\n\n{question}",
        "Information: {facts}\nAnswer this: {question}",
        "{facts}\nQ: {question}\nA:",
    ),
    held_out=(
        "Text: {facts}\nQuestion: {question}\nAnswer:",
        "Answer the question using only this text:\n{facts}\n\nQuestion: {question}\nAnswer:",
        "Facts:\n{facts}\n\n{question}",
        "Notes: {facts}\n\nNow answer this question: {question}",
    ),
)
CHINESE_FRAMES = Wordings(
    train=(
        "上下文：{facts}\n问题：{question}\n回答：",
        "根据下面的内容回答问题：\n{facts}\n问题：{question}\n答案：",
        "{facts}\n{question}",
        "{facts}{question}",
        "{question}\n{facts}",
        "请阅读：{facts}\n请回答：{question}",
        "已知：{facts}\n问题：{question}",
        "资料：\n{facts}\n\n问题：{question}",
        "请根据资料回答，没有就说不知道。\n{facts}\n{question}",
        "阅读下面的文字，回答问题。\n\n{facts}\n\n{question}",
        "问题：{question}\n资料：{facts}\n答案：",
    ),
    held_out=(
        "内容：{facts}\n问题：{question}\n回答：",
        "请根据以下内容回答：{facts}\n{question}",
        "请阅读下面的资料：\n{facts}\n\n请回答问题：{question}",
    ),
)
ASIDES = (
    "It was a cold day.",
    "Nobody was surprised.",
    "The sun was bright.",
    "That is all there is to say.",
    "It rained all night.",
    "Life is good.",
)
CHINESE_ASIDES = ("今天天气很好。", "昨天下雨了。", "大家都很高兴。", "时间过得很快。")


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of subject: how it is called, and the facts that can be told of it."""

    facts: dict[str, Fact]
    named: Callable[[Random], str]
    weight: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Tongue:
    """What the questions of one language are made of."""

    suffix: str
    frames: Wordings
    kinds: tuple[Kind, ...]
    unknown: str
    asides: tuple[str, ...]
    pronouns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One fact of a text."""

    who: str
    kind: Kind
    fact: str
    value: object


def answer_from_context(rng: Random, unseen: bool) -> Example:
    """Facts about a few people or things, and a question about one of them."""
    return _question(rng, ENGLISH, unseen, space=" " if rng.random() < 0.8 else "\n")


def chinese_answer_from_context(rng: Random, unseen: bool) -> Example:
    """The same in Chinese."""
    return _question(rng, CHINESE, unseen, space="")


def _question(rng: Random, tongue: Tongue, unseen: bool, *, space: str) -> Example:
    """A frame filled with a few facts and a question whose answer is among them, or not."""
    told = _facts(rng, tongue)
    known = {(each.who, each.fact): each.value for each in told}
    asked = rng.choice(told)
    who, fact = asked.who, asked.fact
    if rng.random() < ABSENT_SHARE:  # the same of somebody else, or something else of the same one
        absent = [name for name in asked.kind.facts if (who, name) not in known]
        if absent and rng.random() < 0.5:
            fact = rng.choice(absent)
        else:
            others = [each.who for each in told if each.kind is asked.kind and (each.who, fact) not in known]
            who = rng.choice(others) if others and rng.random() < 0.5 else asked.kind.named(rng)
    answer = str(known.get((who, fact), tongue.unknown))
    question = asked.kind.facts[fact].asks.pick(rng, unseen).format(n=who)
    request = tongue.frames.pick(rng, unseen).format(facts=_text(rng, told, tongue, space), question=question)
    task = "unknown fact" if answer == tongue.unknown else "context"
    return ask(task + tongue.suffix, request, answer)


def _facts(rng: Random, tongue: Tongue) -> list[Told]:
    """One to six facts: of one subject, or of several."""
    kinds, weights = tongue.kinds, [kind.weight for kind in tongue.kinds]
    told: list[Told] = []
    for _ in range(rng.choice([1, 2, 2, 3, 3, 4, 5, 6])):
        chance = rng.random()
        if told and chance < RIVAL_SHARE:
            kind, fact = told[-1].kind, told[-1].fact
            who = kind.named(rng)
        elif told and chance < RIVAL_SHARE + SAME_SHARE:
            who, kind = told[-1].who, told[-1].kind
            fact = rng.choice(list(kind.facts))
        else:
            kind = rng.choices(kinds, weights=weights)[0]
            who = kind.named(rng)
            fact = rng.choice(list(kind.facts))
        if not any((who, fact) == (each.who, each.fact) for each in told):
            told.append(Told(who=who, kind=kind, fact=fact, value=kind.facts[fact].value(rng)))
    return told


def _text(rng: Random, told: list[Told], tongue: Tongue, space: str) -> str:
    """The facts as sentences; who was just spoken of may be he or she, and a few sentences say nothing."""
    pronoun = rng.choice(tongue.pronouns)
    sentences: list[str] = []
    last = ""
    for each in told:
        says = rng.choice(each.kind.facts[each.fact].says)
        of_person = each.kind is tongue.kinds[0]
        name = pronoun if of_person and each.who == last and says.startswith("{n}") and rng.random() < 0.5 else each.who
        sentences.append(says.format(n=name, v=each.value))
        last = each.who
    if rng.random() < 0.15:
        sentences.insert(rng.randrange(len(sentences) + 1), rng.choice(tongue.asides))
    return space.join(sentences)


def _work(rng: Random) -> str:
    return " ".join(words.word(rng).capitalize() for _ in range(rng.randint(1, 2)))


def _chinese_person(rng: Random) -> str:
    return words.chinese_name(rng) if rng.random() < 0.9 else words.name(rng)


ENGLISH = Tongue(
    suffix="",
    frames=FRAMES,
    kinds=(
        Kind(facts=PERSONAL, named=words.name, weight=7),
        Kind(facts=OF_THINGS, named=words.thing, weight=2),
        Kind(facts=OF_WORKS, named=_work, weight=2),
    ),
    unknown=UNKNOWN,
    asides=ASIDES,
    pronouns=("He", "She"),
)
CHINESE = Tongue(
    suffix=" zh",
    frames=CHINESE_FRAMES,
    kinds=(
        Kind(facts=chinese_facts.PERSONAL, named=_chinese_person, weight=8),
        Kind(facts=chinese_facts.OF_THINGS, named=lambda rng: rng.choice(words.CHINESE_NOUNS), weight=2),
    ),
    unknown=CHINESE_UNKNOWN,
    asides=CHINESE_ASIDES,
    pronouns=("他", "她"),
)

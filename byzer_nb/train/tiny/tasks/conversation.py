"""Several turns: a fact said early and asked for late, and an answer said again as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from byzer_nb.prompts.formats import response_class_format_after_chat
from byzer_nb.train.tiny import words
from byzer_nb.train.tiny.example import Example, Turn, Wordings
from byzer_nb.train.tiny.tasks.fields import description, schema_of
from byzer_nb.train.tiny.tasks.greetings import (
    CHINESE_HELLO_TO,
    CHINESE_THANKED,
    CHINESE_WHO,
    FINE,
    HELLO,
    HELLO_TO,
    THANKED,
    WHO,
)

NOTED = "I will remember that."
CHINESE_NOTED = "我记住了。"


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Something that people say of themselves, and how they ask for it later."""

    says: tuple[str, ...]
    noted: str
    asks: Wordings
    answer: str
    value: Callable[[Random], object]


MEMORIES = (
    Memory(
        says=("My name is {v}.", "I am {v}.", "Hello, my name is {v}.", "Hi, I am {v}.", "Call me {v}."),
        noted=HELLO_TO.replace("{name}", "{v}"),
        asks=Wordings(
            train=(
                "What is my name?",
                "Who am I?",
                "Do you remember my name?",
                "Tell me my name.",
                "Do you know who I am?",
            ),
            held_out=("What am I called?", "Can you tell me my name?"),
        ),
        answer="Your name is {v}.",
        value=words.name,
    ),
    Memory(
        says=("I live in {v}.", "My home is in {v}.", "I live in the city of {v}."),
        noted=NOTED,
        asks=Wordings(
            train=(
                "Where do I live?",
                "In which city do I live?",
                "Do you remember where I live?",
                "Where is my home?",
            ),
            held_out=("Which city do I live in?", "Tell me where I live."),
        ),
        answer="You live in {v}.",
        value=words.city,
    ),
    Memory(
        says=("I have a dog called {v}.", "My dog is called {v}.", "The name of my dog is {v}."),
        noted=NOTED,
        asks=Wordings(
            train=(
                "What is my dog called?",
                "What is the name of my dog?",
                "Do you remember the name of my dog?",
                "How is my dog called?",
            ),
            held_out=("Tell me the name of my dog.", "What name does my dog have?"),
        ),
        answer="Your dog is called {v}.",
        value=words.name,
    ),
    Memory(
        says=("My favourite word is {v}.", "I like the word {v}.", "The word that I like best is {v}."),
        noted=NOTED,
        asks=Wordings(
            train=(
                "What is my favourite word?",
                "Which word do I like best?",
                "Do you remember my favourite word?",
                "Tell me my favourite word.",
            ),
            held_out=("Which word do I like?", "Which one is my favourite word?"),
        ),
        answer="Your favourite word is {v}.",
        value=words.word,
    ),
    Memory(
        says=("The password is {v}.", "Remember the password: {v}", "Our password is {v}."),
        noted=NOTED,
        asks=Wordings(
            train=(
                "What is the password?",
                "Tell me the password.",
                "Do you remember the password?",
                "Which password did I say?",
            ),
            held_out=("Say the password.", "What was the password?"),
        ),
        answer="The password is {v}.",
        value=lambda rng: words.word(rng) if rng.random() < 0.6 else f"{words.word(rng)}{words.number(rng)}",
    ),
    Memory(
        says=("My number is {v}.", "My lucky number is {v}.", "Remember my number: {v}"),
        noted=NOTED,
        asks=Wordings(
            train=("What is my number?", "Which number is mine?", "Do you remember my number?", "Say my number."),
            held_out=("Tell me my number.", "What was my number?"),
        ),
        answer="Your number is {v}.",
        value=words.number,
    ),
)
CHINESE_MEMORIES = (
    Memory(
        says=("我叫{v}。", "我是{v}。", "我的名字是{v}。", "你好，我叫{v}。"),
        noted=CHINESE_HELLO_TO.replace("{name}", "{v}"),
        asks=Wordings(
            train=("我叫什么？", "我是谁？", "我叫什么名字？", "你记得我的名字吗？", "你知道我是谁吗？"),
            held_out=("我的名字是什么？", "请说出我的名字。"),
        ),
        answer="你叫{v}。",
        value=words.chinese_name,
    ),
    Memory(
        says=("我住在{v}。", "我的家在{v}。", "我家在{v}。"),
        noted=CHINESE_NOTED,
        asks=Wordings(
            train=("我住在哪里？", "我的家在哪里？", "你记得我住在哪里吗？", "我住在哪个城市？"),
            held_out=("我家在哪里？", "请问我住在哪里？"),
        ),
        answer="你住在{v}。",
        value=lambda rng: words.chinese_one_of(rng, words.CHINESE_CITIES),
    ),
    Memory(
        says=("我的狗叫{v}。", "我有一只狗叫{v}。", "我的狗的名字是{v}。"),
        noted=CHINESE_NOTED,
        asks=Wordings(
            train=("我的狗叫什么？", "我的狗叫什么名字？", "你记得我的狗的名字吗？"),
            held_out=("我的狗的名字是什么？", "请问我的狗叫什么？"),
        ),
        answer="你的狗叫{v}。",
        value=words.chinese_name,
    ),
    Memory(
        says=("密码是{v}。", "请记住密码：{v}", "我们的密码是{v}。"),
        noted=CHINESE_NOTED,
        asks=Wordings(
            train=("密码是什么？", "告诉我密码。", "你记得密码吗？"), held_out=("请说密码。", "密码是多少？")
        ),
        answer="密码是{v}。",
        value=lambda rng: words.number(rng) if rng.random() < 0.5 else words.chinese_word(rng, 2, 3),
    ),
)
BETWEEN = (
    ("Who are you?", WHO),
    ("Thank you", THANKED),
    ("Hello", HELLO),
    ("Thanks", THANKED),
    ("What is your name?", WHO),
    ("How are you?", FINE),
)
CHINESE_BETWEEN = (("你是谁？", CHINESE_WHO), ("谢谢", CHINESE_THANKED), ("你叫什么名字？", CHINESE_WHO))


def recall(rng: Random, unseen: bool) -> Example:
    """A fact of an early turn, asked for after up to two others."""
    return _recall(rng, unseen, chinese=False)


def recall_in_chinese(rng: Random, unseen: bool) -> Example:
    """The same in Chinese."""
    return _recall(rng, unseen, chinese=True)


def answer_again_as_json(rng: Random, _unseen: bool) -> Example:
    """The second call of a typed answer: the words of the first, sorted into a schema."""
    text, asked = description(rng)
    keys = rng.sample(list(asked), rng.randint(1, len(asked)))
    request = response_class_format_after_chat(schema_of(rng, {key: asked[key][1] for key in keys}))
    turns = (
        Turn(role="user", text=rng.choice([f"Repeat: {text}", f"Say: {text}", f"Write: {text}"])),
        Turn(role="assistant", text=text),
        Turn(role="user", text=request),
    )
    return Example(
        task="json", turns=turns, answer=json.dumps({key: asked[key][0] for key in keys}, ensure_ascii=False)
    )


def _recall(rng: Random, unseen: bool, *, chinese: bool) -> Example:
    memories = CHINESE_MEMORIES if chinese else MEMORIES
    told = rng.sample(memories, rng.choice([1, 1, 1, 2]))
    turns: list[Turn] = []
    values = []
    for memory in told:
        value = memory.value(rng)
        values.append(value)
        turns += _exchange(rng.choice(memory.says).format(v=value), memory.noted.format(v=value))
        for _ in range(rng.choice([0, 0, 1, 2]) if len(told) == 1 else rng.choice([0, 0, 1])):
            turns += _exchange(*_small_talk(rng, chinese=chinese))
    at = rng.randrange(len(told))
    turns.append(Turn(role="user", text=told[at].asks.pick(rng, unseen)))
    answer = told[at].answer.format(v=values[at])
    return Example(task="recall zh" if chinese else "recall", turns=tuple(turns), answer=answer)


def _small_talk(rng: Random, *, chinese: bool) -> tuple[str, str]:
    """A question and its answer that have nothing to do with the fact."""
    if rng.random() < 0.5:
        return rng.choice(CHINESE_BETWEEN if chinese else BETWEEN)
    if chinese:
        text = words.chinese_word(rng, 2, 4)
        return f"请重复：{text}", text
    text = words.token(rng)
    return f"Repeat: {text}", text


def _exchange(question: str, answer: str) -> list[Turn]:
    return [Turn(role="user", text=question), Turn(role="assistant", text=answer)]

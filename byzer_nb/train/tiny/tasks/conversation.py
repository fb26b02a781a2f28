"""Several turns: a fact said early and asked for late, and an answer said again as JSON."""

from __future__ import annotations

import json
from random import Random

from byzer_nb.prompts.formats import response_class_format_after_chat
from byzer_nb.train.tiny import words
from byzer_nb.train.tiny.example import Example, Turn
from byzer_nb.train.tiny.tasks.fields import description, schema_of
from byzer_nb.train.tiny.tasks.greetings import HELLO, HELLO_TO, THANKED, WHO

OPENINGS = (
    (
        "My name is {v}.",
        "Hello {v}! I am byzer-tiny, a very small language model.",
        ("What is my name?", "Who am I?", "Do you remember my name?"),
        ("What am I called?",),
        "Your name is {v}.",
    ),
    (
        "I live in {v}.",
        "I will remember that.",
        ("Where do I live?", "In which city do I live?"),
        ("Which city do I live in?",),
        "You live in {v}.",
    ),
    (
        "I have a dog called {v}.",
        "I will remember that.",
        ("What is my dog called?", "What is the name of my dog?"),
        ("What did I call my dog?",),
        "Your dog is called {v}.",
    ),
    (
        "My favourite word is {v}.",
        "I will remember that.",
        ("What is my favourite word?",),
        ("Which word do I like?",),
        "Your favourite word is {v}.",
    ),
    (
        "The password is {v}.",
        "I will remember that.",
        ("What is the password?", "Tell me the password."),
        ("Say the password.",),
        "The password is {v}.",
    ),
    (
        "My number is {v}.",
        "I will remember that.",
        ("What is my number?",),
        ("Tell me my number.",),
        "Your number is {v}.",
    ),
)
CHINESE_OPENINGS = (
    (
        "我叫{v}。",
        "你好，{v}！我是 byzer-tiny，一个很小的语言模型。",
        ("我叫什么？", "我是谁？"),
        ("我的名字是什么？",),
        "你叫{v}。",
    ),
    ("我住在{v}。", "我记住了。", ("我住在哪里？",), ("我家在哪里？",), "你住在{v}。"),
    ("我的狗叫{v}。", "我记住了。", ("我的狗叫什么？",), ("我的狗的名字是什么？",), "你的狗叫{v}。"),
)
BETWEEN = (
    ("Who are you?", WHO),
    ("Thank you", THANKED),
    ("Hello", HELLO),
    ("Thanks", THANKED),
    ("What is your name?", WHO),
)


def recall(rng: Random, unseen: bool) -> Example:
    """A fact of the first turn, asked for after up to two others."""
    chinese = rng.random() < 0.25
    said, noted, asks, held_out, answer = rng.choice(CHINESE_OPENINGS if chinese else OPENINGS)
    value = _value(rng, said, chinese)
    turns = [Turn(role="user", text=said.format(v=value)), Turn(role="assistant", text=noted.format(v=value))]
    for _ in range(rng.choice([0, 0, 1, 2])):
        kind = rng.random()
        if kind < 0.4 and not chinese:
            question, reply = rng.choice(BETWEEN)
        elif kind < 0.7:
            text = words.token(rng)
            question, reply = f"Repeat: {text}", text
        elif "name" in said:
            question, reply = rng.choice(BETWEEN)
        else:
            question, reply = f"Say hello to {(who := words.name(rng))}.", HELLO_TO.format(name=who)
        turns += [Turn(role="user", text=question), Turn(role="assistant", text=reply)]
    turns.append(Turn(role="user", text=rng.choice(held_out if unseen else asks)))
    return Example(task="recall zh" if chinese else "recall", turns=tuple(turns), answer=answer.format(v=value))


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


def _value(rng: Random, said: str, chinese: bool) -> object:
    if chinese:
        return words.chinese_one_of(rng, words.CHINESE_CITIES) if "住" in said else words.chinese_name(rng)
    if "live" in said:
        return words.city(rng)
    if "number" in said:
        return words.number(rng)
    return words.word(rng) if "word" in said else words.name(rng)

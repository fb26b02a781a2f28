"""A label for one sentence: is it positive or negative, and what is it about."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random

from byzer_nb.prompts.formats import response_class_format
from byzer_nb.train.tiny import words
from byzer_nb.train.tiny.example import Example, Wordings, ask


@dataclass(frozen=True, kw_only=True, slots=True)
class Labels:
    """The questions of one language about one kind of label, and sentences that deserve each of them."""

    task: str
    key: str  # the field of the typed form
    frames: Wordings
    texts: Wordings
    signs: dict[str, tuple[str, ...]]  # the words that give each label away


SENTIMENT = Labels(
    task="label",
    key="sentiment",
    frames=Wordings(
        train=(
            "Is this review positive or negative? {text}",
            "Positive or negative: {text}",
            "Sentiment: {text}",
            "What is the sentiment of this? {text}",
            "Review: {text}\nPositive or negative?",
            "Classify as positive or negative: {text}",
            "{text}\nIs this positive or negative?",
            "Tell me whether this is positive or negative: {text}",
        ),
        held_out=(
            "Is this positive or negative? {text}",
            "Label the sentiment: {text}",
            "Review: {text}\nSentiment:",
        ),
    ),
    texts=Wordings(
        train=(
            "The {thing} is {sign}.",
            "What a {sign} {thing}!",
            "I think the {thing} was {sign}.",
            "This {thing} is really {sign}.",
            "We had a {sign} time with the {thing}.",
            "{sign}, said {name} about the {thing}.",
            "{name} found the {thing} {sign}.",
            "I bought a {thing} and it is {sign}.",
        ),
        held_out=("{name} thinks that the {thing} is {sign}.", "It was a {sign} {thing}."),
    ),
    signs={"positive": words.GOOD_WORDS, "negative": words.BAD_WORDS},
)
TOPIC = Labels(
    task="topic",
    key="topic",
    frames=Wordings(
        train=(
            "Which topic is this, {labels}? {text}",
            "Topic ({labels}): {text}",
            "Choose one topic of {labels}: {text}",
            "Text: {text}\nTopics: {labels}\nTopic:",
            "{text}\nIs this about {labels}?",
            "Is this about {labels}? {text}",
            "What is this about, {labels}? {text}",
            "Topics: {labels}. Text: {text}",
            "Choose the topic, {labels}: {text}",
            "Label the text with one of {labels}: {text}",
            "{text}\nTopic ({labels}):",
        ),
        held_out=("Choose the topic of this text. Topics: {labels}. {text}", "{text}\nWhich topic is it, {labels}?"),
    ),
    texts=Wordings(
        train=(
            "{name} talked about the {sign} all day.",
            "The {sign} was on everybody's mind.",
            "{name} saw the {sign} in {city}.",
            "Have you heard of the {sign} in {city}?",
            "Yesterday {name} wrote about a {sign}.",
            "A new {sign} is the talk of {city}.",
        ),
        held_out=("{name} cannot stop thinking of the {sign}.", "In {city} there is a new {sign}."),
    ),
    signs={
        "sport": words.listed("goal match team player race ball coach tennis football marathon"),
        "food": words.listed("soup bread cheese recipe dinner kitchen pizza salad cake restaurant"),
        "weather": words.listed("rain storm snow wind sunshine cloud fog thunder frost heat"),
        "travel": words.listed("train flight hotel passport airport journey luggage ticket tour beach"),
        "music": words.listed("song piano guitar concert singer melody band violin choir drum"),
        "health": words.listed("doctor fever medicine hospital nurse headache tablet cough vitamin patient"),
    },
)
CHINESE_SENTIMENT = Labels(
    task="label zh",
    key="sentiment",
    frames=Wordings(
        train=(
            "这条评论是正面还是负面？{text}",
            "正面还是负面：{text}",
            "情感：{text}",
            "判断情感：{text}",
            "评论：{text}\n正面还是负面？",
            "{text}\n这是正面还是负面的？",
        ),
        held_out=("请判断是正面还是负面：{text}", "评论：{text}\n情感："),
    ),
    texts=Wordings(
        train=(
            "这个{thing}{sign}。",
            "{thing}真是{sign}！",
            "我觉得{thing}{sign}。",
            "{name}说{thing}{sign}。",
            "昨天买的{thing}{sign}。",
        ),
        held_out=("{name}觉得这个{thing}{sign}。",),
    ),
    signs={
        "正面": ("很好", "太棒了", "非常好", "很不错", "好极了", "让人喜欢", "很完美", "好吃", "很漂亮"),
        "负面": ("很差", "太糟了", "非常差", "不好", "坏了", "让人讨厌", "很无聊", "难吃", "很难看"),
    },
)


def sentiment(rng: Random, unseen: bool) -> Example:
    """One sentence with a word of praise or blame in it."""
    return _labelled(rng, SENTIMENT if rng.random() < 0.7 else CHINESE_SENTIMENT, unseen)


def topic(rng: Random, unseen: bool) -> Example:
    """One sentence with a word that belongs to one of a few topics."""
    return _labelled(rng, TOPIC, unseen)


def _labelled(rng: Random, labels: Labels, unseen: bool) -> Example:
    chinese = labels is CHINESE_SENTIMENT
    offered = list(labels.signs)
    if len(offered) > 2:
        offered = rng.sample(offered, rng.randint(2, 4))
    label = rng.choice(offered)
    text = labels.texts.pick(rng, unseen).format(
        sign=rng.choice(labels.signs[label]),
        thing=rng.choice(words.CHINESE_NOUNS) if chinese else words.thing(rng),
        name=words.chinese_name(rng) if chinese else words.name(rng),
        city=words.city(rng),
    )
    listed = f"{', '.join(offered[:-1])} or {offered[-1]}"
    request = labels.frames.pick(rng, unseen).format(text=text[0].upper() + text[1:], labels=listed)
    if rng.random() < 0.3:
        schema = {
            "properties": {labels.key: {"enum": offered, "type": "string"}},
            "required": [labels.key],
            "type": "object",
        }
        asked = response_class_format(request, json.dumps(schema, ensure_ascii=False))
        return ask(labels.task, asked, json.dumps({labels.key: label}, ensure_ascii=False))
    return ask(labels.task, request, label)

"""Little stories about anything, told by a grammar of sentences; also continued, and in the shape of a class."""

from __future__ import annotations

import json
from random import Random

from byzer_nb.prompts.formats import response_class_format
from byzer_nb.train.tiny import words
from byzer_nb.train.tiny.example import Example, Wordings, ask, politely

ASKS = Wordings(
    train=(
        "Tell a story about {topic}.",
        "Tell me a story about {topic}.",
        "Tell me a short story about {topic}.",
        "Write a story about {topic}.",
        "Write a short story about {topic}.",
        "Tell a story about {topic}",
        "Tell a little story about {topic}.",
        "A story about {topic}, please.",
        "Tell me about {topic} in a story.",
        "I would like to hear a story about {topic}.",
        "Give me a story about {topic}.",
    ),
    held_out=(
        "Tell us a story about {topic}.",
        "Let me hear a story about {topic}.",
        "Write me a story about {topic}.",
    ),
)
SIZED = Wordings(
    train=(
        "Tell me a story about {topic} in {count} words.",
        "Tell a story about {topic} in {count} words.",
        "Write a story about {topic} in about {count} words.",
        "Tell a short story about {topic} in {count} words.",
    ),
    held_out=("Write a {count} word story about {topic}.",),
)
LONG = Wordings(
    train=(
        "Tell a long story about {topic}.",
        "Tell me a long story about {topic}.",
        "Write a long story about {topic}.",
        "A long story about {topic}, please.",
        "Tell a very long story about {topic}.",
        "Tell me a story about {topic} in {count} words.",
        "Write a story about {topic} in about {count} words.",
    ),
    held_out=("Write me a long story about {topic}.", "Tell us a long story about {topic}."),
)
TITLED = Wordings(
    train=(
        "Write a story about {topic} with a title.",
        "Tell a story about {topic}. Give it a title.",
        "Write a story with a title about {topic}.",
        "A story about {topic}, and its title, please.",
    ),
    held_out=("Write a titled story about {topic}.", "Tell a story with a title about {topic}."),
)
ANY = ("Tell a story.", "Tell me a story.", "Tell me a short story", "Write a story.", "A story, please.")
CHINESE_ANY = ("讲一个故事。", "讲一个100字的故事。", "给我讲个故事", "讲一个小故事", "写一个100字的小故事。")
CHINESE_ASKS = Wordings(
    train=(
        "讲一个关于{topic}的故事。",
        "给我讲一个关于{topic}的故事。",
        "写一个关于{topic}的故事。",
        "讲个{topic}的故事",
        "请讲一个关于{topic}的小故事。",
    ),
    held_out=("请写一个关于{topic}的故事。", "说一个关于{topic}的故事。"),
)
SCHEMA = {
    "properties": {"title": {"type": "string"}, "body": {"type": "string"}},
    "required": ["title", "body"],
    "type": "object",
}

OPENINGS = ("This is a story about {topic}.", "Here is a story about {topic}.")
MEETINGS = (
    "{hero} lived in a {adjective} {place} near the {place2}.",
    "In a {adjective} {place} there lived a {job} called {hero}.",
    "Once upon a time there was a {adjective} {job} called {hero}.",
    "Long ago a {job} called {hero} lived near a {place}.",
)
WISHES = (
    "{hero} loved {topic} more than anything.",
    "Every day {hero} dreamed of {topic}.",
    "All the people of the {place} talked about {topic}.",
    "{hero} had heard much about {topic}, and wanted to know more.",
)
TROUBLES = (
    "One morning the {thing} was gone.",
    "One evening a {adjective} storm came over the {place}.",
    "Then {hero} lost a {colour} {thing} in the {place2}.",
    "But the way to the {place2} was long and {adjective}.",
    "But nobody knew where the {colour} {thing} was.",
)
# Always told in this order, so that a story only moves forward and cannot run in circles.
STEPS = (
    "{hero} could not sleep that night.",
    "The next morning {hero} put on a {colour} coat and went out.",
    "The road was {adjective}, and the {place} was soon far behind.",
    "At noon a {adjective} rain began to fall.",
    "Under a tree sat {friend}, who was {job2} in the next town.",
    "{hero} asked {friend} for help.",
    "{friend}, a {adjective} {animal}, came along.",
    '"Do not be afraid," said {friend}.',
    '"We will find it," said {hero}.',
    "They walked to the {place2} and looked under every {thing}.",
    "They shared some {drink} and a piece of bread.",
    "{friend} sang a {adjective} song, and the {animal} listened.",
    "A {adjective} {animal} showed them the way.",
    "They found a {colour} {thing} beside the road.",
    "{hero} opened the {thing} and saw a {colour} light.",
    "Inside there was a letter with only one word.",
    "Neither of them could read it.",
    "So they went on to the {place3}, where a {adjective} {animal2} lived.",
    '"I know this word," said the {animal2}.',
    '"It is the old name of {topic}."',
    "Then {hero} understood everything.",
    "They thanked the {animal2} and turned back.",
    "The way home was short, for they had much to talk about.",
    "When they came to the {place}, all the bells were ringing.",
    "The people gave them {adjective} flowers and a big cake.",
    "{friend} told the whole story from the start.",
    "Even the oldest {job} of the {place} had never heard such a thing.",
    "{hero} hung the {thing} over the door of the house.",
    "It can be seen there to this day.",
)
ENDS = (
    "In the end {hero} was {happy}, and so was {friend}.",
    "That night {hero} and {friend} were {happy}.",
    "Since that day {hero} and {friend} have been friends.",
    "And {hero} never forgot {topic}.",
)
PLACES = (
    "village",
    "town",
    "forest",
    "garden",
    "valley",
    "harbour",
    "castle",
    "school",
    "mountain",
    "meadow",
    "river",
    "lake",
)
THINGS = ("key", "book", "lamp", "letter", "map", "box", "kite", "hat", "coat", "ring", "stone", "bell")
ANIMALS = ("fox", "owl", "dog", "cat", "frog", "mouse", "horse", "bird", "turtle", "goat")
HAPPY = ("happy", "glad", "proud", "full of joy")

CHINESE_LINES = (
    ("从前，有一个关于{topic}的故事。", "这是一个关于{topic}的故事。"),
    ("{hero}住在一个小村子里。", "在一座高山旁边，住着{hero}。", "有一个{job}叫{hero}。"),
    ("{hero}每天都想着{topic}。", "{hero}很喜欢{topic}。"),
    ("有一天，下起了大雨。", "有一天早上，{hero}的{thing}不见了。", "一天晚上，{hero}听到了奇怪的声音。"),
    ("{hero}去找朋友{friend}帮忙。", "{friend}说：“不要怕，我来帮你。”", "{hero}和{friend}走了很远的路。"),
    ("他们在河边找到了{thing}。", "他们看到了一道{colour}的光。", "一只{animal}给他们带路。"),
    ("最后，大家都很高兴。", "从此，{hero}和{friend}成了好朋友。", "{hero}永远不会忘记{topic}。"),
)


def story(rng: Random, unseen: bool) -> Example:
    """A story of a few sentences, in one part of the draws begun by the caller or put into a form."""
    topic, hero = topic_of(rng)
    told = tell(rng, topic, hero, rng.randint(4, 10))
    kind = rng.random()
    if kind < 0.12:
        request = response_class_format(_asked(rng, ASKS, unseen).format(topic=topic), json.dumps(SCHEMA))
        answer = json.dumps({"title": title_of(topic), "body": " ".join(told[:4])})
        return ask("story", request, answer, open_ended=True)
    if kind < 0.24:
        return ask("story", TITLED.pick(rng, unseen).format(topic=topic), _titled(topic, told), open_ended=True)
    if kind < 0.5:
        sentences = rng.randint(2, 10)
        asked = SIZED.pick(rng, unseen).format(topic=topic, count=sentences * 10)
        return ask("story", asked, " ".join(tell(rng, topic, hero, sentences)), open_ended=True)
    asked = _asked(rng, ASKS, unseen) if kind < 0.9 else rng.choice(ANY)
    example = ask("story", asked.format(topic=topic), " ".join(told), open_ended=True)
    return example.begun_at(_between_words(rng, example.answer)) if rng.random() < 0.2 else example


def long_story(rng: Random, unseen: bool) -> Example:
    """A story of some three hundred tokens or more."""
    topic, hero = topic_of(rng)
    sentences = rng.randint(16, 24)
    told = tell(rng, topic, hero, sentences)
    asked = _asked(rng, LONG, unseen).format(topic=topic, count=sentences * 10)
    answer = _titled(topic, told) if rng.random() < 0.3 else " ".join(told)
    if answer.startswith(title_of(topic)):
        asked += " Give it a title."
    example = ask("long story", asked, answer, open_ended=True)
    return example.begun_at(_between_words(rng, answer)) if rng.random() < 0.1 else example


def title_of(topic: str) -> str:
    """A title for a story about that."""
    return f"The story of {topic}"


def _asked(rng: Random, wordings: Wordings, unseen: bool) -> str:
    return politely(rng, wordings.pick(rng, unseen), unseen=unseen, share=0.15)


def _titled(topic: str, told: list[str]) -> str:
    return f"{title_of(topic)}\n\n{' '.join(told)}"


def _between_words(rng: Random, text: str) -> int:
    """A place in the first half of the text where a word has just ended."""
    return max(0, text.rfind(" ", 0, rng.randint(1, max(1, len(text) // 2)) + 1))


def topic_of(rng: Random) -> tuple[str, str]:
    """What the story is about, and the hero's name, which is in the topic when it holds one."""
    hero = words.name(rng) if rng.random() < 0.5 else rng.choice(words.FIRST_NAMES)
    noun = words.thing(rng)
    adjective = rng.choice(words.ADJECTIVES)
    named = rng.random()
    if named < 0.15:
        return f"{words.indefinite(noun)} called {hero}", hero
    if named < 0.25:
        return f"{hero} and the {noun}", hero
    if named < 0.35:
        return hero, hero
    topic = rng.choice(
        [
            words.indefinite(noun),
            f"the {noun}",
            noun,
            words.indefinite(f"{adjective} {noun}"),
            f"the {adjective} {noun}",
            f"{noun} and {words.thing(rng)}",
        ]
    )
    return topic, rng.choice(words.FIRST_NAMES)


def tell(rng: Random, topic: str, hero: str, sentences: int) -> list[str]:
    """The sentences of one story; names and things stay the same from start to end."""
    friend = rng.choice([name for name in words.FIRST_NAMES if name != hero])
    place, place2, place3 = rng.sample(PLACES, 3)
    animal, animal2 = rng.sample(ANIMALS, 2)
    job, job2 = rng.sample(words.JOBS[:10], 2)
    cast = {"topic": topic, "hero": hero, "friend": friend, "thing": rng.choice(THINGS), "happy": rng.choice(HAPPY)}
    cast |= {"place": place, "place2": place2, "place3": place3, "animal": animal, "animal2": animal2}
    cast |= {"job": job, "job2": words.indefinite(job2)}
    cast |= {"colour": rng.choice(words.COLOURS[:6]), "drink": rng.choice(words.DRINKS[:4])}
    middle = [STEPS[at] for at in sorted(rng.sample(range(len(STEPS)), max(0, min(len(STEPS), sentences - 5))))]
    parts = [
        rng.choice(OPENINGS),
        rng.choice(MEETINGS),
        rng.choice(WISHES),
        rng.choice(TROUBLES),
        *middle,
        rng.choice(ENDS),
    ]
    if sentences < 5:
        parts = [*parts[: sentences - 1], parts[-1]]
    adjectives = rng.sample(words.ADJECTIVES[1:17], 10)
    return [part.format(adjective=adjectives[at % 10], **cast) for at, part in enumerate(parts)]


def chinese_story(rng: Random, unseen: bool) -> Example:
    """The same in Chinese, one sentence of each part."""
    topic = words.chinese_one_of(rng, words.CHINESE_NOUNS, 0.8)
    if rng.random() < 0.3:
        topic = f"{rng.choice(words.CHINESE_NOUNS)}和{rng.choice(words.CHINESE_NOUNS)}"
    cast = {
        "topic": topic,
        "hero": words.chinese_name(rng),
        "friend": words.chinese_name(rng),
        "job": rng.choice(words.CHINESE_JOBS),
    }
    cast |= {
        "thing": rng.choice(["书", "灯", "钥匙", "信", "帽子"]),
        "colour": rng.choice(words.CHINESE_COLOURS),
        "animal": rng.choice(["猫", "狗", "鸟", "狐狸"]),
    }
    told = "".join(rng.choice(lines).format(**cast) for lines in CHINESE_LINES)
    asked = CHINESE_ASKS.pick(rng, unseen).format(topic=topic) if rng.random() < 0.85 else rng.choice(CHINESE_ANY)
    return ask("story zh", asked, told, open_ended=True)

"""What a text can say of somebody or something, and the ways to ask for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from byzer_nb.train.tiny import words
from byzer_nb.train.tiny.example import Wordings


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One kind of fact: the sentences that state it, the questions for it, and its values."""

    says: tuple[str, ...]
    asks: Wordings
    value: Callable[[Random], object]


PERSONAL = {
    "city": Fact(
        says=("{n} lives in {v}.", "The home of {n} is in {v}.", "{n} lives in the city of {v}.", "{n} moved to {v}."),
        asks=Wordings(
            train=(
                "Where does {n} live?",
                "In which city does {n} live?",
                "Which city does {n} live in?",
                "Where is the home of {n}?",
                "Where is {n}'s home?",
            ),
            held_out=("What city does {n} live in?", "Tell me where {n} lives."),
        ),
        value=words.city,
    ),
    "origin": Fact(
        says=("{n} comes from {v}.", "{n} was born in {v}.", "The birthplace of {n} is {v}."),
        asks=Wordings(
            train=("Where does {n} come from?", "Where was {n} born?", "What is the birthplace of {n}?"),
            held_out=("In which city was {n} born?",),
        ),
        value=words.city,
    ),
    "drink": Fact(
        says=("{n} likes to drink {v}.", "{n} drinks {v}.", "The favourite drink of {n} is {v}."),
        asks=Wordings(
            train=(
                "What does {n} like to drink?",
                "What does {n} drink?",
                "What is the favourite drink of {n}?",
                "Which drink does {n} like?",
            ),
            held_out=("What is {n}'s favourite drink?", "Tell me what {n} drinks."),
        ),
        value=lambda rng: words.described(rng, words.DRINKS),
    ),
    "job": Fact(
        says=("{n} works as a {v}.", "{n} is a {v}.", "The job of {n} is {v}."),
        asks=Wordings(
            train=(
                "What is the job of {n}?",
                "What does {n} work as?",
                "What does {n} do for a living?",
                "What is {n}'s job?",
            ),
            held_out=("Which job does {n} have?", "What does {n} do?"),
        ),
        value=lambda rng: words.described(rng, words.JOBS),
    ),
    "colour": Fact(
        says=("{n} has a {v} bag.", "The bag of {n} is {v}.", "{n} carries a {v} bag."),
        asks=Wordings(
            train=(
                "What colour is the bag of {n}?",
                "Which colour is {n}'s bag?",
                "What is the colour of the bag of {n}?",
                "What colour is {n}'s bag?",
            ),
            held_out=("Which colour is the bag of {n}?", "What colour does {n}'s bag have?"),
        ),
        value=lambda rng: words.one_of(rng, words.COLOURS, 0.7),
    ),
    "pet": Fact(
        says=("{n} has a pet called {v}.", "The pet of {n} is called {v}.", "{n} has a dog named {v}."),
        asks=Wordings(
            train=(
                "What is the pet of {n} called?",
                "What is the name of {n}'s pet?",
                "How is the pet of {n} called?",
                "What is the name of the pet of {n}?",
            ),
            held_out=("What is {n}'s pet called?", "Which name does the pet of {n} have?"),
        ),
        value=words.name,
    ),
    "age": Fact(
        says=("{n} is {v} years old.", "{n} is {v}.", "The age of {n} is {v}."),
        asks=Wordings(
            train=("How old is {n}?", "What is the age of {n}?", "What age is {n}?"),
            held_out=("What is {n}'s age?", "Tell me how old {n} is."),
        ),
        value=lambda rng: rng.randint(1, 99),
    ),
    "friend": Fact(
        says=("The best friend of {n} is {v}.", "{n} has a friend called {v}.", "{n} and {v} are friends."),
        asks=Wordings(
            train=("Who is the best friend of {n}?", "Who is the friend of {n}?", "Who is {n}'s friend?"),
            held_out=("What is the friend of {n} called?",),
        ),
        value=words.name,
    ),
    "sport": Fact(
        says=("{n} plays {v}.", "The sport of {n} is {v}.", "In summer {n} plays {v}."),
        asks=Wordings(
            train=("What does {n} play?", "Which sport does {n} play?", "What is the sport of {n}?"),
            held_out=("What sport does {n} play?",),
        ),
        value=lambda rng: words.described(rng, words.SPORTS),
    ),
}
OF_THINGS = {
    "price": Fact(
        says=("The {n} costs {v} dollars.", "One {n} costs {v} dollars.", "The price of the {n} is {v} dollars."),
        asks=Wordings(
            train=("What does the {n} cost?", "How much is the {n}?", "What is the price of the {n}?"),
            held_out=("How much does the {n} cost?", "How many dollars is the {n}?"),
        ),
        value=words.number,
    ),
    "place": Fact(
        says=("The {n} is in the {v}.", "You find the {n} in the {v}."),
        asks=Wordings(
            train=("Where is the {n}?", "Where do I find the {n}?", "Where can I find the {n}?"),
            held_out=("Tell me where the {n} is.", "Where do you find the {n}?"),
        ),
        value=lambda rng: words.one_of(rng, words.NOUNS),
    ),
    "owner": Fact(
        says=("The {n} belongs to {v}.", "{v} owns the {n}.", "The owner of the {n} is {v}."),
        asks=Wordings(
            train=("Who owns the {n}?", "Who is the owner of the {n}?", "Whose is the {n}?"),
            held_out=("Who does the {n} belong to?",),
        ),
        value=words.name,
    ),
}
OF_WORKS = {
    "author": Fact(
        says=("{n} was written by {v}.", "{v} wrote {n}.", "The author of {n} is {v}."),
        asks=Wordings(
            train=("Who wrote {n}?", "Who is the author of {n}?", "Who was {n} written by?"),
            held_out=("What is the author of {n} called?", "By whom was {n} written?"),
        ),
        value=words.name,
    ),
    "year": Fact(
        says=("{n} was made in {v}.", "{n} came out in {v}.", "The year of {n} is {v}."),
        asks=Wordings(
            train=("When was {n} made?", "When did {n} come out?", "What is the year of {n}?"),
            held_out=("In which year did {n} come out?",),
        ),
        value=lambda rng: rng.randint(1500, 2030),
    ),
}
CHINESE_PERSONAL = {
    "city": Fact(
        says=("{n}住在{v}。", "{n}的家在{v}。", "{n}搬到了{v}。"),
        asks=Wordings(
            train=("{n}住在哪里？", "{n}的家在哪里？", "{n}住哪儿？", "{n}住在哪个城市？"),
            held_out=("{n}的家在哪个城市？", "请问{n}住在哪里？"),
        ),
        value=lambda rng: words.chinese_one_of(rng, words.CHINESE_CITIES),
    ),
    "origin": Fact(
        says=("{n}来自{v}。", "{n}出生在{v}。"),
        asks=Wordings(train=("{n}来自哪里？", "{n}出生在哪里？", "{n}是哪里人？"), held_out=("请问{n}来自哪里？",)),
        value=lambda rng: words.chinese_one_of(rng, words.CHINESE_CITIES),
    ),
    "drink": Fact(
        says=("{n}喜欢喝{v}。", "{n}爱喝{v}。", "{n}每天喝{v}。"),
        asks=Wordings(
            train=("{n}喜欢喝什么？", "{n}爱喝什么？", "{n}喝什么？", "{n}每天喝什么？"),
            held_out=("{n}最喜欢喝什么？", "请问{n}喝什么？"),
        ),
        value=lambda rng: words.chinese_one_of(rng, words.CHINESE_DRINKS),
    ),
    "job": Fact(
        says=("{n}是{v}。", "{n}的工作是{v}。", "{n}是一名{v}。"),
        asks=Wordings(
            train=("{n}的工作是什么？", "{n}是做什么的？", "{n}做什么工作？", "{n}的职业是什么？"),
            held_out=("请问{n}是做什么的？", "{n}是做什么工作的？"),
        ),
        value=lambda rng: words.chinese_one_of(rng, words.CHINESE_JOBS),
    ),
    "colour": Fact(
        says=("{n}的包是{v}。", "{n}有一个{v}的包。", "{n}背着{v}的包。"),
        asks=Wordings(
            train=("{n}的包是什么颜色？", "{n}的包是什么颜色的？", "{n}的包的颜色是什么？"),
            held_out=("请问{n}的包是什么颜色？",),
        ),
        value=lambda rng: rng.choice(words.CHINESE_COLOURS),
    ),
    "age": Fact(
        says=("{n}今年{v}岁。", "{n}{v}岁。", "{n}的年龄是{v}岁。"),
        asks=Wordings(
            train=("{n}几岁？", "{n}今年多大？", "{n}多少岁？", "{n}的年龄是多少？"),
            held_out=("{n}今年几岁？", "请问{n}多大？"),
        ),
        value=lambda rng: rng.randint(1, 99),
    ),
    "friend": Fact(
        says=("{n}的朋友是{v}。", "{n}和{v}是朋友。"),
        asks=Wordings(train=("{n}的朋友是谁？", "谁是{n}的朋友？"), held_out=("{n}的朋友叫什么？",)),
        value=words.chinese_name,
    ),
}
CHINESE_OF_THINGS = {
    "price": Fact(
        says=("{n}的价格是{v}元。", "{n}卖{v}元。", "一个{n}{v}元。"),
        asks=Wordings(train=("{n}多少钱？", "{n}的价格是多少？", "{n}卖多少钱？"), held_out=("请问{n}多少钱？",)),
        value=words.number,
    ),
    "place": Fact(
        says=("{n}在{v}里。", "{n}放在{v}里。"),
        asks=Wordings(train=("{n}在哪里？", "{n}放在哪里？"), held_out=("请问{n}在哪里？",)),
        value=lambda rng: rng.choice(words.CHINESE_PLACES),
    ),
}

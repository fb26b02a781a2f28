"""What a Chinese text can say of somebody or something, and the ways to ask for it."""

from __future__ import annotations

from byzer_nb.train.tiny import words
from byzer_nb.train.tiny.example import Wordings
from byzer_nb.train.tiny.tasks.facts import Fact

PERSONAL = {
    "city": Fact(
        says=("{n}住在{v}。", "{n}的家在{v}。", "{n}搬到了{v}。", "{n}家住{v}。", "{n}现在住在{v}。"),
        asks=Wordings(
            train=(
                "{n}住在哪里？",
                "{n}的家在哪里？",
                "{n}住哪儿？",
                "{n}住在哪个城市？",
                "{n}的家在哪儿？",
                "{n}在哪个城市住？",
                "{n}在什么地方住？",
                "{n}住什么地方？",
                "你知道{n}住在哪里吗？",
                "请说出{n}住在哪儿。",
            ),
            held_out=("{n}的家在哪个城市？", "请问{n}住在哪里？"),
        ),
        value=lambda rng: words.chinese_one_of(rng, words.CHINESE_CITIES),
    ),
    "origin": Fact(
        says=("{n}来自{v}。", "{n}出生在{v}。", "{n}是{v}人。", "{n}从{v}来。"),
        asks=Wordings(
            train=(
                "{n}来自哪里？",
                "{n}出生在哪里？",
                "{n}是哪里人？",
                "{n}是从哪里来的？",
                "{n}在哪里出生？",
                "{n}来自哪个城市？",
                "你知道{n}来自哪里吗？",
                "{n}的家乡是哪里？",
            ),
            held_out=("请问{n}来自哪里？",),
        ),
        value=lambda rng: words.chinese_one_of(rng, words.CHINESE_CITIES),
    ),
    "drink": Fact(
        says=("{n}喜欢喝{v}。", "{n}爱喝{v}。", "{n}每天喝{v}。", "{n}最爱的饮料是{v}。"),
        asks=Wordings(
            train=(
                "{n}喜欢喝什么？",
                "{n}爱喝什么？",
                "{n}喝什么？",
                "{n}每天喝什么？",
                "{n}爱喝哪种饮料？",
                "{n}喜欢什么饮料？",
                "{n}平时喝什么？",
                "你知道{n}喜欢喝什么吗？",
                "说说{n}爱喝什么。",
            ),
            held_out=("{n}最喜欢喝什么？", "请问{n}喝什么？"),
        ),
        value=lambda rng: words.chinese_one_of(rng, words.CHINESE_DRINKS),
    ),
    "job": Fact(
        says=("{n}是{v}。", "{n}的工作是{v}。", "{n}是一名{v}。", "{n}的职业是{v}。"),
        asks=Wordings(
            train=(
                "{n}的工作是什么？",
                "{n}是做什么的？",
                "{n}做什么工作？",
                "{n}的职业是什么？",
                "{n}是干什么的？",
                "{n}从事什么工作？",
                "{n}干什么工作？",
                "你知道{n}做什么工作吗？",
                "说说{n}的工作是什么。",
            ),
            held_out=("请问{n}是做什么的？", "{n}是做什么工作的？"),
        ),
        value=lambda rng: words.chinese_one_of(rng, words.CHINESE_JOBS),
    ),
    "colour": Fact(
        says=("{n}的包是{v}。", "{n}有一个{v}的包。", "{n}背着{v}的包。"),
        asks=Wordings(
            train=(
                "{n}的包是什么颜色？",
                "{n}的包是什么颜色的？",
                "{n}的包的颜色是什么？",
                "{n}背什么颜色的包？",
                "{n}有什么颜色的包？",
                "{n}的包是哪种颜色？",
                "你知道{n}的包是什么颜色吗？",
            ),
            held_out=("请问{n}的包是什么颜色？",),
        ),
        value=lambda rng: rng.choice(words.CHINESE_COLOURS),
    ),
    "age": Fact(
        says=("{n}今年{v}岁。", "{n}{v}岁。", "{n}的年龄是{v}岁。", "{n}已经{v}岁了。"),
        asks=Wordings(
            train=(
                "{n}几岁？",
                "{n}今年多大？",
                "{n}多少岁？",
                "{n}的年龄是多少？",
                "{n}多大了？",
                "{n}今年多少岁？",
                "{n}有多大？",
                "{n}几岁了？",
                "你知道{n}多大吗？",
                "请说出{n}的年龄。",
            ),
            held_out=("{n}今年几岁？", "请问{n}多大？"),
        ),
        value=lambda rng: rng.randint(1, 99),
    ),
    "friend": Fact(
        says=("{n}的朋友是{v}。", "{n}和{v}是朋友。", "{n}有个朋友叫{v}。"),
        asks=Wordings(
            train=(
                "{n}的朋友是谁？",
                "谁是{n}的朋友？",
                "{n}的朋友是哪位？",
                "{n}和谁是朋友？",
                "{n}有哪个朋友？",
                "{n}的好朋友叫什么名字？",
                "你知道{n}的朋友是谁吗？",
            ),
            held_out=("{n}的朋友叫什么？",),
        ),
        value=words.chinese_name,
    ),
}
OF_THINGS = {
    "price": Fact(
        says=("{n}的价格是{v}元。", "{n}卖{v}元。", "一个{n}{v}元。", "买一个{n}要{v}元。"),
        asks=Wordings(
            train=(
                "{n}多少钱？",
                "{n}的价格是多少？",
                "{n}卖多少钱？",
                "买{n}要多少钱？",
                "一个{n}多少钱？",
                "{n}几块钱？",
                "{n}要多少元？",
                "你知道{n}多少钱吗？",
            ),
            held_out=("请问{n}多少钱？",),
        ),
        value=words.number,
    ),
    "place": Fact(
        says=("{n}在{v}里。", "{n}放在{v}里。", "{v}里有{n}。"),
        asks=Wordings(
            train=(
                "{n}在哪里？",
                "{n}放在哪里？",
                "{n}在什么地方？",
                "{n}在哪儿？",
                "{n}放在什么地方？",
                "哪里有{n}？",
                "你知道{n}在哪里吗？",
            ),
            held_out=("请问{n}在哪里？",),
        ),
        value=lambda rng: rng.choice(words.CHINESE_PLACES),
    ),
}

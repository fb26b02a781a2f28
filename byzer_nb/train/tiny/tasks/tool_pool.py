"""Tools that can be offered to the model: a few that people really write, and any number of invented ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from byzer_nb.train.tiny import words
from byzer_nb.train.tiny.example import Wordings

VERBS = words.listed(
    "get find show check open delete read send count sort buy book print load save share move copy close order start "
    "stop rename fetch update export"
)
OBJECTS = words.listed(
    "price weather news score list report ticket file map plan room address phone mail photo song table flight invoice "
    "note meeting task page user key train video letter stock"
)
UNITS = ("day", "week", "month", "year")
CHINESE_UNITS = {"天": "day", "周": "week", "个月": "month", "年": "year"}
CHINESE_DIGITS = "零一二三四五六七八九"


@dataclass(frozen=True, kw_only=True, slots=True)
class Argument:
    """A parameter of a tool: what it takes, and how the tool's author describes it."""

    draw: Callable[[Random], Any]  # Any: a JSON value
    kind: str = "string"  # the JSON type
    about: str = ""
    enum: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """A tool, what people say when they want it, and its arguments."""

    name: str
    about: str
    arguments: dict[str, Argument]
    wordings: Wordings
    spoken: dict[str, dict[Any, str]] = field(default_factory=dict)  # a value in the words of a request


def text(about: str = "", draw: Callable[[Random], Any] = words.word) -> Argument:
    """A parameter that takes any text."""
    return Argument(draw=draw, about=about)


def whole(about: str = "", draw: Callable[[Random], Any] = words.number) -> Argument:
    """A parameter that takes a whole number."""
    return Argument(draw=draw, about=about, kind="integer")


KNOWN = (
    Tool(
        name="get_weather",
        about="The weather in a city.",
        arguments={"city": text("the city", words.city)},
        wordings=Wordings(
            train=(
                "What is the weather in {city}?",
                "How is the weather in {city} today?",
                "Weather in {city}",
                "Will it rain in {city}?",
                "Is it sunny in {city}?",
                "I am in {city}. How is the weather?",
                "Show me the weather in {city}.",
            ),
            held_out=("Tell me the weather in {city}.", "What is the weather like in {city}?"),
        ),
    ),
    Tool(
        name="add",
        about="Add two numbers.",
        arguments={"a": whole(), "b": whole()},
        wordings=Wordings(
            train=(
                "What is {a} plus {b}?",
                "Add {a} and {b}.",
                "Compute {a} + {b}.",
                "What is the sum of {a} and {b}?",
                "{a} + {b}",
            ),
            held_out=("How much is {a} plus {b}?", "What is {a} + {b}?"),
        ),
    ),
    Tool(
        name="multiply",
        about="Multiply two numbers.",
        arguments={"a": whole(), "b": whole()},
        wordings=Wordings(
            train=("What is {a} times {b}?", "Multiply {a} by {b}.", "Compute {a} * {b}.", "Multiply {a} and {b}."),
            held_out=("How much is {a} times {b}?",),
        ),
    ),
    Tool(
        name="search",
        about="Search the web.",
        arguments={"query": text("what to look for", words.phrase)},
        wordings=Wordings(
            train=(
                "Search for {query}",
                "Search the web for {query}.",
                "Look up {query}.",
                "Find something about {query}.",
                "Google {query}",
            ),
            held_out=("Search for {query} on the web.", "Look for {query}."),
        ),
    ),
    Tool(
        name="translate",
        about="Translate a text into another language.",
        arguments={
            "text": text("the text", words.phrase),
            "language": text(
                "the language", lambda rng: rng.choice(("French", "German", "Spanish", "Chinese", "Italian"))
            ),
        },
        wordings=Wordings(
            train=(
                "Translate {text} into {language}.",
                "Say {text} in {language}.",
                "What is {text} in {language}?",
                "How do I say {text} in {language}?",
            ),
            held_out=("Translate to {language}: {text}", "How do you say {text} in {language}?"),
        ),
    ),
    Tool(
        name="compute_now",
        about="The current time.",
        arguments={},
        wordings=Wordings(
            train=(
                "What time is it now?",
                "What time is it?",
                "Tell me the current time.",
                "What is the time?",
                "The time, please.",
                "How late is it?",
            ),
            held_out=("What is the current time?", "Tell me what time it is."),
        ),
    ),
    Tool(
        name="send_message",
        about="Send a message to somebody.",
        arguments={"to": text("the receiver", words.name), "text": text("the message", words.phrase)},
        wordings=Wordings(
            train=(
                "Send {to} the message {text}.",
                "Tell {to}: {text}",
                "Write to {to}: {text}",
                "Send a message to {to}: {text}",
            ),
            held_out=("Send the message {text} to {to}.", "Message {to}: {text}"),
        ),
    ),
    Tool(
        name="compute_date_range",
        about="The first and last day of the past days, weeks or months.",
        arguments={
            "count": whole("how many", lambda rng: rng.randint(2, 12)),
            "unit": Argument(draw=lambda rng: rng.choice(UNITS), about="the unit of time", enum=UNITS),
        },
        wordings=Wordings(
            train=(
                "What happened in the last {count} {unit}s?",
                "Show the last {count} {unit}s.",
                "The past {count} {unit}s",
                "From {count} {unit}s ago until today",
                "The trend of the last {count} {unit}s",
            ),
            held_out=("Give me the last {count} {unit}s.", "What happened in the past {count} {unit}s?"),
        ),
    ),
)
CHINESE_KNOWN = (
    Tool(
        name="get_weather",
        about="查询城市的天气",
        arguments={"city": text("城市", lambda rng: words.chinese_one_of(rng, words.CHINESE_CITIES))},
        wordings=Wordings(
            train=(
                "{city}的天气怎么样？",
                "{city}今天天气如何？",
                "查一下{city}的天气",
                "{city}会下雨吗？",
                "今天{city}热不热？",
            ),
            held_out=("请问{city}的天气怎么样？", "{city}天气如何？"),
        ),
    ),
    Tool(
        name="add",
        about="计算两个数的和",
        arguments={"a": whole("第一个数"), "b": whole("第二个数")},
        wordings=Wordings(
            train=("{a}加{b}等于多少？", "计算{a}加{b}", "{a}和{b}的和是多少？", "请把{a}和{b}加起来"),
            held_out=("{a}加{b}是多少？",),
        ),
    ),
    Tool(
        name="search",
        about="搜索网络",
        arguments={"query": text("关键词", lambda rng: words.chinese_one_of(rng, words.CHINESE_NOUNS))},
        wordings=Wordings(
            train=("搜索{query}", "帮我查一下{query}", "在网上找{query}", "搜一下{query}"), held_out=("请搜索{query}",)
        ),
    ),
    Tool(
        name="compute_now",
        about="计算当前时间",
        arguments={},
        wordings=Wordings(
            train=("计算当前时间", "现在几点了？", "现在是什么时间？", "当前时间是多少？", "几点了？"),
            held_out=("现在几点？", "请告诉我当前时间"),
        ),
    ),
    Tool(
        name="compute_date_range",
        about="计算日期范围",
        arguments={
            "count": whole("时间跨度，数值类型", lambda rng: rng.randint(2, 9)),
            "unit": Argument(draw=lambda rng: rng.choice(UNITS), about="时间单位，字符串类型", enum=UNITS),
        },
        wordings=Wordings(
            train=(
                "最近{count}{unit}趋势",
                "最近{count}{unit}",
                "过去{count}{unit}的数据",
                "看看过去{count}{unit}",
                "查询最近{count}{unit}的销量",
            ),
            held_out=("最近{count}{unit}的数据", "查询过去{count}{unit}"),
        ),
        spoken={
            "count": {number: CHINESE_DIGITS[number] for number in range(2, 10)} | {2: "两"},
            "unit": {unit: spoken for spoken, unit in CHINESE_UNITS.items()},
        },
    ),
    Tool(
        name="send_message",
        about="给某人发消息",
        arguments={
            "to": text("收件人", words.chinese_name),
            "text": text("内容", lambda rng: words.chinese_word(rng, 2, 4)),
        },
        wordings=Wordings(
            train=("给{to}发消息：{text}", "告诉{to}：{text}", "发消息给{to}，内容是{text}"),
            held_out=("请给{to}发消息：{text}",),
        ),
    ),
)
# What an invented tool may take, and how a request says it.
PHRASES: dict[str, tuple[str, Argument]] = {
    "name": ("for {name}", text(draw=words.name)),
    "city": ("in {city}", text(draw=words.city)),
    "day": ("on {day}", text(draw=lambda rng: rng.choice(words.WEEKDAYS))),
    "owner": ("of {owner}", text(draw=words.name)),
    "topic": ("about {topic}", text(draw=words.thing)),
    "count": ("{count} times", whole(draw=lambda rng: rng.randint(2, 99))),
    "target": ("to {target}", text(draw=words.word)),
    "source": ("from {source}", text(draw=words.word)),
    "year": ("since {year}", whole(draw=lambda rng: rng.randint(1900, 2030))),
}
CHINESE_ACTIONS = {
    "查询": "query",
    "打开": "open",
    "删除": "delete",
    "发送": "send",
    "购买": "buy",
    "打印": "print",
    "预订": "book",
}
CHINESE_OBJECTS = {
    "文件": "file",
    "订单": "order",
    "票": "ticket",
    "报告": "report",
    "邮件": "mail",
    "照片": "photo",
    "房间": "room",
}


def invented(rng: Random) -> Tool:
    """A tool that nobody has seen: a verb, an object and one to three arguments, to be chosen by its words."""
    verb, thing = rng.choice(VERBS), rng.choice(OBJECTS)
    taken = rng.sample(list(PHRASES), rng.choice([1, 1, 2, 2, 3]))
    said = " ".join(PHRASES[key][0] for key in taken)
    start = f"{verb} the {thing} {said}"
    return Tool(
        name=f"{verb}_{thing}",
        about=f"{verb.capitalize()} the {thing}." if rng.random() < 0.8 else "",
        arguments={key: PHRASES[key][1] for key in sorted(taken, key=lambda _: rng.random())},
        wordings=Wordings(
            train=(
                f"{start.capitalize()}.",
                f"{start.capitalize()}",
                f"I need you to {start}.",
                f"It is time to {start}.",
            ),
            held_out=(f"Let us {start}.", f"I have to {start}."),
        ),
    )


def invented_in_chinese(rng: Random) -> Tool:
    """The same in Chinese, with an English name, as programs have it."""
    action, thing = rng.choice(list(CHINESE_ACTIONS)), rng.choice(list(CHINESE_OBJECTS))
    arguments = {"name": text("姓名", words.chinese_name)}
    said = "{name}的" + thing
    if rng.random() < 0.5:
        arguments = {"city": text("城市", lambda rng: words.chinese_one_of(rng, words.CHINESE_CITIES))}
        said = "{city}的" + thing
    if rng.random() < 0.4:
        arguments["day"] = text("日期", lambda rng: rng.choice(words.CHINESE_WEEKDAYS))
        said = "{day}" + said
    return Tool(
        name=f"{CHINESE_ACTIONS[action]}_{CHINESE_OBJECTS[thing]}",
        about=action + thing,
        arguments=arguments,
        wordings=Wordings(
            train=(action + said, f"请{action}{said}", f"帮我{action}{said}"), held_out=(f"我要{action}{said}。",)
        ),
    )

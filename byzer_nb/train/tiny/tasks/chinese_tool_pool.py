"""The tools that are asked for in Chinese: a few that people really write, and any number of invented ones."""

from __future__ import annotations

from random import Random

from byzer_nb.train.tiny import words
from byzer_nb.train.tiny.example import Wordings
from byzer_nb.train.tiny.tasks.tool_pool import UNITS, Argument, Tool, text, whole

SPOKEN_UNITS = {"天": "day", "周": "week", "个月": "month", "年": "year"}
DIGITS = "零一二三四五六七八九"
KNOWN = (
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
                "{city}的天气好吗？",
                "{city}冷不冷？",
                "我在{city}，天气怎么样？",
                "告诉我{city}的天气",
                "{city}今天的天气",
            ),
            held_out=("请问{city}的天气怎么样？", "{city}天气如何？"),
        ),
    ),
    Tool(
        name="add",
        about="计算两个数的和",
        arguments={"a": whole("第一个数"), "b": whole("第二个数")},
        wordings=Wordings(
            train=(
                "{a}加{b}等于多少？",
                "计算{a}加{b}",
                "{a}和{b}的和是多少？",
                "请把{a}和{b}加起来",
                "{a}+{b}等于几？",
                "{a}加上{b}是几？",
                "求{a}与{b}的和",
                "算一下{a}加{b}",
            ),
            held_out=("{a}加{b}是多少？",),
        ),
    ),
    Tool(
        name="search",
        about="搜索网络",
        arguments={"query": text("关键词", lambda rng: words.chinese_one_of(rng, words.CHINESE_NOUNS))},
        wordings=Wordings(
            train=(
                "搜索{query}",
                "帮我查一下{query}",
                "在网上找{query}",
                "搜一下{query}",
                "请帮我搜{query}",
                "网上搜索{query}",
                "查找{query}",
                "我想搜索{query}",
            ),
            held_out=("请搜索{query}",),
        ),
    ),
    Tool(
        name="compute_now",
        about="计算当前时间",
        arguments={},
        wordings=Wordings(
            train=(
                "计算当前时间",
                "现在几点了？",
                "现在是什么时间？",
                "当前时间是多少？",
                "几点了？",
                "现在的时间",
                "告诉我现在几点",
                "请问几点了？",
                "现在什么时候？",
                "请计算当前时间",
                "帮我看看现在几点了",
                "当前的时间",
            ),
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
                "给我最近{count}{unit}的销量",
                "过去{count}{unit}趋势",
                "计算最近{count}{unit}的日期",
                "近{count}{unit}",
                "最近{count}{unit}发生了什么？",
            ),
            held_out=("最近{count}{unit}的数据", "查询过去{count}{unit}"),
        ),
        spoken={
            "count": {number: DIGITS[number] for number in range(2, 10)} | {2: "两"},
            "unit": {unit: spoken for spoken, unit in SPOKEN_UNITS.items()},
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
            train=(
                "给{to}发消息：{text}",
                "告诉{to}：{text}",
                "发消息给{to}，内容是{text}",
                "发给{to}：{text}",
                "对{to}说：{text}",
                "通知{to}：{text}",
                "给{to}发一条消息：{text}",
            ),
            held_out=("请给{to}发消息：{text}",),
        ),
    ),
)
ACTIONS = {
    "查询": "query",
    "打开": "open",
    "删除": "delete",
    "发送": "send",
    "购买": "buy",
    "打印": "print",
    "预订": "book",
}
OBJECTS = {
    "文件": "file",
    "订单": "order",
    "票": "ticket",
    "报告": "report",
    "邮件": "mail",
    "照片": "photo",
    "房间": "room",
}


def invented(rng: Random) -> Tool:
    """A tool that nobody has seen, with an English name, as programs have it."""
    action, thing = rng.choice(list(ACTIONS)), rng.choice(list(OBJECTS))
    arguments = {"name": text("姓名", words.chinese_name)}
    said = "{name}的" + thing
    if rng.random() < 0.5:
        arguments = {"city": text("城市", lambda rng: words.chinese_one_of(rng, words.CHINESE_CITIES))}
        said = "{city}的" + thing
    if rng.random() < 0.4:
        arguments["day"] = text("日期", lambda rng: rng.choice(words.CHINESE_WEEKDAYS))
        said = "{day}" + said
    return Tool(
        name=f"{ACTIONS[action]}_{OBJECTS[thing]}",
        about=action + thing,
        arguments=arguments,
        wordings=Wordings(
            train=(
                action + said,
                f"请{action}{said}",
                f"帮我{action}{said}",
                f"我想{action}{said}",
                f"麻烦你{action}{said}",
                f"请帮我{action}{said}。",
                f"需要{action}{said}",
                f"现在{action}{said}。",
            ),
            held_out=(f"我要{action}{said}。",),
        ),
    )

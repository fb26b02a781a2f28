"""Write the body of a small Python function, asked for in the very words of our prompts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random

from byzer_nb.prompts.function_formats import function_impl_format
from byzer_nb.train.tiny import words
from byzer_nb.train.tiny.example import Example, Wordings, ask

INSTRUCTIONS = Wordings(
    train=("", "", "", "Keep it short.", "Write clean code.", "Please help me.", "请实现这个函数。"),
    held_out=("Be brief.", "Make it short."),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What a function can do, in words and in code; `{a}` and `{b}` are its parameters."""

    about: Wordings
    code: str
    result: str  # the JSON type of what it gives
    needs: str = ""  # a line before the others


JOBS = (
    Job(
        about=Wordings(
            train=(
                "Add {a} and {b}.",
                "The sum of {a} and {b}.",
                "{a} and {b} added up.",
                "What {a} and {b} make together.",
                "计算{a}加{b}",
            ),
            held_out=("{a} plus {b}.",),
        ),
        code="{a} + {b}",
        result="integer",
    ),
    Job(
        about=Wordings(
            train=(
                "Subtract {b} from {a}.",
                "{a} minus {b}.",
                "{a} less {b}.",
                "What is left of {a} without {b}.",
                "计算{a}减{b}",
            ),
            held_out=("Take {b} from {a}.",),
        ),
        code="{a} - {b}",
        result="integer",
    ),
    Job(
        about=Wordings(
            train=("Multiply {a} by {b}.", "{a} times {b}.", "{a} multiplied by {b}.", "计算{a}乘{b}"),
            held_out=("The product of {a} and {b}.",),
        ),
        code="{a} * {b}",
        result="integer",
    ),
    Job(
        about=Wordings(
            train=(
                "The larger one of {a} and {b}.",
                "The maximum of {a} and {b}.",
                "The greater one of {a} and {b}.",
                "Whichever is more, {a} or {b}.",
                "{a}和{b}中较大的数",
            ),
            held_out=("The bigger one of {a} and {b}.",),
        ),
        code="max({a}, {b})",
        result="integer",
    ),
    Job(
        about=Wordings(
            train=(
                "The smaller one of {a} and {b}.",
                "The minimum of {a} and {b}.",
                "The lesser one of {a} and {b}.",
                "Whichever is less, {a} or {b}.",
                "{a}和{b}中较小的数",
            ),
            held_out=("The least of {a} and {b}.",),
        ),
        code="min({a}, {b})",
        result="integer",
    ),
    Job(
        about=Wordings(
            train=("Double {a}.", "Twice {a}.", "{a} two times over.", "{a} doubled.", "{a}的两倍"),
            held_out=("Two times {a}.",),
        ),
        code="{a} * 2",
        result="integer",
    ),
    Job(
        about=Wordings(
            train=("The square of {a}.", "Square {a}.", "{a} times itself.", "{a}的平方"), held_out=("{a} squared.",)
        ),
        code="{a} ** 2",
        result="integer",
    ),
    Job(
        about=Wordings(
            train=("Whether {a} is even.", "Is {a} even?", "Tell whether {a} is an even number.", "{a}是不是偶数"),
            held_out=("True if {a} is even.",),
        ),
        code="{a} % 2 == 0",
        result="boolean",
    ),
    Job(
        about=Wordings(
            train=("The length of {a}.", "How long {a} is.", "How many letters {a} has.", "{a}的长度"),
            held_out=("The number of letters of {a}.",),
        ),
        code="len({a})",
        result="integer",
    ),
    Job(
        about=Wordings(
            train=("{a} in capital letters.", "Write {a} in upper case.", "Turn {a} into capitals.", "把{a}变成大写"),
            held_out=("{a} in upper case.",),
        ),
        code="{a}.upper()",
        result="string",
    ),
    Job(
        about=Wordings(
            train=(
                "{a} in small letters.",
                "Write {a} in lower case.",
                "Turn {a} into small letters.",
                "把{a}变成小写",
            ),
            held_out=("{a} in lower case.",),
        ),
        code="{a}.lower()",
        result="string",
    ),
    Job(
        about=Wordings(
            train=("{a} backwards.", "Reverse {a}.", "{a} from back to front.", "把{a}倒过来"),
            held_out=("{a} in reverse.",),
        ),
        code="{a}[::-1]",
        result="string",
    ),
    Job(
        about=Wordings(
            train=("Count the words of {a}.", "How many words {a} has.", "How many words are in {a}.", "{a}有多少个词"),
            held_out=("The number of words of {a}.",),
        ),
        code="len({a}.split())",
        result="integer",
    ),
    Job(
        about=Wordings(
            train=("Join {a} and {b}.", "{a} followed by {b}.", "Put {b} after {a}.", "把{a}和{b}连起来"),
            held_out=("{a} and then {b}.",),
        ),
        code="str({a}) + str({b})",
        result="string",
    ),
    Job(
        about=Wordings(
            train=("Say hello to {a}.", "A greeting for {a}.", "Welcome {a}.", "向{a}问好"), held_out=("Greet {a}.",)
        ),
        code='f"Hello {{{a}}}!"',
        result="string",
    ),
    Job(
        about=Wordings(
            train=("The current time.", "What time it is now.", "The time of day.", "计算当前时间"),
            held_out=("The time now.",),
        ),
        code='datetime.now().strftime("%Y-%m-%d %H:%M:%S")',
        result="string",
        needs="from datetime import datetime",
    ),
    Job(
        about=Wordings(
            train=("The date of today.", "Which day it is today.", "The current date.", "今天的日期"),
            held_out=("Today's date.",),
        ),
        code='datetime.now().strftime("%Y-%m-%d")',
        result="string",
        needs="from datetime import datetime",
    ),
    Job(
        about=Wordings(
            train=(
                "The day after {a}.",
                "Add one day to {a}.",
                "The next day of {a}.",
                "给传入的日期加一天，得到明天的时间",
                "{a}的后一天",
            ),
            held_out=("One day after {a}.",),
        ),
        code='({a} + timedelta(days=1)).strftime("%Y-%m-%d")',
        result="string",
        needs="from datetime import timedelta",
    ),
)
FIELDS = words.listed("value result answer output text number time total")
PARAMETERS = words.listed("a b x y n text word left right first second number item day current_day")


def write_a_function(rng: Random, unseen: bool) -> Example:
    """The head of a function, and the schema of what it gives."""
    job = rng.choice(JOBS)
    about = job.about.pick(rng, unseen)
    names = []
    for hole in ("{a}", "{b}"):
        if hole in job.code:
            free = [name for name in PARAMETERS if name not in names]
            names.append(rng.choice(free) if rng.random() < 0.6 else words.word(rng))
    parameters = dict(zip("ab", names, strict=False))
    field = rng.choice(FIELDS) if rng.random() < 0.7 else words.word(rng)
    called = f"{words.word(rng)}_{rng.choice(FIELDS)}" if rng.random() < 0.5 else words.word(rng)
    head = f'def {called}({", ".join(names)}):\n    """{about.format(**parameters)}"""'
    schema = {"properties": {field: {"type": job.result}}, "required": [field], "type": "object"}
    body = f'def {called}({", ".join(names)}):\n    return {{"{field}": {job.code.format(**parameters)}}}'
    lines = [job.needs, "", body] if job.needs else [body]
    code = "\n".join(["```python", *lines, "```"])
    request = function_impl_format(INSTRUCTIONS.pick(rng, unseen), head, json.dumps(schema))
    return ask("code", request, code)

"""Sort out the facts of a text into JSON, asked for in the very words of our prompts."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

from byzer_nb.prompts.formats import response_class_format
from byzer_nb.train.tiny import words
from byzer_nb.train.tiny.example import Example, Wordings, ask
from byzer_nb.train.tiny.tasks.field_pool import CHINESE_PERSON, INTEGER, PERSON, TEXT, TEXTS, THING, Field, Json

FRAMES = Wordings(
    train=(
        "{text}",
        "Who is this? {text}",
        "Read this: {text}",
        "{text}\nSort this out.",
        "Extract the facts.\n{text}",
        "Text: {text}",
        "Get the data: {text}",
        "{text} Who is this?",
        "Extract the person from this text: {text}",
        "Extract the data from this text.\n\n{text}",
        "Sort this out: {text}",
        "Fill in the form: {text}",
        "Who is this?\n{text}",
        "Extract the information from this text:\n{text}",
        "Take the facts from this: {text}",
        "Here is a text: {text}",
        "{text}\n\nWhat does the text say?",
        "Please fill in the form.\n\n{text}",
        "Parse this: {text}",
    ),
    held_out=(
        "Tell me about this: {text}",
        "Read the text.\n{text}",
        "What does this say? {text}",
        "Get the facts from this text: {text}",
    ),
)
CLASSIC = Wordings(
    train=(
        "Give {fields} as JSON: {text}",
        "Write {fields} as JSON: {text}",
        "{text}\nGive me {fields} as JSON.",
        "{text}\nAnswer in JSON with the keys {fields}.",
        "Extract {fields} as JSON from this text: {text}",
        "JSON with {fields}: {text}",
    ),
    held_out=("Answer with {fields} as JSON: {text}", "{text} Write {fields} as JSON."),
)
DOCS = ("A person.", "Somebody.", "A thing.", "What the text says.", "The facts.", "")
OPTIONAL_SHARE = 0.12  # forms with a field that may be null


def fields_as_json(rng: Random, unseen: bool) -> Example:
    """A text about somebody or something, and the schema of what to take from it."""
    text, asked = description(rng)
    order = list(asked)
    rng.shuffle(order)
    order = order[: rng.choice([1, 2, 3, 3, 4])]
    if "name" in asked and "name" not in order and rng.random() < 0.6:
        order.insert(0, "name")
    if rng.random() < 0.12:
        listed = ", ".join(order)
        answer = json.dumps({key: asked[key][0] for key in order}, ensure_ascii=False)
        return ask("json", CLASSIC.pick(rng, unseen).format(fields=listed, text=text), answer)
    if rng.random() < OPTIONAL_SHARE:
        _add_optional(rng, asked, order)
    answer = json.dumps({key: asked[key][0] for key in order}, ensure_ascii=False)
    request = response_class_format(
        FRAMES.pick(rng, unseen).format(text=text), schema_of(rng, {key: asked[key][1] for key in order})
    )
    return ask("json", request, answer)


def _add_optional(rng: Random, asked: dict[str, tuple[Json, Field]], order: list[str]) -> None:
    """Make one field of the form optional: one that the text gives, or one that it says nothing of."""
    if rng.random() < 0.4:
        key = rng.choice(order)
        value, field = asked[key]
        asked[key] = (value, replace(field, optional=True))
        return
    absent = [field for field in PERSON if not set(field.names) & set(asked) and field.schema is not TEXTS]
    field = rng.choice(absent)
    key = field.names[0]
    asked[key] = (None, replace(field, optional=True))
    order.append(key)


def description(rng: Random) -> tuple[str, dict[str, tuple[Json, Field]]]:
    """A text, and the value and field under each name that it gives."""
    if rng.random() < 0.2:
        return listing(rng)
    of_person = rng.random() < 0.75
    called = words.name(rng) if of_person else " ".join(words.word(rng).capitalize() for _ in range(rng.randint(1, 2)))
    key = "name" if of_person or rng.random() < 0.3 else "title"
    asked: dict[str, tuple[Json, Field]] = {
        key: (called, Field(names=(key,), schema=TEXT, value=words.name, says=(), about=f"The {key}"))
    }
    clauses = []
    for field in rng.sample(PERSON if of_person else THING, rng.randint(1, 4)):
        value = field.value(rng)
        asked[rng.choice(field.names)] = (value, field)
        clauses.append(_clause(rng.choice(field.says), value))
    return _sentences(rng, called, clauses, "" if of_person else "The book "), asked


def listing(rng: Random) -> tuple[str, dict[str, tuple[Json, Field]]]:
    """Lines of `key: value` with keys that were never seen, so that the schema has to be read."""
    asked: dict[str, tuple[Json, Field]] = {}
    for _ in range(rng.randint(1, 4)):
        key = words.one_of(rng, words.NOUNS, 0.6)
        whole = rng.random() < 0.35
        value: Json = words.number(rng) if whole else words.one_of(rng, words.NOUNS, 0.3)
        asked[key] = (
            value,
            Field(names=(key,), schema=INTEGER if whole else TEXT, value=words.number, says=(), about=f"The {key}"),
        )
    style = rng.choice(["{k}: {v}", "The {k} is {v}.", "{k} = {v}"])
    lines = [style.format(k=key, v=value) for key, (value, _) in asked.items()]
    return rng.choice(["\n", " ", ", "] if style.startswith("{") else ["\n", " "]).join(lines), asked


def schema_of(rng: Random, asked: dict[str, Field]) -> str:
    """The JSON schema of those fields on one line, as pydantic and `schema_text` write it."""
    described = rng.random() < 0.2
    properties = {key: _property(field, described=described) for key, field in asked.items()}
    required = [key for key, field in asked.items() if not field.optional]
    doc = rng.choice(DOCS) if rng.random() < 0.25 else ""
    head: dict[str, Json] = {"description": doc} if doc else {}
    form = head | {"properties": properties} | ({"required": required} if required else {}) | {"type": "object"}
    return json.dumps(form, ensure_ascii=False)


def _property(field: Field, *, described: bool) -> Json:
    about = {"description": field.about} if described and field.about else {}
    if not field.optional:
        return about | field.schema
    # The order of the keys is pydantic's own, for `int | None = None`.
    return {"anyOf": [field.schema, {"type": "null"}], "default": None} | about


def single_value(rng: Random, unseen: bool) -> Example:
    """A question whose answer goes into the one field `value`, as in the simple value classes."""
    who = words.name(rng)
    field = rng.choice([field for field in PERSON if field.schema is not TEXTS])
    value = field.value(rng)
    fact = f"{who} {_clause(rng.choice(field.says), value)}."
    question = {
        "age": f"How old is {who}?",
        "city": f"Where does {who} live?",
        "job": f"What is the job of {who}?",
        "colour": f"Which colour does {who} like?",
        "drink": f"What does {who} drink?",
        "pet": f"What is the pet of {who} called?",
        "happy": f"Is {who} happy?",
        "married": f"Is {who} married?",
        "children": f"How many children does {who} have?",
        "height": f"How tall is {who}?",
    }[field.names[0]]
    frame = rng.choice(
        ["{fact} {question}", "{question} {fact}", "{fact}\n{question}"] if not unseen else ["Text: {fact} {question}"]
    )
    schema = schema_of(rng, {"value": field})
    return ask(
        "json",
        response_class_format(frame.format(fact=fact, question=question), schema),
        json.dumps({"value": value}, ensure_ascii=False),
    )


CHINESE_FRAMES = Wordings(
    train=(
        "{text}",
        "这是谁？{text}",
        "请阅读：{text}",
        "提取信息：{text}",
        "{text}\n请提取信息。",
        "从下面的文字中提取信息：\n{text}",
        "请整理这段话：{text}",
        "文字：{text}",
        "填表：{text}",
        "{text}这是谁？",
    ),
    held_out=("请看：{text}", "说说这个人：{text}", "请从这段文字中提取信息：{text}"),
)
CHINESE_CLASSIC = Wordings(
    train=(
        "用 JSON 写出 {fields}：{text}",
        "{text}请用 JSON 给出 {fields}。",
        "请把 {fields} 写成 JSON：{text}",
        "提取 {fields}，用 JSON 回答：{text}",
    ),
    held_out=("以 JSON 回答 {fields}：{text}",),
)


def chinese_fields_as_json(rng: Random, unseen: bool) -> Example:
    """A Chinese text, the same schemas."""
    who = words.chinese_name(rng)
    asked: dict[str, tuple[Json, Field]] = {
        "name": (who, Field(names=("name",), schema=TEXT, value=words.chinese_name, says=()))
    }
    clauses = []
    for field in rng.sample(CHINESE_PERSON, rng.randint(1, 3)):
        value = field.value(rng)
        asked[field.names[0]] = (value, field)
        clauses.append(rng.choice(field.says).format(v=value))
    order = list(asked)
    rng.shuffle(order)
    order = order[: rng.randint(1, 4)]
    text = f"{who}{'，'.join(clauses)}。"
    answer = json.dumps({key: asked[key][0] for key in order}, ensure_ascii=False)
    if rng.random() < 0.15:
        return ask("json zh", CHINESE_CLASSIC.pick(rng, unseen).format(fields="、".join(order), text=text), answer)
    request = response_class_format(
        CHINESE_FRAMES.pick(rng, unseen).format(text=text), schema_of(rng, {key: asked[key][1] for key in order})
    )
    return ask("json zh", request, answer)


def _clause(says: str, value: Json) -> str:
    if isinstance(value, bool):
        return says.replace("{not}", "" if value else "not ")
    if isinstance(value, list):
        value = f"{', '.join(value[:-1])} and {value[-1]}"
    return says.format(v=value)


def _sentences(rng: Random, who: str, clauses: list[str], article: str) -> str:
    if len(clauses) == 1 or rng.random() < 0.6:
        joined = clauses[0] if len(clauses) == 1 else f"{', '.join(clauses[:-1])} and {clauses[-1]}"
        return f"{article}{who} {joined}."
    follow = "It" if article else rng.choice(["He", "She", who])
    return " ".join([f"{article}{who} {clauses[0]}."] + [f"{follow} {clause}." for clause in clauses[1:]])

"""The corpus of byzer-tiny and its tokenizer: seeded, answerable, and in the words that our prompts use."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from inspect import signature
from itertools import islice
from pathlib import Path
from random import Random
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, create_model
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from byzer_nb.prompts.formats import response_class_request, schema_text
from byzer_nb.prompts.function_formats import function_calling_format
from byzer_nb.train.tiny import tasks
from byzer_nb.train.tiny.corpus import MIX, examples
from byzer_nb.train.tiny.example import Example, Maker, Turn, Wordings
from byzer_nb.train.tiny.tasks.code import write_a_function
from byzer_nb.train.tiny.tasks.context import answer_from_context, chinese_answer_from_context
from byzer_nb.train.tiny.tasks.fields import chinese_fields_as_json, fields_as_json, single_value
from byzer_nb.train.tiny.tasks.stories import long_story
from byzer_nb.train.tiny.tasks.tools import call_a_tool, call_a_tool_in_chinese
from byzer_nb.train.tiny.tokenizer import VOCABULARY, save_tokenizer, train_tokenizer

TYPES: dict[str, type] = {"string": str, "integer": int, "boolean": bool, "number": float, "array": list[str]}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(count=4_000)


def test_same_seed_gives_the_same_examples() -> None:
    assert list(islice(examples("a"), 200)) == list(islice(examples("a"), 200))


def test_another_seed_gives_other_examples() -> None:
    assert list(islice(examples("a"), 20)) != list(islice(examples("b"), 20))


@pytest.mark.parametrize("maker", MIX, ids=lambda maker: maker.__name__)
@pytest.mark.parametrize("unseen", [False, True])
def test_every_task_makes_whole_examples(maker: Maker, unseen: bool) -> None:
    rng = Random(3)
    for _ in range(200):
        example = maker(rng, unseen)
        assert example.answer
        assert example.turns[-1].role in ("user", "tool")
        unfilled = "{text}", "{name}", "{topic}", "{facts}", "{question}", "{v}", "{n}"
        written = example.prompt_text() + (example.answer if example.task != "code" else "")
        assert not any(hole in written for hole in unfilled)


@pytest.mark.parametrize(
    "maker", [fields_as_json, single_value, chinese_fields_as_json], ids=lambda maker: maker.__name__
)
def test_json_answers_hold_only_what_the_text_says(maker: Maker) -> None:
    rng = Random(4)
    for _ in range(200):
        example = maker(rng, False)
        for value in json.loads(example.answer).values():
            for part in value if isinstance(value, list) else [value]:
                assert part is None or isinstance(part, bool) or str(part) in example.prompt_text()


def test_schemas_are_written_as_our_prompts_write_them() -> None:
    rng = Random(5)
    compared = 0
    for _ in range(300):
        asked = fields_as_json(rng, False).turns[-1].text
        if "matching this schema" not in asked:
            continue
        text = asked.splitlines()[-1]
        assert asked.endswith(response_class_request(class_of(json.loads(text))))
        compared += 1
    assert compared > 200


def test_a_pydantic_class_asks_in_words_of_the_corpus(tokenizer: Tokenizer) -> None:
    class Person(BaseModel):
        name: str
        age: int
        city: str

    assert len(tokenizer.encode(schema_text(Person)).ids) < 60


def test_a_third_of_the_questions_have_no_answer_in_the_text() -> None:
    rng = Random(6)
    for maker, unknown in ((answer_from_context, "I do not know."), (chinese_answer_from_context, "我不知道。")):
        made = [maker(rng, False) for _ in range(500)]
        absent = [example for example in made if example.answer == unknown]
        assert 120 < len(absent) < 220
        assert all(example.task.startswith("unknown fact") for example in absent)
        assert all(example.answer in example.turns[-1].text for example in made if example not in absent)


def test_tools_are_offered_in_the_words_of_our_prompt() -> None:
    def compute_now() -> str:
        """The current time."""
        return ""

    def get_weather(city: Annotated[str, "the city"]) -> str:
        """The weather in a city."""
        return ""

    asked = [call_a_tool(Random(number), False).turns[-1].text for number in range(1000)]
    for tool in (compute_now, get_weather):
        line, *_ = [part for part in function_calling_format("", [tool]).splitlines() if part.startswith("{")]
        assert sum(line in text.splitlines() for text in asked) > 10


@pytest.mark.parametrize("maker", [call_a_tool, call_a_tool_in_chinese], ids=lambda maker: maker.__name__)
def test_a_call_names_an_offered_tool_with_its_arguments(maker: Maker) -> None:
    calls = 0
    for number in range(500):
        example = maker(Random(number), bool(number % 2))
        if not example.task.startswith("tool") or "result" in example.task:
            continue
        said = json.loads(example.answer)
        for call in [each["function"] for each in said["tool_calls"]] if "tool_calls" in said else [said]:
            calls += 1
            assert call["name"] in example.prompt_text()
            assert all(key in example.prompt_text() for key in call["arguments"])
    assert calls > 300


def test_tools_are_left_alone_when_nobody_asks_for_them() -> None:
    made = [call_a_tool(Random(number), False) for number in range(500)]
    assert sum(example.task == "no tool" and not example.answer.startswith("{") for example in made) > 20


def test_every_function_of_the_corpus_can_be_run() -> None:
    rng = Random(7)
    for _ in range(400):
        example = write_a_function(rng, rng.random() < 0.5)
        schema = json.loads(example.turns[-1].text.splitlines()[-1])
        (field,) = schema["required"]
        code = example.answer.removeprefix("```python\n").removesuffix("\n```")
        (head,) = [line for line in code.splitlines() if line.startswith("def ")]
        assert f'{head}\n    """' in example.turns[-1].text
        names: dict[str, Any] = {}
        exec(code, names)  # our own corpus wrote it
        function = names[head[4 : head.index("(")]]
        result = result_of(function, count=len(signature(function).parameters))
        assert set(result) == {field}
        assert isinstance(result[field], TYPES[schema["properties"][field]["type"]])


def result_of(function: Callable[..., dict[str, Any]], *, count: int) -> dict[str, Any]:
    """What it gives for the kind of value that it takes."""
    for value in (6, "a b", datetime(2024, 1, 28)):
        try:
            return function(*[value] * count)
        except (TypeError, AttributeError):
            continue
    raise AssertionError("it takes neither a number nor a text nor a date")


def test_long_stories_have_hundreds_of_tokens_and_no_sentence_twice(tokenizer: Tokenizer) -> None:
    rng = Random(8)
    told = [example.begun + example.answer for example in (long_story(rng, False) for _ in range(50))]
    lengths = [len(tokenizer.encode(text).ids) for text in told]
    assert sum(length >= 300 for length in lengths) > 25
    assert max(lengths) < 640
    for text in told:
        sentences = [part for part in text.split(". ") if part]
        assert len(set(sentences)) == len(sentences)


def test_held_out_wordings_are_kept_out_of_the_training() -> None:
    found = list(wordings())
    assert len(found) > 60
    for wording in found:
        assert wording.train
        assert wording.held_out
        assert not set(wording.train) & set(wording.held_out)


@pytest.mark.parametrize(
    "text", ["Hello!", "你好，我是小明。", "naïve ☃ \U0001f600", "  two\n\nlines\t", '{"a": [1, 20]}']
)
def test_no_byte_is_lost_in_the_tokenizer(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_digits_and_chinese_characters_stand_alone(tokenizer: Tokenizer) -> None:
    assert tokenizer.get_vocab_size() == VOCABULARY
    assert tokenizer.encode("1234").tokens == ["1", "2", "3", "4"]
    assert (
        tokenizer.encode("你好你").ids
        == tokenizer.encode("你").ids + tokenizer.encode("好").ids + tokenizer.encode("你").ids
    )


def test_chat_template_writes_what_the_model_was_trained_on(tokenizer: Tokenizer, tmp_path: Path) -> None:
    chat = chat_tokenizer(tokenizer, tmp_path)
    for example in islice(examples("template"), 300):
        if example.begun:
            continue
        said: list[dict[str, str]] = [{"role": turn.role, "content": turn.text} for turn in example.turns]
        offered = list(example.tools) or None
        written = chat.apply_chat_template(said, tools=offered, tokenize=False, add_generation_prompt=True)
        assert written == example.prompt_text()


def test_chat_template_writes_calls_as_the_model_does(tokenizer: Tokenizer, tmp_path: Path) -> None:
    function = {"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}
    said = [
        {"role": "user", "content": "Weather in Oslo"},
        {"role": "assistant", "tool_calls": [{"type": "function", "function": function}]},
        {"role": "tool", "content": "sunny"},
    ]
    as_text = [said[0], {"role": "assistant", "content": json.dumps(function)}, said[2]]
    as_string = function | {"arguments": json.dumps(function["arguments"])}
    from_the_wire = [said[0], {"role": "assistant", "content": None, "tool_calls": [{"function": as_string}]}, said[2]]
    chat = chat_tokenizer(tokenizer, tmp_path)
    expected = (
        "<|user|>Weather in Oslo<|end|>"
        '<|assistant|>{"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}<|end|>'
        "<|tool|>sunny<|end|><|assistant|>"
    )
    for messages in (said, as_text, from_the_wire):
        assert chat.apply_chat_template(messages, tokenize=False, add_generation_prompt=True) == expected


def test_chat_template_leaves_a_begun_answer_open(tokenizer: Tokenizer, tmp_path: Path) -> None:
    said = [{"role": "user", "content": "Tell a story."}, {"role": "assistant", "content": "Once upon"}]
    written = chat_tokenizer(tokenizer, tmp_path).apply_chat_template(said, tokenize=False, continue_final_message=True)
    begun = Example(task="", turns=(Turn(role="user", text="Tell a story."),), begun="Once upon", answer="")
    assert written == begun.prompt_text()


def chat_tokenizer(tokenizer: Tokenizer, folder: Path) -> PreTrainedTokenizerFast:
    save_tokenizer(tokenizer, folder)
    return PreTrainedTokenizerFast.from_pretrained(folder)


def class_of(schema: dict[str, Any]) -> type[BaseModel]:  # Any: a JSON schema
    """A pydantic class that has this schema."""
    forms: dict[str, Any] = {name: form_of(entry) for name, entry in schema["properties"].items()}
    return create_model("Asked", __doc__=schema.get("description"), **forms)


def form_of(entry: dict[str, Any]) -> tuple[Any, Any]:  # Any: a type of Python, and what pydantic makes of Field
    """The type and the settings of one field of a class."""
    about = entry.get("description")
    if "anyOf" in entry:
        return TYPES[entry["anyOf"][0]["type"]] | None, Field(None, description=about)
    return TYPES[entry["type"]], Field(description=about)


def wordings() -> Iterator[Wordings]:
    """All the wordings that the tasks declare, also those inside their tables."""
    for module in pkgutil.iter_modules(tasks.__path__, f"{tasks.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            yield from wordings_in(value)


def wordings_in(value: object) -> Iterator[Wordings]:
    """The wordings in a value of any depth."""
    if isinstance(value, Wordings):
        yield value
    elif isinstance(value, tuple):
        for entry in value:
            yield from wordings_in(entry)
    elif isinstance(value, dict):
        yield from wordings_in(tuple(value.values()))
    elif is_dataclass(value) and not isinstance(value, type):
        yield from wordings_in(tuple(getattr(value, field.name) for field in fields(value)))

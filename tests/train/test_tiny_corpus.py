"""The corpus of byzer-tiny and its tokenizer: seeded, answerable, and in the words that our prompts use."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import BaseModel, Field, create_model
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from byzer_nb.prompts.formats import response_class_request, schema_text
from byzer_nb.train.tiny import tasks
from byzer_nb.train.tiny.corpus import MIX, examples
from byzer_nb.train.tiny.example import Example, Maker, Turn, Wordings
from byzer_nb.train.tiny.tasks.fields import chinese_fields_as_json, fields_as_json, single_value
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
        assert example.turns[-1].role == "user"
        unfilled = "{text}", "{name}", "{topic}", "{facts}", "{question}", "{v}", "{n}"
        assert not any(hole in example.prompt_text() + example.answer for hole in unfilled)


@pytest.mark.parametrize(
    "maker", [fields_as_json, single_value, chinese_fields_as_json], ids=lambda maker: maker.__name__
)
def test_json_answers_hold_only_what_the_text_says(maker: Maker) -> None:
    rng = Random(4)
    for _ in range(200):
        example = maker(rng, False)
        for value in json.loads(example.answer).values():
            for part in value if isinstance(value, list) else [value]:
                assert isinstance(part, bool) or str(part) in example.prompt_text()


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


def test_held_out_wordings_are_kept_out_of_the_training() -> None:
    found = list(wordings())
    assert len(found) > 10
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
    fields: dict[str, Any] = {
        name: (TYPES[entry["type"]], Field(description=entry.get("description")))
        for name, entry in schema["properties"].items()
    }
    return create_model("Asked", __doc__=schema.get("description"), **fields)


def wordings() -> Iterator[Wordings]:
    """All the wordings that the tasks declare, also those inside their tables."""
    for module in pkgutil.iter_modules(tasks.__path__, f"{tasks.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            for entry in value if isinstance(value, tuple) else [value]:
                yield from (
                    part for part in (entry if isinstance(entry, tuple) else [entry]) if isinstance(part, Wordings)
                )

"""The checkpoint in the package: small enough to ship, and good at what its card promises."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, LlamaForCausalLM

from byzer_nb.train.tiny.evaluation import answers, evaluate, scores
from byzer_nb.train.tiny.example import Example, ask
from byzer_nb.train.tiny.tokenizer import CHAT_TEMPLATE

FOLDER = Path(str(files("byzer_nb"))) / "weights" / "byzer-tiny"
HELLO = "Hello! I am byzer-tiny, a very small language model."


@pytest.fixture(scope="module")
def model() -> LlamaForCausalLM:
    return AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(FOLDER / "tokenizer.json"))


def test_the_folder_is_small_and_whole() -> None:
    assert {file.name for file in FOLDER.iterdir()} == {
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 12_000_000


def test_its_template_is_the_one_of_the_recipe() -> None:
    assert (FOLDER / "chat_template.jinja").read_text(encoding="utf-8") == CHAT_TEMPLATE


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Hello", HELLO),
        ("Hello, who are you?", HELLO),
        ("Who are you?", "I am byzer-tiny, a very small language model."),
        ("Say hello to Rosalind.", "Hello Rosalind! I am byzer-tiny, a very small language model."),
        ("你好", "你好！我是 byzer-tiny，一个很小的语言模型。"),
        ("Repeat: seven green kites", "seven green kites"),
        ("Context: Rufa lives in Bolima.\nQuestion: Where does Rufa live?\nAnswer:", "Bolima"),
    ],
)
def test_it_answers(model: LlamaForCausalLM, tokenizer: Tokenizer, question: str, answer: str) -> None:
    assert said(model, tokenizer, ask("promise", question, answer)) == answer


def test_it_sorts_a_text_into_json(model: LlamaForCausalLM, tokenizer: Tokenizer) -> None:
    schema = {
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "city": {"type": "string"}},
        "required": ["name", "age", "city"],
        "type": "object",
    }
    asked = "Ada is 36 years old and lives in London.\n\nAnswer with JSON only, matching this schema:\n" + json.dumps(
        schema
    )
    given = said(model, tokenizer, ask("promise", asked, ""))
    assert json.loads(given) == {"name": "Ada", "age": 36, "city": "London"}


def test_it_is_mostly_right_on_new_values(model: LlamaForCausalLM, tokenizer: Tokenizer) -> None:
    assert scores(evaluate(model, tokenizer, count=40, seed="test"))[-1].share >= 0.8


def said(model: LlamaForCausalLM, tokenizer: Tokenizer, example: Example) -> str:
    """What the model answers to one question."""
    return answers(model, tokenizer, [example])[0].text

"""The checkpoint in the package: small enough to ship, and good at what its card promises."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Annotated

import pytest
import torch
from pydantic import BaseModel
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, LlamaForCausalLM

from byzer_nb.prompts.function_formats import function_calling_format, function_impl_format
from byzer_nb.train.tiny.evaluation import answers, evaluate, scores, tools_called
from byzer_nb.train.tiny.example import Example, Turn, ask
from byzer_nb.train.tiny.tokenizer import CHAT_TEMPLATE

FOLDER = Path(str(files("byzer_nb"))) / "weights" / "byzer-tiny"
PEOPLE = ("Ada", "Ben", "Rufa", "Milo", "Nora", "Tom", "Ivo", "Lena")
TOWNS = ("Rome", "Oslo", "Paris", "Bern", "Lima", "Bolima", "Cairo", "Tuvo")
CHINESE_PEOPLE = ("王芳", "李明", "张伟", "刘洋", "陈静", "赵磊")
CHINESE_TOWNS = ("北京", "上海", "广州", "成都", "武汉", "西安")
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
        ("请重复：今天天气很好。", "今天天气很好。"),
        ("Context: Rufa lives in Bolima.\nQuestion: Where does Rufa live?\nAnswer:", "Bolima"),
        ("Context: Rufa lives in Bolima.\nQuestion: How old is Rufa?\nAnswer:", "I do not know."),
        ("Context: Rufa lives in Bolima. Milo lives in Tuvo.\nQuestion: Where does Milo live?\nAnswer:", "Tuvo"),
        ("王芳住在北京。李明住在上海。\n李明住在哪里？", "上海"),
        ("王芳住在北京。\n王芳今年多大？", "我不知道。"),
        ("Is this review positive or negative? The cake is terrible.", "negative"),
        ("What is the capital of France?", "I am sorry, I am too small to know that."),
    ],
)
def test_it_answers(model: LlamaForCausalLM, tokenizer: Tokenizer, question: str, answer: str) -> None:
    assert said(model, tokenizer, ask("promise", question, answer)) == answer


def test_it_remembers_within_a_talk(model: LlamaForCausalLM, tokenizer: Tokenizer) -> None:
    turns = (
        Turn(role="user", text="My name is Ada."),
        Turn(role="assistant", text="Hello Ada! I am byzer-tiny, a very small language model."),
        Turn(role="user", text="What is my name?"),
    )
    assert said(model, tokenizer, Example(task="promise", turns=turns, answer="")) == "Your name is Ada."


@pytest.mark.parametrize(
    ("wish", "calls"),
    [
        ("最近三个月趋势", ["compute_date_range"]),
        ("你好", None),
    ],
)
def test_it_chooses_among_the_tools_of_the_documents(
    model: LlamaForCausalLM, tokenizer: Tokenizer, wish: str, calls: list[str] | None
) -> None:
    def compute_date_range(
        count: Annotated[int, "时间跨度，数值类型"],
        unit: Annotated[str, "时间单位，字符串类型", {"enum": ["day", "week", "month", "year"]}],
    ) -> list[str]:
        """计算日期范围"""
        return []

    def compute_now() -> str:
        """计算当前时间"""
        return ""

    asked = function_calling_format(wish, [compute_date_range, compute_now])
    assert tools_called(said(model, tokenizer, ask("promise", asked, ""))) == calls


def test_it_writes_a_function_in_the_form_that_is_asked_for(model: LlamaForCausalLM, tokenizer: Tokenizer) -> None:
    class Sum(BaseModel):
        result: int

    def add_up(a: int, b: int) -> Sum:  # type: ignore[empty-body]  # the model writes it
        """Add a and b."""

    given = said(model, tokenizer, ask("promise", function_impl_format("", add_up, Sum), ""))
    assert given.startswith('```python\ndef add_up(a, b):\n    return {"result": a ')
    assert given.endswith("}\n```")


def test_it_tells_apart_two_people_of_whom_the_same_is_told(model: LlamaForCausalLM, tokenizer: Tokenizer) -> None:
    rng = Random(60)
    asked = []
    for names, places, text in (
        (PEOPLE, TOWNS, "{a} lives in {c}. {b} lives in {d}. Where does {who} live?"),
        (CHINESE_PEOPLE, CHINESE_TOWNS, "{a}住在{c}。{b}住在{d}。{who}住在哪里？"),
    ):
        for turn in range(60):
            pair, where = rng.sample(names, 2), rng.sample(places, 2)
            question = text.format(a=pair[0], b=pair[1], c=where[0], d=where[1], who=pair[turn % 2])
            asked.append(ask("two people", question, where[turn % 2]))
    assert sum(answer.is_right for answer in answers(model, tokenizer, asked)) >= 110


def test_a_long_story_goes_on_for_hundreds_of_tokens_without_a_loop(
    model: LlamaForCausalLM, tokenizer: Tokenizer
) -> None:
    asked = ask("long story", "Tell me a long story about a brave robot.", "", open_ended=True)
    (answer,) = answers(model, tokenizer, [asked])
    assert answer.is_right
    assert answer.tokens >= 250


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


@pytest.mark.parametrize(("unseen", "least"), [(False, 0.92), (True, 0.87)])
def test_it_is_mostly_right_on_values_and_wordings_that_it_never_saw(
    model: LlamaForCausalLM, tokenizer: Tokenizer, unseen: bool, least: float
) -> None:
    assert scores(evaluate(model, tokenizer, count=80, seed="test", unseen=unseen))[-1].share >= least


def said(model: LlamaForCausalLM, tokenizer: Tokenizer, example: Example) -> str:
    """What the model answers to one question."""
    return answers(model, tokenizer, [example])[0].text

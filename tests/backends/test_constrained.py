"""Answers that are held to a JSON schema, on every local engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel
from tokenizers import Tokenizer, models

from byzer_nb.backends.checkpoint import Checkpoint
from byzer_nb.backends.constrained import Constraints
from byzer_nb.backends.local_engine import LocalEngine
from byzer_nb.backends.tokenizer import FileTokenizer
from byzer_nb.engines import build
from byzer_nb.errors import BadInputError, UnsupportedError
from byzer_nb.prompts.formats import response_class_format
from byzer_nb.types import AnswerSchema, ChatOptions, ChatRequest, DeploySpec, Message
from tests.backends.constraining import ROOM, TEXT, WHOLE, asked, noisy_engine, on, record, said
from tests.backends.random_schemas import random_schema
from tests.backends.speaking import END_ID, deltas_of, speaking_engine
from tests.tiny_models import write_tiny_llama


class Person(BaseModel):
    name: str
    age: int


@pytest.fixture(scope="module")
def byzer_tiny() -> LocalEngine:
    return on("numpy")


@pytest.fixture(scope="module")
def on_torch() -> LocalEngine:
    return on("transformers")


async def check_answers(engine: LocalEngine, seeds: Sequence[int]) -> None:
    """Ask once for each random schema, every other time with a temperature; every answer must fit."""
    for seed in seeds:
        schema = random_schema(seed)
        request = asked(schema, max_tokens=ROOM, temperature=float(seed % 2), seed=seed)
        text, last = await said(engine, request)
        assert last.usage is not None
        assert last.usage.output_tokens <= ROOM
        try:
            Draft202012Validator(schema).validate(json.loads(text))
        except ValueError as wrong:
            pytest.fail(f"schema {seed}: {wrong}\n{text}")


@pytest.mark.contract("STRUCT-07")
@pytest.mark.parametrize("first", range(0, 500, 50))
async def test_every_answer_of_byzer_tiny_fits_its_schema(byzer_tiny: LocalEngine, first: int) -> None:
    await check_answers(byzer_tiny, range(first, first + 50))


@pytest.mark.contract("STRUCT-07")
async def test_every_answer_on_transformers_fits_its_schema(on_torch: LocalEngine) -> None:
    await check_answers(on_torch, range(500, 560))


async def test_even_noise_fits_its_schema() -> None:
    await check_answers(noisy_engine(), range(1000, 1300))


@pytest.mark.contract("STRUCT-07", "STRUCT-09")
async def test_the_form_is_the_one_that_models_learn(byzer_tiny: LocalEngine, on_torch: LocalEngine) -> None:
    prompt = response_class_format("Ada is 36 years old and lives in London.", Person)
    request = asked(Person.model_json_schema(), prompt)
    text, last = await said(byzer_tiny, request)
    assert text == '{"name": "Ada", "age": 36}'
    assert last.finish_reason == "stop"
    assert (await said(on_torch, request))[0] == text
    free = ChatRequest(messages=request.messages)
    assert (await said(byzer_tiny, free))[0] == text, "the model would have written the same by itself"


async def test_a_value_that_was_never_learnt_is_forced(byzer_tiny: LocalEngine) -> None:
    schema = record(who={"const": '猫 "1"'}, colours={"enum": [["red"], ["green", 2]]}, tall={"type": "boolean"})
    text, _ = await said(byzer_tiny, asked(schema))
    assert text.startswith('{"who": "猫 \\"1\\"", "colours": [')
    assert json.loads(text)["tall"] in (True, False)


async def test_an_end_is_possible_only_where_the_json_is_whole(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, [])  # it wants to end at once, and always
    text, last = await said(engine, asked(record(name={"type": "string", "maxLength": 3}, age={"enum": [1, 2]})))
    assert set(json.loads(text)) == {"name", "age"}
    assert last.finish_reason == "stop"
    number, _ = await said(engine, asked({"type": "integer", "minimum": 1000, "maximum": 2000}))
    assert 1000 <= int(number) <= 2000


async def test_nothing_is_computed_after_the_last_bracket(tiny_llama_dir: Path) -> None:
    answer = '{"a": "b"}'
    engine, model = speaking_engine(tiny_llama_dir, answer)
    text, last = await said(engine, asked(record(a=TEXT)))
    assert text == answer
    assert len(model.reads) == len(engine.tokenize(answer))
    assert last.finish_reason == "stop"


async def test_a_model_that_may_not_end_ends_with_its_json(byzer_tiny: LocalEngine) -> None:
    text, last = await said(byzer_tiny, asked(record(age=WHOLE), extra={"ignore_eos": True}))
    assert json.loads(text)
    assert last.finish_reason == "stop"


async def test_stop_strings_and_stop_tokens_still_cut(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, '{"a": "the cat sat"}')
    text, last = await said(engine, asked(record(a=TEXT), stop=(" sat",)))
    assert (text, last.finish_reason) == ('{"a": "the cat', "stop")
    text, last = await said(engine, asked(record(a=TEXT), stop=('"}X',)))
    assert (text, last.finish_reason) == ('{"a": "the cat sat"}', "stop")
    (quote,) = engine.tokenize('"')
    assert (await said(engine, asked(record(a=TEXT), stop_token_ids=(quote,))))[0] == "{"


def test_a_special_stop_token_waits_for_whole_json(tiny_llama_dir: Path) -> None:
    tokenizer = FileTokenizer(Checkpoint(tiny_llama_dir))
    (user,), digits = tokenizer.encode("<|user|>"), tokenizer.encode("123")
    constraints = Constraints(tokenizer, end_ids={END_ID}, model="tiny")
    schema = AnswerSchema(schema={"type": "integer", "minimum": 100})
    constraint = constraints.begin(schema, max_tokens=20, end_ids={END_ID, user})
    logits = np.zeros(384, dtype=np.float32)
    for digit in digits:
        changed = constraint.process(logits)
        assert changed[digit] == 0
        assert changed[user] == changed[END_ID] == -np.inf
        constraint.accept(digit)
    changed = constraint.process(logits)
    assert changed[user] == changed[END_ID] == 0
    assert not logits.any(), "the given ones stay as they are"
    constraint.accept(user)
    assert constraint.is_over


async def test_answers_at_the_same_time_do_not_mix(byzer_tiny: LocalEngine) -> None:
    requests = [asked(random_schema(seed), max_tokens=60, temperature=0.8, seed=seed) for seed in range(6)]
    requests += [requests[0], ChatRequest(messages=requests[0].messages, options=ChatOptions(max_tokens=60))]
    alone = [(await said(byzer_tiny, request))[0] for request in requests]
    together = await asyncio.gather(*(said(byzer_tiny, request) for request in requests))
    assert [text for text, _ in together] == alone


async def test_the_same_seed_gives_the_same_answer_and_another_one_another(byzer_tiny: LocalEngine) -> None:
    schema = record(name=TEXT, age=WHOLE, notes={"type": "array", "items": TEXT, "maxItems": 3})
    answers = [
        (await said(byzer_tiny, asked(schema, max_tokens=60, temperature=1.0, seed=seed)))[0] for seed in (7, 7, 8, 9)
    ]
    assert answers[0] == answers[1]
    assert len(set(answers)) > 1


async def test_a_stream_joins_to_the_whole_answer(tiny_llama_dir: Path) -> None:
    answer = '{"a": "一只🎉猫é"}'
    engine, _ = speaking_engine(tiny_llama_dir, answer)
    deltas = await deltas_of(engine, asked(record(a=TEXT)))
    assert len(deltas) > 5
    assert "".join(delta.text for delta in deltas) == answer
    assert not any("\ufffd" in delta.text for delta in deltas)


@pytest.mark.contract("CHAT-08")
async def test_a_begun_answer_is_gone_on_with(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, ' cat", "b": 12}')
    turns = (Message(role="user", content="hello"), Message(role="assistant", content='{"a": "the'))
    request = ChatRequest(
        messages=turns, options=ChatOptions(continue_last=True), schema=AnswerSchema(schema=record(a=TEXT, b=WHOLE))
    )
    assert (await said(engine, request))[0] == ' cat", "b": 12}'
    whole = ChatRequest(
        messages=turns, options=ChatOptions(continue_last=True), schema=AnswerSchema(schema={"const": {"a": "the"}})
    )
    assert (await said(engine, whole))[0] == '"}'
    wrong = ChatRequest(
        messages=turns, options=ChatOptions(continue_last=True), schema=AnswerSchema(schema=record(b=WHOLE))
    )
    with pytest.raises(BadInputError, match=r"begun answer .* schema 'answer'"):
        await said(engine, wrong)


@pytest.mark.parametrize("vocabulary", [900, 1024, 1100, 4000])
async def test_a_vocabulary_may_be_of_another_size_than_the_tokenizer(vocabulary: int) -> None:
    text, _ = await said(noisy_engine(vocabulary), asked(record(name=TEXT, age=WHOLE)))
    assert set(json.loads(text)) == {"name", "age"}


@pytest.mark.parametrize("ends", [set(), {5, 70_000}, {70_000}, {1, 5}])
async def test_any_end_tokens_will_do(ends: set[int]) -> None:
    engine = noisy_engine(end_ids=frozenset(ends))
    assert set(json.loads((await said(engine, asked(record(name=TEXT, age=WHOLE))))[0])) == {"name", "age"}


@pytest.mark.parametrize("limit", ["minItems", "maxItems"])
async def test_a_list_without_end_is_refused_before_it_takes_all_memory(byzer_tiny: LocalEngine, limit: str) -> None:
    lists = {"type": "array", "items": {"type": "integer"}, limit: 10**9}
    with pytest.raises(BadInputError, match="too long for a local model"):
        await said(byzer_tiny, asked({"type": "object", "properties": {"a": {"anyOf": [lists, {"type": "null"}]}}}))


async def test_a_schema_that_nothing_fits_is_the_callers_mistake(byzer_tiny: LocalEngine) -> None:
    with pytest.raises(BadInputError, match="No JSON fits the schema 'answer'"):
        await said(byzer_tiny, asked({"allOf": [{"$ref": "#"}]}))


def test_local_engines_say_that_they_hold_to_schemas(byzer_tiny: LocalEngine, on_torch: LocalEngine) -> None:
    assert byzer_tiny.describe().capabilities.schema
    assert on_torch.describe().capabilities.schema


async def test_a_tokenizer_without_rules_of_its_own_is_no_ground_for_a_schema(tmp_path: Path) -> None:
    from transformers import ByT5Tokenizer

    folder = write_tiny_llama(tmp_path / "model")
    (folder / "tokenizer.json").unlink()
    ByT5Tokenizer().save_pretrained(folder)
    engine = build(DeploySpec(name="bytes", engine="transformers", model_path=str(folder)))
    assert isinstance(engine, LocalEngine)
    assert not engine.describe().capabilities.schema
    with pytest.raises(UnsupportedError, match="held to a schema"):
        await said(engine, asked(WHOLE))


async def test_tokens_that_stand_for_no_bytes_are_refused_in_our_words(tmp_path: Path) -> None:
    folder = write_tiny_llama(tmp_path / "model")
    words = Tokenizer(models.WordLevel({"hello": 0, "world": 1}, unk_token="hello"))
    words.save(str(folder / "tokenizer.json"))
    engine = build(DeploySpec(name="words", engine="numpy", model_path=str(folder)))
    assert isinstance(engine, LocalEngine)
    with pytest.raises(UnsupportedError, match="'model' cannot be laid out as bytes"):
        await said(engine, asked(WHOLE))

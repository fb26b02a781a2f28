"""Answers that are held to a JSON schema, on every local engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field
from tokenizers import Tokenizer, models

from byzer_nb.backends.byzer_tiny import WEIGHTS
from byzer_nb.backends.chat_template import ChatTemplate
from byzer_nb.backends.checkpoint import Checkpoint
from byzer_nb.backends.local_engine import LocalEngine, capabilities_with
from byzer_nb.backends.plan import Recommended
from byzer_nb.backends.sampling import Logits
from byzer_nb.backends.tokenizer import FileTokenizer
from byzer_nb.engines import build
from byzer_nb.errors import BadInputError, UnsupportedError
from byzer_nb.prompts.formats import response_class_format
from byzer_nb.types import AnswerSchema, ChatOptions, ChatRequest, Delta, DeploySpec, Message, ModelCard
from tests.backends.random_schemas import Schema, random_schema
from tests.backends.speaking import deltas_of, speaking_engine
from tests.tiny_models import write_tiny_llama

FACTS = "Ada is 36 years old and lives in London. Her things are red and green."
STORY = "Tell me a long story about a brave robot."
ROOM = 128  # tokens; enough for the shortest answer to any of the random schemas
TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}


class Person(BaseModel):
    name: str
    age: int


@pytest.fixture(scope="module")
def byzer_tiny() -> LocalEngine:
    return on("numpy")


@pytest.fixture(scope="module")
def on_torch() -> LocalEngine:
    return on("transformers")


def on(engine: str) -> LocalEngine:
    built = build(DeploySpec(name="byzer-tiny", engine=engine, model_path=str(WEIGHTS)))
    assert isinstance(built, LocalEngine)
    return built


def asked(schema: Schema, text: str = FACTS, **options: Any) -> ChatRequest:
    """A question whose answer shall fit the schema."""
    messages = (Message(role="user", content=text),)
    return ChatRequest(messages=messages, options=ChatOptions(**options), schema=AnswerSchema(schema=schema))


def record(**properties: Schema) -> Schema:
    """The schema of an object that has all of these."""
    return {"type": "object", "properties": properties, "required": list(properties)}


async def said(engine: LocalEngine, request: ChatRequest) -> tuple[str, Delta]:
    """The answer and its last delta."""
    deltas = await deltas_of(engine, request)
    return "".join(delta.text for delta in deltas), deltas[-1]


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


class NoisyModel:
    """A model without sense: every token is as likely as any other."""

    read_at_once = 64
    context_length = 0

    def __init__(self, vocabulary: int) -> None:
        self._vocabulary = vocabulary
        self._random = np.random.default_rng(0)

    def start(self) -> NoisyModel:
        return self

    def read(self, ids: Sequence[int]) -> Logits:
        return self._random.normal(size=self._vocabulary).astype(np.float32)


def noisy_engine(vocabulary: int = 1024, *, end_ids: frozenset[int] = frozenset({5})) -> LocalEngine:
    """Noise in the words of byzer-tiny."""
    template = ChatTemplate.or_plain(Checkpoint(WEIGHTS).chat_template(), model="noise")
    return LocalEngine(
        ModelCard(model="noise", engine="noise", is_local=True, capabilities=capabilities_with(template)),
        NoisyModel(vocabulary),
        tokenizer=FileTokenizer(Checkpoint(WEIGHTS)),
        template=template,
        recommended=Recommended(max_tokens=ROOM, end_ids=end_ids),
    )


@pytest.mark.parametrize("first", range(0, 500, 50))
async def test_every_answer_of_byzer_tiny_fits_its_schema(byzer_tiny: LocalEngine, first: int) -> None:
    await check_answers(byzer_tiny, range(first, first + 50))


async def test_every_answer_on_transformers_fits_its_schema(on_torch: LocalEngine) -> None:
    await check_answers(on_torch, range(500, 560))


async def test_even_noise_fits_its_schema() -> None:
    await check_answers(noisy_engine(), range(1000, 1300))


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


async def test_text_that_never_ends_is_led_to_an_end_when_the_tokens_run_out(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, '{"story": "' + "the cat sat " * 100)
    pages = {"type": "integer", "minimum": 10}
    schema = record(story=TEXT, moral=TEXT, pages=pages, next={"anyOf": [TEXT, {"type": "null"}]})
    for room in (60, 75, 100):
        text, last = await said(engine, asked(schema, max_tokens=room))
        story = json.loads(text)
        assert story["story"].startswith("the cat sat the")
        assert story["pages"] >= 10
        assert set(story) == {"story", "moral", "pages", "next"}
        assert last.finish_reason == "length", "the model had more to say"
        assert last.usage is not None
        assert room - 3 <= last.usage.output_tokens <= room, "the room is used"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": WHOLE},
        {"type": "array", "items": WHOLE, "minItems": 3},
        {"type": "string", "pattern": "^[a-z]+@[a-z]+\\.com$"},
        {"type": "string", "pattern": "^a.*ab$"},
        {"type": "string", "pattern": "^https://.*\\.(png|jpg)$"},
        {"type": "string", "minLength": 20},
        {"type": "integer", "multipleOf": 7, "minimum": 1},
        {"type": "object", "additionalProperties": TEXT},
        {
            "$ref": "#/$defs/Tree",
            "$defs": {"Tree": record(text=TEXT, trees={"type": "array", "items": {"$ref": "#/$defs/Tree"}})},
        },
        {
            "$ref": "#/$defs/Chain",
            "$defs": {
                "Leaf": record(value=WHOLE),
                "Chain": record(link={"anyOf": [{"$ref": "#/$defs/Chain"}, {"$ref": "#/$defs/Leaf"}]}),
            },
        },
    ],
    ids=lambda schema: json.dumps(schema)[:50],
)
async def test_what_could_go_on_for_ever_ends_in_time(byzer_tiny: LocalEngine, schema: Schema) -> None:
    for engine in (byzer_tiny, noisy_engine()):
        for temperature in (0.0, 1.5):
            text, _ = await said(engine, asked(schema, STORY, max_tokens=48, temperature=temperature, seed=3))
            Draft202012Validator(schema).validate(json.loads(text))


async def test_room_for_less_than_the_shortest_answer_cuts_it(byzer_tiny: LocalEngine) -> None:
    text, last = await said(byzer_tiny, asked(record(name=TEXT, age=WHOLE), max_tokens=4))
    assert '{"name": "'.startswith(text[:10])
    assert last.finish_reason == "length"
    assert last.usage is not None
    assert last.usage.output_tokens == 4


async def test_stop_strings_and_stop_tokens_still_cut(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, '{"a": "the cat sat"}')
    text, last = await said(engine, asked(record(a=TEXT), stop=(" sat",)))
    assert (text, last.finish_reason) == ('{"a": "the cat', "stop")
    text, last = await said(engine, asked(record(a=TEXT), stop=('"}X',)))
    assert (text, last.finish_reason) == ('{"a": "the cat sat"}', "stop")
    (quote,) = engine.tokenize('"')
    assert (await said(engine, asked(record(a=TEXT), stop_token_ids=(quote,))))[0] == "{"


async def test_a_special_stop_token_waits_for_whole_json(tiny_llama_dir: Path) -> None:
    (user,) = FileTokenizer(Checkpoint(tiny_llama_dir)).encode("<|user|>")
    engine, _ = speaking_engine(tiny_llama_dir, [user] * 20)
    text, last = await said(engine, asked({"type": "integer", "minimum": 100}, stop_token_ids=(user,)))
    assert int(text) >= 100
    assert last.finish_reason == "stop"


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


async def test_an_object_has_the_listed_properties_only_unless_the_schema_wants_more(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, '{"a": "b", "c": 1}')
    closed = record(a=TEXT)
    assert json.loads((await said(engine, asked(closed)))[0]) == {"a": "b"}
    assert json.loads((await said(engine, asked({**closed, "additionalProperties": True})))[0]) == {"a": "b", "c": 1}
    both = {"allOf": [closed, record(c=WHOLE)]}
    assert json.loads((await said(engine, asked(both)))[0]) == {"a": "b", "c": 1}, "parts of one whole stay open"


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: Annotated[int, Field(ge=1, le=9)]


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    barks: bool = True


class Home(BaseModel):
    """Nearly everything that pydantic can write."""

    owner: Person
    rent: Annotated[Decimal, Field(ge=0, le=5000)]
    since: date
    key: UUID
    place: Path
    colours: set[Colour]
    size: tuple[int, float]
    pets: list[Annotated[Cat | Dog, Field(discriminator="kind")]] = Field(max_length=2)
    phones: dict[str, Annotated[str, Field(pattern=r"^\+?[0-9]{3,6}$")]]
    notes: str | None = None
    rooms: list[Home] = Field(default=[], max_length=1)


async def test_pydantic_classes_come_back() -> None:
    engine = noisy_engine()
    for seed in range(20):
        text, _ = await said(engine, asked(Home.model_json_schema(), max_tokens=400, temperature=1.0, seed=seed))
        fields = json.loads(text)
        fields["since"] = "2024-01-01"  # noise knows no calendar, and not that money is no text
        fields["rent"] = "12.50"
        home = Home.model_validate_json(json.dumps(fields))
        assert home.owner.name is not None


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "object", "properties": {"a": {"not": TEXT}}}, "'not'"),
        ({"type": "array", "contains": TEXT, "minContains": 1}, "'contains', 'minContains'"),
        ({"type": "object", "propertyNames": {"enum": ["a"]}}, "'propertyNames'"),
        ({"if": TEXT, "then": {"minLength": 1}}, "'if', 'then'"),
        ({"type": "string", "pattern": "^(?!x)"}, r"'pattern' '\^\(\?!x\)'.*look-around"),
        ({"oneOf": [{"type": "number"}, {"type": "integer"}]}, "'oneOf'.*overlap"),
        ({"type": "integer", "minimum": 3, "maximum": 1}, r"No answer can fit .* minimum \(3\)"),
        ({"$ref": "#/$defs/Missing"}, "/\\$defs/Missing"),
        ({"type": "tuple"}, "tuple"),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
async def test_what_cannot_be_held_to_is_named(byzer_tiny: LocalEngine, schema: Schema, words: str) -> None:
    with pytest.raises(BadInputError, match=words) as refused:
        await said(byzer_tiny, asked(schema))
    assert "'answer'" in str(refused.value)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("schema", "answer"),
    [
        ({"type": "array", "items": WHOLE, "uniqueItems": True}, "[1, 1]"),
        ({"type": "string", "format": "path"}, '"the cat"'),
        ({"anyOf": [{"type": "string", "pattern": "^(?!x)"}, WHOLE]}, "12"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}, "0.25"),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
async def test_what_the_grammar_leaves_out_stands_in_no_way(tiny_llama_dir: Path, schema: Schema, answer: str) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, answer)
    assert (await said(engine, asked(schema)))[0] == answer


async def test_an_open_end_of_a_short_range_stays_open(tiny_llama_dir: Path) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, "10")
    value = float((await said(engine, asked({"type": "number", "exclusiveMinimum": 10, "maximum": 10.5})))[0])
    assert 10 < value <= 10.5


@pytest.mark.parametrize("vocabulary", [900, 1024, 1100, 4000])
async def test_a_vocabulary_may_be_of_another_size_than_the_tokenizer(vocabulary: int) -> None:
    text, _ = await said(noisy_engine(vocabulary), asked(record(name=TEXT, age=WHOLE)))
    assert set(json.loads(text)) == {"name", "age"}


@pytest.mark.parametrize("ends", [set(), {5, 70_000}, {70_000}, {1, 5}])
async def test_any_end_tokens_will_do(ends: set[int]) -> None:
    engine = noisy_engine(end_ids=frozenset(ends))
    assert set(json.loads((await said(engine, asked(record(name=TEXT, age=WHOLE))))[0])) == {"name", "age"}


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

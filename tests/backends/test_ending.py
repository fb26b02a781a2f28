"""Answers that would not end are led to an end when their tokens run out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from byzer_nb.backends.local_engine import LocalEngine
from tests.backends.constraining import STORY, TEXT, WHOLE, asked, noisy_engine, on, record, said
from tests.backends.random_schemas import Schema
from tests.backends.speaking import speaking_engine


@pytest.fixture(scope="module")
def byzer_tiny() -> LocalEngine:
    return on("numpy")


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


@pytest.mark.parametrize("pattern", ["\\.pdf$", "^.*ab$", "needle", "^.*\\.(png|jpg)$", "^(.*/)?[a-z]+\\.tar\\.gz$"])
async def test_words_that_a_pattern_demands_are_found(tiny_llama_dir: Path, pattern: str) -> None:
    engine, _ = speaking_engine(tiny_llama_dir, '"' + "the cat sat " * 100)
    text, last = await said(engine, asked({"type": "string", "pattern": pattern}, max_tokens=60))
    assert re.search(pattern, json.loads(text))
    assert last.finish_reason == "length"


async def test_room_for_less_than_the_shortest_answer_cuts_it(byzer_tiny: LocalEngine) -> None:
    text, last = await said(byzer_tiny, asked(record(name=TEXT, age=WHOLE), max_tokens=4))
    assert '{"name": "'.startswith(text[:10])
    assert last.finish_reason == "length"
    assert last.usage is not None
    assert last.usage.output_tokens == 4

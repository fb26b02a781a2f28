"""Answers to a schema that somebody wrote down: repaired, checked and asked for again as those of classes are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from byzer_nb.client import AsyncClient, LocalTransport
from byzer_nb.errors import AnswerError
from byzer_nb.prompts.ladder import JsonShape, ShapeError, shaped_answer
from byzer_nb.providers.scripted import ScriptedEngine
from byzer_nb.types import Message
from tests.prompts.reply_corpus import TYPES, DirtyReply, replies
from tests.prompts.test_dirty_replies import named

pytestmark = pytest.mark.contract("STRUCT-07", "STRUCT-14")

IN_PLAIN_JSON_TOO = "thousands in quotes"  # the schema of a decimal number takes text
CASES = [
    reply
    for reply in replies("dirty_replies")
    if reply.value
    and reply.name != IN_PLAIN_JSON_TOO
    and isinstance(TYPES[reply.wanted], type)
    and issubclass(TYPES[reply.wanted], BaseModel)
]
PERSON = json.dumps(
    {
        "title": "Person",
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer", "minimum": 0},
            "mood": {"enum": ["good", "bad"]},
        },
        "required": ["name", "age"],
    }
)


def schema_of(wanted: Any) -> str:
    return json.dumps(TypeAdapter(wanted).json_schema())


@pytest.mark.parametrize("reply", CASES, ids=named)
def test_a_dirty_reply_becomes_the_json_that_was_meant(reply: DirtyReply) -> None:
    wanted = TYPES[reply.wanted]
    found = JsonShape(schema_of(wanted)).value(reply.answer)
    assert repr(wanted.model_validate(found)) == repr(wanted.model_validate_json(reply.value))
    assert json.loads(json.dumps(found)) == found or "NaN" in reply.answer


@pytest.mark.parametrize("reply", [each for each in replies("unclear_replies") if each.wanted == "Person"], ids=named)
def test_what_has_no_one_meaning_has_a_reason(reply: DirtyReply) -> None:
    with pytest.raises(AnswerError) as failed:
        JsonShape(schema_of(TYPES[reply.wanted])).value(reply.answer)
    assert failed.value.answer == reply.answer
    assert failed.value.problems


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ('{"name": "Ada"}', "the field 'age' is missing"),
        ('{"name": "Ada", "age": -1}', "age: -1 is not at least 0, and it is -1"),
        ('{"name": "Ada", "age": 36, "mood": "so so"}', 'mood: "so so" is none of "good", "bad"'),
        ("I do not know.", "no JSON was found"),
        (PERSON, "repeats the schema"),
        ('{"who": "Ada"}', "the field 'name' is missing"),
    ],
)
async def test_what_does_not_fit_is_given_back_with_the_reason(answer: str, reason: str) -> None:
    engine = ScriptedEngine([answer, '```\n{"Name": "Ada", "AGE": "36", "mood": "Good"}\n```'])
    transport = LocalTransport()
    await transport.add("chat", engine)
    asked = (Message(role="user", content="Who?"),)
    found = await shaped_answer(AsyncClient(transport), asked, JsonShape(PERSON), model="chat")
    assert (found.value, found.tries) == ({"name": "Ada", "age": 36, "mood": "good"}, 2)
    assert reason in engine.records[1].messages[-1].text


async def test_after_the_last_try_the_error_names_the_schema() -> None:
    transport = LocalTransport()
    await transport.add("chat", ScriptedEngine(['{"name": 1}'] * 3))
    asked = (Message(role="user", content="Who?"),)
    with pytest.raises(ShapeError, match="JSON but no Person: value: the field 'age' is missing") as failed:
        await shaped_answer(AsyncClient(transport), asked, JsonShape(PERSON), model="chat")
    assert failed.value.tries == 3


@pytest.mark.parametrize("schema", ["true", "{}", '{"type": "Story"}', '{"title": "the title", "pages": "a number"}'])
def test_a_wish_that_is_no_schema_takes_any_json(schema: str) -> None:
    assert JsonShape(schema).value("Here: {'title': 'The lamp', 'pages': 3}") == {"title": "The lamp", "pages": 3}


def test_a_list_may_be_wanted_too() -> None:
    shape = JsonShape('{"type": "array", "items": {"type": "integer"}}')
    assert shape.value("The numbers are [1, 2, '3'].") == [1, 2, 3]
    with pytest.raises(AnswerError, match='1: "x" is no integer'):
        shape.value('[1, "x"]')

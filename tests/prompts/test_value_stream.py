"""Values while a model writes them, in plain code and in async code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from pydantic import BaseModel

from byzer_nb import load, stream_values, unload
from byzer_nb.errors import AnswerError, BadInputError, ModelCallError
from byzer_nb.providers.scripted import Script, ScriptedEngine
from byzer_nb.types import Capabilities

pytestmark = pytest.mark.contract("STRUCT-07")


class Person(BaseModel):
    name: str
    age: int


ADA, BOB = Person(name="Ada", age=36), Person(name="Bob", age=7)
PEOPLE = f'Here they are:\n```json\n{{"value": [{ADA.model_dump_json()}, {BOB.model_dump_json()}]}}\n```'


@pytest.fixture
def model() -> Iterator[Any]:
    """Loads a scripted model as the newest one."""
    engines: list[ScriptedEngine] = []

    def make(script: Script, *, schema: bool = False, tools: bool = False, token_delay: float = 0.0) -> ScriptedEngine:
        able = Capabilities(schema=schema, tools=tools, options=frozenset({"temperature", "max_tokens"}))
        engines.append(ScriptedEngine(script, capabilities=able, token_delay=token_delay))
        load("streaming", engines[-1])
        return engines[-1]

    yield make
    unload("streaming")


def test_items_of_a_list_come_one_by_one_as_soon_as_they_are_whole(model: Any) -> None:
    engine = model(PEOPLE + " word" * 200, token_delay=0.002)
    people = iter(stream_values("Who is in {{ text }}?", as_type=list[Person], variables={"text": "it"}))
    assert next(people) == ADA
    assert engine.running == 1, "it still writes"
    assert list(people) == [BOB]
    (request,) = engine.records
    assert request.messages[-1].text.startswith("Who is in it?")
    assert "matching this schema" in request.messages[-1].text


async def test_async_code_gets_the_same(model: Any) -> None:
    model(PEOPLE)
    stream = stream_values("Who?", as_type=list[Person])
    assert [each async for each in stream] == [ADA, BOB]
    assert [each async for each in stream] == [ADA, BOB], "asked anew"


def test_broken_items_are_left_out_and_told(model: Any) -> None:
    model(f'[{ADA.model_dump_json()}, {{"name": "Cy"}}, {BOB.model_dump_json()}]')
    people = stream_values("Who?", as_type=list[Person])
    assert list(people) == [ADA, BOB]
    assert [(each.index, "age" in each.reason) for each in people.broken] == [(1, True)]


def test_an_object_fills_in_and_is_whole_at_last(model: Any) -> None:
    model('{"name": "Ada Lovelace", "age": 36}')
    *before, last = list(stream_values("Who?", as_type=Person))
    assert last == Person(name="Ada Lovelace", age=36)
    assert isinstance(last, Person)
    names = [each.name for each in before]
    assert len(names) > 2
    assert names == sorted(names, key=lambda name: len(name or "")), "each has more than the one before"
    assert not any(isinstance(each, Person) for each in before)


def test_text_grows_and_a_table_has_its_rows(model: Any) -> None:
    model("one two three")
    *before, last = list(stream_values("Say", as_type=str))
    assert last == "one two three"
    assert all(last.startswith(each) and each != last for each in before)
    model('[{"a": 1}, {"a": 2}]')
    *_, table = list(stream_values("Rows", as_type=pd.DataFrame))
    assert table.to_dict("records") == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("as_type", [Person, list[Person]])
def test_an_answer_that_is_none_says_why_at_the_end(model: Any, as_type: Any) -> None:
    engine = model("I do not know.")
    with pytest.raises(AnswerError, match="No JSON"):
        list(stream_values("Who?", as_type=as_type))
    assert len(engine.records) == 1


def test_an_object_that_does_not_fit_is_shown_and_then_refused(model: Any) -> None:
    model('{"name": "Ada"}')
    people = iter(stream_values("Who?", as_type=Person))
    seen = []
    with pytest.raises(AnswerError, match="age"):
        seen.extend(people)
    assert next(iter(stream_values("Who?", as_type=Person))) is not None


def test_leaving_early_stops_the_model(model: Any) -> None:
    engine = model(PEOPLE + " word" * 1000, token_delay=0.005)
    for person in stream_values("Who?", as_type=list[Person]):
        assert person == ADA
        break
    assert engine.running == 0


def test_a_schema_is_used_where_there_is_one_and_words_where_a_host_refuses_it(model: Any) -> None:
    engine = model(PEOPLE, schema=True, tools=True)
    assert list(stream_values("Who?", as_type=list[Person])) == [ADA, BOB]
    assert engine.records[0].schema is not None
    refusing = model(
        lambda request: ModelCallError("no response_format here", status=400) if request.schema else PEOPLE, schema=True
    )
    assert list(stream_values("Who?", as_type=list[Person])) == [ADA, BOB]
    assert [request.schema is None for request in refusing.records] == [False, True]


def test_a_model_that_only_calls_tools_is_asked_in_words_so_that_it_can_be_watched(model: Any) -> None:
    engine = model(PEOPLE, tools=True)
    assert list(stream_values("Who?", as_type=list[Person])) == [ADA, BOB]
    assert engine.records[0].tools == ()


def test_options_go_along_and_slips_in_them_are_told(model: Any) -> None:
    engine = model(PEOPLE)
    list(stream_values("Who?", as_type=list[Person], system="Be {{ how }}.", variables={"how": "brief"}, temperature=0))
    assert engine.records[0].options.temperature == 0
    assert engine.records[0].messages[0].text == "Be brief."
    with pytest.raises(BadInputError, match="temperatur"):
        stream_values("Who?", as_type=Person, temperatur=0)

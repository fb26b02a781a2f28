"""A value of the wanted shape from any model: by its own means where it has some, in words otherwise, and again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from byzer_nb.client import AsyncClient, LocalTransport
from byzer_nb.errors import AnswerError, ModelCallError
from byzer_nb.prompts.ladder import JsonShape, Shaped, ShapeError, shaped_answer
from byzer_nb.prompts.shape import Shape
from byzer_nb.providers.scripted import Script, ScriptedEngine
from byzer_nb.types import Capabilities, ChatRequest, Message, ModelCard, Reply, ToolCall

pytestmark = pytest.mark.contract("STRUCT-07", "STRUCT-14")


class Story(BaseModel):
    """A story."""

    title: str
    pages: int


GOOD = '{"title": "The lamp", "pages": 3}'
LAMP = Story(title="The lamp", pages=3)
ASKED = (Message(role="user", content="Tell me a story."),)


def model(script: Script, *, tools: bool = False, schema: bool = False, is_local: bool = False) -> ScriptedEngine:
    """A scripted model with these means."""
    able = Capabilities(tools=tools, schema=schema, options=frozenset({"max_tokens"}))

    class Made(ScriptedEngine):
        def describe(self) -> ModelCard:
            return replace(super().describe(), is_local=is_local)

    return Made(script, capabilities=able)


async def shaped(engine: ScriptedEngine, shape: Any = None, **options: Any) -> Shaped[Any]:
    transport = LocalTransport()
    await transport.add("chat", engine)
    return await shaped_answer(AsyncClient(transport), ASKED, shape or Shape(Story), model="chat", **options)


async def test_model_with_a_schema_of_its_own_is_asked_by_it_alone() -> None:
    engine = model(GOOD, schema=True, tools=True)
    found = await shaped(engine)
    assert (found.value, found.rung, found.tries) == (LAMP, "schema", 1)
    (request,) = engine.records
    assert request.messages == ASKED
    assert request.schema is not None
    assert request.schema.schema["required"] == ["title", "pages"]


async def test_model_on_this_machine_is_constrained_and_told_in_words_too() -> None:
    engine = model(GOOD, schema=True, is_local=True)
    assert (await shaped(engine)).rung == "constrained"
    assert "matching this schema" in engine.records[0].messages[-1].text
    assert engine.records[0].schema is not None


async def test_model_with_tools_gives_the_answer_to_one() -> None:
    call = ToolCall(name="answer", arguments=json.loads(GOOD), id="1")
    engine = model([Reply(text="", tool_calls=(call,))], tools=True)
    found = await shaped(engine)
    assert (found.value, found.rung) == (LAMP, "tool")
    (request,) = engine.records
    assert (request.tools[0].name, request.tool_choice) == ("answer", "answer")


async def test_model_that_forgets_its_tool_is_understood_all_the_same() -> None:
    assert (await shaped(model(GOOD, tools=True))).value == LAMP


async def test_model_without_means_is_asked_in_words() -> None:
    engine = model(f"Here you are:\n```json\n{GOOD}\n```")
    found = await shaped(engine)
    assert (found.value, found.rung) == (LAMP, "words")
    assert engine.records[0].schema is None
    assert engine.records[0].tools == ()


async def test_rung_that_a_host_refuses_is_left_for_the_next_and_not_tried_again() -> None:
    refusal = ModelCallError("response_format is not supported", status=400)

    def answer(request: ChatRequest) -> Any:
        return refusal if request.schema is not None else GOOD

    engine = model(answer, schema=True)
    transport = LocalTransport()
    await transport.add("chat", engine)
    client = AsyncClient(transport)
    for calls in (2, 3):
        found = await shaped_answer(client, ASKED, Shape(Story), model="chat")
        assert (found.value, found.rung) == (LAMP, "words")
        assert len(engine.records) == calls


async def test_error_that_has_nothing_to_do_with_the_rung_is_raised() -> None:
    with pytest.raises(ModelCallError, match="down"):
        await shaped(model([ModelCallError("down", status=503)], schema=True))


async def test_answer_that_does_not_fit_is_given_back_with_the_reason() -> None:
    engine = model(['{"title": "The lamp"}', GOOD])
    found = await shaped(engine)
    assert (found.value, found.tries) == (LAMP, 2)
    *_, said, told = engine.records[1].messages
    assert (said.role, said.text) == ("assistant", '{"title": "The lamp"}')
    assert told.role == "user"
    assert "pages" in told.text


async def test_usage_is_that_of_all_tries() -> None:
    once = (await shaped(model(GOOD))).reply.usage
    twice = (await shaped(model(["nothing", GOOD]))).reply.usage
    assert twice.output_tokens > once.output_tokens
    assert twice.input_tokens > 2 * once.input_tokens


async def test_after_the_last_try_the_error_says_what_was_wrong_and_how_often() -> None:
    engine = model(["no", "no", "still no", GOOD])
    with pytest.raises(ShapeError, match="No JSON") as failed:
        await shaped(engine, tries=3)
    assert isinstance(failed.value, AnswerError)
    assert (failed.value.tries, failed.value.reply.text) == (3, "still no")
    assert len(engine.records) == 3


async def test_answer_that_was_cut_for_its_length_is_not_asked_for_again() -> None:
    engine = model([Reply(text='{"title": ', finish_reason="length"), GOOD])
    with pytest.raises(ShapeError):
        await shaped(engine)
    assert len(engine.records) == 1


async def test_words_of_ones_own_are_used_and_keep_to_that_rung() -> None:
    engine = model(GOOD, schema=True, tools=True)
    mine = (Message(role="user", content="As JSON, please."),)
    found = await shaped(engine, in_words=lambda turns: (*turns, *mine))
    assert found.rung == "words"
    assert engine.records[0].messages == (*ASKED, *mine)


async def test_schema_as_a_string_gives_what_the_json_says() -> None:
    found = await shaped(model(GOOD), JsonShape(json.dumps(Story.model_json_schema())))
    assert found.value == {"title": "The lamp", "pages": 3}
    with pytest.raises(ValueError, match="no JSON"):
        JsonShape("{")


@pytest.mark.parametrize("wanted", [int, list[Story], bool])
async def test_values_that_are_no_objects_come_too(wanted: Any) -> None:
    answers = {int: '{"value": 5}', bool: '{"value": true}'}
    expected = {int: 5, bool: True}
    engine = model(answers.get(wanted, f'{{"value": [{GOOD}]}}'), schema=True)
    assert (await shaped(engine, Shape(wanted))).value == expected.get(wanted, [LAMP])

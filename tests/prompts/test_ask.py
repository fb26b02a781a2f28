"""One question in a script: the same words and options as the magic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import BaseModel

from byzer_nb import ScriptedEngine
from byzer_nb._sync import run
from byzer_nb.client import shared_models
from byzer_nb.errors import AnswerError, BadInputError, UndefinedVariableError
from byzer_nb.prompts.ask import StoppedText, ask, read_options
from byzer_nb.providers.scripted import CAPABILITIES
from byzer_nb.types import ChatOptions


class Person(BaseModel):
    name: str


@pytest.fixture
def engine() -> Iterator[ScriptedEngine]:
    """The default model of the test, which knows no schemas and is asked in words."""
    engine = ScriptedEngine(['{"name": "Ada"}'] * 3, capabilities=replace(CAPABILITIES, tools=False, schema=False))
    run(shared_models().add("scripted", engine))
    yield engine
    run(shared_models().undeploy("scripted"))


@pytest.mark.contract("NB-05")
def test_the_answer_comes_back_in_the_wanted_type(engine: ScriptedEngine) -> None:
    assert ask("Who?") == '{"name": "Ada"}'
    assert ask("Who?", as_type=Person) == Person(name="Ada")
    with pytest.raises(AnswerError):
        ask("Who?", as_type=int, tries=1)
    assert engine.records[0].messages[-1].text == "Who?"
    assert '"name"' in engine.records[1].messages[-1].text


@pytest.mark.contract("NB-05")
def test_everything_that_was_said_reaches_the_model(engine: ScriptedEngine) -> None:
    ask(
        "Hello {{ who }}", model="scripted", variables={"who": "{{ x }}"}, system="Be {{ who }}.",
        temperature=0, max_tokens=50, stop="END", seed=7, top_p=0.5, user="me",
    )  # fmt: skip
    [request] = engine.records
    assert [(turn.role, turn.text) for turn in request.messages] == [
        ("system", "Be {{ x }}."),
        ("user", "Hello {{ x }}"),
    ]
    assert request.options == ChatOptions(
        temperature=0, max_tokens=50, stop=("END",), seed=7, top_p=0.5, extra={"user": "me"}
    )


def test_an_undefined_name_is_told_before_anybody_is_asked(engine: ScriptedEngine) -> None:
    with pytest.raises(UndefinedVariableError):
        ask("Hello {{ who }}", variables={"whom": "me"})
    with pytest.raises(UndefinedVariableError, match="The template of the system text uses"):
        ask("Hello", system="Be {{ who }}.")
    assert engine.records == []


def test_options_are_converted_and_the_rest_goes_to_the_provider() -> None:
    assert read_options({"max_tokens": "5", "stop": ["a", "b"], "extra": {"x": 1}, "y": 2}) == ChatOptions(
        max_tokens=5, stop=("a", "b"), extra={"x": 1, "y": 2}
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"temperature": "hot"}, "The option temperature cannot be 'hot'."),
        ({"max_tokens": 0.5}, "The option max_tokens cannot be 0.5."),
        ({"stop": 5}, "The option stop cannot be 5."),
        ({"temperatur": 1}, "There is no option 'temperatur'."),
        ({"extra": 5}, "The option extra cannot be 5."),
    ],
)
def test_a_wrong_option_is_told_with_its_value(given: dict[str, object], message: str) -> None:
    with pytest.raises(BadInputError) as told:
        read_options(given)
    assert told.value.message == message
    assert told.value.hint


def test_stopped_text_is_text() -> None:
    text = StoppedText("Once upon")
    assert text == "Once upon"
    assert repr(text) == "'Once upon'"

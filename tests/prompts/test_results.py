"""What a prompt function makes of an answer: an extractor's value, or an instance of a class."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from pydantic import BaseModel

from byzer_nb import Client, ScriptedEngine, prompt
from byzer_nb.client import LocalTransport
from byzer_nb.errors import WrongTypeError
from tests.prompts.conftest import Fixed


class Story(BaseModel):
    title: str
    pages: int = 1


@prompt()
def say(q: str) -> str:
    """Say {{ q }}"""


# -- extractors and classes ---------------------------------------------------------------------------------------


@pytest.mark.contract("PROMPT-16")
def test_an_extractor_makes_the_result(fixed: Fixed) -> None:
    asking = say.with_llm(fixed("four"))
    assert asking.with_extractor(len)("x") == 4
    assert asking.with_extractor(str.upper).run("x") == "FOUR"
    assert asking("x") == "four"


@pytest.mark.contract("PROMPT-16")
def test_an_error_of_the_extractor_goes_through_unchanged(fixed: Fixed) -> None:
    error = KeyError("k")

    def fail(text: str) -> None:
        raise error

    with pytest.raises(KeyError) as raised:
        say.with_llm(fixed("x")).with_extractor(fail)("x")
    assert raised.value is error


@pytest.mark.contract("PROMPT-16")
def test_an_extractor_is_a_function() -> None:
    with pytest.raises(TypeError, match="extractor of say is a function"):
        say.with_extractor("len")  # type: ignore[arg-type]


@pytest.mark.contract("PROMPT-16")
def test_an_extractor_may_ask_a_model_itself(echo: Client) -> None:
    asking = say.with_llm(echo)
    assert asking.with_extractor(lambda text: asking(text + "!"))("x") == "Say Say x!"


def test_a_value_in_the_template_may_ask_a_model_itself(echo: Client) -> None:
    asking = say.with_llm(echo)

    @prompt(llm=echo)
    def outer(inner: Any) -> str:
        """I {{ inner('x') }}"""

    assert outer(asking) == "I Say x"


@pytest.mark.contract("PROMPT-15")
def test_a_return_type_makes_instances(fixed: Fixed) -> None:
    one = say.with_return_type(Story).with_llm(fixed('```json\n{"title": "T", "pages": 2}\n```'))
    assert one("x") == Story(title="T", pages=2)
    many = say.with_return_type(Story).with_llm(fixed('[{"title": "T"}, {"title": "U"}]'))
    assert many.run("x") == [Story(title="T"), Story(title="U")]


@pytest.mark.contract("PROMPT-15")
def test_a_simple_value_class_can_be_the_return_type(fixed: Fixed) -> None:
    from byzer_nb.seed.values import Bool

    assert say.with_return_type(Bool).with_llm(fixed('```json\n{"value": true}\n```'))("x").value is True


@pytest.mark.contract("PROMPT-15")
def test_the_prompt_is_sent_as_it_is_when_it_asks_for_json_itself(echo: Client, engine: ScriptedEngine) -> None:
    with pytest.raises(ValueError, match="Say x"):
        say.with_llm(echo).with_return_type(Story)("x")
    assert engine.records[-1].messages[-1].text == "Say x"


@pytest.mark.contract("PROMPT-15")
@pytest.mark.parametrize("answer", ["no json", '{"titel": "T"}'])
def test_an_answer_that_does_not_fit_is_an_error_with_its_text(fixed: Fixed, answer: str) -> None:
    with pytest.raises(Exception, match=re.escape(answer)) as failed:
        say.with_llm(fixed(answer)).with_return_type(Story)("x")
    assert getattr(failed.value, "answer", "") == answer


@pytest.mark.contract("PROMPT-15")
def test_a_return_type_wins_over_the_annotation(fixed: Fixed) -> None:
    @prompt()
    def count(q: str) -> int:
        """Count {{ q }}"""

    assert count.with_llm(fixed('{"title": "T"}')).with_return_type(Story)("x") == Story(title="T")
    assert count.with_llm(fixed("12")).with_extractor(int)("x") == 12


@pytest.mark.contract("PROMPT-15")
def test_a_return_type_that_nothing_can_be_checked_against_is_refused_at_once() -> None:
    with pytest.raises(WrongTypeError, match="cannot be checked against"):
        say.with_return_type(threading_lock_type())


def threading_lock_type() -> Any:
    import threading

    return type(threading.Lock())


@pytest.mark.contract("PROMPT-16")
def test_the_extractor_comes_before_the_return_type(fixed: Fixed) -> None:
    asking = say.with_llm(fixed('xx{"title": "T"}xx')).with_extractor(lambda text: text.strip("x"))
    assert asking.with_return_type(Story)("q") == Story(title="T")
    with pytest.raises(ValueError, match="An answer is text, not int"):
        asking.with_extractor(len).with_return_type(Story)("q")


# -- classes as annotations ---------------------------------------------------------------------------------------


@prompt()
def tell(topic: str) -> Story:
    """Tell of {{ topic }}."""


@pytest.mark.contract("PROMPT-09", "STRUCT-11")
def test_an_annotated_class_is_asked_for_and_made(models: LocalTransport, fixed: Fixed) -> None:
    assert tell.with_llm(fixed('Sure: {"title": "T", "pages": 3}'))("x") == Story(title="T", pages=3)
    engine = models.engine("fixed")
    assert isinstance(engine, ScriptedEngine)
    request = engine.records[-1]
    assert request.messages[-1].text == "Tell of x."
    assert request.schema is not None  # which this model takes; another would be asked in words
    assert list(request.schema.schema["properties"]) == ["title", "pages"]


@pytest.mark.contract("PROMPT-09", "STRUCT-11")
@pytest.mark.parametrize("answer", ["no json", "{}", "[]", '[{"title": "a"}, {"title": "b"}]'])
def test_an_answer_that_is_no_such_class_gives_none(
    fixed: Fixed, answer: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert tell.with_llm(fixed(answer))("x") is None
    assert caplog.records == []


@pytest.mark.contract("PROMPT-09", "STRUCT-11")
def test_check_result_logs_a_warning_with_metadata_and_the_raw_answer(
    fixed: Fixed, caplog: pytest.LogCaptureFixture
) -> None:
    @prompt(check_result=True)
    def checked(topic: str) -> Story:
        """Tell of {{ topic }}."""

    answer = "no json " + "x" * 500
    with caplog.at_level(logging.WARNING):
        assert checked.with_llm(fixed(answer))("x") is None
    [record] = caplog.records
    text = record.getMessage()
    assert "checked returned no Story" in text
    assert "'model': 'fixed'" in text
    assert "Usage(input_tokens=" in text
    assert answer in text


def test_a_list_of_one_counts_as_its_item(fixed: Fixed) -> None:
    assert tell.with_llm(fixed('[{"title": "T"}]'))("x") == Story(title="T")


async def test_the_class_comes_from_the_async_form_too(fixed: Fixed) -> None:
    client = fixed('{"title": "T"}')
    assert await tell.with_llm(client).aio("x") == Story(title="T")


def test_without_a_model_the_text_of_a_class_prompt_has_no_schema() -> None:
    assert tell("x") == tell.prompt("x") == "Tell of x."

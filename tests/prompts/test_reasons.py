"""What a model is told when its answer cannot be used."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from byzer_nb.errors import AnswerError
from byzer_nb.prompts.reasons import LONGEST, reason_to_give
from byzer_nb.prompts.shape import Shape


class Person(BaseModel):
    name: str
    age: int


def told(answer: str, wanted: Any = Person) -> str:
    with pytest.raises(AnswerError) as failed:
        Shape(wanted).value(answer)
    return reason_to_give(failed.value)


@pytest.mark.parametrize(
    ("answer", "wanted", "reason"),
    [
        ('{"name": "Ada"}', Person, "age: Field required"),
        (
            '{"name": "Ada", "age": "old"}',
            Person,
            'a valid integer, unable to parse string as an integer, and it is "old"',
        ),
        ('[{"name": "A", "age": 1}, {"name": "B"}]', list[Person], "1.age: Field required"),
        ('{"Name": "a", "NAME": "b", "age": 1}', Person, "not clear which is meant of 'Name', 'NAME'"),
        ("I do not know.", Person, "no JSON was found in it"),
        ('{"name": "Ada" or "Bob" "age": 1}', Person, "Expecting ',' delimiter: line 1 column 16"),
        ('{"properties": {"name": {"type": "string"}}, "type": "object"}', Person, "repeats the schema"),
    ],
)
def test_it_says_what_was_wrong_and_where(answer: str, wanted: Any, reason: str) -> None:
    text = told(answer, wanted)
    assert reason in text
    assert text.endswith("nothing but the whole JSON in the shape that was asked for.")


def test_it_does_not_repeat_the_answer_and_stays_short() -> None:
    answer = '{"name": "' + "very long " * 1000 + '", "age": {"years": "' + "x" * 1000 + '"}}'
    assert "very long" not in told(answer)
    many = "[" + ", ".join(['{"name": 1, "age": "x"}'] * 500) + "]"
    assert told(many, list[Person]).count("name: Input") <= 6
    assert len(reason_to_give(AnswerError("x", answer="", problems=("far too long " * 500,)))) < LONGEST + 300


def test_an_error_of_others_is_told_in_its_own_words() -> None:
    wrong = AnswerError("The answer is too long. The model wrote: 'secret'", answer="secret")
    assert reason_to_give(wrong).startswith("That answer cannot be used: The answer is too long. ")

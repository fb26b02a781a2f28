"""Prompt functions that are called first and told afterwards what to do with it."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Generator
from typing import Any

import pytest
from pydantic import BaseModel

from byzer_nb import Client, MetaHolder, prompt_lazy
from byzer_nb.errors import WrongTypeError
from tests.prompts.conftest import Fixed


@prompt_lazy()
def say(text: str, often: int = 1) -> str:
    """{{ text }}{{ "!" * often }}"""


def plain(text: str) -> str:  # type: ignore[empty-body]
    """{{ text }}"""


class Word(BaseModel):
    """A word."""

    word: str


class Parrot:
    """Has a method of this kind."""

    def __init__(self, name: str) -> None:
        self.name = name

    @prompt_lazy()
    def greet(self, text: str) -> str:
        """{{ self.name }}: {{ text }}"""


@pytest.mark.contract("PROMPT-22")
def test_call_keeps_the_arguments_and_the_rest_needs_none(echo: Client) -> None:
    def repeat(text: str) -> str:
        """{{ text }}"""
        return None  # type: ignore[return-value]

    assert prompt_lazy(llm=echo)(repeat)("x").run() == "x"
    call = say("hi", often=2)
    assert call.prompt() == "hi!!"
    assert call.with_llm(echo).run() == "hi!!"
    assert call.with_llm(echo).options({"llm_config": {"gen.max_tokens": 1}}).run() == "hi!!"
    assert repr(call) == "<prompt say('hi', often=2), not run yet>"


@pytest.mark.contract("PROMPT-22")
async def test_call_can_be_awaited(echo: Client) -> None:
    assert await say("hi").with_llm(echo).aio() == "hi!"


@pytest.mark.contract("PROMPT-22")
def test_call_without_a_model_says_so(echo: Client) -> None:
    call = say("hi")
    call.with_llm(echo)  # a copy
    with pytest.raises(ValueError, match="say has no model"):
        call.run()


@pytest.mark.contract("PROMPT-07", "PROMPT-22")
def test_wrong_arguments_are_told_at_the_call() -> None:
    for wrong in (say, Parrot("Polly").greet):
        with pytest.raises(TypeError, match=r"missing a required argument: 'text'"):
            wrong()  # type: ignore[call-arg]


@pytest.mark.contract("PROMPT-22")
def test_methods_know_their_object(echo: Client) -> None:
    assert Parrot("Polly").greet("hi").with_llm(echo).run() == "Polly: hi"
    assert Parrot("Ara").greet("hi").prompt() == "Ara: hi"


@pytest.mark.contract("PROMPT-22")
def test_all_builders_are_there_on_the_call_and_on_the_function(fixed: Fixed) -> None:
    holder = MetaHolder()
    call = say("hi").with_llm(fixed('<RESPONSE>{"word": "x"}</RESPONSE>'))
    marked = call.with_response_markers().with_meta(holder)
    assert marked.run() == '{"word": "x"}'
    assert holder.get_meta() is not None
    assert marked.with_return_type(Word).run() == Word(word="x")
    assert marked.with_extractor(len).run() == 13
    assert say.with_llm(fixed("y")).with_return_prefix("x")("hi").run() == "xy"


@pytest.mark.contract("PROMPT-13", "PROMPT-22")
def test_markers_are_for_text_alone() -> None:
    @prompt_lazy()
    def shape() -> Word:
        """{"word": "x"}"""

    with pytest.raises(ValueError, match="annotated with another type"):
        shape().with_response_markers()


@pytest.mark.contract("PROMPT-22")
def test_generator_is_given_by_run(echo: Client) -> None:
    @prompt_lazy(llm=echo)
    def speak(text: str) -> Generator[str, None, None]:
        """{{ text }}"""

    assert "".join(speak("a b c").run()) == "a b c"


@pytest.mark.contract("PROMPT-01", "PROMPT-22")
def test_it_is_a_prompt_function_in_every_other_way(fixed: Fixed) -> None:
    assert (say.__name__, say.__doc__) == ("say", '{{ text }}{{ "!" * often }}')
    assert str(inspect.signature(say)) == "(text: 'str', often: 'int' = 1) -> 'str'"
    with pytest.raises(WrongTypeError, match="is no model"):
        prompt_lazy(llm=5)(inspect.unwrap(say))
    again: Any = pickle.loads(pickle.dumps(say.with_max_turns(3)))
    assert again("hi").prompt() == "hi!"
    assert pickle.loads(pickle.dumps(prompt_lazy()(plain)))("hi").prompt() == "hi"

"""Prompt functions in classes."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import pytest

from byzer_nb import Client, prompt
from byzer_nb.errors import BadInputError, PromptError
from tests.prompts.conftest import Fixed


class Writer:
    genre = "crime"

    def __init__(self, llm: Any = None) -> None:
        self.llm = llm

    @prompt(lambda self: self.llm)
    def tell(self, topic: str) -> str:
        """Tell of {{ topic }}."""

    @prompt(lambda self: self.llm)
    def stream(self, topic: str) -> Generator[str, None, None]:
        """Tell of {{ topic }}."""

    @prompt()
    def plan(self, topic: str, parts: int = 2) -> str:
        """Plan {{ parts }} parts of {{ topic }}."""

    @prompt()
    def own(self, topic: str) -> str:
        """A {{ self.genre }} story of {{ topic }}."""

    @prompt(render="simple")
    def own_simply(self, topic: str) -> str:
        """A {self.genre} story of {topic}."""

    @prompt()
    def adjusted(self, topic: str) -> Any:
        """A {{ genre }} story of {{ topic }}."""
        return {"genre": self.genre.upper()}

    @prompt()
    def hidden(self, topic: str) -> str:
        """{{ slef }} {{ topic }}"""

    @staticmethod
    @prompt()
    def static_outside(topic: str) -> str:
        """Static {{ topic }}"""

    @prompt()
    @staticmethod
    def static_inside(topic: str) -> str:
        """Static {{ topic }}"""

    @classmethod
    @prompt()
    def class_outside(cls, topic: str) -> str:
        """Class {{ cls.genre }} {{ topic }}"""

    @prompt()  # type: ignore[arg-type]  # mypy has no type for a classmethod that is not yet bound
    @classmethod
    def class_inside(cls, topic: str) -> str:
        """Class {{ cls.genre }} {{ topic }}"""


class Poet(Writer):
    genre = "verse"

    @prompt()
    def plan(self, topic: str, parts: int = 3) -> Any:
        """{{ above }} In verse."""
        return {"above": super().plan(topic, parts)}


@pytest.mark.contract("PROMPT-21")
def test_each_object_asks_its_own_client(fixed: Fixed) -> None:
    one, two = Writer(fixed("one", "m1")), Writer(fixed("two", "m2"))
    tell = one.tell
    assert (two.tell("x"), tell("x"), one.tell("x")) == ("two", "one", "one")
    assert ("".join(two.stream("x")), "".join(one.stream("x"))) == ("two", "one")


@pytest.mark.contract("PROMPT-21")
def test_the_client_is_looked_up_at_the_call(fixed: Fixed) -> None:
    writer = Writer(fixed("before", "m1"))
    tell = writer.tell
    writer.llm = fixed("after", "m2")
    assert tell("x") == "after"


@pytest.mark.contract("PROMPT-21")
def test_a_method_without_a_model_gives_the_text() -> None:
    assert Writer().plan("x") == "Plan 2 parts of x."
    assert Writer().plan.prompt("x", parts=5) == "Plan 5 parts of x."


@pytest.mark.contract("PROMPT-08", "PROMPT-21")
def test_the_text_of_a_bound_method_needs_no_client() -> None:
    assert Writer().tell.prompt("x") == "Tell of x."


@pytest.mark.contract("PROMPT-21")
def test_a_method_can_be_given_a_model_for_one_use(echo: Client, fixed: Fixed) -> None:
    writer = Writer(fixed("own"))
    data: dict[str, Any] = {"topic": "x", "parts": 1}
    assert writer.plan.with_llm(echo).run(**data) == "Plan 1 parts of x."
    assert writer.tell.with_llm(echo).run("x") == "Tell of x."
    assert writer.tell("x") == "own"
    assert Writer.tell.with_llm(echo).run(writer, "x") == "Tell of x."


@pytest.mark.contract("PROMPT-21")
def test_a_function_that_gives_no_model_is_named_with_its_method() -> None:
    with pytest.raises(BadInputError, match=r"model of Writer\.tell returned None"):
        Writer().tell("x")


@pytest.mark.contract("PROMPT-21")
def test_a_function_that_gives_no_client_is_refused() -> None:
    with pytest.raises(TypeError, match="5 is no model"):
        Writer(5).tell("x")


@pytest.mark.contract("PROMPT-21")
def test_the_name_of_a_model_may_be_given_by_the_object() -> None:
    with pytest.raises(LookupError, match="Model nobody not deployed"):
        Writer("nobody").tell("x")


@pytest.mark.contract("PROMPT-01")
def test_any_function_of_self_gives_the_model(fixed: Fixed) -> None:
    def choose(self: Any) -> Client:
        return fixed(f"chosen by {self.name}")

    class Named:
        name = "Ada"

        @prompt(choose)
        def ask(self) -> str:
            """Hello"""

    assert Named().ask() == "chosen by Ada"


@pytest.mark.contract("PROMPT-01")
def test_a_function_of_self_on_a_plain_function_is_told() -> None:
    @prompt(lambda self: self.llm)
    def alone(q: str) -> str:
        """Say {{ q }}"""

    assert alone.prompt("x") == "Say x"
    with pytest.raises(BadInputError, match="alone takes its model from self, and it is not called on an object"):
        alone("x")


def test_a_method_called_on_its_class_with_the_object_first(fixed: Fixed) -> None:
    assert Writer.tell(Writer(fixed("answer")), "x") == "answer"
    assert Writer.plan(Writer(), "x") == "Plan 2 parts of x."


@pytest.mark.contract("PROMPT-01")
def test_the_object_is_there_when_the_template_asks_for_it() -> None:
    assert Writer().own("x") == "A crime story of x."
    assert Poet().own("x") == "A verse story of x."
    assert Writer().own_simply("x") == "A crime story of x."
    assert Writer().adjusted("x") == "A CRIME story of x."


@pytest.mark.contract("PROMPT-01")
def test_the_object_is_no_variable_when_the_template_does_not_ask_for_it() -> None:
    with pytest.raises(NameError, match="'slef' is undefined") as unknown:
        Writer().hidden("x")
    assert unknown.value.__notes__ == ["It was given: topic."]


def test_a_method_can_be_overridden_and_called_above() -> None:
    assert Poet().plan("x") == "Plan 3 parts of x. In verse."


def test_static_and_class_methods_in_both_orders() -> None:
    for owner in (Writer, Writer()):
        assert owner.static_outside("x") == "Static x"
        assert owner.static_inside("x") == "Static x"
        assert owner.class_outside("x") == "Class crime x"
        assert owner.class_inside("x") == "Class crime x"
    assert Poet.class_inside("x") == "Class verse x"


def test_a_wrong_argument_is_told_with_the_signature_of_the_method() -> None:
    with pytest.raises(TypeError, match=r"plan\(\) missing a required argument: 'topic'") as refused:
        Writer().plan()  # type: ignore[call-arg]
    assert refused.value.__notes__ == ["It is called as plan(topic: str, parts: int = 2) -> str"]


def test_signature_and_name_are_those_of_a_method() -> None:
    assert str(inspect.signature(Writer().plan)) == "(topic: 'str', parts: 'int' = 2) -> 'str'"
    assert str(inspect.signature(Writer.plan)) == "(self, topic: 'str', parts: 'int' = 2) -> 'str'"
    assert Writer.plan.__qualname__ == "Writer.plan"
    assert repr(Writer().plan) == "<prompt function plan(topic: str, parts: int = 2) -> str>"


def test_a_bound_method_holds_on_to_nothing_of_another_object(echo: Client) -> None:
    one, two = Writer(), Writer(echo)
    bound = one.tell.with_llm(echo)
    assert bound("x") == "Tell of x."
    with pytest.raises(BadInputError):
        one.tell("x")
    assert two.tell("x") == "Tell of x."


@dataclass
class Card:
    topic: str

    @prompt()
    def text(self) -> str:
        """About {{ self.topic }}."""


def test_a_dataclass_can_have_one() -> None:
    assert Card("x").text() == "About x."


def test_a_bound_method_travels_with_its_object() -> None:
    arrived = pickle.loads(pickle.dumps(Card("x").text))
    assert arrived() == "About x."


def test_a_method_without_a_docstring_is_refused_when_the_class_is_made() -> None:
    with pytest.raises(PromptError, match="prompt function ask has no docstring template"):

        class Silent:
            @prompt()
            def ask(self) -> str: ...


def test_a_method_that_is_already_bound_stays_so() -> None:
    class Speaker:
        word = "hi"

        def ask(self, q: str) -> dict[str, str]:
            """{{ word }} {{ q }}"""
            return {"word": self.word}

    assert prompt()(Speaker().ask)("x") == "hi x"

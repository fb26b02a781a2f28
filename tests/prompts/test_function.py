"""Prompt functions: a call without a model gives the text, a call with one the answer."""

from __future__ import annotations

import copy
import inspect
import io
import pickle
import pydoc
from contextlib import redirect_stdout
from typing import Any

import pytest
from pydantic import BaseModel

from byzer_nb import Client, ScriptedEngine, SimpleByzerLLM, prompt
from byzer_nb.client import LocalTransport
from byzer_nb.errors import BadInputError, PromptError, UnknownModelError, UnsupportedError, WrongTypeError
from byzer_nb.prompts.function import PromptFunction


class Story(BaseModel):
    title: str
    pages: int = 1


@prompt()
def greet(name: str, *others: str, times: int = 2, **more: Any) -> str:
    """Greet {{ name }}{% for other in others %} and {{ other }}{% endfor %} {{ times }} times{{ more_of }}."""
    return more or {}  # type: ignore[return-value]  # the annotation is about the answer


@prompt()
def say(q: str) -> str:
    """Say {{ q }}"""


# -- what may be given as llm -------------------------------------------------------------------------------------


@pytest.mark.contract("PROMPT-01")
def test_a_client_or_the_name_of_a_model_answers(echo: Client, models: LocalTransport) -> None:
    llm = SimpleByzerLLM()
    llm.deploy(pretrained_model_type="saas/scripted", udf_name="seed_model", infer_params={"reply": "seed"})
    llm.setup_default_model_name("seed_model")
    try:
        for client, answer in ((echo, "Say hi"), (echo.aio, "Say hi"), (llm, "seed"), ("seed_model", "seed")):

            @prompt(llm=client)
            def ask(q: str) -> str:
                """Say {{ q }}"""

            assert ask("hi") == answer
    finally:
        llm.undeploy("seed_model")


@pytest.mark.contract("PROMPT-01")
@pytest.mark.parametrize("llm", [5, 1.5, ["echo"], {"model": "echo"}, object(), Client, b"echo"])
def test_anything_else_is_refused_with_a_list_of_what_may_be_given(llm: object) -> None:
    for use in (lambda: prompt(llm=llm)(inspect.unwrap(say)), lambda: say.with_llm(llm)):
        with pytest.raises(TypeError) as refused:
            use()
        text = str(refused.value) + "".join(refused.value.__notes__)
        assert "a client, the name of a running model, or a function of self" in text


@pytest.mark.contract("PROMPT-01")
def test_an_empty_name_is_no_model() -> None:
    with pytest.raises(BadInputError, match="empty name"):
        say.with_llm("")


@pytest.mark.contract("PROMPT-01")
@pytest.mark.parametrize("render", ["jinja3", "", "SIMPLE", None, 5])
def test_an_unknown_way_to_render_is_refused_with_the_nearest(render: Any) -> None:
    with pytest.raises(ValueError, match=f"prompt function say asks for render={render!r}") as refused:
        prompt(render=render)(inspect.unwrap(say))
    assert "Use 'jinja2' or 'simple'" in refused.value.__notes__[0]


@pytest.mark.contract("PROMPT-01")
@pytest.mark.parametrize("render", ["jinja2", "jinja"])
def test_both_names_of_jinja_mean_jinja(render: str) -> None:
    @prompt(render=render)
    def ask(q: str) -> str:
        """Say {{ q }}"""

    assert ask("x") == "Say x"


@pytest.mark.contract("PROMPT-04")
@pytest.mark.parametrize("doc", [None, "", "   \n\t\n "])
def test_a_function_without_a_docstring_is_refused(doc: str | None) -> None:
    def ask(q: str) -> None: ...

    ask.__doc__ = doc
    with pytest.raises(ValueError, match=r"^prompt function ask has no docstring template\n"):
        prompt()(ask)


# -- text or answer -----------------------------------------------------------------------------------------------


@pytest.mark.contract("PROMPT-03")
def test_without_a_model_a_call_gives_the_text_and_with_one_the_answer(echo: Client, engine: ScriptedEngine) -> None:
    assert say("hi") == "Say hi"
    assert engine.records == []
    assert say.with_llm(echo)("hi") == "Say hi"
    assert [record.messages[-1].text for record in engine.records] == ["Say hi"]
    assert say("hi") == "Say hi"
    assert len(engine.records) == 1


@pytest.mark.contract("PROMPT-08")
def test_the_text_can_be_had_without_a_call(echo: Client, engine: ScriptedEngine) -> None:
    assert say.prompt("x") == "Say x"
    assert say.with_llm(echo).prompt(q="x") == "Say x"
    assert say.with_llm("not deployed").prompt("x") == "Say x"
    assert engine.records == []


@pytest.mark.contract("PROMPT-08")
def test_the_text_of_a_missing_argument_is_an_error_with_the_functions_name() -> None:
    with pytest.raises(TypeError, match=r"^say\(\) missing a required argument: 'q'\n"):
        say.prompt()  # type: ignore[call-arg]


@pytest.mark.contract("PROMPT-07")
def test_arguments_bind_as_in_any_function() -> None:
    assert greet.prompt("Ada", more_of="") == "Greet Ada 2 times."
    assert greet.prompt("Ada", "Bob", "Cid", times=1, more_of="!") == "Greet Ada and Bob and Cid 1 times!."
    data = {"name": "Ada", "times": 3, "more_of": ""}
    assert greet.prompt(**data) == "Greet Ada 3 times."


@pytest.mark.contract("PROMPT-07", "PROMPT-17")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: f(), "say() missing a required argument: 'q'"),
        (lambda f: f("a", "b"), "say() too many positional arguments"),
        (lambda f: f("a", z=1), "say() got an unexpected keyword argument 'z'"),
        (lambda f: f("a", q="b"), "say() multiple values for argument 'q'"),
    ],
)
def test_a_wrong_argument_is_told_before_any_model_is_asked(
    echo: Client, engine: ScriptedEngine, call: Any, message: str
) -> None:
    asking = say.with_llm(echo)
    for way in (asking, asking.run, asking.prompt, asking.aio, say):
        with pytest.raises(TypeError) as refused:
            call(way)
        assert str(refused.value) == message
        assert "say(q: str) -> str" in refused.value.__notes__[0]
    assert engine.records == []


@pytest.mark.contract("PROMPT-17")
def test_run_binds_like_a_call(echo: Client) -> None:
    @prompt()
    def both(a: str, b: int = 1) -> str:
        """{{ a }} {{ b }}"""

    assert both.with_llm(echo).run("x", b=2) == "x 2"
    assert both.with_llm(echo).run("x") == "x 1"


@pytest.mark.contract("PROMPT-06")
@pytest.mark.parametrize("body", [None, {}])
def test_a_body_that_gives_nothing_changes_nothing(body: Any) -> None:
    @prompt()
    def ask(q: str) -> Any:
        """Say {{ q }}"""
        return body

    assert ask("x") == "Say x"


@pytest.mark.contract("PROMPT-06")
def test_a_body_changes_and_adds_variables_and_sees_the_arguments() -> None:
    @prompt()
    def plan(tasks: list[str]) -> Any:
        """Do:\n{{ tasks }}\n{{ image }}"""
        return {"tasks": "\n".join(f"- {task}" for task in tasks), "image": "<pic>"}

    assert plan(["A", "B"]) == "Do:\n- A\n- B\n<pic>"


@pytest.mark.contract("PROMPT-06")
@pytest.mark.parametrize("body", ["text", 5, ["a"], ("a", 1), False])
def test_a_body_that_gives_anything_but_a_dict_is_an_error(body: Any) -> None:
    @prompt()
    def ask(q: str) -> Any:
        """Say {{ q }}"""
        return body

    with pytest.raises(TypeError, match="prompt function ask should return a dict, not") as refused:
        ask("x")
    assert isinstance(refused.value, WrongTypeError)


def test_an_error_in_the_body_goes_through(echo: Client) -> None:
    @prompt(llm=echo)
    def ask(q: str) -> str:
        """Say {{ q }}"""
        raise KeyError(q)

    with pytest.raises(KeyError, match="x"):
        ask("x")


# -- being a function ---------------------------------------------------------------------------------------------


@pytest.mark.contract("PROMPT-01")
def test_it_keeps_its_name_its_doc_its_module_and_its_signature() -> None:
    assert (say.__name__, say.__qualname__, say.__module__) == ("say", "say", __name__)
    assert say.__doc__ == "Say {{ q }}"
    assert str(inspect.signature(say)) == "(q: 'str') -> 'str'"
    assert str(inspect.signature(greet.with_llm("x"))) == str(inspect.signature(inspect.unwrap(greet)))
    assert repr(say) == "<prompt function say(q: str) -> str>"
    assert inspect.getsource(say).startswith("@prompt()")
    assert inspect.signature(PromptFunction)  # the class has one of its own


def test_help_shows_the_prompt() -> None:
    shown = io.StringIO()
    with redirect_stdout(shown):
        pydoc.help(say)
    assert "say(q: 'str') -> 'str'" in shown.getvalue()
    assert "Say {{ q }}" in shown.getvalue()


def test_a_copy_of_it_is_itself() -> None:
    assert copy.copy(say) is say
    assert copy.deepcopy({"f": say})["f"] is say


def test_it_travels_to_another_process_by_its_name() -> None:
    arrived = pickle.loads(pickle.dumps(say))
    assert arrived("x") == "Say x"
    named = say.with_llm("m").options({"llm_config": {"temperature": 0}})
    arrived = pickle.loads(pickle.dumps(named))
    with pytest.raises(UnknownModelError, match="Model m not deployed"):
        arrived("x")
    assert say("x") == "Say x"


def test_one_that_has_no_name_to_be_found_by_does_not_travel() -> None:
    @prompt()
    def local(q: str) -> str:
        """Say {{ q }}"""

    with pytest.raises((AttributeError, pickle.PicklingError)):
        pickle.dumps(local)


def test_a_template_that_cannot_be_read_is_told_where_it_is_written() -> None:
    with pytest.raises(
        PromptError, match=r"prompt function wrong cannot be read, line 3: \{\{ a b \}\}: expected token"
    ):

        @prompt()
        def wrong(a: str) -> str:
            """
            Hello,
            {{ a b }}
            """


def test_a_model_that_cannot_chat_is_told_with_its_name(models: LocalTransport) -> None:
    from byzer_nb._sync import run
    from byzer_nb.types import Capabilities

    run(models.add("vectors", ScriptedEngine(capabilities=Capabilities(chat=False, embed=True))))
    with pytest.raises(UnsupportedError, match="'vectors' does not support text generation"):
        say.with_llm(Client(models, model="vectors"))("x")


def test_a_decorator_without_its_parentheses_is_told() -> None:
    @prompt  # type: ignore[arg-type]
    def ask(q: str) -> str:
        """Say {{ q }}"""

    with pytest.raises(WrongTypeError, match=r"made of a function, not of 'x'(.|\n)*with parentheses: @prompt\(\)"):
        ask("x")  # type: ignore[arg-type]


@pytest.mark.contract("PROMPT-07")
def test_no_arguments_for_a_function_of_any_number_is_an_empty_tuple() -> None:
    @prompt()
    def listed(*words: str) -> str:
        """{{ words | length }} words"""

    assert (listed(), listed("a", "b")) == ("0 words", "2 words")

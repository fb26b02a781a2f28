"""Copies of a prompt function with another model, other options, another result; nothing leaks between them."""

from __future__ import annotations

import inspect
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from byzer_nb import AsyncClient, Client, ScriptedEngine, prompt
from byzer_nb.client import LocalTransport
from byzer_nb.errors import UnknownModelError
from tests.prompts.conftest import Fixed


@prompt()
def say(q: str) -> str:
    """Say {{ q }}"""


# -- building -----------------------------------------------------------------------------------------------------


@pytest.mark.contract("PROMPT-11")
def test_a_copy_with_a_model_leaves_the_function_as_it_was(fixed: Fixed) -> None:
    one, two = say.with_llm(fixed("one", "m1")), say.with_llm(fixed("two", "m2"))
    assert (one("x"), two("x"), say("x")) == ("one", "two", "Say x")
    assert one.with_llm(None)("x") == "Say x"


@pytest.mark.contract("PROMPT-11")
def test_running_without_a_model_says_what_may_be_given() -> None:
    for run in (say.run, say.aio):
        with pytest.raises(
            ValueError, match=r"say has no model: with_llm\(\.\.\.\) takes a client, the name of a running model"
        ):
            run("x")


@pytest.mark.contract("PROMPT-11")
def test_a_model_that_does_not_run_is_told_at_the_call() -> None:
    with pytest.raises(UnknownModelError, match="Model nobody not deployed"):
        say.with_llm("nobody")("x")


@pytest.mark.contract("PROMPT-12")
def test_options_reach_the_call_and_are_merged_by_name(echo: Client, engine: ScriptedEngine) -> None:
    cold = say.with_llm(echo).options({"llm_config": {"gen.max_tokens": 7, "temperature": 0}})
    cold("x")
    assert (engine.records[-1].options.max_tokens, engine.records[-1].options.temperature) == (7, 0)
    cold.options({"llm_config": {"temperature": 1}})("x")
    assert (engine.records[-1].options.max_tokens, engine.records[-1].options.temperature) == (None, 1)
    cold.options({"model": "echo"})("x")
    assert engine.records[-1].options.max_tokens == 7


@pytest.mark.contract("PROMPT-12")
def test_the_model_can_be_an_option(echo: Client, fixed: Fixed) -> None:
    fixed("I am other", "other")
    assert say.with_llm(echo).options({"model": "other"})("x") == "I am other"


@pytest.mark.contract("PROMPT-12")
@pytest.mark.parametrize("options", [["model"], "model", 5, None])
def test_options_that_are_no_dict_are_refused(options: Any) -> None:
    with pytest.raises(TypeError, match="options of say are a dict"):
        say.options(options)
    if options is not None:
        with pytest.raises(TypeError, match="options of say are a dict"):
            prompt(options=options)(inspect.unwrap(say))


@pytest.mark.contract("PROMPT-12")
def test_what_the_caller_does_to_his_options_later_changes_nothing(echo: Client, engine: ScriptedEngine) -> None:
    config = {"gen.max_tokens": 7}
    options = {"llm_config": config}
    asking = say.with_llm(echo).options(options)
    config["gen.max_tokens"] = 1
    options["model"] = "nobody"  # type: ignore[assignment]
    asking("x")
    assert engine.records[-1].options.max_tokens == 7


@pytest.mark.contract("PROMPT-12")
def test_options_of_one_copy_are_not_those_of_another(echo: Client, engine: ScriptedEngine) -> None:
    base = say.with_llm(echo)
    hot, cold = base.options({"llm_config": {"temperature": 1}}), base.options({"llm_config": {"temperature": 0}})
    for asking, wanted in ((hot, 1), (cold, 0), (base, None)):
        asking("x")
        assert engine.records[-1].options.temperature == wanted


def test_copies_in_many_threads_do_not_mix(fixed: Fixed) -> None:
    clients = [fixed(f"answer {number}", f"m{number}") for number in range(8)]

    def ask(number: int) -> str:
        return say.with_llm(clients[number % 8]).options({"llm_config": {"temperature": 0}}).run(str(number))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(160))) == [f"answer {number % 8}" for number in range(160)]
    assert say("x") == "Say x"


# -- async --------------------------------------------------------------------------------------------------------


async def test_the_async_form_gives_the_same(echo: Client, fixed: Fixed) -> None:
    asking = say.with_llm(echo)
    assert await asking.aio("x") == asking("x") == "Say x"
    assert await say.with_llm(fixed('{"a": "T"}')).with_return_type(dict).aio("x") == {"a": "T"}
    assert await asking.with_extractor(len).aio("x") == 5


async def test_an_async_function_is_awaited(echo: Client) -> None:
    @prompt()
    async def later(q: str) -> str:
        """Say {{ q }}{{ more }}"""
        return {"more": "!"}  # type: ignore[return-value]

    assert await later("x") == "Say x!"
    assert await later.with_llm(echo)("x") == "Say x!"
    assert await later.with_llm(echo).run("x") == "Say x!"
    assert await later.with_llm(echo).aio("x") == "Say x!"
    assert later.prompt("x") == "Say x!"


async def test_a_wrong_argument_of_an_async_function_is_told_at_the_call(echo: Client) -> None:
    @prompt(llm=echo)
    async def later(q: str) -> str:
        """Say {{ q }}"""

    with pytest.raises(TypeError, match=r"later\(\) missing a required argument"):
        later()  # type: ignore[call-arg]


async def test_an_async_client_serves_sync_and_async_functions(models: LocalTransport, echo: Client) -> None:
    asking = say.with_llm(AsyncClient(models, model="echo"))
    assert asking("x") == await asking.aio("x") == "Say x"

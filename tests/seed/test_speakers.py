"""Everything that may be given as the `llm` of a prompt function."""

from __future__ import annotations

from typing import Any

import pytest

from byzer_nb import AsyncClient, Client, SimpleByzerLLM, prompt
from byzer_nb.errors import BadInputError, WrongTypeError
from tests.standins.openai import OpenAIStandIn


@prompt()
def greet(name: str) -> str:
    """Greet {{ name }}."""


@pytest.mark.contract("PROMPT-01", "PROMPT-11")
def test_clients_and_names_of_models_are_taken(llm: SimpleByzerLLM) -> None:
    for model in (llm, "chat", Client(model="chat"), AsyncClient(model="chat")):
        assert greet.with_llm(model).run("Ann") == "Greet Ann."


@pytest.mark.contract("PROMPT-01")
@pytest.mark.parametrize("model", [5, ["chat"], {"model": "chat"}])
def test_anything_else_is_answered_with_what_is_accepted(model: Any) -> None:
    with pytest.raises(WrongTypeError, match="is no model") as refused:
        greet.with_llm(model)
    assert "name of a running model" in refused.value.hint


@pytest.mark.contract("PROMPT-12")
@pytest.mark.parametrize("by_name", [True, False])
def test_options_are_arguments_of_chat_oai(llm: SimpleByzerLLM, openai: OpenAIStandIn, by_name: bool) -> None:
    options = {"llm_config": {"max_length": 10}, "extra_request_params": {"user": "ann"}, "model": "chat"}
    greet.with_llm("other" if by_name else llm).options(options).run("Ann")
    body = openai.requests[0].body
    assert (body["max_tokens"], body["user"]) == (10, "ann")


@pytest.mark.contract("PROMPT-12")
def test_options_that_change_nothing_for_a_prompt_are_taken(llm: SimpleByzerLLM) -> None:
    idle = {"delta_mode": True, "enable_default_sys_message": False, "role_mapping": None}
    assert greet.with_llm(llm).options(idle).run("Ann") == "Greet Ann."


@pytest.mark.contract("PROMPT-12")
def test_an_unknown_option_is_answered_with_the_nearest(llm: SimpleByzerLLM) -> None:
    with pytest.raises(BadInputError, match="no option 'llm_cofig'") as refused:
        greet.with_llm(llm).options({"llm_cofig": {}}).run("Ann")
    assert "Did you mean 'llm_config'" in refused.value.hint


@pytest.mark.contract("PROMPT-02")
def test_a_client_without_default_model_fails_when_it_is_called() -> None:
    @SimpleByzerLLM().prompt()
    def ask() -> str:
        """Hi."""

    with pytest.raises(ValueError, match="no default one"):
        ask()


@pytest.mark.contract("PROMPT-02")
def test_a_decorator_may_name_another_model(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    @llm.prompt(model="nope", options={"llm_config": {"gen.top_k": 1}})
    def ask() -> str:
        """Hi."""

    with pytest.raises(ValueError, match="Model nope not deployed"):
        ask()


@pytest.mark.contract("CORE-05")
def test_a_prompt_function_gets_the_base_system_message(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    llm.setup_base_system_messages("chat", "Be kind.")
    greet.with_llm(llm).run("Ann")
    assert [turn["role"] for turn in openai.requests[0].body["messages"]] == ["system", "user"]

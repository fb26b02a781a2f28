"""Going on with a begun answer."""

from __future__ import annotations

import pytest

from byzer_nb import SimpleByzerLLM
from byzer_nb.errors import BadInputError, UnsupportedError
from byzer_nb.providers.scripted import ScriptedEngine
from byzer_nb.types import Capabilities, ModelCard
from tests.seed.conftest import AddScripted
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import Act

BEGUN = [{"role": "user", "content": "Greet me."}, {"role": "assistant", "content": "He"}]


class Forgetful(ScriptedEngine):
    """An engine that cannot continue."""

    def describe(self) -> ModelCard:
        """A card without continuation."""
        return ModelCard(model="forgetful", engine="saas/scripted", capabilities=Capabilities(continues=False))


@pytest.mark.contract("CHAT-08")
@pytest.mark.parametrize("yes", [True, "true", "True"])
@pytest.mark.parametrize("prefix", ["gen.", "generation."])
def test_only_the_continuation_comes_back(
    llm: SimpleByzerLLM, openai: OpenAIStandIn, prefix: str, yes: bool | str
) -> None:
    openai.always = Act(reply="llo")
    assert llm.chat_oai(BEGUN, llm_config={f"{prefix}response_prefix": yes})[0].output == "llo"
    assert openai.requests[0].body["messages"] == [BEGUN[0], {**BEGUN[1], "prefix": True}]


@pytest.mark.contract("CHAT-08")
@pytest.mark.parametrize("no", [False, "false", None])
def test_without_the_flag_a_begun_answer_is_only_history(
    llm: SimpleByzerLLM, openai: OpenAIStandIn, no: bool | str | None
) -> None:
    llm.chat_oai(BEGUN, llm_config={"gen.response_prefix": no})
    assert openai.requests[0].body["messages"] == BEGUN


@pytest.mark.contract("CHAT-08")
@pytest.mark.parametrize("stop", [["."], '["."]'])
def test_stop_strings_let_one_continue_again(llm: SimpleByzerLLM, openai: OpenAIStandIn, stop: list[str] | str) -> None:
    openai.always = Act(reply="llo. Bye.")
    config = {"gen.response_prefix": True, "gen.stop": stop}
    assert llm.chat_oai(BEGUN, llm_config=config)[0].output == "llo"


@pytest.mark.contract("CHAT-08")
def test_a_stream_continues_too(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    openai.always = Act(reply=["l", "lo"])
    items = list(llm.stream_chat_oai(BEGUN, llm_config={"gen.response_prefix": True}))
    assert items[-1][0] == "llo"
    assert openai.requests[0].body["messages"][-1]["prefix"] is True


@pytest.mark.contract("CHAT-08")
def test_there_must_be_something_to_continue(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    with pytest.raises(BadInputError, match="the last message is not the assistant's") as refused:
        llm.chat_oai("hi", llm_config={"gen.response_prefix": True})
    assert "both" in refused.value.hint
    assert openai.requests == []


@pytest.mark.contract("CHAT-08")
def test_a_model_that_cannot_continue_says_so(add_scripted: AddScripted) -> None:
    engine = add_scripted("forgetful", kind=Forgetful)
    with pytest.raises(UnsupportedError, match="'forgetful' cannot continue"):
        SimpleByzerLLM.from_default_model("forgetful").chat_oai(BEGUN, llm_config={"gen.response_prefix": True})
    assert engine.records == []


@pytest.mark.contract("CHAT-08")
def test_the_roles_travel_as_they_are(add_scripted: AddScripted) -> None:
    engine = add_scripted("echo", ["llo"])
    SimpleByzerLLM.from_default_model("echo").chat_oai(BEGUN, llm_config={"gen.response_prefix": True})
    assert [message.role for message in engine.records[0].messages] == ["user", "assistant"]
    assert engine.records[0].options.continue_last

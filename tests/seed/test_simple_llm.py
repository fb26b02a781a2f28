"""`SimpleByzerLLM`: models in this process, and what they say of themselves."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

import byzer_nb
from byzer_nb import SimpleByzerLLM
from byzer_nb.errors import BadInputError, UnknownModelError, UnknownNameError
from byzer_nb.seed.key_file import read_key
from byzer_nb.types import Secret
from tests.seed.conftest import AddScripted, Deploy, LocalScripted
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import Act


@pytest.mark.contract("CORE-12", "CORE-07")
def test_deploying_says_what_was_deployed(openai: OpenAIStandIn) -> None:
    llm = SimpleByzerLLM(default_model_name="chat")
    params = {"saas.api_key": openai.key, "saas.base_url": openai.url}
    deployed = llm.deploy(model_path="", pretrained_model_type="saas/openai", udf_name="chat", infer_params=params)
    assert deployed == {"model": "chat", "status": "deployed"}
    assert llm.chat_oai("hi").output == "hi"
    llm.undeploy("chat")


@pytest.mark.contract("CORE-12", "COMPAT-03")
def test_a_path_is_not_asked_for_and_synonyms_are_taken(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    llm.deploy(
        pretrained_model_type="saas/official_openai",
        udf_name="second",
        infer_params={"saas.api_key": Secret(openai.key), "saas.api_base": openai.url, "saas.base_url": openai.url},
    )
    assert llm.chat_oai("hi", model="second").output == "hi"
    llm.undeploy("second")


@pytest.mark.contract("CORE-12")
def test_the_defaults_are_one_host_and_its_model(openai: OpenAIStandIn) -> None:
    llm = SimpleByzerLLM(default_model_name="chat")
    llm.deploy(infer_params={"saas.api_key": openai.key})
    assert llm.get_meta()["model_name"] == "deepseek-chat"
    assert llm.get_max_output_length("chat") == 8096
    llm.deploy(infer_params={"saas.api_key": openai.key, "saas.base_url": openai.url})
    llm.chat_oai("hi")
    body = openai.requests[0].body
    assert (body["model"], body["max_tokens"], body["temperature"], body["top_p"]) == ("deepseek-chat", 8096, 0.7, 0.9)
    llm.undeploy("chat")


@pytest.mark.contract("CORE-12")
def test_another_model_gets_no_limit_that_was_not_asked_for(
    llm: SimpleByzerLLM, deploy: Deploy, openai: OpenAIStandIn
) -> None:
    llm.chat_oai("hi")
    deploy(llm, "short", max_output_tokens="12")
    llm.chat_oai("hi", model="short")
    assert "max_tokens" not in openai.requests[0].body
    assert openai.requests[1].body["max_tokens"] == 12


@pytest.mark.contract("CORE-12")
@pytest.mark.parametrize("flag", [True, "true", "True"])
def test_a_reasoning_model_is_sent_no_sampling_options(
    llm: SimpleByzerLLM, deploy: Deploy, openai: OpenAIStandIn, flag: bool | str
) -> None:
    openai.always = Act(reasoning=["Hm."], reply="hi")
    deploy(llm, "thinker", is_reasoning=flag, max_output_tokens=100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nobody asked for what is left out, so nobody is told
        (answer,) = llm.chat_oai("hi", model="thinker")
        list(SimpleByzerLLM.from_default_model("thinker").stream_chat_oai("hi"))
    for request in openai.requests:
        assert {"temperature", "top_p", "max_tokens"}.isdisjoint(request.body)
    assert answer.meta["reasoning_content"] == "Hm."
    with pytest.warns(UserWarning, match="does not know temperature and answers without"):
        llm.chat_oai("hi", model="thinker", llm_config={"temperature": 0})
    llm.chat_oai("hi again", model="thinker", llm_config={"temperature": 0})  # a second warning would be an error here


@pytest.mark.contract("CORE-12")
def test_a_key_is_required() -> None:
    with pytest.raises(ValueError, match=r"saas\.api_key is required for SaaS models"):
        SimpleByzerLLM().deploy(pretrained_model_type="saas/openai", udf_name="chat", infer_params={})
    assert not SimpleByzerLLM().is_model_exist("chat")


@pytest.mark.contract("CORE-12")
def test_a_missing_key_is_asked_for_in_the_words_of_infer_params() -> None:
    with pytest.raises(BadInputError) as refused:
        SimpleByzerLLM().deploy(udf_name="chat", infer_params={})
    assert refused.value.hint == 'Add it: infer_params={"saas.api_key": "..."}'
    assert refused.value.__cause__ is None


@pytest.mark.contract("CORE-12")
def test_only_providers_are_deployed_without_ray() -> None:
    with pytest.raises(ValueError, match="Unsupported pretrained_model_type: custom/auto") as refused:
        SimpleByzerLLM().deploy("/models/qwen", pretrained_model_type="custom/auto", udf_name="chat")
    assert "byzer_nb.load" in refused.value.__notes__[0]


@pytest.mark.contract("CORE-07", "SAAS-01")
def test_an_unknown_provider_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="'saas/opanai'") as refused:
        SimpleByzerLLM().deploy(pretrained_model_type="saas/opanai", udf_name="chat", infer_params={})
    assert "Did you mean 'saas/openai'" in refused.value.hint


@pytest.mark.contract("CORE-12")
def test_parameters_are_a_dict_and_are_not_quoted_when_they_are_not() -> None:
    with pytest.raises(TypeError, match="infer_params is a dict, not a str") as refused:
        SimpleByzerLLM().deploy(udf_name="chat", infer_params="saas.api_key=sk-canary")  # type: ignore[arg-type]
    assert "canary" not in str(refused.value)


@pytest.mark.contract("CORE-12")
def test_a_model_needs_a_name() -> None:
    with pytest.raises(BadInputError, match="needs a name"):
        SimpleByzerLLM().deploy(infer_params={"saas.api_key": "k"})


@pytest.mark.contract("CORE-12")
def test_defaults_of_one_provider_are_not_forced_on_another() -> None:
    llm = SimpleByzerLLM(default_model_name="fake")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a setting that the provider does not know would be a warning
        llm.deploy(pretrained_model_type="saas/scripted", infer_params={"saas.reply": "hello"})
    assert llm.chat_oai("hi").output == "hello"
    llm.undeploy("fake")


@pytest.mark.contract("CORE-12")
def test_calling_what_is_not_deployed_is_told_by_name(llm: SimpleByzerLLM) -> None:
    with pytest.raises(ValueError, match="Model nope not deployed"):
        llm.chat_oai("hi", model="nope")


@pytest.mark.contract("CORE-12")
def test_another_cell_finds_the_model_by_name(llm: SimpleByzerLLM) -> None:
    assert SimpleByzerLLM.from_default_model("chat").chat_oai("hi").output == "hi"
    assert byzer_nb.Client(model="chat").chat("hi").text == "hi"


@pytest.mark.contract("CORE-12")
def test_deploying_again_replaces_the_model(llm: SimpleByzerLLM, deploy: Deploy, openai: OpenAIStandIn) -> None:
    deploy(llm, "chat", model="gpt-new")
    llm.chat_oai("hi")
    SimpleByzerLLM.from_default_model("chat").chat_oai("hi")
    assert [request.body["model"] for request in openai.requests] == ["gpt-new", "gpt-new"]


@pytest.mark.contract("CORE-09")
def test_a_name_that_nobody_has_is_no_error(llm: SimpleByzerLLM) -> None:
    assert llm.is_model_exist("chat") is True
    assert llm.is_model_exist("nope") is False
    with pytest.raises(ValueError, match="never empty"):
        llm.is_model_exist("")


@pytest.mark.contract("CORE-08", "CORE-12")
def test_an_undeployed_model_is_gone_for_everybody(llm: SimpleByzerLLM) -> None:
    llm.undeploy("chat")
    assert not llm.is_model_exist("chat")
    assert not SimpleByzerLLM().is_model_exist("chat")
    llm.undeploy("chat")
    llm.undeploy("never there", force=True)


@pytest.mark.contract("CORE-08", "CORE-12")
def test_the_name_stays_with_the_client_that_took_it_last(deploy: Deploy) -> None:
    first, second = SimpleByzerLLM(), SimpleByzerLLM()
    deploy(first, "same", model="gpt-first")
    deploy(second, "same", model="gpt-second")
    first.undeploy("same")
    assert second.chat_oai("hi", model="same").output == "hi"
    assert byzer_nb.Client(model="same").chat("hi").text == "hi"
    second.undeploy("same")
    assert not first.is_model_exist("same")


@pytest.mark.contract("CORE-08", "CORE-12")
def test_a_later_cell_frees_a_name_that_an_earlier_one_took(add_scripted: AddScripted) -> None:
    engine = add_scripted("shared")
    byzer_nb.load("loaded", "saas/scripted")
    llm = SimpleByzerLLM()
    for name in ("shared", "loaded"):
        llm.undeploy(name)
        assert not llm.is_model_exist(name)
    assert not engine.is_closed  # whoever made it closes it


@pytest.mark.contract("CORE-12")
def test_undeploying_hangs_up(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    llm.chat_oai("hi")
    llm.undeploy("chat")
    with pytest.raises(UnknownModelError, match="Model chat not deployed"):
        llm.chat_oai("hi")


@pytest.mark.contract("CORE-11")
@pytest.mark.parametrize("how", [("chat",), ("chat", False)])
def test_a_client_of_one_model_asks_that_one(llm: SimpleByzerLLM, how: Any) -> None:
    client = SimpleByzerLLM.from_default_model(*how)
    assert client.chat_oai("hi")[0].output == "hi"
    assert repr(client) == "SimpleByzerLLM(default_model_name='chat')"


@pytest.mark.contract("CORE-11")
def test_a_client_of_a_model_that_does_not_run_fails_at_its_first_call(llm: SimpleByzerLLM) -> None:
    client = SimpleByzerLLM.from_default_model(model="echo", auto_connect_cluster=True)
    with pytest.raises(UnknownModelError, match="echo") as refused:
        client.chat_oai("hi")
    assert "Running: chat" in refused.value.hint


@pytest.mark.contract("CORE-11")
def test_a_class_of_ones_own_stays_that_class() -> None:
    class Mine(SimpleByzerLLM):
        """A client of somebody's own."""

    assert type(Mine.from_default_model("chat")) is Mine


@pytest.mark.contract("CORE-10", "CORE-12", "COMPAT-03")
def test_the_default_model_says_what_it_is(llm: SimpleByzerLLM) -> None:
    meta = llm.get_meta()
    assert meta == llm.get_meta(model="chat") == llm.get_meta("chat")
    assert {key: meta[key] for key in ("model_deploy_type", "backend", "max_model_len", "message_format")} == {
        "model_deploy_type": "saas",
        "backend": "openai",
        "max_model_len": 8192,
        "message_format": True,
    }
    assert meta["support_stream"] is True
    assert meta["model_name"] == "gpt-4o"


@pytest.mark.contract("CORE-10")
def test_a_local_model_says_what_it_is(add_scripted: AddScripted) -> None:
    add_scripted("local", kind=LocalScripted)
    meta = SimpleByzerLLM().get_meta("local")
    assert (meta["model_deploy_type"], meta["backend"]) == ("proprietary", "transformers")
    assert (meta["max_model_len"], meta["architectures"]) == (4096, ["LlamaForCausalLM"])
    assert meta["support_chat_template"] is True


@pytest.mark.contract("CORE-10")
def test_an_embedding_model_says_so(llm: SimpleByzerLLM, deploy: Deploy) -> None:
    deploy(llm, "emb", model="text-embedding-3-small")
    assert llm.get_meta("emb")["embedding_mode"] is True
    assert llm.get_meta("chat")["embedding_mode"] is False


@pytest.mark.contract("CORE-10")
def test_without_any_model_there_is_nothing_to_say() -> None:
    with pytest.raises(ValueError, match="model name is required"):
        SimpleByzerLLM().get_meta()


@pytest.mark.contract("CORE-10")
def test_an_unknown_model_is_answered_with_those_that_run(llm: SimpleByzerLLM) -> None:
    with pytest.raises(UnknownModelError, match="chta") as refused:
        llm.get_meta("chta")
    assert "Did you mean 'chat'" in refused.value.hint
    assert "Running: chat" in refused.value.hint


@pytest.mark.contract("CORE-12")
def test_a_key_is_read_from_the_file_of_its_host(tmp_path: Path, openai: OpenAIStandIn) -> None:
    (tmp_path / "api.deepseek.com").write_text(f"{openai.key}\n")
    key = read_key("api.deepseek.com", folder=tmp_path)
    assert key == Secret(openai.key)
    llm = SimpleByzerLLM(default_model_name="chat")
    llm.deploy(infer_params={"saas.api_key": key, "saas.base_url": openai.url})
    assert llm.chat_oai("hi").output == "hi"
    llm.undeploy("chat")


@pytest.mark.contract("CORE-12")
def test_a_missing_or_empty_key_file_is_told_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "api.deepseek.com"
    with pytest.raises(BadInputError, match=str(path)):
        read_key("api.deepseek.com", folder=tmp_path)
    path.write_text("\n")
    with pytest.raises(BadInputError, match=f"{path}.* is empty"):
        read_key("api.deepseek.com", folder=tmp_path)


@pytest.mark.contract("CORE-12")
def test_keys_are_looked_for_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(BadInputError, match=str(tmp_path / ".auto-coder" / "keys" / "api.deepseek.com")):
        read_key("api.deepseek.com")


@pytest.mark.contract("SAAS-25")
def test_missing_keys_of_which_there_are_two_kinds_are_told_as_such() -> None:
    with pytest.raises(ValueError, match="specify either access_token or ak/sk"):
        SimpleByzerLLM().deploy(pretrained_model_type="saas/qianfan", udf_name="chat", infer_params={})

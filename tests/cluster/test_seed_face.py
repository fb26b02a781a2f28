"""`ByzerLLM` on a real cluster, in the words of the documents."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import byzer_nb
from byzer_nb import ByzerLLM
from byzer_nb._sync import run
from byzer_nb.client.deployed import deployed_models
from byzer_nb.cluster import directory, session
from byzer_nb.errors import BadInputError, UnknownModelError, UnsupportedError
from byzer_nb.seed.events import EventName
from byzer_nb.seed.responses import LLMRequest
from tests.standins.openai import OpenAIStandIn
from tests.standins.vendor import Act


@pytest.fixture
def llm(cluster: session.Connection) -> Iterator[ByzerLLM]:
    """A client of the documents; what it deploys is gone afterwards."""
    llm = ByzerLLM()
    llm.setup_gpus_per_worker(0).setup_cpus_per_worker(0.001)
    yield llm
    for name in directory.names():
        llm.undeploy(name)
    run(deployed_models().close())


def deploy(llm: ByzerLLM, name: str = "chat", **settings: Any) -> dict[str, Any]:
    """A scripted model, which echoes."""
    params = {f"saas.{key}": value for key, value in settings.items()}
    return llm.deploy(model_path="", pretrained_model_type="saas/scripted", udf_name=name, infer_params=params)


@pytest.mark.contract("CORE-01")
def test_connecting_twice_does_nothing(cluster: session.Connection) -> None:
    assert byzer_nb.connect_cluster() == {}
    assert byzer_nb.connect_cluster(address="auto") == {}
    assert session.connection().address == cluster.address


@pytest.mark.contract("CORE-01")
@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1"])
def test_nobody_at_an_address_is_told_at_once(address: str) -> None:
    started = time.monotonic()
    with pytest.raises(ConnectionError, match="Nothing listens at") as nobody:
        session._knock(address)
    assert address in str(nobody.value)
    assert "ray start --head" in nobody.value.hint  # type: ignore[attr-defined]
    assert time.monotonic() - started < 5


@pytest.mark.contract("CORE-07", "CORE-08", "CORE-09", "CORE-10")
def test_the_idiom_of_the_documents(llm: ByzerLLM) -> None:
    if llm.is_model_exist("chat"):
        llm.undeploy("chat")
    meta = deploy(llm)
    assert meta["model_deploy_type"] == "saas"
    assert llm.is_model_exist("chat")
    llm.setup_default_model_name("chat")
    assert llm.get_meta() == meta
    v = llm.chat_oai(conversations=[{"role": "user", "content": "hello"}])
    assert v[0].output == "hello"
    assert [item[0] for item in llm.stream_chat_oai("a b", delta_mode=True)] == ["a", " b", ""]
    assert [each.output for each in llm.chat("chat", LLMRequest(instruction=["x", "y"]))] == ["x", "y"]
    llm.undeploy("chat")
    assert not llm.is_model_exist("chat")
    llm.undeploy("chat")


@pytest.mark.contract("CORE-07")
def test_deploying_a_name_again_replaces_it(llm: ByzerLLM) -> None:
    llm.setup_default_model_name("chat")
    deploy(llm, reply="first")
    assert llm.chat_oai("x")[0].output == "first"
    deploy(llm, reply="second")
    assert llm.chat_oai("x")[0].output == "second"


@pytest.mark.contract("CORE-07", "CHAT-01")
def test_a_provider_answers_through_the_cluster_and_its_key_is_nowhere(
    llm: ByzerLLM, capfd: pytest.CaptureFixture[str]
) -> None:
    with OpenAIStandIn(models=["gpt-4o"]) as openai:
        openai.always = Act(reply="from upstream")
        params = {"saas.api_key": openai.key, "saas.base_url": openai.url, "saas.model": "gpt-4o"}
        llm.deploy(pretrained_model_type="saas/openai", udf_name="gpt", infer_params=params)
        llm.setup_default_model_name("gpt")
        assert llm.chat_oai("x")[0].output == "from upstream"
        printed = capfd.readouterr()
        assert openai.key not in printed.out + printed.err + repr(llm.get_meta()) + repr(llm.stat())


@pytest.mark.contract("CORE-07")
def test_a_missing_key_is_named_before_anything_starts(llm: ByzerLLM) -> None:
    with pytest.raises(BadInputError, match=r"saas\.api_key is required"):
        llm.deploy(pretrained_model_type="saas/openai", udf_name="gpt", infer_params={"saas.model": "x"})
    assert not llm.is_model_exist("gpt")


@pytest.mark.contract("CORE-07")
def test_an_unknown_type_is_answered_with_the_known_ones(llm: ByzerLLM) -> None:
    with pytest.raises(BadInputError, match=r"unknown pretrained_model_type 'saas/foo'; known: .*saas/openai"):
        llm.deploy(pretrained_model_type="saas/foo", udf_name="x")
    llm.setup_infer_backend("ray/vllm")
    with pytest.raises(BadInputError, match="takes pretrained_model_type='custom/auto' only"):
        llm.deploy(model_path="/x", pretrained_model_type="custom/llama2", udf_name="x")


@pytest.mark.contract("CORE-11")
def test_a_client_of_one_model(llm: ByzerLLM) -> None:
    deploy(llm, "echo")
    assert ByzerLLM.from_default_model("echo").chat_oai("hi")[0].output == "hi"
    with pytest.raises(UnknownModelError, match="Model nope not deployed") as unknown:
        ByzerLLM.from_default_model(model="nope").chat_oai("hi")
    assert "Running: echo" in unknown.value.hint


@pytest.mark.contract("POOL-02", "POOL-03")
def test_going_round_three_workers(llm: ByzerLLM) -> None:
    llm.setup_num_workers(3).setup_load_balance_way("round_robin")
    deploy(llm)
    for _ in range(7):
        llm.chat_oai("x", model="chat")
    assert llm.stat("chat")["total_requests"] == [3, 2, 2]
    assert llm.stat("chat")["load_balance_strategy"] == "round_robin"


@pytest.mark.contract("POOL-01", "POOL-03", "POOL-05")
def test_stat_answers_while_a_slow_call_runs(llm: ByzerLLM) -> None:
    llm.setup_num_workers(3)
    deploy(llm, delay=1.5)
    llm.setup_default_model_name("chat")
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(llm.chat_oai, "x")
        seen: dict[str, Any] = {}
        while not slow.done() and seen.get("busy_workers") != 1:
            seen = llm.stat()
        assert (seen["busy_workers"], seen["idle_workers"], sum(seen["state"])) == (1, 2, 2)
        assert slow.result()[0].output == "x"
    with pytest.raises(UnknownModelError, match="nope"):
        llm.stat("nope")


@pytest.mark.contract("POOL-04")
def test_a_pinned_kind_goes_to_its_worker(llm: ByzerLLM) -> None:
    llm.setup_num_workers(3).setup_pin_model_worker_mapping({"embedding": 2, "tokenizer": 0})
    deploy(llm)
    for _ in range(4):
        llm.emb("chat", ["x"])
    assert llm.stat("chat")["total_requests"] == [0, 0, 4]
    llm.setup_pin_model_worker_mapping({"embedding": 3})
    with pytest.raises(BadInputError, match="'embedding' is pinned to worker 3, and there are 3"):
        deploy(llm, "other")


@pytest.mark.contract("CORE-13")
def test_a_callback_answers_in_the_models_place(llm: ByzerLLM) -> None:
    deploy(llm)
    llm.setup_default_model_name("chat")
    seen: list[Any] = []

    def before(client: ByzerLLM, model: str, payload: Any) -> tuple[bool, Any]:
        seen.append((client is llm, model, payload[0]["instruction"]))
        return (False, [{"predict": "x", "metadata": {}, "input": {}}]) if len(seen) == 1 else (True, None)

    llm.add_event_callback(EventName.BEFORE_CALL_MODEL, before)
    assert llm.chat_oai("hi")[0].output == "x"
    assert llm.stat()["total_requests"] == [0]
    assert llm.chat_oai("hi")[0].output == "hi"
    assert seen == [(True, "chat", "hi")] * 2


@pytest.mark.contract("CORE-13")
def test_a_callback_sees_the_results_and_may_change_them(llm: ByzerLLM) -> None:
    deploy(llm)
    llm.setup_default_model_name("chat")
    counted: list[int] = []

    def after(client: ByzerLLM, model: str, results: Any) -> tuple[bool, Any]:
        counted.append(results[0]["metadata"]["generated_tokens_count"])
        return False, [{**results[0], "predict": results[0]["predict"].upper()}]

    llm.add_event_callback("after_call_model", after)
    assert llm.chat_oai("hi")[0].output == "HI"
    assert counted[0] > 0


@pytest.mark.contract("CORE-13")
def test_a_callback_that_gives_no_pair_is_named(llm: ByzerLLM) -> None:
    deploy(llm)

    def careless(client: ByzerLLM, model: str, payload: Any) -> None: ...

    llm.add_event_callback(EventName.BEFORE_CALL_MODEL, careless)  # type: ignore[arg-type]
    with pytest.raises(BadInputError, match="'careless' gave None and no pair"):
        llm.chat_oai("hi", model="chat")


@pytest.mark.contract("CHAT-12")
def test_tokens_templates_and_limits(llm: ByzerLLM) -> None:
    llm.deploy(model_path="", pretrained_model_type="byzer-tiny", udf_name="tiny")
    deploy(llm)
    assert all(isinstance(each, int) for each in llm.tokenize("tiny", "hello")[0].output[0])
    assert "hello" in llm.apply_chat_template("tiny", '[{"role": "user", "content": "hello"}]')
    assert llm.setup_default_model_name("tiny").metadata.context_window == 1024
    with pytest.raises(UnsupportedError, match="does not support tokenizer service"):
        llm.apply_chat_template("chat", '[{"role": "user", "content": "hello"}]')
    with pytest.raises(UnsupportedError, match="'tiny' ends no request by its id"):
        llm.abort("1")


def test_many_threads_share_the_connections(llm: ByzerLLM) -> None:
    llm.setup_worker_concurrency(8)
    deploy(llm)
    llm.setup_default_model_name("chat")
    wrong: list[str] = []

    def talk(thread: int) -> None:
        for turn in range(20):
            text = f"{thread}/{turn}"
            if llm.chat_oai(text)[0].output != text:
                wrong.append(text)

    threads = [threading.Thread(target=talk, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sum(llm.stat()["total_requests"]) == 120

"""The `setup_*` methods: what they set, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from byzer_nb import ByzerLLM, SimpleByzerLLM
from byzer_nb.errors import BadInputError, UnknownNameError, WrongTypeError
from byzer_nb.seed.setup import InferBackend
from byzer_nb.seed.templates import Templates

DEFAULTS = {
    "pythonMode": "ray",
    "maxConcurrency": 1,
    "num_gpus": 1,
    "masterMaxConcurrency": 1000,
    "workerMaxConcurrency": 1,
    "infer_backend": "transformers",
}


def joined(prompt: str, cls: object) -> str:
    return f"{prompt} as {cls}"


@pytest.mark.contract("CORE-04")
@pytest.mark.parametrize("cls", [ByzerLLM, SimpleByzerLLM])
def test_a_new_client_has_the_defaults_of_the_documents(cls: type[ByzerLLM]) -> None:
    assert cls().sys_conf == DEFAULTS


@pytest.mark.contract("CORE-04")
def test_url_is_a_string() -> None:
    with pytest.raises(TypeError, match=r"ByzerLLM\(url=5\)"):
        ByzerLLM(url=5)  # type: ignore[arg-type]


@pytest.mark.contract("CORE-04")
def test_options_that_nobody_knows_are_ignored() -> None:
    llm = ByzerLLM(
        verbose=True,
        force_skip_context_length_check=True,
        byzer_engine_url="http://127.0.0.1:9003",
        default_max_output_length="2000",
        from_the_future=1,
    )
    assert llm.verbose
    assert llm.default_max_output_length == 2000


@pytest.mark.contract("CORE-05")
@pytest.mark.parametrize(
    ("setter", "values", "key", "value"),
    [
        ("setup_gpus_per_worker", (0.4,), "num_gpus", 0.4),
        ("setup_gpus_per_worker", (0,), "num_gpus", 0),
        ("setup_cpus_per_worker", (0.001,), "num_cpus", 0.001),
        ("setup_num_workers", (10,), "maxConcurrency", 10),
        ("setup_worker_concurrency", (999,), "workerMaxConcurrency", 999),
        ("setup_load_balance_way", ("round_robin",), "load_balance", "round_robin"),
        ("setup_pin_model_worker_mapping", ({"meta": 0},), "pin_model_worker_mapping", {"meta": 0}),
        ("setup", ("pythonMode", "other"), "pythonMode", "other"),
    ],
)
def test_a_setter_fills_the_system_configuration_and_gives_its_object(
    setter: str, values: tuple[Any, ...], key: str, value: object
) -> None:
    llm = ByzerLLM()
    assert getattr(llm, setter)(*values) is llm
    assert llm.sys_conf[key] == value


@pytest.mark.contract("CORE-05")
@pytest.mark.parametrize(
    ("setter", "value"),
    [
        ("setup_gpus_per_worker", -1),
        ("setup_gpus_per_worker", float("nan")),
        ("setup_cpus_per_worker", -0.001),
        ("setup_cpus_per_worker", "1"),
        ("setup_num_workers", 0),
        ("setup_num_workers", -3),
        ("setup_num_workers", 1.5),
        ("setup_num_workers", True),
        ("setup_worker_concurrency", 0),
        ("setup_load_balance_way", "random"),
        ("setup_infer_backend", "tensorrt"),
    ],
)
def test_a_setter_names_itself_and_the_value_that_it_refuses(setter: str, value: object) -> None:
    with pytest.raises(BadInputError) as refused:
        getattr(ByzerLLM(), setter)(value)
    assert f"{setter}({value!r})" in str(refused.value)


@pytest.mark.contract("CORE-05", "POOL-02")
def test_an_unknown_way_of_balancing_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="lru, round_robin"):
        ByzerLLM().setup_load_balance_way("random")


@pytest.mark.contract("CORE-05")
def test_resetting_brings_the_defaults_back() -> None:
    assert ByzerLLM().setup_num_workers(3).setup_infer_backend("vllm").setup_reset().sys_conf == DEFAULTS


@pytest.mark.contract("CORE-05")
def test_default_models_are_kept_by_kind() -> None:
    llm = ByzerLLM().setup_default_model_name("a").setup_default_emb_model_name("b")
    assert (llm.default_model_name, llm.default_emb_model_name) == ("a", "b")
    assert llm.setup_default_re_rank_model_name("c").default_rerank_model_name == "c"
    assert llm.setup_default_rerank_model_name("d").default_rerank_model_name == "d"


@pytest.mark.contract("CORE-05")
@pytest.mark.parametrize("kind", ["model", "input", "output"])
def test_lengths_are_read_back_model_by_model(kind: str) -> None:
    llm = ByzerLLM()
    assert getattr(llm, f"setup_max_{kind}_length")("chat", 100) is llm
    assert getattr(llm, f"get_max_{kind}_length")("chat") == 100
    assert getattr(llm, f"get_max_{kind}_length")("other") is None


@pytest.mark.contract("CORE-05")
@pytest.mark.parametrize(
    "setter",
    [
        "setup_function_calling_format_func",
        "setup_response_class_format_func",
        "setup_response_class_format_after_chat_func",
        "setup_impl_func_format_func",
        "setup_sys_function_calling_format_func",
        "setup_sys_response_class_format_func",
        "setup_sys_response_class_format_after_chat_func",
        "setup_sys_impl_func_format_func",
    ],
)
def test_format_functions_are_functions(setter: str) -> None:
    llm = ByzerLLM()
    assert getattr(llm, setter)("chat", joined) is llm
    with pytest.raises(WrongTypeError, match="'CUSTOM'"):
        getattr(llm, setter)("chat", "CUSTOM")


@pytest.mark.contract("CORE-05", "STRUCT-10")
def test_the_sys_function_wins_over_the_models_own_and_that_over_its_template() -> None:
    def first(prompt: str, cls: object) -> str:
        return "first"

    def second(prompt: str, cls: object) -> str:
        return "second"

    llm = ByzerLLM()
    assert llm.format_func("chat", "response_class", joined) is joined
    template = Templates.qwen()
    template.response_class_format_func = second
    llm.setup_template("chat", template)
    assert llm.format_func("chat", "response_class", joined) is second
    llm.setup_response_class_format_func("chat", joined)
    assert llm.format_func("chat", "response_class", second) is joined
    llm.setup_sys_response_class_format_func("chat", first)
    assert llm.format_func("chat", "response_class", second) is first


@pytest.mark.contract("CORE-05")
def test_sub_clients_are_kept_under_names() -> None:
    helper = SimpleByzerLLM()
    llm = ByzerLLM().setup_sub_client("helper", helper).setup_sub_client("several", [helper, helper])
    assert llm.get_sub_client("helper") is helper
    assert llm.get_sub_client("several") == [helper, helper]
    assert llm.remove_sub_client("helper").get_sub_client("helper") is None
    with pytest.raises(UnknownNameError, match="'helper'"):
        llm.remove_sub_client("helper")


@pytest.mark.contract("CORE-05", "CHAT-09")
@pytest.mark.parametrize(
    "setter", ["setup_extra_generation_params", "setup_role_mapping", "setup_pin_model_worker_mapping"]
)
def test_what_should_be_a_dict_is_one(setter: str) -> None:
    arguments = ("chat", "x") if setter != "setup_pin_model_worker_mapping" else ("x",)
    with pytest.raises(TypeError, match=f"{setter} takes a dict"):
        getattr(ByzerLLM(), setter)(*arguments)


@pytest.mark.contract("CORE-06", "COMPAT-03")
def test_backends_are_spelt_both_ways() -> None:
    assert InferBackend.transformers == InferBackend.Transformers == "transformers"
    assert InferBackend.vllm == InferBackend.VLLM == "ray/vllm"
    assert InferBackend.llama_cpp == InferBackend.LLAMA_CPP == "llama_cpp"
    assert InferBackend.deepspeed == InferBackend.DeepSpeed == "ray/deepspeed"


@pytest.mark.contract("CORE-06")
@pytest.mark.parametrize(
    ("given", "backend", "slots"),
    [
        (InferBackend.VLLM, "ray/vllm", 100),
        ("vllm", "ray/vllm", 100),
        ("deepspeed", "ray/deepspeed", 100),
        (InferBackend.transformers, "transformers", 1),
        (InferBackend.LLAMA_CPP, "llama_cpp", 1),
    ],
)
def test_a_backend_brings_its_concurrency(given: str, backend: str, slots: int) -> None:
    conf = ByzerLLM().setup_infer_backend(given).sys_conf
    assert (conf["infer_backend"], conf["workerMaxConcurrency"], conf["masterMaxConcurrency"]) == (backend, slots, 1000)


@pytest.mark.contract("CORE-06")
def test_ones_own_concurrency_wins_over_that_of_the_backend() -> None:
    assert ByzerLLM().setup_infer_backend("vllm").setup_worker_concurrency(7).sys_conf["workerMaxConcurrency"] == 7
    assert ByzerLLM().setup_worker_concurrency(7).setup_infer_backend("vllm").sys_conf["workerMaxConcurrency"] == 7


@pytest.mark.contract("CORE-06")
def test_an_unknown_backend_is_answered_with_all_four() -> None:
    with pytest.raises(ValueError, match="transformers, ray/vllm, llama_cpp, ray/deepspeed"):
        ByzerLLM().setup_infer_backend("onnx")


@pytest.mark.contract("CHAT-10")
def test_a_template_is_a_template() -> None:
    with pytest.raises(BadInputError, match="'auto' or one of Templates"):
        ByzerLLM().setup_template("chat", "qwen")

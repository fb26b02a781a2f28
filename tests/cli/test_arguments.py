"""What the words of a command line mean, and what is said about wrong ones."""

from __future__ import annotations

import pytest

import byzer_nb
from byzer_nb.cli.deployment import BACKENDS, Deployment
from byzer_nb.cli.main import BYZERLLM, EASY_BYZERLLM
from byzer_nb.cli.program import Program
from byzer_nb.errors import BadInputError
from tests.cli.conftest import Command

DEPLOY = ("deploy", "--model", "chat")


# -- CLI-01 -------------------------------------------------------------------------------------------------------


@pytest.mark.contract("CLI-01")
@pytest.mark.parametrize("name", ["byzerllm", "easy-byzerllm"])
def test_no_command_is_a_mistake_that_lists_them(command: Command, name: str) -> None:
    done = command(name)
    assert done.code == 2
    assert f"usage: {name}" in done.err
    assert "deploy, undeploy" in done.err or "deploy, chat" in done.err
    assert done.out == ""


@pytest.mark.contract("CLI-01")
def test_a_misspelt_command_is_answered_with_the_nearest(command: Command) -> None:
    done = command("byzerllm", "depoly", "--model", "x")
    assert done.code == 2
    assert "There is no command 'depoly'. Did you mean 'deploy'?" in done.err


@pytest.mark.contract("CLI-01")
def test_a_misspelt_flag_is_answered_with_the_nearest(command: Command) -> None:
    done = command("byzerllm", *DEPLOY, "--num_wokers", "3")
    assert done.code == 2
    assert "usage: byzerllm deploy" in done.err
    assert "There is no flag '--num_wokers'. Did you mean '--num_workers'?" in done.err


@pytest.mark.contract("CLI-01")
@pytest.mark.parametrize(("program", "words"), [
    pytest.param(program, command.name, id=f"{program.name} {command.name}")
    for program in (BYZERLLM, EASY_BYZERLLM)
    for command in program.commands
    if not command.is_plain
])  # fmt: skip
def test_every_command_takes_the_address_of_a_cluster(program: Program, words: str) -> None:
    [command] = [each for each in program.commands if each.name == words]
    assert program.parser(command).get_default("ray_address") == "auto"


@pytest.mark.contract("CLI-01")
@pytest.mark.parametrize("words", [("--help",), ("deploy", "--help"), ("stat", "-h")])
def test_help_is_on_stdout_and_no_mistake(command: Command, words: tuple[str, ...]) -> None:
    done = command("byzerllm", *words)
    assert (done.code, done.err) == (0, "")
    assert "usage: byzerllm" in done.out


def test_the_version_is_the_one_of_the_package(command: Command) -> None:
    assert command("easy-byzerllm", "--version").out == f"easy-byzerllm {byzer_nb.__version__}\n"


@pytest.mark.contract("CLI-01")
def test_a_chinese_terminal_gets_chinese(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert "在集群上部署一个模型" in command("byzerllm", "--help").out
    assert "用法：byzerllm deploy" in command("byzerllm", "deploy", "--help").out
    assert "缺少必需的参数：--model" in command("byzerllm", "deploy").err
    assert "没有选项 '--modle'。您是不是想写 '--model'？" in command("byzerllm", "deploy", "--modle", "x").err
    monkeypatch.setenv("BYZER_NB_LANG", "en")
    assert "usage:" in command("byzerllm", "deploy").err


@pytest.mark.parametrize("words", [
    (*DEPLOY, "--api_key", "sk-canary-4f9d2b7e61a05c38"),
    (*DEPLOY, "--api_key=canary-4f9d2b7e61a05c38"),
    (*DEPLOY, "--infer_params", "saas.api_key=", "canary-4f9d2b7e61a05c38"),
    (*DEPLOY, "--infer_params", "sk-canary-4f9d2b7e61a05c38"),
    (*DEPLOY, "--infer_params", "saas.api_key='canary-4f9d2b7e61a05c38"),
    (*DEPLOY, "--num_workers", "sk-canary-4f9d2b7e61a05c38"),
    ("sk-canary-4f9d2b7e61a05c38",),
])  # fmt: skip
def test_a_key_in_the_wrong_place_is_not_quoted(command: Command, words: tuple[str, ...]) -> None:
    done = command("byzerllm", *words)
    assert done.code == 2
    assert "4f9d2b7e" not in done.out + done.err


def test_words_too_many_are_counted_and_not_quoted(command: Command) -> None:
    done = command("easy-byzerllm", "chat", "echo", "hello", "there", "you")
    assert done.code == 2
    assert "2 words too many; a text with spaces stands in quotes." in done.err


# -- CLI-03 -------------------------------------------------------------------------------------------------------


@pytest.mark.contract("CLI-03")
def test_the_defaults_of_deploy_are_those_of_the_documents() -> None:
    _, given = BYZERLLM.read(DEPLOY)
    assert vars(given) == {
        "command": "deploy",
        "ray_address": "auto",
        "model": "chat",
        "pretrained_model_type": "custom/llama2",
        "model_path": "",
        "infer_backend": "",
        "infer_params": None,
        "num_workers": 1,
        "worker_concurrency": None,
        "cpus_per_worker": 0.01,
        "gpus_per_worker": 0.0,
        "file": None,
        "json": False,
        "debug": False,
    }


@pytest.mark.contract("CLI-03")
@pytest.mark.parametrize("flag", ["--gpus_per_worker", "--gpu_gpus_per_worker", "--gpus_per_workers"])
def test_every_spelling_of_the_gpus_is_understood(flag: str) -> None:
    _, given = BYZERLLM.read((*DEPLOY, flag, "4"))
    assert given.gpus_per_worker == 4.0


@pytest.mark.contract("CLI-03")
@pytest.mark.parametrize(("flag", "value", "told"), [
    ("--num_workers", "many", "'many' is no whole number of at least 1."),
    ("--num_workers", "0", "'0' is no whole number of at least 1."),
    ("--num_workers", "1.5", "'1.5' is no whole number of at least 1."),
    ("--worker_concurrency", "-3", "'-3' is no whole number of at least 1."),
    ("--cpus_per_worker", "two", "'two' is no number of at least 0."),
    ("--gpus_per_worker", "-1", "'-1' is no number of at least 0."),
    ("--gpus_per_worker", "nan", "'nan' is no number of at least 0."),
])  # fmt: skip
def test_what_is_no_number_is_a_mistake_of_usage(command: Command, flag: str, value: str, told: str) -> None:
    done = command("byzerllm", *DEPLOY, flag, value)
    assert done.code == 2
    assert f"argument {flag}: {told}" in done.err


@pytest.mark.contract("CLI-03")
def test_a_missing_name_is_a_mistake_of_usage(command: Command) -> None:
    done = command("byzerllm", "deploy", "--pretrained_model_type", "saas/openai")
    assert done.code == 2
    assert "--model" in done.err


@pytest.mark.contract("CLI-03")
def test_an_unknown_backend_is_answered_with_the_four(command: Command) -> None:
    done = command("byzerllm", *DEPLOY, "--infer_backend", "vlm")
    assert done.code == 1
    assert "'vlm' is no backend; the backends are vllm, transformers, deepspeed, llama_cpp." in done.err
    assert "Did you mean 'vllm'?" in done.err


@pytest.mark.contract("CLI-03")
def test_an_unknown_type_is_answered_with_those_that_are_known(command: Command) -> None:
    done = command("byzerllm", *DEPLOY, "--pretrained_model_type", "saas/opnai")
    assert done.code == 1
    assert "unknown pretrained_model_type 'saas/opnai'" in done.err
    assert "Did you mean 'saas/openai'?" in done.err


def deployment(
    pretrained_model_type: str = "custom/auto", infer_backend: str = "", slots: int | None = None
) -> Deployment:
    return Deployment(
        name="chat",
        pretrained_model_type=pretrained_model_type,
        infer_params={},
        infer_backend=infer_backend,
        slots=slots,
    )


@pytest.mark.contract("CLI-03")
def test_the_backend_is_transformers_when_nobody_says() -> None:
    spec, _ = deployment().specs()
    assert spec.engine == "transformers"


@pytest.mark.contract("CLI-03")
@pytest.mark.parametrize("backend", BACKENDS)
def test_an_explicit_concurrency_wins_over_the_one_of_the_backend(backend: str) -> None:
    _, chosen_by_backend = deployment(infer_backend=backend).specs()
    assert chosen_by_backend.slots == (100 if backend in ("vllm", "deepspeed") else 1)
    _, chosen = deployment(infer_backend=backend, slots=7).specs()
    assert chosen.slots == 7


@pytest.mark.contract("CLI-03")
def test_a_provider_does_not_care_about_the_backend() -> None:
    spec, pool = deployment("saas/openai", infer_backend="vllm").specs()
    assert (spec.engine, pool.slots) == ("saas/openai", 1)


def test_a_folder_beside_the_command_is_the_same_for_a_worker(
    tmp_path: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(str(tmp_path))
    wanted = Deployment(name="chat", pretrained_model_type="custom/auto", infer_params={}, model_path=".")
    assert wanted.specs()[0].model_path == str(tmp_path)
    elsewhere = Deployment(name="chat", pretrained_model_type="custom/auto", infer_params={}, model_path="/on/its/node")
    assert elsewhere.specs()[0].model_path == "/on/its/node"


def test_vllm_takes_weights_of_one_type_only() -> None:
    with pytest.raises(BadInputError, match="custom/auto"):
        deployment("custom/llama2", infer_backend="vllm").specs()

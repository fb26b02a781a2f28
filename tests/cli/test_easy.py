"""`easy-byzerllm`: what a well-known model needs beside a key."""

from __future__ import annotations

import pytest

from byzer_nb.cli.easy import deployment_of
from byzer_nb.cli.known_models import KNOWN_MODELS
from byzer_nb.cli.main import EASY_BYZERLLM
from byzer_nb.types import Secret
from tests.cli.conftest import Command

pytestmark = pytest.mark.contract("CLI-11")

# Model, type, and what is added to its key.
TABLE = [
    ("gpt-3.5-turbo-0125", "saas/openai", {}),
    ("text-embedding-3-small", "saas/openai", {}),
    ("gpt4o", "saas/openai", {"saas.model": "gpt-4o"}),
    ("deepseek-chat", "saas/openai", {"saas.base_url": "https://api.deepseek.com/v1"}),
    ("deepseek-coder", "saas/openai", {"saas.base_url": "https://api.deepseek.com/v1"}),
    ("moonshot-v1-32k", "saas/official_openai", {"saas.base_url": "https://api.moonshot.cn/v1"}),
    ("alibaba/Qwen1.5-110B-Chat", "saas/openai", {"saas.base_url": "https://api.siliconflow.cn/v1"}),
    ("alibaba/Qwen2-72B-Instruct", "saas/openai", {"saas.base_url": "https://api.siliconflow.cn/v1"}),
    ("deepseek-ai/deepseek-v2-chat", "saas/openai", {"saas.base_url": "https://api.siliconflow.cn/v1"}),
    ("yi-vision", "saas/openai", {"saas.base_url": "https://api.lingyiwanwu.com/v1"}),
    ("qwen1.5-32b-chat", "saas/qianwen", {}),
    ("qwen-max", "saas/qianwen", {}),
    ("qwen-vl-chat-v1", "saas/qianwen_vl", {}),
    ("qwen-vl-max", "saas/qianwen_vl", {}),
    ("sonnet3.5", "saas/claude", {"saas.model": "claude-3-5-sonnet-20240620"}),
]


@pytest.mark.parametrize(("model", "type_", "extra"), TABLE, ids=[row[0] for row in TABLE])
def test_every_known_model_gets_what_it_needs(model: str, type_: str, extra: dict[str, str]) -> None:
    _, given = EASY_BYZERLLM.read(["deploy", model, "--token", "abc"])
    wanted = deployment_of(given)
    assert wanted.pretrained_model_type == type_
    assert wanted.infer_params == {"saas.api_key": Secret("abc"), "saas.model": model, **extra}
    assert (wanted.name, wanted.workers, wanted.slots, wanted.cpus, wanted.gpus) == (model, 1, 1000, 0.001, 0)


def test_no_other_model_is_known() -> None:
    assert sorted(KNOWN_MODELS) == sorted(row[0] for row in TABLE)


def test_the_alias_is_the_name_and_the_address_can_be_another() -> None:
    _, given = EASY_BYZERLLM.read([
        "deploy", "deepseek-chat", "--token", "abc", "--alias", "ds", "--base_url", "http://host/v1",
        "--infer_params", "saas.model=other saas.timeout=9",
    ])  # fmt: skip
    wanted = deployment_of(given)
    assert wanted.name == "ds"
    assert wanted.infer_params == {
        "saas.api_key": Secret("abc"),
        "saas.model": "other",
        "saas.base_url": "http://host/v1",
        "saas.timeout": "9",
    }


def test_the_address_can_be_added_where_there_is_none() -> None:
    _, given = EASY_BYZERLLM.read(["deploy", "gpt4o", "--token", "abc", "--base_url", "http://host/v1"])
    assert deployment_of(given).infer_params["saas.base_url"] == "http://host/v1"


def test_the_token_may_come_from_the_environment(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["deploy", "gpt4o", "--token", "${MY_TOKEN}"]
    monkeypatch.setenv("MY_TOKEN", "abc")
    assert deployment_of(EASY_BYZERLLM.read(words)[1]).infer_params["saas.api_key"] == Secret("abc")
    monkeypatch.delenv("MY_TOKEN")
    done = command("easy-byzerllm", *words)
    assert done.code == 1
    assert "--token is to be taken from the environment, which has no MY_TOKEN." in done.err


def test_an_unknown_model_is_answered_with_those_that_are_known(command: Command) -> None:
    done = command("easy-byzerllm", "deploy", "deepseek-chta", "--token", "canary-4f9d2b7e")
    assert done.code == 1
    assert "No well-known model is called 'deepseek-chta'." in done.err
    assert "Did you mean 'deepseek-chat'?" in done.err
    assert all(model in done.err for model in KNOWN_MODELS)
    assert "4f9d2b7e" not in done.out + done.err


def test_without_a_token_it_is_a_mistake_of_usage(command: Command) -> None:
    done = command("easy-byzerllm", "deploy", "deepseek-chat")
    assert done.code == 2
    assert "required: --token" in done.err


@pytest.mark.contract("CLI-12", "CLI-13")
@pytest.mark.parametrize("words", [("chat",), ("chat", "echo"), ("undeploy",)])
def test_missing_words_are_a_mistake_of_usage(command: Command, words: tuple[str, ...]) -> None:
    done = command("easy-byzerllm", *words)
    assert done.code == 2
    assert f"usage: easy-byzerllm {words[0]}" in done.err

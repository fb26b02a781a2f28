"""`--infer_params key=value ...`."""

from __future__ import annotations

import pytest

from byzer_nb.cli.infer_params import read_pairs
from byzer_nb.cli.main import BYZERLLM
from byzer_nb.types import Secret
from tests.cli.conftest import Command

pytestmark = pytest.mark.contract("CLI-04")


@pytest.mark.parametrize(("words", "settings"), [
    pytest.param(
        ["saas.model=llama3:70b-instruct-q4_0", 'saas.base_url="http://h:11434/v1/"'],
        {"saas.model": "llama3:70b-instruct-q4_0", "saas.base_url": "http://h:11434/v1/"},
        id="the example of the documents",
    ),
    pytest.param(["a=1 b=2", "c=3"], {"a": "1", "b": "2", "c": "3"}, id="several in one token"),
    pytest.param(["""system='Be brief.' other="x y" """], {"system": "Be brief.", "other": "x y"}, id="quotes"),
    pytest.param(["query=a=b=c"], {"query": "a=b=c"}, id="the first equals sign only"),
    pytest.param(["a=1", "b=2", "a=3"], {"b": "2", "a": "3"}, id="later wins"),
    pytest.param(["a="], {"a": ""}, id="empty"),
    pytest.param(["n=10", "flag=true"], {"n": "10", "flag": "true"}, id="values stay strings"),
    pytest.param(["path=/a/b:c"], {"path": "/a/b:c"}, id="slashes and colons"),
])  # fmt: skip
def test_pairs_are_read_as_a_shell_would(words: list[str], settings: dict[str, str]) -> None:
    assert read_pairs(words) == settings


def test_keys_are_hidden_from_the_start() -> None:
    settings = read_pairs(["saas.api_key=abc", "saas.aws_secret_key=def", "saas.model=m"])
    assert settings == {"saas.api_key": Secret("abc"), "saas.aws_secret_key": Secret("def"), "saas.model": "m"}


@pytest.mark.parametrize(("token", "quoted"), [
    ("verbose", "verbose"),
    ("=1", "=1"),
    ("'not closed=1", "'not closed=1"),
    ("saas.api_key='abc", "saas.api_key=******"),
])  # fmt: skip
def test_a_token_of_another_form_is_a_mistake_of_usage(command: Command, token: str, quoted: str) -> None:
    done = command("byzerllm", "deploy", "--model", "chat", "--infer_params", "a=1", token)
    assert done.code == 2
    assert f"Invalid argument format: {quoted}\n" in done.err


def test_the_flag_may_be_repeated() -> None:
    _, given = BYZERLLM.read(["deploy", "--model", "x", "--infer_params", "a=1", "b=1", "--infer_params", "b=2"])
    assert given.infer_params == {"a": "1", "b": "2"}


def test_other_flags_may_follow() -> None:
    _, given = BYZERLLM.read(["deploy", "--infer_params", "a=1", "b=2", "--model", "x"])
    assert (given.infer_params, given.model) == ({"a": "1", "b": "2"}, "x")


def test_a_reference_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "abc def")
    assert read_pairs(["saas.api_key=${MY_TOKEN}", "other=x${MY_TOKEN}"]) == {
        "saas.api_key": Secret("abc def"),
        "other": "x${MY_TOKEN}",  # only a value that is nothing else
    }


def test_a_reference_to_nothing_is_told_with_the_name(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_TOKEN", raising=False)
    done = command("byzerllm", "deploy", "--model", "x", "--infer_params", "saas.api_key=${MY_TOKEN}")
    assert done.code == 1
    assert "saas.api_key is to be taken from the environment, which has no MY_TOKEN." in done.err
    assert "export MY_TOKEN=..." in done.err

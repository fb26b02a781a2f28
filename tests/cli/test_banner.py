"""The list of arguments at the start."""

from __future__ import annotations

import sys
from argparse import Namespace

import pytest

from byzer_nb.cli.banner import banner, show_banner
from byzer_nb.cli.main import BYZERLLM, EASY_BYZERLLM

pytestmark = pytest.mark.contract("CLI-02")

# As the documents show it.
OF_STAT = """\
Command Line Arguments:
--------------------------------------------------
command             : stat
ray_address         : auto
model               : gpt3_5_chat
file                : None
--------------------------------------------------"""


def test_it_is_the_one_of_the_documents() -> None:
    _, given = BYZERLLM.read(["stat", "--model", "gpt3_5_chat"])
    assert banner(given) == OF_STAT


def test_switches_of_our_own_are_listed_when_they_are_given() -> None:
    _, given = BYZERLLM.read(["stat", "--model", "m", "--json", "--interval", "0.5"])
    assert "json                : True" in banner(given)
    assert "interval            : 0.5" in banner(given)


@pytest.mark.parametrize("pair", [
    "saas.api_key=abc",
    "saas.aws_secret_key=abc",
    "saas.accesskeyid=abc",
    "saas.password=abc",
    "my_token_=abc",
    "saas.base_url=https://user:abc@host/v1",
    "saas.note=sk-abcabcabcabcabc",
])  # fmt: skip
def test_secrets_among_the_parameters_are_masked(pair: str) -> None:
    _, given = BYZERLLM.read(["deploy", "--model", "chat", "--infer_params", pair, "saas.model=m"])
    assert f"infer_params        : {pair.partition('=')[0]}=****** saas.model=m" in banner(given)
    assert "abc" not in banner(given)


def test_the_token_of_the_easy_script_is_masked() -> None:
    _, given = EASY_BYZERLLM.read(["deploy", "deepseek-chat", "--token", "abc"])
    assert "token               : ******" in banner(given)
    assert "abc" not in banner(given) + repr(given)


@pytest.mark.parametrize(("is_terminal", "where"), [(True, "out"), (False, "err")])
def test_it_keeps_out_of_the_way_of_programs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, is_terminal: bool, where: str
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    show_banner(Namespace(command="stat"))
    printed = capsys.readouterr()
    assert getattr(printed, where) == banner(Namespace(command="stat")) + "\n"
    assert printed.out + printed.err == getattr(printed, where)

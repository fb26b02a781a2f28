"""Completion scripts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from byzer_nb.cli.completion import typed
from byzer_nb.cli.main import BYZERLLM, EASY_BYZERLLM
from tests.cli.conftest import Command


@pytest.fixture
def script(command: Command, tmp_path: Path) -> Path:
    """The script for bash in a file."""
    path = tmp_path / "completion.bash"
    path.write_text(command("byzerllm", "completion", "bash").out, encoding="utf-8")
    return path


def completed(script: Path, *words: str) -> list[str]:
    """What bash offers for the last of the words."""
    function = "_" + words[0].replace("-", "_")
    code = f'source {script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); {function}; printf "%s\\n" "${{COMPREPLY[@]}}"'
    ran = subprocess.run(
        ["bash", "--norc", "-c", code, "bash", *words], capture_output=True, text=True, check=True, timeout=30
    )
    assert ran.stderr == ""
    return ran.stdout.split()


@pytest.mark.parametrize(("words", "offered"), [
    (("byzerllm", "de"), ["deploy"]),
    (("byzerllm", "un"), ["undeploy"]),
    (("byzerllm", "deploy", "--num"), ["--num_workers"]),
    (("byzerllm", "deploy", "--model", "x", "--infer_b"), ["--infer_backend"]),
    (("byzerllm", "deploy", "--infer_backend", "v"), ["vllm"]),
    (("byzerllm", "query", "--template", "q"), ["qwen"]),
    (("byzerllm", "deploy", "--file", ""), []),  # which lets bash offer files
    (("byzerllm", "completion", "z"), ["zsh"]),
    (("easy-byzerllm", "deploy", "deepseek-c"), ["deepseek-chat", "deepseek-coder"]),
    (("easy-byzerllm", "chat", "--j"), ["--json"]),
])  # fmt: skip
def test_bash_offers_what_can_be_typed(script: Path, words: tuple[str, ...], offered: list[str]) -> None:
    assert completed(script, *words) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_and_flag_is_in_every_script(command: Command, shell: str) -> None:
    done = command("byzerllm", "completion", shell)
    assert (done.code, done.err) == (0, "")
    for program in (BYZERLLM, EASY_BYZERLLM):
        for each in typed(program):
            assert each.name in done.out
            assert all(flag.name.lstrip("-") in done.out for flag in each.flags)
    assert "gpu_gpus_per_worker" not in done.out  # tolerated, not taught


def test_an_unknown_shell_is_answered_with_the_known_ones(command: Command) -> None:
    done = command("byzerllm", "completion", "tcsh")
    assert done.code == 2
    assert all(shell in done.err for shell in ("bash", "zsh", "fish"))

"""A key that is given on the command line does not stay where others can see it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from byzer_nb.cli.main import BYZERLLM, EASY_BYZERLLM
from byzer_nb.cli.process_list import PIPE, has_secrets, masked_words
from tests.cli.head_node import free_ports
from tests.cli.processes import arguments_of

KEY = "canary-4f9d2b7e61a05c38"

pytestmark = pytest.mark.contract("CLI-02")


def test_a_process_with_a_key_begins_again_with_masked_arguments(tmp_path: Path) -> None:
    [port] = free_ports(1)  # where nobody listens
    words = ["deploy", "--model", "chat", "--pretrained_model_type", "saas/openai"]
    words += ["--infer_params", f'saas.api_key="{KEY}" saas.model=a\\ b', "--ray_address", f"127.0.0.1:{port}"]
    started = subprocess.Popen(
        [sys.executable, "-m", "byzer_nb", *words],
        cwd=tmp_path,
        env={**os.environ, "BYZER_NB_LANG": "en"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    arguments = arguments_of(started.pid, when="******")
    out, err = started.communicate(timeout=60)
    assert f"-m byzer_nb deploy --ray_address=127.0.0.1:{port} --model=chat" in arguments
    assert "--infer_params=saas.api_key=****** saas.model=a b" in arguments
    # It knows all that it was told, though it sees no more of it.
    assert "infer_params        : saas.api_key=****** saas.model=a b" in err
    assert f"Nothing listens at '127.0.0.1:{port}'." in err
    assert (started.returncode, out) == (1, "")
    assert KEY not in arguments + err


def test_without_a_key_nothing_begins_again() -> None:
    _, given = BYZERLLM.read(["deploy", "--model", "chat", "--infer_params", "saas.model=m"])
    assert not has_secrets(given)
    _, given = EASY_BYZERLLM.read(["deploy", "gpt4o", "--token", KEY])
    assert has_secrets(given)


def test_masked_arguments_are_those_that_were_given() -> None:
    _, given = EASY_BYZERLLM.read(["deploy", "gpt4o", "--token", KEY, "--alias", "mine"])
    assert masked_words(given) == [*("deploy", "--ray_address=auto", "--model=gpt4o", "--token=******", "--alias=mine")]


def test_a_pipe_that_is_none_is_no_reason_to_fail(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "byzer_nb", "--version"],
        cwd=tmp_path,
        env={**os.environ, PIPE: "words"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.returncode, ran.stderr) == (0, "")

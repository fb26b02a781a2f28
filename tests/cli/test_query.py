"""What `byzerllm query` makes of an answer and of its own arguments."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from byzer_nb.cli.query import file_contents
from byzer_nb.errors import AnswerError
from tests.cli.conftest import Command

pytestmark = pytest.mark.contract("CLI-07")


@pytest.mark.parametrize("name", ["a.txt", "a", "a.json"])
def test_an_answer_is_written_as_text(name: str) -> None:
    assert file_contents("Grüße", Path(name)) == "Grüße".encode()


@pytest.mark.parametrize("name", ["a.mp3", "a.wav", "A.WAV"])
def test_the_sound_of_an_answer_is_written_as_it_sounds(name: str) -> None:
    assert file_contents(base64.b64encode(b"RIFF\x00\xff").decode(), Path(name)) == b"RIFF\x00\xff"


def test_an_answer_without_a_sound_is_told() -> None:
    with pytest.raises(AnswerError, match=r"The answer holds no sound, so nothing was written to a.mp3."):
        file_contents("I cannot speak.", Path("a.mp3"))


def test_a_folder_that_is_missing_is_told_before_anything_is_asked(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "none" / "answer.txt"
    done = command("byzerllm", "query", "--model", "m", "--query", "q", "--output_file", str(path))
    assert done.code == 1
    assert f"There is no folder {str(path.parent)!r}" in done.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--query", "q"), "required: --model"),
        (("--model", "m"), "required: --query"),
        (("--model", "m", "--query", "q", "--template", "qwem"), "--template: invalid choice: 'qwem'"),
    ],
)
def test_wrong_arguments_are_mistakes_of_usage(command: Command, words: tuple[str, ...], told: str) -> None:
    done = command("byzerllm", "query", *words)
    assert done.code == 2
    assert told in done.err

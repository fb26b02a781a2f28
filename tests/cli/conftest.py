"""Commands in this process, and what they print, in English unless a test says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from byzer_nb.cli.main import BYZERLLM, EASY_BYZERLLM, main

PROGRAMS = {program.name: program for program in (BYZERLLM, EASY_BYZERLLM)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Done]


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    """The language of the one who runs the tests does not matter."""
    monkeypatch.delenv("BYZER_NB_LANG", raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the words of a command line that ends before any cluster is joined."""

    def command(name: str, *words: str) -> Done:
        try:
            code: object = main(PROGRAMS[name], words)
        except SystemExit as end:
            code = end.code
        assert isinstance(code, int)
        printed = capsys.readouterr()
        return Done(code=code, out=printed.out, err=printed.err)

    return command

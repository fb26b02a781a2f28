"""How a command ends when something goes wrong in it."""

from __future__ import annotations

import warnings
from argparse import Namespace

import pytest

from byzer_nb.cli.infer_params import read_pairs
from byzer_nb.cli.main import main
from byzer_nb.cli.parser import Parser
from byzer_nb.cli.program import Command, Program
from byzer_nb.errors import BadInputError, ByzerError

KEY = "canary-4f9d2b7e61a05c38"


def program(run: object) -> Program:
    """A program whose only command does what the test wants."""
    command = Command(name="act", about=lambda: "Act.", add_flags=_add_flags, run=run)  # type: ignore[arg-type]
    return Program(name="play", about=lambda: "Play.", commands=(command,))


def _add_flags(parser: Parser) -> None:
    parser.add_argument("--key", type=lambda text: read_pairs([f"key={text}"]))


def raising(error: BaseException) -> Program:
    def run(given: Namespace) -> int:
        raise error

    return program(run)


@pytest.mark.contract("CLI-01")
@pytest.mark.parametrize(("error", "lines"), [
    (ByzerError("What failed.", hint="What to do."), ["ByzerError: What failed.", "What to do."]),
    (ByzerError("Over\n  two lines."), ["ByzerError: Over two lines.", "Add --debug to see where it happened."]),
    (OSError("\n\nFirst.\nIts traceback"), ["OSError: First.", "Add --debug to see where it happened."]),
    (ValueError(), ["ValueError:", "Add --debug to see where it happened."]),
])  # fmt: skip
def test_an_error_is_two_lines_and_1(capsys: pytest.CaptureFixture[str], error: Exception, lines: list[str]) -> None:
    assert main(raising(error), ["act"]) == 1
    printed = capsys.readouterr()
    assert [line.strip() for line in printed.err.splitlines()[-2:]] == lines
    assert "Traceback" not in printed.err
    assert printed.out == ""


def test_with_debug_the_whole_traceback_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(raising(BadInputError("What failed.", hint="What to do.")), ["act", "--debug"]) == 1
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert "What to do." in told


@pytest.mark.parametrize("debug", [(), ("--debug",)])
def test_a_key_in_other_peoples_words_is_masked(capsys: pytest.CaptureFixture[str], debug: tuple[str, ...]) -> None:
    broken = raising(RuntimeError(f"Incorrect API key provided: {KEY[:12]}***, sent as 'Bearer {KEY}'."))
    assert main(broken, ["act", "--key", KEY, *debug]) == 1
    told = capsys.readouterr().err
    assert "Incorrect API key provided: ******" in told
    assert KEY[7:13] not in told


@pytest.mark.contract("CLI-01")
def test_ctrl_c_is_130_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(raising(KeyboardInterrupt()), ["act"]) == 130
    told = capsys.readouterr().err
    assert told.endswith("Stopped.\n")
    assert "Traceback" not in told


def test_a_warning_is_a_line_without_a_place_in_our_code(capsys: pytest.CaptureFixture[str]) -> None:
    def run(given: Namespace) -> int:
        warnings.simplefilter("always")
        warnings.warn("The engine does not know tpo_p.", UserWarning, stacklevel=1)
        return 0

    assert main(program(run), ["act"]) == 0
    assert capsys.readouterr().err.endswith("UserWarning: The engine does not know tpo_p.\n")

"""The line that says what a command waits for."""

from __future__ import annotations

import re
import time
from io import StringIO
from typing import get_args

import pytest

from byzer_nb.cli.deploy import in_words
from byzer_nb.cli.messages import ERASE, remark
from byzer_nb.cli.progress import PAINT_SECONDS, ProgressLine
from byzer_nb.cluster.deployment import DeployStep, Phase


class Terminal(StringIO):
    """Text that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_elsewhere_every_change_is_a_plain_line() -> None:
    stream = StringIO()
    with ProgressLine(stream) as progress:
        progress.show("joining")
        progress.show("joining")
        remark("started a cluster", stream)
        progress.show("placing")
    assert stream.getvalue() == "joining (0 s)\nstarted a cluster\nplacing (0 s)\n"


def test_on_a_terminal_one_line_is_rewritten_and_erased() -> None:
    stream = Terminal()
    with ProgressLine(stream) as progress:
        progress.show("joining")
        remark("started a cluster", stream)
        progress.show("placing")
    painted = stream.getvalue().split(ERASE)
    assert painted[:3] == ["", "joining (0 s)", "started a cluster\n"]
    assert set(painted[3:-1]) == {"placing (0 s)"}
    assert painted[-1] == ""


def test_on_a_terminal_the_time_goes_on_while_nothing_changes() -> None:
    stream = Terminal()
    with ProgressLine(stream) as progress:
        progress.show("joining")
        time.sleep(1.0 + 2 * PAINT_SECONDS)
    assert set(re.findall(r"\((\d) s\)", stream.getvalue())) >= {"0", "1"}


def test_a_line_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("LINES", "5")
    stream = Terminal()
    with ProgressLine(stream) as progress:
        progress.show("正在连接本机的 Ray 集群，请稍候")
    shown = stream.getvalue().split(ERASE)[1]
    assert shown == "正在连接本机的 Ray "  # 7 wide characters and 5 narrow ones, and room for the cursor


@pytest.mark.parametrize("phase", get_args(Phase))
def test_every_phase_of_a_deployment_has_its_words(phase: Phase) -> None:
    step = DeployStep(phase=phase, seconds=1.0, workers=2, placed=1)
    assert in_words("chat", step) == f"chat: {phase}, 1 of 2 workers placed, 0 ready"

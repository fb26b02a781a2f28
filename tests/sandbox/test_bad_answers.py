"""Results that are too large or no JSON, and answers that are not the runner's."""

from __future__ import annotations

import pytest

from byzer_nb.sandbox import Limits
from tests.sandbox.ending import ended


@pytest.mark.parametrize("size", [9_000_000, 60_000_000])
def test_a_huge_result(size: int) -> None:
    error = ended(f"return 'x' * {size}")
    assert error.reason == "result"


def test_a_huge_result_past_the_runner() -> None:
    body = "for number in range(3, 64):\n    try:\n        while True: os['write'](number, b'x' * 65536)\n"
    body += "    except OSError: pass"
    assert ended(body, escape=True).reason == "result"


@pytest.mark.parametrize(
    "forged",
    [
        b"[[[[",
        b"[" * 100_000,
        b"[1]",
        b'{"result": 1}',
        b'{"guards": [], "reason": 5}',
        b'{"guards": [], "result": 1' + b"0" * 5000 + b"}",
        b"\xff\xfe",
    ],
)
def test_a_forged_answer(forged: bytes) -> None:
    body = f"for number in range(3, 64):\n    try: os['write'](number, {forged!r})\n    except OSError: pass\n"
    assert ended(body + "os['_exit'](0)", escape=True).reason == "exit"


def test_a_result_after_every_pipe_was_closed() -> None:
    body = "os['closerange'](0, 64)\nwhile True: pass"
    error = ended(body, escape=True, limits=Limits(wall_seconds=20))
    assert error.reason == "exit"


@pytest.mark.parametrize(
    "result",
    [
        "object()",
        "len",
        "(x for x in [])",
        "{(1, 2): 3}",
        "10**5000",
        "b'\\xff'",
        "1j",
        "[[object()]]",
        "{1: {2: len}}",
    ],
)
def test_a_result_that_is_not_json(result: str) -> None:
    error = ended(f"return {result}")
    assert error.reason == "result"
    assert "JSON" in str(error)


def test_a_result_that_contains_itself() -> None:
    assert ended("found = []\nfound.append(found)\nreturn found").reason == "result"


def test_an_error_that_cannot_be_shown() -> None:
    body = """
        class Bad(Exception):
            def __str__(self): raise SystemExit
            @property
            def __cause__(self): raise SystemExit
        raise Bad
        """
    assert ended(body).reason in ("raised", "exit")

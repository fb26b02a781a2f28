"""The marks of the tests and the list of promises speak of the same things."""

from __future__ import annotations

from pathlib import Path

from tests.house.contract import Mark, marks, promises, table


def test_every_mark_names_a_promise_of_the_list() -> None:
    known = promises()
    assert [f"{mark.test} names {mark.promise!r}" for mark in marks() if mark.promise not in known] == []


def test_the_list_is_whole() -> None:
    assert len(promises()) == 226
    assert all(promises().values())


def test_marks_are_found_wherever_pytest_finds_them(tmp_path: Path) -> None:
    (tmp_path / "test_all.py").write_text(
        "pytestmark = pytest.mark.contract('NB-01')\n"
        "@pytest.mark.contract('CORE-04', 'CORE-05')\n"
        "async def test_one(): ...\n"
        "@pytest.mark.parametrize('x', [pytest.param(1, marks=pytest.mark.contract('EMB-01'))])\n"
        "def test_two(x): ...\n"
    )
    assert marks(tmp_path) == [
        Mark(promise="CORE-04", test="test_all.py::test_one"),
        Mark(promise="CORE-05", test="test_all.py::test_one"),
        Mark(promise="EMB-01", test="test_all.py::test_two"),
        Mark(promise="NB-01", test="test_all.py"),
    ]


def test_the_table_counts_what_is_held() -> None:
    held = {mark.promise for mark in marks()} & set(promises())
    assert table().endswith(f"{len(held)} of 226 are held by a test.")

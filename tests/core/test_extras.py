"""Optional packages, asked for by the feature that needs them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from byzer_nb._extras import require
from byzer_nb.errors import MissingExtraError


def test_a_package_that_is_there_is_given() -> None:
    assert require("json", extra="any", why="Reading") is json


@pytest.mark.parametrize("package", ["not_there", "not_there.inner", "json.not_there"])
def test_a_package_that_is_not_there_names_its_extra(package: str) -> None:
    with pytest.raises(MissingExtraError, match=r"Reading needs '[a-z_.]*not_there', which is not installed") as raised:
        require(package, extra="train", why="Reading")
    assert raised.value.hint == 'Run: pip install "byzer_nb[train]"'
    assert isinstance(raised.value, ImportError)


def test_a_blocked_package_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "json", None)
    with pytest.raises(MissingExtraError, match="'json'"):
        require("json", extra="any", why="Reading")


def test_what_the_package_itself_lacks_is_said_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_installed.py").write_text("import a_package_nobody_has")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="a_package_nobody_has") as raised:
        require("half_installed", extra="any", why="Reading")
    assert not isinstance(raised.value, MissingExtraError)

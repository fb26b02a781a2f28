"""`read_file`: text files whose encoding nobody told."""

from __future__ import annotations

from pathlib import Path

import pytest

from byzer_nb.seed.text_files import read_file


@pytest.mark.contract("UTIL-07")
@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("你好, world", "utf-8"),
        ("你好, world", "utf-8-sig"),
        ("你好, world", "gbk"),
        ("你好, world", "utf-16"),
        ("caf\xe9!", "latin-1"),
        ("", "utf-8"),
    ],
)
def test_the_encoding_is_found(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "text.py"
    path.write_bytes(text.encode(encoding))
    assert read_file(str(path)) == read_file(path) == text


@pytest.mark.contract("UTIL-07")
def test_line_ends_are_plain(tmp_path: Path) -> None:
    path = tmp_path / "text.py"
    path.write_bytes(b"a\r\nb\rc\n")
    assert read_file(path) == "a\nb\nc\n"


@pytest.mark.contract("UTIL-07")
def test_a_missing_file_is_told_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.py"):
        read_file(tmp_path / "nothing.py")

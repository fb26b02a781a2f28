"""The promised names, written down, so that a change to one is a line in the diff."""

from __future__ import annotations

from tests.house.public_api import GOLDEN, surface


def test_the_surface_is_the_one_written_down() -> None:
    assert surface() == GOLDEN.read_text(encoding="utf-8"), "Meant? Run `make api` and read the diff."

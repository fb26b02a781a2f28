"""Stop strings in a text that comes in pieces."""

from __future__ import annotations

import pytest

from byzer_nb.backends.stopping import StopStrings

TEXT = "one two STOP three"


def shown(stops: list[str], pieces: list[str]) -> tuple[list[str], bool]:
    """What is let through piece by piece, the rest at the end, and whether a stop string was met."""
    watch = StopStrings(stops)
    seen = []
    for piece in pieces:
        seen.append(watch.push(piece))
        if watch.is_met:
            break
    return [*seen, watch.flush()], watch.is_met


@pytest.mark.parametrize("first", range(len(TEXT)))
@pytest.mark.parametrize("second", range(0, len(TEXT), 3))
def test_the_text_is_cut_before_the_stop_string_wherever_the_pieces_end(first: int, second: int) -> None:
    low, high = sorted((first, second))
    seen, is_met = shown(["STOP"], [TEXT[:low], TEXT[low:high], TEXT[high:]])
    assert "".join(seen) == "one two "
    assert is_met


def test_no_part_of_a_stop_string_is_ever_shown() -> None:
    seen, _ = shown(["STOP"], list(TEXT))
    assert not any("S" in piece for piece in seen)


def test_what_only_looked_like_a_stop_string_is_shown_after_all() -> None:
    seen, is_met = shown(["STOP"], ["a ST", "AR and", " STO"])
    assert seen == ["a ", "STAR and", " ", "STO"]
    assert not is_met


def test_text_that_cannot_begin_a_stop_string_is_not_held_back() -> None:
    assert shown(["STOP"], ["hello", " there"])[0] == ["hello", " there", ""]


def test_the_first_of_several_stop_strings_counts() -> None:
    assert shown(["three", "two", "o"], ["one two three"])[0] == ["", ""]
    assert shown(["three", "two"], ["one two three"])[0] == ["one ", ""]


def test_a_stop_string_that_begins_within_itself_is_found() -> None:
    assert shown(["aab"], list("xaaab"))[0] == ["x", "", "", "a", "", ""]


def test_without_stop_strings_everything_passes_at_once() -> None:
    assert shown([], ["a", "b"]) == (["a", "b", ""], False)

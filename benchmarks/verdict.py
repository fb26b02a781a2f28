"""What a benchmark promises, and whether it was held."""

from __future__ import annotations

from typing import Literal

from rich.console import Console

Promise = tuple[float, Literal["at most", "at least"], float, str]  # what was measured, the bound, and in words of what


def all_held(console: Console, promises: list[Promise]) -> bool:
    """Print each, and tell whether all of them were held."""
    held = True
    for value, bound, threshold, what in promises:
        holds = value <= threshold if bound == "at most" else value >= threshold
        held = held and holds
        word = "[green]held[/]  " if holds else "[red]missed[/]"
        console.print(f"{word} {value:6.2f} {what} ({bound} {threshold:g})")
    return held

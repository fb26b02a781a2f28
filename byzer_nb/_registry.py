"""Names that strangers may add to: providers, backends, stores."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from typing import Generic, TypeVar, cast

from byzer_nb.errors import BadInputError, UnknownNameError

Plug = TypeVar("Plug")


class Registry(Generic[Plug]):
    """A table of name to `module:Class`, resolved on first use and open to entry points.

    Another package adds a name with an entry point in the group `byzer_nb.<kind>s`.
    """

    def __init__(self, kind: str, places: Mapping[str, str]) -> None:
        self.kind = kind
        self._places = dict(places)
        self._found: dict[str, Plug] = {}
        self._has_read_entry_points = False

    def add(self, name: str, place: str) -> None:
        """Add a name; one that is taken by something else is refused."""
        taken = self._places.setdefault(name, place)
        if taken != place:
            raise BadInputError(
                f"The {self.kind} {name!r} is already {taken!r}, so it cannot also be {place!r}.",
                hint="Choose another name.",
            )

    def names(self) -> list[str]:
        """All known names, sorted."""
        self._read_entry_points()
        return sorted(self._places)

    def get(self, name: str) -> Plug:
        """What the name stands for; a typo is answered with the nearest name."""
        if name in self._found:
            return self._found[name]
        if name not in self._places:
            self._read_entry_points()
        if name not in self._places:
            raise UnknownNameError(
                f"No {self.kind} is called {name!r}.",
                hint=nearest(name, self._places) + "Known: " + ", ".join(self.names()),
            )
        module, _, attribute = self._places[name].partition(":")
        plug = cast(Plug, getattr(import_module(module), attribute))
        self._found[name] = plug
        return plug

    def _read_entry_points(self) -> None:
        if self._has_read_entry_points:
            return
        for point in entry_points(group=f"byzer_nb.{self.kind}s"):
            self.add(point.name, point.value)
        self._has_read_entry_points = True


def nearest(name: str, known: Mapping[str, object] | list[str]) -> str:
    """`Did you mean 'x'? `, or nothing when no known name is near."""
    close = get_close_matches(name, list(known), n=1)
    return f"Did you mean {close[0]!r}? " if close else ""

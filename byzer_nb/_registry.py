"""Names that strangers may add to: providers, backends, stores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from operator import attrgetter
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
        self._added: set[str] = set()
        self._has_read_entry_points = False

    def add(self, name: str, place: str) -> None:
        """Add a name, or correct one that was added so; one of ours or of another package is refused."""
        if name in self._added:
            self._places[name] = place
            self._found.pop(name, None)
            return
        if name not in self._places:
            self._added.add(name)
        self._add(name, place, hint="Choose another name.")

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
        plug = cast(Plug, self._load(name))
        self._found[name] = plug
        return plug

    def _load(self, name: str) -> object:
        module_name, _, attribute = self._places[name].partition(":")
        try:
            module = import_module(module_name)
        except ModuleNotFoundError as missing:
            if missing.name is None or not (module_name + ".").startswith(missing.name + "."):
                raise  # the module is there and itself lacks something: its own words are clearer
            raise self._wrong_place(name) from missing
        try:
            found: object = attrgetter(attribute)(module)
        except AttributeError as missing:
            raise self._wrong_place(name) from missing
        return found

    def _wrong_place(self, name: str) -> BadInputError:
        return BadInputError(
            f"The {self.kind} {name!r} should be at {self._places[name]!r}, where nothing is.",
            hint="A place is written 'package.module:Class'.",
        )

    def _add(self, name: str, place: str, *, hint: str) -> None:
        taken = self._places.setdefault(name, place)
        if taken != place:
            raise BadInputError(
                f"The {self.kind} {name!r} is already {taken!r}, so it cannot also be {place!r}.", hint=hint
            )

    def _read_entry_points(self) -> None:
        if self._has_read_entry_points:
            return
        for point in entry_points(group=f"byzer_nb.{self.kind}s"):
            self._add(point.name, f"{point.module}:{point.attr}", hint=f"Uninstall {_package(point)}.")
        self._has_read_entry_points = True


def nearest(name: object, known: Iterable[str]) -> str:
    """`Did you mean 'x'? `, or nothing when no known name is near."""
    by_lower = {each.lower(): each for each in known}
    close = get_close_matches(str(name).lower(), list(by_lower), n=1)
    return f"Did you mean {by_lower[close[0]]!r}? " if close else ""


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "the package that adds it"

"""The settings of a deployment, read one by one; what nobody read is named in one warning."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from byzer_nb._registry import nearest
from byzer_nb.errors import BadInputError

_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off")


class Settings:
    """Values by name, as text or as native values: forms and SQL can only send text."""

    def __init__(self, values: Mapping[str, Any], *, engine: str) -> None:  # Any: that is what this class is for
        self._values = dict(values)
        self._engine = engine
        self._known: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        """A word."""
        value = self._take(name)
        return default if value is None else str(value)

    def flag(self, name: str, *, default: bool) -> bool:
        """Yes or no."""
        value = self._take(name)
        if value is None:
            return default
        word = str(value).strip().lower()
        if word not in _TRUE + _FALSE:
            raise BadInputError(f"The setting {name!r} is true or false, not {value!r}.")
        return word in _TRUE

    def count(self, name: str, default: int = 0) -> int:
        """A whole number above 0."""
        value = self._take(name)
        if value is None:
            return default
        try:
            number = int(str(value))
        except ValueError as wrong:
            raise BadInputError(f"The setting {name!r} is a whole number, not {value!r}.") from wrong
        if number < 1:
            raise BadInputError(f"The setting {name!r} must be at least 1, not {number!r}.")
        return number

    def warn_of_the_rest(self) -> None:
        """One warning that names every setting that was not read."""
        unknown = sorted(self._values.keys() - set(self._known))
        if unknown:
            warnings.warn(
                f"The engine {self._engine!r} does not know the settings {', '.join(map(repr, unknown))}. "
                + "".join(nearest(name, self._known) for name in unknown)
                + f"Known: {', '.join(sorted(self._known))}.",
                stacklevel=3,
            )

    def _take(self, name: str) -> Any:
        self._known.append(name)
        value = self._values.get(name)
        return None if value == "" else value

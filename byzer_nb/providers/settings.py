"""The settings of a provider, read by name and kind; command lines give strings, notebooks give values."""

from __future__ import annotations

import warnings
from typing import Any

from byzer_nb._registry import nearest
from byzer_nb.errors import BadInputError
from byzer_nb.providers.masking import Mask
from byzer_nb.types import DeploySpec, Secret

PREFIX = "saas."  # as users write it, and so how messages name it

_YES = ("true", "1", "yes", "on")
_NO = ("false", "0", "no", "off")


class SettingWarning(UserWarning):
    """A setting or an option is not used; the message says which."""


class Settings:
    """One spec's settings. Read what you know, then call `warn_about_the_rest`."""

    def __init__(self, spec: DeploySpec) -> None:
        self._engine = spec.engine
        self._given = {name: value for name, value in spec.settings.items() if value is not None}
        self._known: list[str] = []

    def value(self, name: str, *aliases: str) -> Any:  # Any: whatever the user wrote; the caller checks it
        """The first of these that was given, as it is, or None."""
        names = (name, *aliases)
        self._known.extend(names)
        return next((self._given[key] for key in names if key in self._given), None)

    def text(self, name: str, *aliases: str, default: str = "") -> str:
        """Words; quotes around them are a slip of the command line."""
        found = self.value(name, *aliases)
        if found is None:
            return default
        if not isinstance(found, str):
            raise BadInputError(f"{PREFIX}{name} must be text, not {shown(found)}.")
        return _unquoted(found) or default

    def secret(self, name: str) -> Secret:
        """A key that must be there; its value appears in no message."""
        found = self.value(name)
        value = found.reveal() if isinstance(found, Secret) else found
        value = _unquoted(value) if isinstance(value, str) else value
        if value in (None, ""):
            raise BadInputError(
                f"{PREFIX}{name} is required for SaaS models", hint=f'Add it: infer_params={{"{PREFIX}{name}": "..."}}'
            )
        if not isinstance(value, str):
            raise BadInputError(f"{PREFIX}{name} must be text, not a {type(value).__name__}.")
        if not value.isascii() or not value.isprintable():
            # It could not travel in a header, and the error there would quote it.
            raise BadInputError(
                f"{PREFIX}{name} has characters that no key has.", hint="Copy it again, without line breaks or quotes."
            )
        return Secret(value)

    def number(self, name: str, *, default: float, least: float = 0.0) -> float:
        """A number that is at least so big."""
        found = self.value(name)
        if found is None:
            return default
        try:
            number = float(_unquoted(found) if isinstance(found, str) else found)
        except (TypeError, ValueError):
            number = float("nan")
        if not least <= number < float("inf"):
            raise BadInputError(f"{PREFIX}{name} must be a number of at least {least:g}, not {shown(found)}.")
        return number

    def whole(self, name: str, *, default: int, least: int = 0) -> int:
        """A whole number that is at least so big."""
        number = self.number(name, default=default, least=least)
        if number != int(number):
            raise BadInputError(f"{PREFIX}{name} must be a whole number, not {number!r}.")
        return int(number)

    def flag(self, name: str, *aliases: str, default: bool) -> bool:
        """Yes or no."""
        found = self.value(name, *aliases)
        if found is None:
            return default
        word = str(found).strip().strip("\"'").lower()
        if word not in _YES + _NO:
            raise BadInputError(f"{PREFIX}{name} must be true or false, not {shown(found)}.")
        return word in _YES

    def warn_about_the_rest(self) -> None:
        """One warning that names every setting nobody read."""
        unread = sorted(set(self._given) - set(self._known))
        if unread:
            names = ", ".join(PREFIX + name for name in unread)
            suggestion = nearest(PREFIX + unread[0], [PREFIX + name for name in self._known])
            warnings.warn(f"{self._engine} does not know {names}. {suggestion}".strip(), SettingWarning, stacklevel=4)


def shown(value: object) -> str:
    """A setting as a message may quote it: a key that was put in the wrong place stays hidden."""
    return Mask([]).apply(repr(value))


def _unquoted(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].strip()
    return text

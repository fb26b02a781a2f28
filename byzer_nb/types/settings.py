"""The settings of an engine, read by name and kind: forms and command lines give text, notebooks give values."""

from __future__ import annotations

import warnings
from typing import Any

from byzer_nb._registry import nearest
from byzer_nb.errors import BadInputError, MissingSettingError
from byzer_nb.types.deploy import DeploySpec
from byzer_nb.types.masking import shown
from byzer_nb.types.policy import SETTINGS as POLICY_SETTINGS
from byzer_nb.types.secret import Secret

_YES = ("true", "1", "yes", "on")
_NO = ("false", "0", "no", "off")


class SettingWarning(UserWarning):
    """A setting or an option is not used; the message says which."""


class Settings:
    """One spec's settings. Read what you know, the secrets last, then call `warn_about_the_rest`."""

    def __init__(self, spec: DeploySpec) -> None:
        self._name = spec.name
        self._engine = spec.engine
        self._given = {
            name: value
            for name, value in spec.settings.items()
            if value is not None and name not in POLICY_SETTINGS  # read elsewhere, for every engine alike
        }
        self._known: list[str] = []

    def value(self, name: str, *aliases: str) -> Any:  # Any: whatever the user wrote; the caller checks it
        """The first of these that was given, as it is, or None."""
        names = (name, *aliases)
        self._known.extend(names)
        return next((self._given[key] for key in names if key in self._given), None)

    def text(self, name: str, *aliases: str, default: str = "") -> str:
        """Words; quotes around them are a slip of the command line."""
        found = self._filled(name, *aliases)
        if found is None:
            return default
        if not isinstance(found, str):
            raise self.refused(name, "text", found, example="...")
        return found

    def needed(self, name: str, *aliases: str) -> str:
        """Words that must be there."""
        found = self.text(name, *aliases)
        if not found:
            raise self._missing(name)
        return found

    def identifier(self, name: str) -> str:
        """Words, or a number that serves as a name, such as that of an application; empty where there are none."""
        found = self._filled(name)
        is_number = isinstance(found, int) and not isinstance(found, bool)
        return str(found) if is_number else self.text(name)

    def secret(self, name: str) -> Secret:
        """A key that must be there; its value appears in no message."""
        found = self.value(name)
        value = found.reveal() if isinstance(found, Secret) else found
        value = _unquoted(value) if isinstance(value, str) else value
        if value in (None, ""):
            self.warn_about_the_rest()  # most likely it is there, under a misspelt name
            raise self._missing(name)
        if not isinstance(value, str):
            raise BadInputError(f"{name} must be text, not a {type(value).__name__}.", hint=self._write(f"{name}=..."))
        if not value.isascii() or not value.isprintable():
            # It could not travel in a header, and the error there would quote it.
            raise BadInputError(
                f"{name} has characters that no key has.", hint="Copy it again, without line breaks or quotes."
            )
        return Secret(value)

    def number(self, name: str, *, default: float, least: float = 0.0) -> float:
        """A number that is at least so big."""
        found = self._filled(name)
        if found is None:
            return default
        try:
            number = float(found)
        except (TypeError, ValueError):
            number = float("nan")
        if not least <= number < float("inf"):
            raise self.refused(name, f"a number of at least {least:g}", found, example=max(default, least))
        return number

    def whole(self, name: str, *, default: int, least: int = 0) -> int:
        """A whole number that is at least so big; the default may be smaller."""
        number = self.number(name, default=default, least=least)
        if number != int(number):
            raise self.refused(name, "a whole number", number, example=max(default, least))
        return int(number)

    def flag(self, name: str, *aliases: str, default: bool) -> bool:
        """Yes or no."""
        found = self._filled(name, *aliases)
        if found is None:
            return default
        word = str(found).lower()
        if word not in _YES + _NO:
            raise self.refused(name, "true or false", found, example=not default)
        return word in _YES

    def refused(self, name: str, wanted: str, found: object, *, example: object) -> BadInputError:
        """The error of a setting whose value cannot work."""
        return BadInputError(
            f"{name} must be {wanted}, not {self.shown(found)}.", hint=self._write(f"{name}={example!r}")
        )

    def shown(self, value: object) -> str:
        """A value as a message may quote it: what looks like a key, or is one of the secrets here, stays hidden."""
        return shown(value, [secret for secret in self._given.values() if isinstance(secret, Secret)])

    def warn_about_the_rest(self) -> None:
        """One warning that names every setting nobody read."""
        unread = sorted(set(self._given) - set(self._known))
        if unread:
            suggestions = "".join(nearest(name, self._known) for name in unread)
            known = ", ".join(sorted(set(self._known)))
            warnings.warn(
                f"{self._engine} does not know {', '.join(unread)}. {suggestions}Known: {known}.",
                SettingWarning,
                stacklevel=4,
            )

    def _filled(self, name: str, *aliases: str) -> Any:
        """What was given, without the quotes of a command line; a field of a form that was left empty is nothing."""
        found = self.value(name, *aliases)
        if isinstance(found, Secret):  # an address with a login in it, or any value that came from the environment
            found = found.reveal()
        if isinstance(found, str):
            return _unquoted(found) or None
        return found

    def _missing(self, name: str) -> MissingSettingError:
        return MissingSettingError(
            f"{self._engine} needs the setting {name}.", setting=name, hint=self._write(f"{name}=...")
        )

    def _write(self, setting: str) -> str:
        return f"Write: load({self._name!r}, {self._engine!r}, {setting})"


def _unquoted(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].strip()
    return text

"""A value that never shows itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from byzer_nb.errors import WrongTypeError

WORDS = frozenset({"key", "apikey", "secret", "token", "password", "authorization"})
BINARY_PROTOCOL = 4  # what pickle uses on its way to a worker; writers of text, such as YAML, ask for less


class Secret:
    """A key or a password: every printed, formatted or serialised text hides it, and `reveal()` gives it.

    It can be pickled, for that is how it gets to a worker, but not written as YAML or JSON.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str | Secret) -> None:
        if not isinstance(value, str | Secret):
            raise WrongTypeError(f"A secret is a string, not a {type(value).__name__}.")
        self._value: str = value._value if isinstance(value, Secret) else value

    def reveal(self) -> str:
        """The value itself, for the one place that puts it on the wire."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret('******')" if self._value else "Secret('')"

    def __str__(self) -> str:
        return "******" if self._value else ""

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __reduce_ex__(self, protocol: Any) -> tuple[type[Secret], tuple[str]]:  # Any: wider than int in typeshed
        if protocol < BINARY_PROTOCOL:
            raise WrongTypeError("A Secret is not written as text.", hint="Write where it can be found instead.")
        return Secret, (self._value,)


def names_a_secret(name: str) -> bool:
    """Whether a setting of that name should never be shown."""
    return not WORDS.isdisjoint(re.split(r"[^a-z0-9]+", name.lower()))


def with_secrets(settings: Mapping[str, Any]) -> dict[str, Any]:  # Any: the values of an engine's own settings
    """The settings with every text that is a secret by its name behind `Secret`."""
    return {
        name: Secret(value) if isinstance(value, str) and names_a_secret(name) else value
        for name, value in settings.items()
    }

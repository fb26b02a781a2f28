"""A value that never shows itself."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from typing import Any

from byzer_nb.errors import WrongTypeError

WORDS = frozenset({"key", "keys", "apikey", "secret", "secrets", "token", "password", "passwords", "authorization"})
_ADDRESS = r"[a-z][a-z0-9+.\-]*://"
# Secrets under any name: an address with a login in it or a key among its parameters, and what looks like a key.
_SECRET = re.compile(
    rf"\s*(?:{_ADDRESS}[^/?#\s]*@|{_ADDRESS}\S*[?&][^=&#\s]*(?:{'|'.join(sorted(WORDS))})=|(?:sk|pk|ak)-\S{{12,}}\s*$)",
    re.IGNORECASE,
)
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
    """The settings with every text behind `Secret` that is a secret by its name or by its look."""
    return {name: _hidden(value, is_secret=names_a_secret(str(name))) for name, value in settings.items()}


def _hidden(value: Any, *, is_secret: bool) -> Any:
    """The same value with its secrets hidden, however deep they stand; one without secrets stays as it is."""
    if isinstance(value, str):
        return Secret(value) if is_secret or _SECRET.match(value) else value
    if isinstance(value, Mapping):
        return {key: _hidden(each, is_secret=is_secret or names_a_secret(str(key))) for key, each in value.items()}
    if isinstance(value, list | tuple):
        hidden = [_hidden(each, is_secret=is_secret) for each in value]
        return value if all(map(operator.is_, hidden, value)) else hidden
    return value

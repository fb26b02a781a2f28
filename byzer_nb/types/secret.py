"""A value that never shows itself."""

from __future__ import annotations


class Secret:
    """A key or a password: every printed, formatted, pickled-as-text or compared form hides it; `reveal()` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: str | Secret) -> None:
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

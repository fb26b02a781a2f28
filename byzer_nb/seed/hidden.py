"""What `verbose` must not print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from byzer_nb.types.secret import names_a_secret

HIDDEN = "******"


def without_secrets(value: Any) -> Any:  # Any: whatever a request's body may hold
    """The same value with everything masked in it that is a secret by its name."""
    if isinstance(value, Mapping):
        return {key: HIDDEN if names_a_secret(str(key)) else without_secrets(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [without_secrets(inner) for inner in value]
    return value

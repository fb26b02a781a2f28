"""From `infer_params` with `saas.` keys to the settings of an engine; here the dialect ends."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any

from byzer_nb.errors import WrongTypeError
from byzer_nb.types.secret import with_secrets

PREFIX = "saas."


def read_infer_params(infer_params: object) -> dict[str, Any]:
    """The parameters without their prefix, keys and passwords behind `Secret`; nothing of what is no dict.

    It never raises, because a traceback may show what a function was given: call `check_kind` afterwards.
    """
    if not isinstance(infer_params, Mapping):
        return {}
    return with_secrets({str(key).removeprefix(PREFIX): value for key, value in infer_params.items()})


def check_kind(kind: type) -> None:
    """Raise unless parameters of that kind are a dict or None."""
    if kind is not NoneType and not issubclass(kind, Mapping):
        raise WrongTypeError(
            f"infer_params is a dict, not a {kind.__name__}.",
            hint='For example: infer_params={"saas.api_key": key, "saas.model": "gpt-4o"}',
        )

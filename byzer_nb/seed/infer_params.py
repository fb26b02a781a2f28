"""From `infer_params` with `saas.` keys to the settings of an engine; here the dialect ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from byzer_nb.errors import WrongTypeError
from byzer_nb.types.secret import with_secrets

PREFIX = "saas."


def read_infer_params(infer_params: Mapping[str, Any] | None) -> dict[str, Any]:
    """The parameters without their prefix, keys and passwords behind `Secret`."""
    if infer_params is None:
        return {}
    if not isinstance(infer_params, Mapping):
        # The value is not shown: it may well be a key.
        raise WrongTypeError(
            f"infer_params is a dict, not a {type(infer_params).__name__}.",
            hint='For example: infer_params={"saas.api_key": key, "saas.model": "gpt-4o"}',
        )
    return with_secrets({str(key).removeprefix(PREFIX): value for key, value in infer_params.items()})

"""A provider's key in a file that is named after its host."""

from __future__ import annotations

from pathlib import Path

from byzer_nb.errors import BadInputError
from byzer_nb.types import Secret

__all__ = ["read_key"]

FOLDER = "~/.auto-coder/keys"


def read_key(host: str, *, folder: str | Path = FOLDER) -> Secret:
    """The key of a host such as `api.deepseek.com`, ready for `infer_params={"saas.api_key": ...}`."""
    path = Path(folder).expanduser() / host
    try:
        key = path.read_text(encoding="utf-8").strip()
    except OSError as missing:
        raise BadInputError(
            f"No key can be read from {str(path)!r}: {missing.strerror}.",
            hint="Write the provider's key, and nothing else, into this file; only you should be able to read it.",
        ) from missing
    if not key:
        raise BadInputError(f"The key file {str(path)!r} is empty.", hint="Write the key of that provider into it.")
    return Secret(key)

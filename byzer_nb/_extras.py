"""Optional packages, asked for by the feature that needs them."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from byzer_nb.errors import MissingExtraError


def require(package: str, *, extra: str, why: str) -> ModuleType:
    """The imported package, or an error that says which extra brings it."""
    try:
        return import_module(package)
    except ModuleNotFoundError as missing:
        if missing.name is None or not (package + ".").startswith(missing.name + "."):
            raise  # the package is there and itself lacks something: its own words are clearer
        raise MissingExtraError(
            f"{why} needs {missing.name!r}, which is not installed.",
            hint=f'Run: pip install "byzer_nb[{extra}]"',
        ) from missing

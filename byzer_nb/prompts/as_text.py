"""How a value is written into a prompt."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

from byzer_nb.client.tagged import tagged
from byzer_nb.types import Picture, Sound

WHOLE = {("pandas", "DataFrame"), ("pandas", "Series"), ("numpy", "ndarray")}  # str() cuts these with dots


def as_text(value: Any) -> Any:  # Any: a value of the caller's
    """A data frame or an array whole, a picture or sound between its tags, everything else as Python prints it."""
    if isinstance(value, Picture | Sound):
        return tagged(value.url, "image" if isinstance(value, Picture) else "audio")
    kind = _whole(type(value))  # type: ignore[arg-type]  # mypy takes a class for unhashable
    if kind == "":
        return value
    if kind == "ndarray":
        import numpy as np

        return np.array2string(value, threshold=sys.maxsize)
    return value.to_string()


@lru_cache(maxsize=1024)
def _whole(cls: Any) -> str:
    """The class, one of `WHOLE`, that this one is or inherits from; none of these packages is imported for it."""
    for base in cls.__mro__:
        if (base.__module__.partition(".")[0], base.__name__) in WHOLE:
            return str(base.__name__)
    return ""

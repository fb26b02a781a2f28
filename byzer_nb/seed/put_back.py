"""Things that are changed for a while and then put back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["patch", "switch_cwd"]


@contextmanager
def switch_cwd(path: str | Path) -> Iterator[None]:
    """Work in another folder inside the `with`; the folder is that of the whole process, all threads included."""
    before = os.getcwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def patch(obj: Any, attr: str, val: Any) -> Iterator[None]:
    """Give an attribute that is there another value inside the `with`."""
    own = getattr(obj, "__dict__", {})
    is_own = attr in own
    before = own[attr] if is_own else getattr(obj, attr)  # of a class the method itself, and not what it binds to
    setattr(obj, attr, val)
    try:
        yield
    finally:
        if not is_own and attr in getattr(obj, "__dict__", {}):
            delattr(obj, attr)  # what it inherits shows again
        else:
            setattr(obj, attr, before)

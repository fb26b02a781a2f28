"""Small things that notebooks of the documents lean on: fingerprints, ids, and what a function prints or takes."""

from __future__ import annotations

import functools
import hashlib
import io
import time
import traceback
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from byzer_nb.errors import WrongTypeError

__all__ = [
    "exec_capture_output",
    "generate_file_md5",
    "generate_str_md5",
    "print_flush",
    "random_uuid",
    "timeit",
]

P = ParamSpec("P")
R = TypeVar("R")


def generate_str_md5(s: str) -> str:
    """The MD5 of a text in UTF-8: a fingerprint, and nothing that keeps a secret."""
    return hashlib.md5(s.encode("utf-8"), usedforsecurity=False).hexdigest()


def generate_file_md5(file_path: str | Path) -> str:
    """The MD5 of a file."""
    with open(file_path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def random_uuid() -> str:
    """An id that nothing else has: 32 hexadecimal digits."""
    return uuid.uuid4().hex


def print_flush(*args: object, **kwargs: Any) -> None:
    """`print` that shows its words at once."""
    print(*args, **{**kwargs, "flush": True})


def timeit(func: Callable[P, R]) -> Callable[P, R]:
    """A decorator that prints how long each call took."""

    @functools.wraps(func)
    def timed(*args: P.args, **kwargs: P.kwargs) -> R:
        started = time.monotonic()
        try:
            return func(*args, **kwargs)
        finally:
            print_flush(f"{getattr(func, '__name__', func)} took {time.monotonic() - started:.6f} s to complete")

    return timed


def exec_capture_output(func: Callable[[], Any], target_names: Iterable[str] = ()) -> tuple[int, str, Any]:
    """0, what a function printed, and its result; after an error 1, the traceback, and an empty dict.

    Args:
        func: a function without arguments. Code as text is not taken: it may be a model's, and would run in here.
        target_names: of a result that is a dict, only these names.
    """
    if not callable(func):
        raise WrongTypeError(
            f"exec_capture_output() takes a function, not a {type(func).__name__}: no code is run from text here.",
            hint="Put code of your own into a function.",
        )
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        try:
            result = func()
        except Exception:  # the traceback is the result
            return 1, traceback.format_exc(), {}
    names = tuple(target_names)
    if names and isinstance(result, Mapping):
        result = {name: result[name] for name in names if name in result}
    return 0, printed.getvalue(), result

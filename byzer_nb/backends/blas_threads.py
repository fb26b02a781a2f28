"""numpy's matrix library on one thread while a small model computes.

Measured on two shared cores with matrices of 768 x 256: reading 100 tokens takes 13 ms on one thread and up to 490 ms
on two, because threads that wait for each other by spinning wait long when other work holds a core.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np

_PREFIXES = ("scipy_openblas_", "openblas_")
_SUFFIXES = ("64_", "")

_lock = threading.Lock()
_inside = 0
_outside_threads = 0


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """One thread inside the block, the former number after it; a library that is not OpenBLAS is left alone.

    The number is the whole process's, so blocks in several threads are counted and the last one out restores it.
    """
    global _inside, _outside_threads
    library = _openblas()
    if library is None:
        yield
        return
    count, set_count = library
    with _lock:
        if _inside == 0:
            _outside_threads = count()
            set_count(1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                set_count(_outside_threads)


@cache
def _openblas() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """The functions that read and set the number of threads, in the library that numpy brought along."""
    home = Path(np.__file__).parent
    for folder in (home.parent / "numpy.libs", home / ".dylibs"):
        for path in sorted(folder.glob("*openblas*")):
            try:
                library = ctypes.CDLL(str(path))
            except OSError:
                continue  # not loadable here, so numpy does not use it either
            for prefix in _PREFIXES:
                for suffix in _SUFFIXES:
                    if hasattr(library, f"{prefix}set_num_threads{suffix}"):
                        return (
                            getattr(library, f"{prefix}get_num_threads{suffix}"),
                            getattr(library, f"{prefix}set_num_threads{suffix}"),
                        )
    return None

"""`import byzerllm` and `python -m byzerllm...` in a Python that has not loaded the alias yet: it is loaded now."""

from __future__ import annotations

import sys
from importlib import import_module

ROOT = "byzerllm"

if __name__ == ROOT:
    del sys.modules[ROOT]  # this stand-in, whose place the alias takes, or an original that is not on the path
    import_module("byzer_nb.seed.alias").install()
    import_module(ROOT)

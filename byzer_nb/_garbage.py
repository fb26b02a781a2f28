"""Python's search for circles of garbage, kept from holding up answers."""

from __future__ import annotations

import gc

THRESHOLDS = (20_000, 20, 20)  # the usual 700 make a busy server search at every other request


def keep_what_is_loaded() -> None:
    """Take modules and weights out of what is searched, and search less often; for processes that only serve."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
